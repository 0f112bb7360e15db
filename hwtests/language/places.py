# SPDX-License-Identifier: GPL-2.0-or-later
"""Where do a program's mappings lie, and which numbers stand for its names?  (docs/internals.md, "Places".)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .nodes import Name, Number, Op, ProcessDecl, Program, RegionDecl
from .settings import region_settings
from .verbs import VERBS

ARENA = 0x1000000000
HOLE = 8  # pages before each place
MIN_STRIDE = 32


@dataclass(frozen=True, slots=True)
class Names:
    """Slots by name, each kind counted from 0 in order of first appearance."""

    processes: Mapping[str, int]
    roots: tuple[int, ...]
    handles: Mapping[str, int]
    values: Mapping[str, int]
    fds: Mapping[str, int]
    regions: Mapping[str, int]


def number_names(program: Program) -> Names:
    """The slots of a program's names."""
    tables: dict[str, dict[str, int]] = {kind: {} for kind in ("process", "mapping", "value", "fd", "region")}

    def enter(kind: str, name: str) -> None:
        tables[kind].setdefault(name, len(tables[kind]))

    roots = 0
    for _, statement in program.statements():
        if isinstance(statement, ProcessDecl):
            enter("process", statement.name)
            roots += 1
        elif isinstance(statement, RegionDecl):
            enter("region", statement.name)
        elif isinstance(statement, Op) and statement.result is not None:
            kind = VERBS[statement.verb].result
            if kind is not None:
                enter(kind, statement.result)
    return Names(
        tables["process"], tuple(range(roots)), tables["mapping"], tables["value"], tables["fd"], tables["region"]
    )


def declared_pages(program: Program, region_pages: Mapping[str, int]) -> dict[str, int]:
    """How many pages of each region the program uses: what it says, else all that there are (1 when nobody knows)."""
    return {
        name: settings.pages if settings.pages is not None else region_pages.get(name, 1)
        for name, settings in region_settings(program).items()
    }


def stride(program: Program, pages: Mapping[str, int], region_pages: Mapping[str, int]) -> int:
    """Pages from one place to the next: the smallest power of two >= 32 that is >= 16 + twice the largest mapping."""
    largest = 0
    for _, statement in program.statements():
        if isinstance(statement, Op) and statement.verb in ("mmap", "map", "mremap"):
            largest = max(largest, _mapping_pages(statement, pages, region_pages))
    found = MIN_STRIDE
    while found < 16 + 2 * largest:
        found *= 2
    return found


def _mapping_pages(op: Op, pages: Mapping[str, int], region_pages: Mapping[str, int]) -> int:
    asked = dict(op.options).get("pages")
    if isinstance(asked, Number):
        return int(asked)
    source = op.operands[0] if op.operands else None
    if op.verb == "map" and isinstance(source, Name):
        return max(pages.get(source.text, 1), region_pages.get(source.text, 1))
    return max(pages.values(), default=1)  # a descriptor's region, or a length that is already there


def place(slot: int, stride_pages: int, page_size: int) -> int:
    """Bytes from the arena's start to the place of a slot."""
    return (slot * stride_pages + HOLE) * page_size
