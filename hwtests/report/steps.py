# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened, step by step?  The observed and the allowed trace of one result side by side, with its promises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hwtests.report.text import fields
from hwtests.results import Difference, PromiseResult, Result
from hwtests.trace import Line, Trace, TraceError, read_trace


@dataclass(frozen=True, slots=True)
class Step:
    """One call: texts of what was observed and what is allowed, the rules behind it, promises and differences."""

    line: int
    text: str
    observed: list[str]
    allowed: list[str]
    rules: list[str]
    choice: list[str]
    promises: list[PromiseResult]
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a result. `rest` are differences and promises of no single call; `note` says what is missing."""

    steps: list[Step]
    promises: list[PromiseResult]
    differences: list[Difference]
    klog: list[str]
    note: str
    text: str


def steps_of(result: Result, directory: Path) -> Steps:
    """The steps that a result's traces tell of; a trace that is gone is said in `note`."""
    notes: list[str] = []
    observed = _trace(directory, result.trace, notes)
    allowed = _trace(directory, result.allowed, notes)
    lines: dict[int, Line] = {}
    for trace in (allowed, observed):
        if trace is not None:
            lines.update((line.op, line) for line in trace.lines)
    seen = {line.op: line for line in observed.lines} if observed else {}
    may = {line.op: line for line in allowed.lines} if allowed else {}
    steps = [
        Step(
            line=line.line,
            text=f"{line.process}: {line.text}" if line.process else line.text,
            observed=fields(seen[op].obs) if op in seen else [],
            allowed=fields(may[op].obs) if op in may else [],
            rules=may[op].rules if op in may else [],
            choice=fields(may[op].choice) if op in may else [],
            promises=[promise for promise in result.promises if promise.op == op],
            differences=[difference for difference in result.differences if difference.op == op],
        )
        for op, line in sorted(lines.items())
    ]
    either = observed or allowed
    return Steps(
        steps=steps,
        promises=[promise for promise in result.promises if promise.op not in lines],
        differences=[difference for difference in result.differences if difference.op not in lines],
        klog=observed.end.klog if observed and observed.end else [],
        note="; ".join(notes),
        text=either.header.program.text if either else "",
    )


def _trace(directory: Path, name: str, notes: list[str]) -> Trace | None:
    if not name:
        return None
    try:
        return read_trace(directory / name)
    except TraceError as error:
        notes.append(str(error))
        return None
