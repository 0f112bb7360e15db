# SPDX-License-Identifier: GPL-2.0-or-later
"""What is an operation, to the parser, the compiler and the promises?  Its operands, options, arguments and fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .words import WIDTHS

MAX_PAGES = 1 << 20
MAX_BYTE = (1 << 63) - 1
MAX_VALUE = (1 << 64) - 1
MAX_TRANSFER = 1 << 16  # bytes that one operation may move
_NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Slot:
    """One operand.

    `kind`: region, fd, source (a region, a descriptor or `anon`), mapping, range, address (of a mapping, or absolute),
    region-address, pfns (a range of a region; of a mapping where a process is named), process, value, number, word.
    """

    name: str
    kind: str
    words: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    default: int | None = None  # not None: may be left out
    limit: int | None = None  # a word may also be a number up to this


@dataclass(frozen=True, slots=True)
class Option:
    """`kind`: flag (no value, `bits` are what it sets), number, offset (pages or pages+bytes), place (address, any)."""

    name: str
    kind: str
    limit: int = MAX_VALUE
    bits: int = 0


@dataclass(frozen=True, slots=True)
class Verb:
    """`process`: `one`, `none` or `either`. `result`: the kind of name that it sets; `result_needed`: it must set one.
    `args` are the arguments of the numbered call (docs/internals.md), by slot, option or a name that compile.py knows.
    `main` is the field that a promise without a field name speaks of. `parts`: the field that is a list of parts (vmas,
    ranges, segments), each with the other fields."""

    name: str
    slots: tuple[Slot, ...]
    options: tuple[Option, ...] = ()
    process: str = "one"
    result: str | None = None
    result_needed: bool = False
    args: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    main: str | None = "ret"
    parts: str | None = None
    call: str = ""
    meaning: str = ""

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)


def flag_options(bits: Mapping[str, int]) -> tuple[Option, ...]:
    return (*(Option(name, "flag", bits=value) for name, value in bits.items()), Option("flags", "number", 0x7FFFFFFF))


RANGE = Slot("range", "range")
LENGTH = Option("len", "number", MAX_BYTE)
ADDRESS = Slot("address", "address")
VALUE = Slot("value", "value")
WIDTH = Slot("width", "word", WIDTHS, default=1)
PROCESS = Slot("process", "process")
MOVED = Option("len", "number", MAX_TRANSFER)
VMA_FIELDS = ("vmas", "first", "pages", "perms", "offset")
SMAPS_SIZES: tuple[str, ...] = (
    "Size", "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty",
    "Referenced", "Anonymous", "KSM", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
    "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked",
)  # fmt: skip
# What is summed over parts: a promise of it speaks of them all.
SUMMED = frozenset({*SMAPS_SIZES, "pages", "anon", "dirty", "mapped", "N0", "file"})
COMMON_FIELDS = ("ret", "signal", "klog", "taint")
