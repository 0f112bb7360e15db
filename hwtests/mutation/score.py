# SPDX-License-Identifier: GPL-2.0-or-later
"""How many mutants are killed?  By file, raw and without those that are argued to change nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hwtests.mutation.killing import Fate
from hwtests.mutation.mutant import Key, Mutant


@dataclass
class Score:
    """Counts; a mutant that could not be made is among the survivors."""

    mutants: int = 0
    killed: int = 0
    argued: int = 0

    @property
    def survived(self) -> int:
        """Neither killed nor argued."""
        return self.mutants - self.killed - self.argued

    @property
    def raw(self) -> float:
        """Per cent of all mutants."""
        return 100 * self.killed / self.mutants if self.mutants else 100.0

    @property
    def net(self) -> float:
        """Per cent of those that are not argued."""
        tellable = self.mutants - self.argued
        return 100 * self.killed / tellable if tellable else 100.0

    def count(self, killed: bool, argued: bool) -> None:
        self.mutants += 1
        self.killed += killed
        self.argued += argued and not killed

    def row(self, name: str) -> dict[str, Any]:
        return {
            "file": name, "mutants": self.mutants, "killed": self.killed, "argued": self.argued,
            "survived": self.survived, "raw": round(self.raw, 1), "net": round(self.net, 1),
        }  # fmt: skip


def scores(fates: Iterable[tuple[Mutant, Fate]], argued: Collection[Key]) -> tuple[Score, Mapping[str, Score]]:
    """Of all, and by file."""
    total, by_file = Score(), dict[str, Score]()
    for mutant, fate in fates:
        for score in (total, by_file.setdefault(mutant.key.file, Score())):
            score.count(bool(fate.killed), mutant.key in argued)
    return total, by_file


def row_of(mutant: Mutant, fate: Fate, why: str) -> dict[str, Any]:
    """What `--json` says of one mutant."""
    return {
        **mutant.key._asdict(), "kind": mutant.kind, "line": mutant.line,
        "fate": "killed" if fate.killed else "argued" if why else "survived",
        "by": [one.case for one in fate.killed], "why": fate.killed[0].why if fate.killed else why or fate.error,
        "reached": fate.reached, "tried": fate.tried,
    }  # fmt: skip
