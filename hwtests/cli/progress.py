# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a run shown while it goes?  A live line a target on a terminal, plain lines elsewhere, on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hwtests.results import Result

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

QUIET = ("agree", "skip")
EVERY = 5.0  # seconds between two plain lines that only say how far it has come
MOST = 10  # results of a target that are shown as they come; the rest is in the report


class Silent:
    """`--quiet`: nothing is shown."""

    def target(self, name: str, about: str, jobs: int) -> None: ...

    def result(self, result: Result) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


@dataclass
class Going:
    """How far a target has come."""

    name: str
    jobs: int
    started: float = field(default_factory=time.monotonic)
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return self.verdicts.total()

    def count(self, result: Result) -> str:
        """The line to show for this result; "" for none."""
        self.verdicts[result.verdict] += 1
        look = sum(count for verdict, count in self.verdicts.items() if verdict not in QUIET)
        if result.verdict in QUIET or look > MOST + 1:
            return ""
        return _line(result) if look <= MOST else f"{self.name}: there are more; the report has them all"

    def end(self) -> str:
        """What came of it, in one line."""
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.most_common())
        return f"{self.name}: {counts} in {time.monotonic() - self.started:.0f} s"


class Plain:
    """One line a target, one line a result that needs a look, now and then one that says how far all have come."""

    def __init__(self) -> None:
        self._going: dict[str, Going] = {}
        self._several = False
        self._said = time.monotonic()

    def target(self, name: str, about: str, jobs: int) -> None:
        self._several = self._several or bool(self._going)
        if jobs:
            self._going[name] = Going(name, jobs)
        self.note(f"{name}: {about}: {jobs} to run")
        self._said = time.monotonic()

    def result(self, result: Result) -> None:
        going = self._going.get(result.target)
        if going is None:
            return
        if line := going.count(result):
            self.note(line)
        if going.done >= going.jobs:
            del self._going[result.target]
            if self._several:
                self.note(going.end())
        elif time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            self.note(", ".join(f"{one.name}: {one.done} of {one.jobs}" for one in self._going.values()))

    def note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None: ...


class Live:
    """A bar for each target at hand; lines for what needs a look go above them.

    It starts with the first target: its thread must not be there while processes are made (hwtests/side_by_side.py).
    """

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._going: dict[str, tuple[Going, TaskID]] = {}

    def target(self, name: str, about: str, jobs: int) -> None:
        progress = self._started()
        self.note(f"{name}: {about}")
        if jobs:
            self._going[name] = (Going(name, jobs), progress.add_task(name, total=jobs))

    def result(self, result: Result) -> None:
        going, task = self._going.get(result.target, (None, None))
        if going is None or task is None:
            return
        progress = self._started()
        progress.advance(task)
        if line := going.count(result):
            self.note(line)
        if going.done >= going.jobs:
            del self._going[result.target]
            progress.remove_task(task)
            self.note(going.end())

    def note(self, text: str) -> None:
        if self._progress is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self._progress.console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _started(self) -> Progress:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")), highlight=False)
            columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, console=console, transient=True)
            self._progress.start()
        return self._progress


def progress(quiet: bool) -> Silent | Plain | Live:
    """What suits the place that standard error goes to."""
    if quiet:
        return Silent()
    return Live() if sys.stderr.isatty() else Plain()


def _line(result: Result) -> str:
    where = f" on {result.target} {result.region}".rstrip()
    what = result.differences[0].sentence() if result.differences else result.why
    return f"{result.verdict.upper()} {result.program}{where}: {what}"
