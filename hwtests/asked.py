# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a program ask of the kernel, and was it granted?  The operation `ask`: a choice that only the kernel makes.

A program that frees a frame and then has a page copied may ask that the copy lands in that frame. `ask` looks at the
region's content: where it is not the value asked for, the kernel chose otherwise and nothing follows from that trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hwtests import forms
from hwtests.language.arguments import bind
from hwtests.language.compile import compile_program
from hwtests.language.nodes import Compiled, Number, Op, Program
from hwtests.language.verbs import VERBS
from hwtests.language.verbs_choice import TRIES
from hwtests.targets.base import Unusable
from hwtests.trace import Line, Trace

ASK = "ask"
CURE = "use a kernel whose allocator hands out last what was freed last: uml:6.12"


@dataclass(frozen=True, slots=True)
class Ask:
    """Call `call` looks at byte `byte` of region slot `region`, and asks for `value` (a trace's text)."""

    call: int
    text: str
    region: int
    byte: int
    value: str
    tries: int


def asks(compiled: Compiled) -> tuple[Ask, ...]:
    """What the program asks for, in the order of its calls."""
    found = []
    for call in compiled.calls:
        if call.op is not None and call.op.verb == ASK:
            region, byte, width = call.args
            value = bind(VERBS[ASK], call.op)["value"]
            assert isinstance(value, Number)
            data = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
            found.append(Ask(call.index, call.text, region, byte, forms.value_text(data), _tries(call.op)))
    return tuple(found)


def tries(program: Program) -> int:
    """How often a program may be run until all that it asks for is granted; 0 where it asks for nothing."""
    return max((_tries(s) for _, s in program.statements() if isinstance(s, Op) and s.verb == ASK), default=0)


def _tries(op: Op) -> int:
    value = dict(op.options).get("tries", Number(TRIES))
    return max(int(value), 1) if isinstance(value, Number) else TRIES


def granted(ask: Ask, lines: Sequence[Line]) -> bool | None:
    """Whether it was granted in a trace; None where the trace does not come that far."""
    if ask.call >= len(lines):
        return None
    return bool(lines[ask.call].obs.get("value") == ask.value)


def void(program: Program, trace: Trace) -> Ask | None:
    """The first thing asked for that was not granted in this trace, which then says nothing; or None."""
    if not tries(program) or trace.end is None or trace.end.how != "done":
        return None
    return next((ask for ask in asks(_compiled(program, trace)) if granted(ask, trace.lines) is False), None)


def with_tries(program: Program, trace: Trace, number: int) -> Trace:
    """The trace with what was granted as the choice of its line, and at which try."""
    lines = list(trace.lines)
    for ask in asks(_compiled(program, trace)):
        if granted(ask, lines):
            choice = {"value": ask.value, "try": number, "of": tries(program)}
            lines[ask.call] = msgspec.structs.replace(lines[ask.call], choice=choice)
    return Trace(trace.header, lines, trace.end)


def _compiled(program: Program, trace: Trace) -> Compiled:
    pages = {name: int(traits.get("pages", 1)) for name, traits in trace.header.regions.items()}
    return compile_program(program, pages, trace.header.page_size)


def never(ask: Ask, count: int, kernel: str) -> Unusable:
    """Why a program is skipped whose kernel never did what it asks for."""
    return Unusable(f"a choice that is the kernel's: {ask.text}", f"not granted in {count} tries on {kernel}", CURE)


def grants(compiled: Compiled, lines: Sequence[Line] | None) -> dict[int, bool]:
    """By call of `release`: whether the next allocation gets the frame. It does where the program asks for it, unless
    the observed trace (`lines`) has it otherwise; where nobody asks, nobody knows."""
    found = {}
    wanted = asks(compiled)
    for call in compiled.calls:
        if call.verb == "release":
            region, byte = call.args
            page = byte // compiled.page_size
            ask = next((one for one in wanted if _about(one, call.index, region, page, compiled.page_size)), None)
            found[call.index] = ask is not None and (lines is None or granted(ask, lines) is not False)
    return found


def _about(ask: Ask, release: int, region: int, page: int, page_size: int) -> bool:
    return ask.call > release and ask.region == region and ask.byte // page_size == page
