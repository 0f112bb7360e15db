# SPDX-License-Identifier: GPL-2.0-or-later
"""How do several targets run side by side?  In processes of their own, as many as there are cores.

A worker runs one target after the other and writes their traces and consoles itself; results and what run.json says go
to the first process, which alone writes results.jsonl and run.json. Judging is Python: threads would do it in turns.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

from hwtests.opening import cores
from hwtests.recorded import read_recordings
from hwtests.results import Result, ResultsDir
from hwtests.run import Run
from hwtests.targets.base import Target
from hwtests.targets.death import die_with

PATIENCE = 20.0  # seconds that a worker has to end its guest, when it is told to

_fork = multiprocessing.get_context("fork")


def on_one(run: Run, target: Target | str) -> None:
    """Run the programs on a target, or on the simulator."""
    if isinstance(target, str):
        run.on_sim(read_recordings())
    else:
        run.on_target(target)


class Line:
    """A worker's end of its pipe: `send` from any thread, and no message is torn when the worker is told to end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._sending = False  # in the main thread, where signals are handled
        self._asked = False

    def send(self, message: Any) -> None:
        main = threading.current_thread() is threading.main_thread()
        with self._lock:
            self._sending = main
            try:
                self._connection.send(message)
            finally:
                self._sending = False if main else self._sending
        if main and self._asked:
            raise KeyboardInterrupt

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: what is open is being closed
        self._asked = True
        if not self._sending:
            raise KeyboardInterrupt


class Sent(ResultsDir):
    """A worker's results directory: files are written to it, results and records sent to the first process."""

    def __init__(self, path: Path, send: Callable[[Any], None]) -> None:
        super().__init__(path)
        self._send = send

    def append(self, result: Result) -> None:
        self._send(("result", result))

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        self._send(("record", value))


class SentProgress:
    """A worker's progress. A result is shown by the first process when it keeps it."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send

    def target(self, name: str, about: str, jobs: int) -> None:
        self._send(("target", name, about, jobs))

    def result(self, result: Result) -> None: ...

    def note(self, text: str) -> None:
        self._send(("note", text))


class Workers:
    """Processes that run the targets. They are to be started while this process has no thread: they are forks of it."""

    def __init__(self, run: Run, targets: Sequence[Target | str], count: int) -> None:
        self._run = run
        self._targets = targets
        # The slowest first, so that none is left alone at the end.
        order = sorted(range(len(targets)), key=lambda at: -getattr(targets[at], "cost", 1.0))
        self._left = deque(order)
        self._busy: dict[Connection, int] = {}
        self._processes: dict[Connection, BaseProcess] = {}
        for _ in range(min(count, len(targets))):
            ours, theirs = _fork.Pipe()
            process = _fork.Process(target=self._work, args=(ours, theirs, os.getpid()))
            process.start()
            theirs.close()
            self._processes[ours] = process

    def run_all(self) -> None:
        """Until every target has its results. Raises what a worker could not do anything about."""
        for connection in list(self._processes):
            self._give(connection)
        while self._busy:
            for connection in _ready(self._busy):
                try:
                    self._heard(connection, connection.recv())
                except (EOFError, OSError):
                    self._lost(connection)

    def _give(self, connection: Connection) -> None:
        self._busy.pop(connection, None)
        if self._left:
            number = self._left.popleft()
            self._busy[connection] = number
            with suppress(OSError):  # then its end is seen
                connection.send(number)

    def _heard(self, connection: Connection, said: Any) -> None:
        match said:
            case ("result", result):
                self._run.keep(result)
            case ("record", value):
                self._run.learn(value)
            case ("target", name, about, jobs):
                self._run.progress.target(name, about, jobs)
            case ("note", text):
                self._run.progress.note(text)
            case ("failed", error):
                raise error
            case ("done",):
                self._give(connection)

    def _lost(self, connection: Connection) -> None:
        process = self._processes.pop(connection)
        process.join(PATIENCE)
        numbers = [self._busy.pop(connection)]
        if not self._processes:
            numbers += self._left
            self._left.clear()
        for number in numbers:
            target = self._targets[number]
            name = target if isinstance(target, str) else target.name
            self._run.lost(name, f"the process that ran {name} ended: {_ended(process.exitcode)}")

    def end(self) -> None:
        """Let none of them be left; the guests of one that is told to end, end with it."""
        for process in self._processes.values():
            process.terminate()
        self._last_words()
        for process in self._processes.values():
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()

    def _last_words(self) -> None:
        # A worker that is told to end may wait for us to take what it found out by then.
        until = time.monotonic() + PATIENCE
        open_ = list(self._processes)
        while open_ and (left := until - time.monotonic()) > 0:
            for connection in _ready(open_, left):
                try:
                    said = connection.recv()
                except (EOFError, OSError):
                    open_.remove(connection)
                    continue
                if said[0] in ("result", "record"):
                    self._heard(connection, said)

    # In the worker.

    def _work(self, ours: Connection, connection: Connection, parent: int) -> None:
        line = Line(connection)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's ^C is for the first process
        signal.signal(signal.SIGTERM, line.interrupt)
        die_with(parent)
        for other in (ours, *self._processes):  # or their ends would never be seen
            other.close()
        with suppress(KeyboardInterrupt, EOFError, OSError):
            while True:
                number = connection.recv()
                self._one(line.send, self._targets[number])
                line.send(("done",))

    def _one(self, send: Callable[[Any], None], target: Target | str) -> None:
        run = Run(
            self._run.request,
            Sent(self._run.kept.path, send),
            SentProgress(send),
            {"targets": [], "planned": []},
            done=self._run.done,
        )
        try:
            on_one(run, target)
        except Exception as error:
            frame = error.__traceback__
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            where = f" at {frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
            error.args = (f"{error}{where}",) if not isinstance(error, OSError) else error.args
            send(("failed", error))


@contextmanager
def workers(run: Run, targets: Sequence[Target | str]) -> Iterator[Workers | None]:
    """The workers of a run with several targets where there are several cores; else None."""
    count = cores()
    started = Workers(run, targets, count) if count > 1 and len(targets) > 1 else None
    try:
        yield started
    finally:
        if started is not None:
            started.end()


def _ready(connections: Iterable[Connection], timeout: float | None = None) -> list[Connection]:
    return [one for one in wait(list(connections), timeout) if isinstance(one, Connection)]


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"status {code}"
