# SPDX-License-Identifier: GPL-2.0-or-later
"""To what does a trace come?  The observed trace alone names its program, its regions and its kernel; from these the
simulator's trace is made, and the judge holds the two together.

So a stored trace is judged again by a newer model with no hardware at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import msgspec

from hwtests.judge import Judgement, Verdict, judge, shown
from hwtests.language import compile_program, parse
from hwtests.language.nodes import Program
from hwtests.language.settings import region_settings
from hwtests.predict import predict
from hwtests.promises import Kept
from hwtests.regions.traits import RegionTraits, TraitsError
from hwtests.results import Difference, PromiseResult
from hwtests.trace import Header, Trace, TraceError
from simulator import Profile, profile_for

PAGE_SIZE = 4096  # bytes; every profile's
_TRAITS = {field.name for field in fields(RegionTraits)}


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement, with the simulator's trace that it was made against and the profile that chose it."""

    judgement: Judgement
    allowed: Trace | None
    profile: str = ""
    assumed: bool = False


def judge_trace(observed: Trace, program: Program | None = None) -> Judged:
    """Judge a trace against today's simulator. `program`: the one of the trace's header, where it is parsed already.

    Raises ProgramError or TraceError when the header's program or regions cannot be read.
    """
    header = observed.header
    if program is None:
        program = parse(header.program.text, header.program.name)
    if lacking := region_settings(program).keys() - header.regions.keys():
        raise TraceError(f"{header.program.name}: expected the header to hold region {min(lacking)}")
    if header.page_size != PAGE_SIZE:
        why = f"the simulator has pages of {PAGE_SIZE} bytes only, the kernel's have {header.page_size}"
        return Judged(Judgement(Verdict.ERROR, why), None)
    try:
        profile, assumed = profile_of(header)
    except ValueError as error:
        return Judged(Judgement(Verdict.ERROR, f"no profile for this kernel: {error}"), None)
    try:
        allowed = allowed_trace(program, header, profile, observed)
    except (TraceError, TraitsError):
        raise
    except Exception as error:  # what the simulator does not survive is pfnlab's fault, never the kernel's
        if observed.end is not None and observed.end.how == "crash":  # but the kernel's death is not hidden by it
            return Judged(judge(observed, None, program), None, profile.name, assumed)
        why = f"the simulator failed: {type(error).__name__}: {error}"
        return Judged(Judgement(Verdict.ERROR, why), None, profile.name, assumed)
    return Judged(judge(observed, allowed, program), allowed, profile.name, assumed)


def with_lines_of(trace: Trace, program: Program) -> Trace:
    """The trace as one of `program`, whose hash is the same: another comment puts the same calls on other lines."""
    pages = pages_of(trace.header)
    calls = compile_program(program, pages, trace.header.page_size).calls
    if all(line.line == call.line for line, call in zip(trace.lines, calls, strict=False)):
        return trace
    lines = [msgspec.structs.replace(line, line=call.line) for line, call in zip(trace.lines, calls, strict=False)]
    return Trace(trace.header, lines, trace.end)


def allowed_trace(program: Program, header: Header, profile: Profile, choices: Trace | None = None) -> Trace:
    """What the simulator allows a program whose circumstances `header` states."""
    traits = {name: traits_of(header, name) for name in header.regions}
    pages = pages_of(header)
    compiled = compile_program(program, pages, header.page_size)
    return predict(compiled, traits, profile, header, choices=choices)


def profile_of(header: Header) -> tuple[Profile, bool]:
    """The semantics to expect of the kernel that `header` names, and whether they are assumed. Raises ValueError."""
    return _profile(header.kernel.at, header.kernel.arch, tuple(sorted(header.config.items())))


@lru_cache(maxsize=64)
def _profile(level: str, arch: str, config: tuple[tuple[str, str], ...]) -> tuple[Profile, bool]:
    return profile_for(level, arch, dict(config))


def pages_of(header: Header) -> dict[str, int]:
    """How many pages each region has. Raises TraceError."""
    found = {name: region.get("pages", 1) for name, region in header.regions.items()}
    for name, pages in found.items():
        if type(pages) is not int or pages < 1:
            raise TraceError(f"{header.program.name}: region {name}: expected a number of pages, found {pages!r}")
    return found


def traits_of(header: Header, name: str) -> RegionTraits:
    """The traits that a header states of one of its regions. Raises TraceError."""
    said: Mapping[str, Any] = header.regions[name]
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in said.items() if key in _TRAITS
    }
    try:
        return msgspec.convert(values, RegionTraits)
    except (msgspec.ValidationError, TraitsError) as error:
        raise TraceError(f"{header.program.name}: region {name}: expected the traits of a region: {error}") from None


def differences_of(judgement: Judgement, trace: str = "") -> list[Difference]:
    """What results.jsonl says of each difference and broken promise; `trace`: on which trace, if not the result's."""
    found = [
        Difference(
            kind="unpredicted" if one.kind == "unpredicted" else "observation",
            line=one.line,
            op=one.op,
            text=one.text,
            field=one.field,
            observed="missing" if one.why == "missing" else shown(one.seen),
            allowed=[shown(value) for value in one.allowed],
            rules=list(one.rules),
            trace=trace,
        )
        for one in judgement.differences
    ]
    return found + [broken_promise(one, trace) for one in judgement.broken]


def rules_of(allowed: Trace | None) -> list[str]:
    """The rules that decided what the simulator allowed, each once, in the order of their names."""
    return sorted({rule for line in allowed.lines for rule in line.rules}) if allowed else []


def broken_promise(kept: Kept, trace: str = "") -> Difference:
    """A broken promise as a difference, and on which trace it is broken: the model is not its own judge."""
    where = " ".join(filter(None, [trace, f"the {kept.trace}'s trace"]))
    return Difference(
        kind="promise",
        line=kept.line,
        op=kept.op,
        text=kept.text,
        field=kept.field,
        observed=kept.found,
        allowed=[kept.promised],
        citation=kept.citation,
        trace=where,
    )


def promises_of(judgement: Judgement) -> list[PromiseResult]:
    """What became of each promise: one entry a promise, broken where either trace broke it."""
    found: dict[tuple[int, int], PromiseResult] = {}
    for kept in judgement.promises:
        key = (kept.op, kept.line)
        entry = found.get(key)
        found[key] = PromiseResult(
            line=kept.line,
            op=kept.op,
            text=f"{kept.field}={kept.promised}",
            held=worse(entry.held, kept.held) if entry else kept.held,
            citation=kept.citation,
            traces=(entry.traces if entry else 0) + (kept.held is not None),
        )
    return list(found.values())


def worse(first: bool | None, second: bool | None) -> bool | None:
    """A promise broken anywhere is broken; held anywhere else is held."""
    if first is False or second is False:
        return False
    return True if first or second else None
