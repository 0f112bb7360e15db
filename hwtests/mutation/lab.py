# SPDX-License-Identifier: GPL-2.0-or-later
"""What does it take to judge mutants?  The sources, their mutants, and the table of all that can kill one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from random import Random

from hwtests.errors import UsageError
from hwtests.mutation import hints
from hwtests.mutation.cases import ByVectors, Case, catalogue_cases, golden_cases, in_turns
from hwtests.mutation.killing import Fate, fate_of
from hwtests.mutation.mutant import PROFILES, Mutant
from hwtests.mutation.sites import Source, files, mutants_of, read_sources
from hwtests.mutation.table import Table, Tell, build
from hwtests.mutation.words import word_mutants
from hwtests.mutation.workers import each
from hwtests.plan import Selected
from hwtests.recorded import read_recordings
from hwtests.selection import select


@dataclass(frozen=True)
class Asked:
    """Which mutants, and what shall try to kill them: the options of the command."""

    files: Sequence[str] = ()
    functions: Sequence[str] = ()
    sample: int = 0  # 0: all
    seed: int = 0
    programs: Sequence[str] = ()
    golden: int = 0  # records a kernel
    thorough: bool = False  # Table.reaching()


class Lab:
    """Everything that judging needs, made when it is needed."""

    def __init__(self, asked: Asked, tell: Tell) -> None:
        self.asked = asked
        self.tell = tell
        self.sources: list[Source] = read_sources(files())

    @cached_property
    def mutants(self) -> list[Mutant]:
        """The mutants asked for, in the order of the files. Raises UsageError for a word that means none."""
        found = [mutant for source in self.sources for mutant in mutants_of(source)] + list(word_mutants())
        for wanted, of in ((self.asked.files, _file), (self.asked.functions, _function)):
            there = {of(mutant) for mutant in found}
            if lacking := [name for name in wanted if name not in there]:
                raise UsageError(f"no mutant of {lacking[0]!r}; there are those of {', '.join(sorted(there))}")
            found = [mutant for mutant in found if not wanted or of(mutant) in wanted]
        if 0 < self.asked.sample < len(found):
            chosen = set(Random(self.asked.seed).sample(range(len(found)), self.asked.sample))
            found = [mutant for number, mutant in enumerate(found) if number in chosen]
        return found

    @property
    def whole(self) -> bool:
        """Are all mutants of the files asked for, and all that can kill them?"""
        return not (self.asked.functions or self.asked.sample or self.asked.programs)

    @cached_property
    def programs(self) -> list[Selected]:
        return [Selected.read(name, path) for name, path in select(self.asked.programs).items()]

    @cached_property
    def table(self) -> Table:
        """What can kill a mutant, and what each of it reaches."""
        self.tell("reading the recorded traces")
        cases: list[Case] = list(catalogue_cases(self.programs, read_recordings()))
        cases += [ByVectors(case) for case in cases]
        if self.asked.golden and not self.asked.programs:
            cases += _some(list(golden_cases()), self.asked.golden)
        return build(in_turns(cases), self.sources, self.tell)

    def fates(self, jobs: int, wanted: int = 1) -> Iterator[tuple[Mutant, Fate]]:
        """The fate of each mutant asked for, as they become known."""
        return self.fates_of(self.mutants, jobs, wanted)

    def fates_of(self, mutants: Sequence[Mutant], jobs: int, wanted: int = 1) -> Iterator[tuple[Mutant, Fate]]:
        """The fate of each of these; what killed one is tried first when it comes again."""
        known = hints.read()
        table = self.table
        table.warm()
        for mutant, fate in each(mutants, partial(_judge, table, wanted, known, self.asked.thorough), jobs):
            known[str(mutant.key)] = [one.case for one in fate.killed] or known.get(str(mutant.key), [])
            yield mutant, fate
        hints.write(known)


def _judge(table: Table, wanted: int, known: dict[str, list[str]], thorough: bool, mutant: Mutant) -> Fate:
    return fate_of(mutant, table, wanted, known.get(str(mutant.key), ()), thorough=thorough)


def _file(mutant: Mutant) -> str:
    return mutant.key.file


def _function(mutant: Mutant) -> str:
    return mutant.key.function


def _some(cases: Sequence[Case], most: int) -> list[Case]:
    # Of every kernel as many, spread by the order in which they would be tried.
    taken: dict[str, int] = {}
    found = []
    for case in in_turns(cases):
        taken[case.profile] = taken.get(case.profile, 0) + 1
        if taken[case.profile] <= most:
            found.append(case)
    return found


def file_names(mutants: Collection[Mutant]) -> list[str]:
    """The files of these mutants, the words last."""
    return sorted({mutant.key.file for mutant in mutants}, key=lambda name: (name == PROFILES, name))
