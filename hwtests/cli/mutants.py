# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab mutants`: would the catalogue see it if the simulator were wrong?"""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace

from hwtests.listing import print_rows
from hwtests.mutation.killing import Fate
from hwtests.mutation.lab import Asked, Lab, file_names
from hwtests.mutation.mutant import Mutant
from hwtests.mutation.score import row_of, scores
from hwtests.mutation.survivors import read_argued, stale

EVERY = 5.0  # seconds between two words of progress
COLUMNS = ("file", "mutants", "killed", "argued", "survived", "raw", "net")


def main(arguments: Namespace) -> int:
    asked = Asked(
        arguments.file,
        arguments.function,
        arguments.sample,
        arguments.seed,
        arguments.programs,
        arguments.golden,
        arguments.thorough,
    )
    lab = Lab(asked, say)
    if arguments.list:
        rows = [{**one.key._asdict(), "kind": one.kind, "line": one.line, "where": one.where} for one in lab.mutants]
        print_rows(rows, ("where", "kind", "before", "after"), arguments.json)
        return 0
    argued = read_argued()
    for case, why in lab.table.wrong():
        say(f"not used, wrong as it is: {case.label}: {why}")
    fates = judged(lab, arguments.jobs)
    total, by_file = scores(fates, argued)
    there = {mutant.key for mutant, _ in fates}
    killed = {mutant.key for mutant, fate in fates if fate.killed}
    wrong = stale(argued, there, killed, file_names(lab.mutants)) if lab.whole else []
    rows = [row_of(mutant, fate, argued.get(mutant.key, "")) for mutant, fate in fates]
    table = [by_file[name].row(name) for name in file_names(lab.mutants)] + [total.row("all")]
    if arguments.json:
        json.dump({"scores": table, "stale": wrong, "mutants": rows}, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        _print_survivors(fates, {mutant.key for mutant, _ in fates if mutant.key in argued})
        print_rows([dict(zip(COLUMNS, COLUMNS, strict=True)), *table], COLUMNS, False)
        print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if total.survived or wrong else 0


def judged(lab: Lab, jobs: int, wanted: int = 1) -> list[tuple[Mutant, Fate]]:
    """All fates, in the order of the mutants; how far it has come is said on standard error."""
    started = said = time.monotonic()
    fates: dict[int, Fate] = {}
    survived = 0
    for mutant, fate in lab.fates(jobs, wanted):
        fates[id(mutant)] = fate
        survived += not fate.killed
        if time.monotonic() - said > EVERY:
            said = time.monotonic()
            say(f"{len(fates)} of {len(lab.mutants)} mutants, {survived} alive, {said - started:.0f} s")
    say(f"{len(fates)} mutants in {time.monotonic() - started:.0f} s")
    return [(mutant, fates[id(mutant)]) for mutant in lab.mutants]


def say(text: str) -> None:
    print(text, file=sys.stderr)


def _print_survivors(fates: list[tuple[Mutant, Fate]], argued: set[object]) -> None:
    for mutant, fate in fates:
        if not fate.killed and mutant.key not in argued:
            reached = f"{fate.reached} cases reach it" if fate.reached else "no case reaches it"
            print(f"{mutant.where}: {mutant.key.function}: {fate.error or reached}")
            print(f"    - {mutant.key.before}\n    + {mutant.key.after}")
