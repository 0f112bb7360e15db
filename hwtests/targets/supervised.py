# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a guest's process started, watched and ended?  Through its supervisors, which outlive pfnlab by a moment.

psutil owns the process tree: a process is known by pid and creation time, so that a pid used again is never taken for
it, and "nothing left behind" can be asserted.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_SCRIPT = Path(__file__).with_name("supervisor.py")
_END = 10.0  # seconds that ending may take before processes are killed one by one


class Supervised:
    """A command under a supervisor and its deputy; `folder` is the run's own and is removed with it."""

    def __init__(
        self, command: Sequence[str], folder: Path, *, ids: tuple[int, int], cwd: Path,
        pass_fds: Sequence[int] = (), environment: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.folder = folder
        self.console_file = folder / "console"
        arguments = [str(folder), str(ids[0]), str(ids[1]), str(self.console_file), str(cwd), "--", *command]
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SCRIPT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
            env=dict(environment),
        )
        self._said = b""
        self._known: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            self._known.append(psutil.Process(self._supervisor.pid))

    def console(self) -> str:
        """What the guest's kernel has printed so far."""
        try:
            return self.console_file.read_text(errors="replace")
        except OSError:
            return ""

    def processes(self) -> list[psutil.Process]:
        """Of the supervisor, its deputy, the guest's first process and all that descends from them: those alive now."""
        with contextlib.suppress(psutil.Error):
            for process in self._known[0].children(recursive=True) if self._known else []:
                if process not in self._known:
                    self._known.append(process)
        return [process for process in self._known if process.is_running()]

    def ended(self, timeout: float) -> bool:
        """Whether the guest's process ends within `timeout` seconds."""
        until = time.monotonic() + timeout
        stream = self._supervisor.stdout
        assert stream is not None
        while b"exit" not in self._said:
            ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return False
            said = os.read(stream.fileno(), 4096)
            if not said:
                return True
            self._said += said
        return True

    def end(self) -> None:
        """Kill the guest with all its processes and remove the run folder. May be called more than once."""
        if self._supervisor.returncode is not None:
            return
        left = self.processes()
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.close()
        self._gone(_END)
        self._supervisor.kill()
        self._supervisor.wait()
        self._supervisor.stdout.close()
        # Where they were killed, or cannot do it, their work is done here.
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        until = time.monotonic() + _END
        while any(map(_runs, left)) and time.monotonic() < until:
            time.sleep(0.002)  # a process that was killed is there until it has given its memory back
        shutil.rmtree(self.folder, ignore_errors=True)

    def _gone(self, timeout: float) -> None:
        # Either of the supervisors does what is to be done: wait until both have closed their output.
        until = time.monotonic() + timeout
        stream = self._supervisor.stdout
        assert stream is not None
        while select.select([stream], [], [], max(0.0, until - time.monotonic()))[0]:
            if not os.read(stream.fileno(), 4096):
                return


def _runs(process: psutil.Process) -> bool:
    # An orphan that its new parent has not waited for yet does not run any more.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
