# SPDX-License-Identifier: GPL-2.0-or-later
"""What is there to kill a mutant with?  A program simulated in one circumstance, a recorded trace, a golden record.

A case says what is wrong with the simulator as it is now: "" for nothing. Its answer depends on nothing but the
simulator, so that what it says of a mutant and did not say before is the mutant's.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import msgspec

from hwtests.language.nodes import Program
from hwtests.language.settings import program_rules
from hwtests.on_sim import Shown, circumstances
from hwtests.plan import Selected
from hwtests.promises import check_promises
from hwtests.recorded import Recording
from hwtests.regions.traits import RegionTraits
from hwtests.simulated import Prepared
from hwtests.trace import Trace
from hwtests.verdict import judge_trace, profile_of, with_lines_of
from simulator import Profile

_encode = msgspec.json.Encoder().encode
LIMIT = "SCALAR_PAGES"  # of the simulator: up to so many pages one by one, beyond by vectors
SIMULATED, RECORDED, GOLDEN = "simulated", "recorded", "golden"


@dataclass(frozen=True, slots=True)
class Said:
    """What a case saw. `wrong`: one line, "" when all is well; `cited`: of the rules that the program names, those
    that its trace cites; `seen`: a hash of what was observed."""

    wrong: str = ""
    cited: frozenset[str] = frozenset()
    seen: int = 0


class Case(Protocol):
    """`program` is "" for a golden record, which is no program of the catalogue; `profile` of the simulator."""

    @property
    def kind(self) -> str: ...
    @property
    def program(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def profile(self) -> str: ...
    def run(self) -> Said: ...


@dataclass(frozen=True)
class Simulated:
    """A program of the catalogue on one profile, with regions of one kind."""

    prepared: Prepared
    on: Profile
    bound: Mapping[str, RegionTraits]
    kind = SIMULATED

    @property
    def program(self) -> str:
        return self.prepared.name

    @property
    def profile(self) -> str:
        return self.on.name

    @property
    def kinds(self) -> str:
        return " ".join(traits.kind for traits in self.bound.values())

    @property
    def label(self) -> str:
        return f"{self.program} simulated on {' '.join(filter(None, [self.on.name, self.kinds]))}"

    def trace(self) -> Trace:
        return self.prepared.simulate(self.on, self.bound)

    def run(self) -> Said:
        trace = self.trace()
        broken = (one for one in check_promises(self.prepared.compiled, trace, "simulator") if one.held is False)
        first = next(broken, None)
        cited = {rule for line in trace.lines for rule in line.rules}
        return Said(
            f"promise broken, line {first.line}: {first.field}={first.found}" if first else "",
            frozenset(cited.intersection(program_rules(self.prepared.program))),
            seen(trace),
        )


@dataclass(frozen=True)
class Recorded:
    """What a real kernel did with a program of the catalogue."""

    on: Program
    trace: Trace
    where: str
    profile: str
    kind = RECORDED

    @property
    def program(self) -> str:
        return self.trace.header.program.name

    @property
    def label(self) -> str:
        return f"{self.program} recorded on {self.where}"

    def run(self) -> Said:
        judgement = judge_trace(self.trace, self.on).judgement
        return Said("" if judgement.verdict == "agree" else judgement.why or judgement.verdict.value)


@dataclass(frozen=True)
class Golden:
    """What one of the thirteen kernels of the golden records did with a program that is not the catalogue's."""

    kernel: str
    record: Any  # hwtests.golden.records.Record; the golden records are no part of the package
    profile: str
    kind = GOLDEN
    program = ""

    @property
    def label(self) -> str:
        return f"golden record {self.record.name} of {self.kernel}"

    def run(self) -> Said:
        from hwtests.golden.check import check_record

        found = check_record(self.kernel, self.record).differences
        return Said(str(found[0]) if found else "")


@dataclass(frozen=True)
class ByVectors:
    """A case in which no mapping is too small for the simulator's second way of doing things: page tables as vectors.

    What it does of large mappings must be what it does of small ones, page by page, and no real region is that large.
    """

    case: Case

    @property
    def kind(self) -> str:
        return self.case.kind

    @property
    def program(self) -> str:
        return self.case.program

    @property
    def profile(self) -> str:
        return self.case.profile

    @property
    def label(self) -> str:
        return f"{self.case.label}, by vectors"

    def run(self) -> Said:
        modules = [module for name, module in sys.modules.items() if name.startswith("simulator.")]
        before = [(module, vars(module)[LIMIT]) for module in modules if LIMIT in vars(module)]
        try:
            for module, _ in before:
                setattr(module, LIMIT, 0)
            return self.case.run()
        finally:
            for module, limit in before:
                setattr(module, LIMIT, limit)


def seen(trace: Trace) -> int:
    """A hash of all that was observed, rules aside."""
    klog = trace.end.klog if trace.end else []
    return zlib.crc32(_encode([[line.obs for line in trace.lines], klog]))


def catalogue_cases(programs: Sequence[Selected], recordings: Sequence[Recording]) -> Iterator[Case]:
    """The simulated and the recorded cases of these programs; recorded traces of another text aside."""
    for selected in programs:
        prepared = Prepared(selected.name, selected.program)
        for profile, bound in circumstances(prepared, Shown(), ()):
            yield Simulated(prepared, profile, dict(bound))
        for recording in recordings:
            trace = recording.traces.get(selected.name)
            if trace is not None and trace.header.program.hash == selected.program.hash:
                where = recording.label
                on = profile_of(trace.header)[0].name
                yield Recorded(selected.program, with_lines_of(trace, selected.program), where, on)


def golden_cases() -> Iterator[Case]:
    """Every golden record that is reproduced; none where they are not (they are no part of the package)."""
    if find_spec("hwtests.golden") is None:
        return
    from hwtests.golden.check import known
    from hwtests.golden.records import PROFILES, records

    for kernel, profile in PROFILES.items():
        excepted = {name for one in known(kernel) for name in one.records}
        for record in records(kernel):
            if record.name not in excepted:
                yield Golden(kernel, record, profile)


def in_turns(cases: Sequence[Case]) -> list[Case]:
    """An order in which what kills is met soon: programs in turns, and of each its circumstances in no order."""
    turn: dict[tuple[str, str], int] = {}
    placed = []
    for case in sorted(cases, key=lambda case: zlib.crc32(case.label.encode())):
        which = (case.kind, case.program or case.profile)
        turn[which] = turn.get(which, 0) + 1
        placed.append(((case.kind == GOLDEN, turn[which]), case))
    return [case for _, case in sorted(placed, key=lambda one: one[0])]
