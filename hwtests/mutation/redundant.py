# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs could go, and nothing would be lost?  What each is essential to, and those that are to nothing.

A program is essential to what it alone does: kill a mutant, exercise a rule on a profile with a region of some trait,
tell two values of a profile's word apart. The programs are dropped one at a time: of two that do the same, both are
redundant, and when one is gone the other is not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from hwtests.kernels.cache import cache_folder
from hwtests.mutation.cases import Simulated
from hwtests.mutation.lab import Lab
from hwtests.mutation.mutant import Mutant
from hwtests.mutation.table import contents
from hwtests.regions.traits import RegionTraits
from simulator import Region

ENOUGH = 2  # programs: what two can do, neither is essential to
KEPT_EVERY = 100  # mutants
TRAITS = [field.name for field in dataclasses.fields(Region) if field.name in RegionTraits.__dataclass_fields__]

Essential: TypeAlias = dict[str, str]  # program -> one thing that it alone does


class Row(msgspec.Struct, frozen=True):
    """What was found of one mutant: up to two programs that kill it, and that see a difference."""

    killed: list[str]
    tells: list[str]


def exercised(lab: Lab) -> Essential:
    """Programs that alone exercise some rule on a profile with a region of some trait."""
    who: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for case in lab.table.cases:
        if isinstance(case, Simulated):
            try:
                rules = {rule for line in case.trace().lines for rule in line.rules}
            except Exception:  # the simulator does not survive it: the table has said so
                continue
            for trait in traits_of(case):
                for rule in rules:
                    who[rule, trait, case.profile].add(case.program)
    alone = ((next(iter(programs)), what) for what, programs in sorted(who.items()) if len(programs) == 1)
    return {program: f"exercises {rule} with {trait} on {profile}" for program, (rule, trait, profile) in alone}


def traits_of(case: Simulated) -> set[str]:
    """The traits that decide something in the simulator, of a case's regions: `insert=fault`; `none` for no region."""
    found = {f"{name}={_shown(getattr(one, name))}" for one in case.bound.values() for name in TRAITS}
    return found or {"none"}


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def told_by_mutants(lab: Lab, candidates: set[str], jobs: int) -> Iterator[tuple[str, str]]:
    """(program, what it alone does) of these candidates, mutant by mutant, until each has been named or all are done.

    What was found of a mutant is kept while the simulator, the catalogue and the recordings stay as they are.
    """
    file = _matrix_file()
    known = _read(file)
    wanted = set(candidates)
    fresh = []
    for mutant in _promising(lab, candidates):
        if str(mutant.key) in known:
            yield from _alone(mutant, known[str(mutant.key)], wanted)
        else:
            fresh.append(mutant)
    lab.tell(f"{len(wanted)} programs to find an essential use of; {len(fresh)} mutants to ask")
    for done, (mutant, fate) in enumerate(lab.fates_of(fresh, jobs, ENOUGH) if wanted else (), 1):
        known[str(mutant.key)] = Row(fate.programs, fate.tells)
        yield from _alone(mutant, known[str(mutant.key)], wanted)
        if not done % KEPT_EVERY or not wanted:
            _write(file, known)
            lab.tell(f"{done} of {len(fresh)} mutants, {len(wanted)} programs left")
        if not wanted:
            return
    _write(file, known)


def _promising(lab: Lab, candidates: set[str]) -> list[Mutant]:
    # Mutants that a candidate reaches, those first that few programs reach.
    found = []
    for mutant in lab.mutants:
        programs = {lab.table.cases[index].program for index in lab.table.reaching(mutant)} - {""}
        if programs & candidates:
            found.append((len(programs), mutant))
    return [mutant for _, mutant in sorted(found, key=lambda one: one[0])]


def _alone(mutant: Mutant, row: Row, wanted: set[str]) -> Iterator[tuple[str, str]]:
    for programs, does in ((row.killed, "kills"), (row.tells if mutant.kind == "word" else [], "tells")):
        if len(programs) == 1 and programs[0] in wanted:
            wanted.discard(programs[0])
            yield programs[0], f"{does} {mutant.key}"


def _matrix_file() -> Path:
    name = hashlib.sha256(contents().encode()).hexdigest()[:20]
    return cache_folder() / "mutants" / f"{name}.matrix"


def _read(file: Path) -> dict[str, Row]:
    return msgspec.msgpack.decode(file.read_bytes(), type=dict[str, Row]) if file.exists() else {}


def _write(file: Path, known: Mapping[str, Row]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(f".{os.getpid()}")
    aside.write_bytes(msgspec.msgpack.encode(dict(known)))
    os.replace(aside, file)
    for old in sorted(file.parent.glob("*.matrix"), key=lambda path: path.stat().st_mtime)[:-3]:
        old.unlink(missing_ok=True)
