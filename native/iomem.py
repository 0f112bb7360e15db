# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the kernel say of physical addresses?  /proc/iomem as spans, and who claims a range.

Only a process with CAP_SYS_ADMIN sees the addresses; to others all are zero (kernel/resource.c r_show()).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SYSTEM_RAM = "System RAM"


@dataclass(frozen=True, slots=True)
class Span:
    """A line of /proc/iomem: `start` to `end` (the first address after it), its name, how deep it lies."""

    start: int
    end: int
    name: str
    depth: int

    def meets(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end


def parse_iomem(text: str) -> list[Span]:
    """The spans of /proc/iomem, in its order (a span before those in it); none when the addresses are hidden."""
    found: list[Span] = []
    for line in text.splitlines():
        place, _, name = line.partition(" : ")
        first, _, last = place.strip().partition("-")
        try:
            low, high = int(first, 16), int(last, 16)
        except ValueError:
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        found.append(Span(low, high + 1, name.strip(), depth))
    return found if any(span.end > 1 for span in found) else []


def chain(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    """The first span that the range meets, and what lies in it there, outermost first; empty when nothing claims it."""
    found: list[Span] = []
    for span in spans:
        if not span.meets(start, end):
            continue
        if (not found and span.depth == 0) or (
            found and span.depth == found[-1].depth + 1 and span.start >= found[-1].start and span.end <= found[-1].end
        ):
            found.append(span)
    return tuple(found)


def in_system_ram(spans: Sequence[Span], start: int, end: int) -> Span | None:
    """The System RAM that the range meets (the lowest), or None."""
    return next((span for span in spans if span.name.startswith(SYSTEM_RAM) and span.meets(start, end)), None)


def claimed_by(text: str, offset: int, length: int) -> str:
    """The innermost claim in /proc/iomem that meets the range; "" for none."""
    claims = chain(parse_iomem(text), offset, offset + length)
    return claims[-1].name if claims else ""
