# SPDX-License-Identifier: GPL-2.0-or-later
"""Which golden records does the simulator reproduce, and where does it differ in the others?"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hwtests.golden.compare import Difference, differences
from hwtests.golden.convert import REGION, Converted, convert
from hwtests.golden.records import PROFILES, REGION_PAGES, Record, programs, records
from hwtests.language import compile_program, parse, print_program
from hwtests.language.nodes import Compiled
from hwtests.predict import predict
from hwtests.regions.traits import RegionTraits, load_traits
from hwtests.trace import Header, Kernel, ProgramId
from simulator import load_profile


@dataclass(frozen=True, slots=True)
class Checked:
    """A record beside the simulator's trace: where they differ, and the rules that the simulator cites."""

    record: Record
    differences: tuple[Difference, ...]
    rules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """Records that are known to differ, and why (exceptions.toml)."""

    cause: str
    records: frozenset[str]


@cache
def compiled(id: int) -> tuple[Converted, Compiled]:
    """A golden program, converted, through its own text, to numbered calls."""
    converted = convert(programs()[id])
    program = parse(print_program(converted.program), converted.program.path)
    return converted, compile_program(program, {REGION: REGION_PAGES})


@cache
def traits(kernel: str, region: str) -> RegionTraits:
    """What a golden region is like: /dev/mem over memory without struct pages, or over free RAM (data/FORMAT.md)."""
    kinds = load_traits()
    if region == "ram":
        return dataclasses.replace(kinds["uml-ram"], mapcount=0)  # free RAM, not the agent's own
    return kinds["uml-iomem" if kernel.startswith("uml-") else "hidden"]


def header(kernel: str, id: int) -> Header:
    """What a target would have written above the trace."""
    profile = load_profile(PROFILES[kernel])
    program = compiled(id)[1].program
    return Header(
        trace=1, program=ProgramId(program.path, program.hash, print_program(program)), target=f"golden:{kernel}",
        kernel=Kernel(profile.release, "", "x86_64", profile.arch), page_size=profile.page_size, uid=0, caps="all",
        tool="golden",
    )  # fmt: skip


def check(kernel: str, ids: Collection[int] = ()) -> Iterator[Checked]:
    """Every record of a kernel (or of these programs) beside the simulator's trace. Raises KeyError: no such kernel."""
    for record in records(kernel):
        if ids and record.id not in ids:
            continue
        yield check_record(kernel, record)


def check_record(kernel: str, record: Record) -> Checked:
    """One record of a kernel beside the simulator's trace. Raises KeyError: no such kernel."""
    converted, calls = compiled(record.id)
    profile = load_profile(PROFILES[kernel])
    allowed = predict(calls, {REGION: traits(kernel, record.region)}, profile, header(kernel, record.id))
    observed = [line.obs for line in allowed.lines]
    differ = tuple(differences(programs()[record.id], record, converted, calls, observed))
    return Checked(record, differ, frozenset(rule for line in allowed.lines for rule in line.rules))


def known(kernel: str, text: str | None = None) -> list[Known]:
    """The exceptions of a kernel, each with its cause; `text` in place of exceptions.toml."""
    if text is None:
        text = (files(__package__) / "exceptions.toml").read_text(encoding="utf-8")
    return [Known(e["cause"], frozenset(e["records"])) for e in tomllib.loads(text).get(kernel, [])]
