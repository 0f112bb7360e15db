# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs kill a mutant?  Asked of the mutant itself: it is this process.

A case kills when something is wrong with it that was not before: a promise breaks, a recorded trace that was accepted
no longer is, or the simulator fails, or does not end. A program kills, too, when none of its simulated traces cites a
rule any more that the program's `rule` line names.
"""

from __future__ import annotations

import resource
import signal
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import msgspec

from hwtests.mutation.cases import SIMULATED, Case, Said
from hwtests.mutation.live import apply
from hwtests.mutation.mutant import Mutant
from hwtests.mutation.table import Table, ask

PER_CASE = 2.0  # seconds of CPU time: an ordinary case takes a thousandth of it
MEMORY = (
    9 << 30
)  # bytes beyond what the process has: a simulated machine is 6 GB of addresses, and an endless list ends here


class Killed(msgspec.Struct, frozen=True):
    """`program` is "" for a golden record."""

    program: str
    case: str
    why: str


class Fate(msgspec.Struct, frozen=True):
    """What became of a mutant. `reached`: how many cases execute what was changed; `tried`: how many were asked;
    `tells`: programs whose simulated traces differ (asked for words only); `error`: it could not be made."""

    killed: list[Killed]
    reached: int
    tried: int
    tells: list[str] = []
    error: str = ""

    @property
    def programs(self) -> list[str]:
        return [one.program for one in self.killed if one.program]


class Endless(BaseException):
    """A case took too long."""


def fate_of(
    mutant: Mutant, table: Table, wanted: int = 1, hints: Iterable[str] = (), *, thorough: bool = False
) -> Fate:
    """Become the mutant, and try the cases until `wanted` different programs have killed it, or one golden record.

    `hints`: labels of cases, or names of programs, to be tried first; `thorough` as in Table.reaching().
    This process is of no other use afterwards.
    """
    reaching = table.reaching(mutant, thorough=True)
    chosen = reaching if thorough else table.reaching(mutant)
    if not reaching:
        return Fate([], 0, 0)
    try:
        apply(mutant)
    except Exception as error:
        return Fate([], len(reaching), 0, [], f"{type(error).__name__}: {error}")
    _limit()
    trial = _Trial(table, mutant, wanted, left_out=set(reaching).difference(chosen))
    for index in _order(chosen, table, mutant, frozenset(hints)):
        trial.ask(index)
        if trial.over:
            break
    else:
        trial.rules_lost()
    return Fate(trial.killed, len(reaching), trial.tried, trial.tells)


class _Trial:
    def __init__(self, table: Table, mutant: Mutant, wanted: int, left_out: Collection[int]) -> None:
        self.table, self.mutant, self.wanted = table, mutant, wanted
        self.killed: list[Killed] = []
        self.tells: list[str] = []
        self.tried = 0
        # How many traces of a program cite a rule, page by page and by vectors.
        self.cited: Counter[tuple[str, bool, str]] = Counter()
        for index in range(len(table.cases)):
            if index not in left_out:
                self.cited.update(self._citing(index, table.known[index].cited))
        self.cited_before = dict(self.cited)

    @property
    def over(self) -> bool:
        """Has it been killed by as many as are wanted, and by a golden record only where no program did?"""
        enough = len(self.killed) >= self.wanted
        return (enough and not self._wants_tells) or any(not one.program for one in self.killed)

    @property
    def _wants_tells(self) -> bool:
        # What a word makes different is asked for with the programs, by `pfnlab programs --redundant`.
        return self.mutant.kind == "word" and self.wanted > 1 and len(self.tells) < self.wanted

    def ask(self, index: int) -> None:
        """Try one case, unless it could add nothing."""
        case, known = self.table.cases[index], self.table.known[index]
        killers = {one.program for one in self.killed}
        if case.program in killers and not (self._wants_tells and case.kind == SIMULATED):
            return
        if not case.program and self.killed:  # a golden record is asked where no program tells
            return
        self.tried += 1
        said = within(PER_CASE, case)
        if said.wrong and case.program not in killers and len(self.killed) < self.wanted:
            self.killed.append(Killed(case.program, case.label, said.wrong))
        if case.kind == SIMULATED:
            self.cited.update(self._citing(index, said.cited - known.cited))
            self.cited.subtract(self._citing(index, known.cited - said.cited))
            if said.seen != known.seen and case.program not in self.tells:
                self.tells.append(case.program)

    def rules_lost(self) -> None:
        """Only when all have been asked is it known that none cites a rule."""
        killers = {one.program for one in self.killed}
        for program, by_vectors, rule in sorted(where for where in self.cited_before if not self.cited[where]):
            if program not in killers and len(self.killed) < self.wanted:
                how = " by vectors" if by_vectors else ""
                self.killed.append(Killed(program, program, f"no trace{how} cites {rule}"))
                killers.add(program)

    def _citing(self, index: int, rules: Iterable[str]) -> list[tuple[str, bool, str]]:
        return [(self.table.cases[index].program, bool(self.table.twin[index] >= 0), rule) for rule in rules]


def _order(chosen: Sequence[int], table: Table, mutant: Mutant, hints: frozenset[str]) -> Iterator[int]:
    if mutant.kind == "rule" and mutant.rule:  # nothing but the citation is lost: the programs that name it tell
        yield from (index for index in chosen if mutant.rule in table.known[index].cited)
        return
    first = [index for index in chosen if hints & {table.cases[index].label, table.cases[index].program}]
    yield from first
    done = set(first)
    yield from (index for index in chosen if index not in done)


def within(seconds: float, case: Case) -> Said:
    """What the case says; one that takes more CPU time than this does not end."""
    signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return ask(case)
    except Endless:
        return Said("the simulator does not end")
    except MemoryError:
        return Said("the simulator takes all memory")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise Endless


def _limit() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
