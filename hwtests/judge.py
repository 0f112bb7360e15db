# SPDX-License-Identifier: GPL-2.0-or-later
"""Is what a kernel did what it may do?  Reads traces and a program's promises, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hwtests.asked import void
from hwtests.language import compile_program
from hwtests.language.nodes import Compiled, Program
from hwtests.promises import Kept, check_promises
from hwtests.silent import no_disk
from hwtests.trace import Line, Trace

# Marks of a kernel that complains of itself: lib/bug.c, kernel/panic.c, mm/memory.c, the architectures' traps.
_COMPLAINTS = re.compile(
    r"BUG[: ]|kernel BUG|WARNING: |Oops|Kernel panic|general protection|Unable to handle kernel|Bad page |Bad pte |"
    r"Bad rss-counter|Bad pagetable|bogus page|Eeek!|Call Trace|soft lockup|hung task|self-detected stall|KASAN|UBSAN"
)


class Verdict(StrEnum):
    """Never two folded into one."""

    AGREE = "agree"
    MISMATCH = "mismatch"
    UNPREDICTED = "unpredicted"
    CRASH = "crash"
    TIMEOUT = "timeout"
    SKIP = "skip"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one observation that is outside what is allowed; `kind` `unpredicted`: the model is silent of it."""

    op: int
    line: int
    text: str
    field: str
    seen: Any
    allowed: tuple[Any, ...]
    rules: tuple[str, ...]
    kind: str = "mismatch"
    why: str = ""

    def __str__(self) -> str:
        if self.kind == "unpredicted":
            return f"unpredicted {self.field}={shown(self.seen)}; {self.why}"
        allowed = ", ".join(shown(value) for value in self.allowed)
        if self.seen is None and self.why == "missing":
            return f"missing {self.field}; allowed are only {{{allowed}}}"
        return f"unexpected {self.field}={shown(self.seen)}; allowed are only {{{allowed}}}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`why`: one line for people, empty when all agree. `klog`: the lines that no rule predicts."""

    verdict: Verdict
    why: str = ""
    differences: tuple[Difference, ...] = ()
    promises: tuple[Kept, ...] = ()
    klog: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[Kept, ...]:
        """The promises that were not kept."""
        return tuple(one for one in self.promises if one.held is False)


def judge(observed: Trace, allowed: Trace | None, program: Program) -> Judgement:
    """The verdict on what a kernel did (`observed`), against what the simulator allows (None: it was not asked)."""
    compiled = _compiled(program, observed)
    wrong = _unusable(observed, compiled, "observed") or (allowed and _unusable(allowed, compiled, "allowed"))
    if wrong:
        return Judgement(Verdict.ERROR, wrong)
    if ask := void(program, observed):
        return Judgement(Verdict.SKIP, f"the kernel did not choose as the program asks it to: {ask.text}")
    if missing := no_disk(program, observed):
        return Judgement(Verdict.SKIP, str(missing))
    differences = tuple(_differences(observed, allowed)) if allowed is not None else ()
    promises = check_promises(compiled, observed, "kernel")
    if allowed is not None:
        promises += check_promises(compiled, allowed, "simulator")
    klog = tuple(_unpredicted_klog(observed, allowed))
    verdict, why = _verdict(observed, allowed, differences, promises, klog)
    return Judgement(verdict, why, differences, tuple(promises), klog)


def _compiled(program: Program, observed: Trace) -> Compiled:
    pages = {name: int(traits.get("pages", 1)) for name, traits in observed.header.regions.items()}
    return compile_program(program, pages, observed.header.page_size)


def _unusable(trace: Trace, compiled: Compiled, name: str) -> str:
    # Why nothing follows from a trace; empty when it can be judged.
    if trace.header.program.hash != compiled.program.hash:
        hashes = f"hash {trace.header.program.hash}, the program's is {compiled.program.hash}"
        return f"{name} trace is of another text: {hashes}"
    if trace.end is None:
        return f"{name} trace is cut off after {len(trace.lines)} of {len(compiled.calls)} calls"
    if trace.end.how == "lost":
        return trace.end.why or f"the kernel was lost without a word, after {len(trace.lines)} calls"
    if trace.end.how == "moved":
        return trace.end.why or "the region's pages moved while the program ran"
    if trace.end.how == "done" and len(trace.lines) != len(compiled.calls):
        return f"{name} trace has {len(trace.lines)} calls, the program has {len(compiled.calls)}"
    if not compiled.calls:
        return "the program has no operations: nothing was seen"
    if len(trace.lines) > len(compiled.calls):
        return f"{name} trace has {len(trace.lines)} calls, the program has only {len(compiled.calls)}"
    for line, call in zip(trace.lines, compiled.calls, strict=False):
        if (line.op, line.line, line.text) != (call.index, call.line, call.text):
            its = f"'{line.text}' (line {line.line})"
            return f"{name} trace: call {line.op} is {its}, expected '{call.text}' ({call.line})"
    return ""


def _verdict(
    observed: Trace,
    allowed: Trace | None,
    differences: tuple[Difference, ...],
    promises: list[Kept],
    klog: tuple[str, ...],
) -> tuple[Verdict, str]:
    end = observed.end
    if end is not None and end.how == "crash":
        return Verdict.CRASH, end.why or "the kernel died"
    if klog:
        return Verdict.CRASH, f"the kernel's log has what no rule predicts: {klog[0]}"
    if end is not None and end.taint and not (allowed and allowed.end and (allowed.end.klog or allowed.end.taint)):
        return Verdict.CRASH, f"the kernel is tainted ({end.taint:#x}) and no rule predicts it"
    if end is not None and end.how == "timeout":
        return Verdict.TIMEOUT, end.why or f"the program did not end after {len(observed.lines)} calls"
    mismatch = next((one for one in differences if one.kind == "mismatch"), None)
    if mismatch is not None:
        return Verdict.MISMATCH, f"line {mismatch.line}: {mismatch}"
    broken = next((one for one in promises if one.held is False), None)
    if broken is not None:
        return Verdict.MISMATCH, f"line {broken.line}: promise broken on the trace of the {broken}"
    if allowed is None:
        return Verdict.UNPREDICTED, "no allowed trace: the simulator was not asked"
    if differences:
        return Verdict.UNPREDICTED, f"line {differences[0].line}: {differences[0]}"
    return Verdict.AGREE, ""


def _unpredicted_klog(observed: Trace, allowed: Trace | None) -> Iterator[str]:
    predicted = allowed.end.klog if allowed is not None and allowed.end is not None else []
    lines = observed.end.klog if observed.end is not None else []
    foretold = [line for line in lines if any(text in line for text in predicted)]
    # A complaint that is predicted comes with a head and a trace: one of each for every line that was.
    comes_along = {"WARNING: ": len(foretold), "Call Trace": len(foretold)}
    for line in lines:
        if line in foretold or _COMPLAINTS.search(line) is None:
            continue
        mark = next((mark for mark in comes_along if mark in line), "")
        if comes_along.get(mark, 0) > 0:
            comes_along[mark] -= 1
            continue
        yield line


def _differences(observed: Trace, allowed: Trace) -> Iterator[Difference]:
    for seen, may in zip(observed.lines, allowed.lines, strict=False):
        yield from _line_differences(seen, may)


def _line_differences(seen: Line, may: Line) -> Iterator[Difference]:
    first = list(_field("ret", seen.obs, may.obs, seen, may))
    yield from first
    if first:  # what another outcome brought with it says no more
        return
    for name in [*(name for name in seen.obs if name != "ret"), *(name for name in may.obs if name not in seen.obs)]:
        yield from _field(name, seen.obs, may.obs, seen, may)


def _field(
    name: str, seen: Mapping[str, Any], may: Mapping[str, Any], line: Line, rules: Line, prefix: str = ""
) -> Iterator[Difference]:
    def difference(kind: str = "mismatch", why: str = "", allowed: tuple[Any, ...] = ()) -> Difference:
        value = seen.get(name)
        return Difference(line.op, line.line, line.text, prefix + name, value, allowed, tuple(rules.rules), kind, why)

    if name not in may:
        yield difference("unpredicted", "the model says nothing of this field")
        return
    allowed = allowed_values(may[name])
    if allowed is None:
        yield difference("unpredicted", str(may[name]["unknown"]))
    elif name not in seen:
        yield difference("mismatch", "missing", allowed)
    elif len(allowed) == 1 and _are_vmas(seen[name]) and _are_vmas(allowed[0]):
        yield from _vma_differences(seen[name], allowed[0], line, rules, prefix + name)
    elif not any(_allows(one, seen[name]) for one in allowed):
        yield difference(allowed=allowed)


def _vma_differences(seen: list[Any], may: list[Any], line: Line, rules: Line, name: str) -> Iterator[Difference]:
    if len(seen) != len(may):
        yield Difference(line.op, line.line, line.text, f"{name}.count", len(seen), (len(may),), tuple(rules.rules))
        return
    for number, (its, allowed) in enumerate(zip(seen, may, strict=True)):
        prefix = f"{name}[{number}]."
        for field in [*its, *(field for field in allowed if field not in its)]:
            yield from _field(field, its, allowed, line, rules, prefix)


def _allows(allowed: Any, seen: Any) -> bool:
    # Of a list any element may be a set.
    if isinstance(allowed, list) and isinstance(seen, list) and len(allowed) == len(seen):
        return all(one == its or its in _set_of(one) for one, its in zip(allowed, seen, strict=True))
    return bool(seen == allowed)


def _set_of(value: Any) -> tuple[Any, ...]:
    return tuple(value["any"]) if isinstance(value, dict) and "any" in value else (value,)


def _are_vmas(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def allowed_values(value: Any) -> tuple[Any, ...] | None:
    """The values that a field of an allowed trace stands for; None: the model is silent."""
    if isinstance(value, dict):
        if "unknown" in value:
            return None
        if "any" in value:
            return tuple(value["any"])
    return (value,)


def shown(value: Any) -> str:
    """A value as a person reads it in a difference."""
    if isinstance(value, list):
        return "[" + ", ".join(shown(one) for one in value) + "]"
    if isinstance(value, dict) and set(value) == {"any"}:
        return "{" + " | ".join(shown(one) for one in value["any"]) + "}"
    if isinstance(value, dict):
        return " ".join(f"{key}={shown(one)}" for key, one in value.items())
    return "none" if value is None else str(value)
