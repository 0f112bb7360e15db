# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a program ask of its regions and processes, as numbers?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from .nodes import Hazard, Name, Needs, Number, ProcessDecl, Program, RegionDecl, Rule
from .words import CAPABILITIES

PATTERN = 0xDE5F << 48


@dataclass(frozen=True, slots=True)
class RegionSettings:
    """`pages` None: as many as the region has. `fill`: a byte, `pattern`, or None: the content is what it is."""

    name: str
    pages: int | None = None
    fill: int | str | None = None

    def content(self, page: int, page_size: int) -> bytes | None:
        """What the page holds before the program runs; None when the program does not say."""
        if self.fill is None:
            return None
        if isinstance(self.fill, int):
            return bytes([self.fill]) * page_size
        return _pattern(page, page_size)


@cache
def _pattern(page: int, page_size: int) -> bytes:
    return b"".join((PATTERN | page << 16 | byte).to_bytes(8, "little") for byte in range(0, page_size, 8))


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """`drop`: a mask of capabilities by their numbers; `memlock`: RLIMIT_MEMLOCK in bytes, None: not set."""

    name: str
    uid: int = 0
    drop: int = 0
    memlock: int | None = None


def region_settings(program: Program) -> dict[str, RegionSettings]:
    """By name, in the order of their declarations. Shared by all who ask: not to be changed."""
    if region_settings in program.kept:
        return program.kept[region_settings]  # type: ignore[no-any-return]
    found: dict[str, RegionSettings] = {}
    for _, statement in program.statements():
        if isinstance(statement, RegionDecl):
            options = dict(statement.options)
            pages, fill = options.get("pages"), options.get("fill")
            found[statement.name] = RegionSettings(
                statement.name,
                int(pages) if isinstance(pages, Number) else None,
                fill.text if isinstance(fill, Name) else int(fill) if isinstance(fill, Number) else None,
            )
    program.kept[region_settings] = found  # when it is whole: the judge has a thread of its own
    return found


def process_settings(program: Program, page_size: int = 4096) -> dict[str, ProcessSettings]:
    """The processes that are there from the start, by name, in the order of their declarations."""
    found: dict[str, ProcessSettings] = {}
    for _, statement in program.statements():
        if isinstance(statement, ProcessDecl):
            options = dict(statement.options)
            uid, drop, memlock = options.get("uid"), options.get("drop"), options.get("memlock")
            names = drop.text.split(",") if isinstance(drop, Name) else []
            found[statement.name] = ProcessSettings(
                statement.name,
                int(uid) if isinstance(uid, Number) else 0,
                sum(1 << CAPABILITIES.index(name) for name in set(names)),
                int(memlock) * page_size if isinstance(memlock, Number) else None,
            )
    return found


def program_rules(program: Program) -> tuple[str, ...]:
    """The rules that the program is about, by their ids."""
    return next((statement.ids for _, statement in program.statements() if isinstance(statement, Rule)), ())


def program_hazard(program: Program) -> str:
    """`none`, `taints`, `leaks` or `may-oops`."""
    return next((statement.kind for _, statement in program.statements() if isinstance(statement, Hazard)), "none")


def program_needs(program: Program) -> tuple[str, ...]:
    """The conditions of all `needs` lines, in order."""
    return tuple(
        one for _, statement in program.statements() if isinstance(statement, Needs) for one in statement.conditions
    )
