# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a trace keep what a person promised, from the kernel's source or documentation, in the program's text?

A field of the simulator's trace may be a set: a promise holds of it when it holds of every element, so that the model
is held to the person's word as the kernel is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from hwtests.language.expect import RET_WORD, Exactly, Expected, SameAs, Unchanged, parse_expected
from hwtests.language.nodes import Call, Compiled, Promise
from hwtests.language.promise import pick
from hwtests.language.verbs import COMMON_FIELDS, SMAPS_SIZES, SUMMED, VERBS
from hwtests.matching import ABSENT, Absent, klog_matches, matches, text_of
from hwtests.trace import Trace

MAX_SUMS = 256  # combinations of allowed values that a sum over vmas, or a list, is tried for


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one promise on one trace. `held` None: the trace says nothing of it."""

    op: int
    line: int
    text: str
    trace: str  # kernel | simulator
    field: str
    promised: str
    citation: str
    found: str
    held: bool | None

    def __str__(self) -> str:
        return f"{self.trace}: {self.field}={self.found}; promised is {self.promised} ({self.citation})"


def check_promises(compiled: Compiled, trace: Trace, name: str) -> list[Kept]:
    """Every promise of the program on this trace; `name`: `kernel` or `simulator`.

    Operations that the trace did not reach are left out.
    """
    promises = _by_line(compiled)
    found: list[Kept] = []
    for call in compiled.calls:
        if call.op is None or call.index >= len(trace.lines):
            continue
        for line, promise in promises.get(call.line, ()):
            found.append(_Check(compiled, trace, name, call).kept(line, promise))
    return found


def _by_line(compiled: Compiled) -> Mapping[int, list[tuple[int, Promise]]]:
    # Promises by the line of the operation that they speak of: their own, or the last one above.
    kept = compiled.program.kept
    if _by_line in kept:
        return kept[_by_line]  # type: ignore[no-any-return]
    found: dict[int, list[tuple[int, Promise]]] = {}
    operation = 0
    for line in compiled.program.lines:
        if line.statement is not None:
            operation = line.number
        for promise in line.promises:
            found.setdefault(operation, []).append((line.number, promise))
    kept[_by_line] = found
    return found


@dataclass(frozen=True, slots=True)
class _Check:
    compiled: Compiled
    trace: Trace
    name: str
    call: Call

    def kept(self, line: int, promise: Promise) -> Kept:
        kernel = self.trace.header.kernel
        chosen = pick(promise, kernel.at, kernel.arch)
        value = chosen.value if chosen is not None else ""
        expected = parse_expected(value)
        if isinstance(expected, str):  # the parser lets none through
            raise ValueError(expected)
        field = self._field(promise, expected)
        possible = self._possible(field, self.call.index)
        held: bool | None = None
        if possible is not None and not any(self._silent(one, field) for one in expected):
            held = all(any(self._holds(one, field, value) for one in expected) for value in possible)
        return Kept(
            self.call.index,
            line,
            self.call.text,
            self.name,
            field,
            value,
            promise.citation,
            _shown(possible, self._obs()),
            held,
        )

    def _obs(self, index: int | None = None) -> dict[str, Any]:
        return self.trace.lines[self.call.index if index is None else index].obs

    def _field(self, promise: Promise, expected: Sequence[Expected]) -> str:
        if promise.field is not None:
            return promise.field
        words = all(isinstance(one, Exactly) and RET_WORD.fullmatch(one.text) for one in expected)
        return "ret" if words else VERBS[self.call.verb].main or "ret"

    def _possible(self, field: str, index: int) -> list[Any] | None:
        # The values that the field can have: one on a kernel's trace. None: nothing is said of it.
        if field in ("klog", "taint"):
            end = self.trace.end
            return None if end is None else [end.klog if field == "klog" else end.taint]
        obs = self._obs(index)
        if field != "ret" and "unknown" in _sets(obs.get("ret")):
            return None
        parts = VERBS[self.call.verb].parts
        if parts is not None and field not in COMMON_FIELDS and isinstance(obs.get(parts), list):
            return [len(obs[parts])] if field == parts else _of_parts(field, obs[parts])
        return _values(obs.get(field, ABSENT))

    def _holds(self, expected: Expected, field: str, value: Any) -> bool:
        if field == "klog":
            return klog_matches(expected, value)
        if isinstance(expected, Unchanged | SameAs):
            earlier = self._earlier(expected, field)
            return bool(earlier) and not isinstance(value, Absent) and value in (earlier or [])
        return matches(expected, field, value)

    def _silent(self, expected: Expected, field: str) -> bool:
        # Whether it refers to an earlier value that the trace says nothing of.
        return isinstance(expected, Unchanged | SameAs) and self._earlier(expected, field) is None

    def _earlier(self, expected: Unchanged | SameAs, field: str) -> list[Any] | None:
        # The values that the earlier observation can have, which `expected` refers to; none where there was none.
        if isinstance(expected, Unchanged):
            call = self._before(lambda call: call.text == self.call.text)
        else:
            call = self._before(lambda call: call.op is not None and call.op.result == expected.name)
            field = "value" if call is not None and "value" in self._obs(call.index) else "data"
        if call is None:
            return []
        return _Check(self.compiled, self.trace, self.name, call)._possible(field, call.index)

    def _before(self, wanted: Callable[[Call], bool]) -> Call | None:
        calls = [call for call in self.compiled.calls[: self.call.index] if call.op is not None and wanted(call)]
        own = [call for call in calls if call.proc in (self.call.proc, -1)] or calls
        return own[-1] if own else None


def _sets(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _values(value: Any) -> list[Any] | None:
    if isinstance(value, dict):
        return None if "unknown" in value else list(value.get("any", [value]))
    if isinstance(value, list) and any(isinstance(one, dict) and "any" in one for one in value):
        each = [one["any"] if isinstance(one, dict) and "any" in one else [one] for one in value]
        return [list(one) for one in product(*each)] if prod(map(len, each)) <= MAX_SUMS else None
    return [value]


def _of_parts(field: str, parts: list[dict[str, Any]]) -> list[Any] | None:
    # What a field of the vmas (the ranges, the segments) can be.
    if field == "first":
        return _values(parts[0].get("first", ABSENT)) if parts else [ABSENT]
    each = [_values(part.get(field, ABSENT)) for part in parts]
    if (field in SMAPS_SIZES or field == "VmFlags") and any(ABSENT in (values or ()) for values in each):
        return None  # a kernel that does not print this line yet
    if field in SUMMED:
        if any(values is None or ABSENT in values for values in each):
            return None
        return _sums([values for values in each if values is not None])
    if any(values is None for values in each):
        return None
    # What is no size must hold of every part: each is a possible value.
    return [value for values in each if values is not None for value in values] or [ABSENT]


def _sums(each: list[list[Any]]) -> list[Any] | None:
    found: list[Any] = []
    for count, chosen in enumerate(product(*each)):
        if count == MAX_SUMS:
            return None
        numbers = [value for value in chosen if isinstance(value, int)]
        # A size that is no whole number of pages stands alone, as its text.
        found.append(sum(numbers) if len(numbers) == len(chosen) else chosen[0] if len(chosen) == 1 else ABSENT)
    return found


def _shown(possible: list[Any] | None, obs: Mapping[str, Any]) -> str:
    if possible is None:
        return "unknown"
    return "|".join(_shown_values(possible, obs))


def _shown_values(possible: list[Any], obs: Mapping[str, Any]) -> Iterator[str]:
    for value in possible:
        if isinstance(value, Absent):
            yield f"absent (ret={obs.get('ret')})"
        else:
            yield " / ".join(text_of(one) for one in value) if isinstance(value, list) else text_of(value)
