# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a run shown while it goes?  A live line on a terminal, plain lines elsewhere, on standard error."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from hwtests.results import Result

if TYPE_CHECKING:
    from rich.progress import TaskID

QUIET = ("agree", "skip")
EVERY = 5.0  # seconds between two plain lines that only say how far it has come


class Silent:
    """`--quiet`: nothing is shown."""

    def target(self, name: str, about: str, jobs: int) -> None: ...

    def result(self, result: Result) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class Plain:
    """One line a target, one line a result that needs a look, now and then one that says how far it has come."""

    def __init__(self) -> None:
        self._name = ""
        self._jobs = self._done = 0
        self._said = time.monotonic()

    def target(self, name: str, about: str, jobs: int) -> None:
        self._name, self._jobs, self._done = name, jobs, 0
        self.note(f"{name}: {about}: {jobs} to run")
        self._said = time.monotonic()

    def result(self, result: Result) -> None:
        self._done += 1
        if result.verdict not in QUIET:
            self.note(_line(result))
        elif time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            self.note(f"{self._name}: {self._done} of {self._jobs}")

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None: ...


class Live:
    """A bar for the target at hand; lines for what needs a look go above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._progress.start()
        self._task: TaskID | None = None

    def target(self, name: str, about: str, jobs: int) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self.note(f"{name}: {about}")
        self._task = self._progress.add_task(name, total=jobs)

    def result(self, result: Result) -> None:
        if self._task is not None:
            self._progress.advance(self._task)
        if result.verdict not in QUIET:
            self.note(_line(result))

    def note(self, text: str) -> None:
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        self._progress.stop()


def progress(quiet: bool) -> Silent | Plain | Live:
    """What suits the place that standard error goes to."""
    if quiet:
        return Silent()
    return Live() if sys.stderr.isatty() else Plain()


def _line(result: Result) -> str:
    where = f" on {result.target} {result.region}".rstrip()
    what = result.differences[0].sentence() if result.differences else result.why
    return f"{result.verdict.upper()} {result.program}{where}: {what}"
