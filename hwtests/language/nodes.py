# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a program, as data?  The nodes that the parser makes and the printer prints.

A program is a list of lines. A line keeps its comment and its own spacing (`layout`), so that printing what was
parsed gives the same text; a line made by code has no layout and is printed in the canonical form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class Number(int):
    """An integer that remembers how it was written (`0x41`, `65`); an empty `text`: a default, not written."""

    text: str

    def __new__(cls, value: int, text: str | None = None) -> Number:
        self = super().__new__(cls, value)
        self.text = text if text is not None else str(value)
        return self


UNWRITTEN = Number(0, "")
FIRST = Number(1)


@dataclass(frozen=True, slots=True)
class Address:
    """`m[1]+0x120`: page 1 of mapping (or region) m, byte 0x120 of it.

    `base` None: `byte` is an absolute address; with a written `page` it is an offset (`offset=2+8`).
    """

    base: str | None
    page: Number = UNWRITTEN
    byte: Number = UNWRITTEN


@dataclass(frozen=True, slots=True)
class Range:
    """`m` (all of it), `m[1]` (one page), `m[1:3]` (pages 1 and 2), `m[1:3]+8` (shifted by 8 bytes: a bad argument)."""

    base: str
    first: Number | None = None
    last: Number | None = None
    byte: Number = UNWRITTEN


@dataclass(frozen=True, slots=True)
class Name:
    """A name of a process, a value, a region, a descriptor, a mapping; or a bare word of the verb (`rw`)."""

    text: str


Operand: TypeAlias = Number | Address | Range | Name


@dataclass(frozen=True, slots=True)
class Alternative:
    """One value of a promise and its kernels: from `since` (inclusive) to `before` (exclusive), on `arch` only."""

    value: str
    since: str | None = None
    before: str | None = None
    arch: str | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """`# promise: Anonymous=1p before 3.10, 0 since 3.10 ; mm/memory.c wp_page_copy()`."""

    field: str | None
    alternatives: tuple[Alternative, ...]
    citation: str


@dataclass(frozen=True, slots=True)
class Header:
    """`pfn 1`: the first statement, with the version of the language."""

    version: Number = FIRST


@dataclass(frozen=True, slots=True)
class Rule:
    """`rule cow.private-write-copies`: the rules that the program is about."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hazard:
    kind: str  # none | taints | leaks | may-oops


@dataclass(frozen=True, slots=True)
class Needs:
    """`needs dev.cow kernel>=5.14`: what must be so for the program to make sense (hwtests/needs.py)."""

    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """`watch rss smaps`: after every operation, observe these of every process and mapping."""

    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegionDecl:
    """`region dev pages=4 fill=0x5a`.

    fill is a byte, or `pattern`: the 8-byte word at page p, byte o is 0xde5f000000000000 | p << 16 | o.
    """

    name: str
    options: tuple[tuple[str, Operand], ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessDecl:
    """`process p uid=65534 drop=sys_admin memlock=0`."""

    name: str
    options: tuple[tuple[str, Operand], ...] = ()


@dataclass(frozen=True, slots=True)
class Repeat:
    """`repeat 3`, up to `end`."""

    count: Number


@dataclass(frozen=True, slots=True)
class End:
    pass


@dataclass(frozen=True, slots=True)
class Op:
    """`p: m = mmap dev private rw pages=2`: operands in the verb's order, options as written, a flag's value None."""

    process: str | None
    result: str | None
    verb: str
    operands: tuple[Operand, ...] = ()
    options: tuple[tuple[str, Operand | None], ...] = ()


Statement: TypeAlias = Header | Rule | Hazard | Needs | Watch | RegionDecl | ProcessDecl | Repeat | End | Op


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. `promises` are those that `comment` (what follows the `#`, to the letter) holds; a comment-only
    line with a promise speaks of the op above it. `layout` is the white space before each token and at the end."""

    number: int
    statement: Statement | None = None
    comment: str | None = None
    promises: tuple[Promise, ...] = ()
    layout: tuple[str, ...] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Program:
    path: str
    lines: tuple[Line, ...]
    hash: str = field(default="", compare=False)  # of what a kernel sees: statements without comments and layout
    final_newline: bool = field(default=True, compare=False)
    #: What was worked out of it once and is asked for again and again (hwtests/language/settings.py).
    kept: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def statements(self) -> list[tuple[Line, Statement]]:
        return [(line, line.statement) for line in self.lines if line.statement is not None]


@dataclass(frozen=True, slots=True)
class Call:
    """A numbered call: docs/internals.md, "Numbered calls"."""

    index: int
    line: int
    text: str
    op: Op | None  # None: added by `watch`
    verb: str
    proc: int
    result: int
    args: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    program: Program
    calls: tuple[Call, ...]
    processes: tuple[str, ...]  # by slot
    roots: tuple[int, ...]  # slots that are there from the start
    handles: tuple[str, ...]
    values: tuple[str, ...]
    fds: tuple[str, ...]
    regions: tuple[str, ...]
    stride: int  # pages
    page_size: int
    region_pages: Mapping[str, int]
