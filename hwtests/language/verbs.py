# SPDX-License-Identifier: GPL-2.0-or-later
"""Which operations are there?  One table: the parser, the compiler, the promises and docs/language.md all follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from .words import ACCESS, ADVICE, MAP_FLAGS, MODES, MREMAP_FLAGS, MSYNC_FLAGS, PROT, SHARING, WIDTHS

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
    `main` is the field that a promise without a field name speaks of."""

    name: str
    slots: tuple[Slot, ...]
    options: tuple[Option, ...] = ()
    process: str = "one"
    result: str | None = None
    result_needed: bool = False
    args: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    main: str | None = "ret"
    meaning: str = ""

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)


def _flags(bits: Mapping[str, int]) -> tuple[Option, ...]:
    return (*(Option(name, "flag", bits=value) for name, value in bits.items()), Option("flags", "number", 0x7FFFFFFF))


_RANGE = Slot("range", "range")
_LENGTH = Option("len", "number", MAX_BYTE)
_ADDRESS = Slot("address", "address")
_VALUE = Slot("value", "value")
_WIDTH = Slot("width", "word", WIDTHS, default=1)
_PROCESS = Slot("process", "process")
_MOVED = Option("len", "number", MAX_TRANSFER)
_VMA_FIELDS = ("vmas", "first", "pages", "perms", "offset")
SMAPS_SIZES: tuple[str, ...] = (
    "Size", "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty",
    "Referenced", "Anonymous", "KSM", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
    "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked",
)  # fmt: skip
COMMON_FIELDS = ("ret", "signal", "klog", "taint")

_TABLE = (
    Verb(
        "open",
        (Slot("region", "region"), Slot("mode", "word", MODES)),
        (Option("sync", "flag", bits=0x101000),),
        result="fd",
        result_needed=True,
        args=("region", "=open"),
        meaning="open(2); O_SYNC with `sync`",
    ),
    Verb("close", (Slot("fd", "fd"),), args=("fd",), meaning="close(2)"),
    Verb(
        "mmap",
        (Slot("source", "source"), Slot("sharing", "word", SHARING), Slot("prot", "word", PROT, limit=0x7FFFFFFF)),
        (
            Option("pages", "number", MAX_PAGES),
            Option("offset", "offset", MAX_PAGES),
            Option("at", "place"),
            *_flags(MAP_FLAGS),
        ),
        result="mapping",
        result_needed=True,
        args=("source", "prot", "=mmap", "=place", "=length", "=offset"),
        fields=("at",),
        meaning="mmap(2), MAP_FIXED at a place of its own, or at `at=`; `at=any`: where the kernel likes",
    ),
    Verb(
        "map",
        (Slot("region", "region"),),
        (Option("pages", "number", MAX_PAGES),),
        result="mapping",
        result_needed=True,
        args=("region", "=place", "=length"),
        meaning="the mapping that the region comes with (perf ring shared, btf private, [vvar] moved)",
    ),
    Verb("munmap", (_RANGE,), (_LENGTH,), args=("range",), meaning="munmap(2)"),
    Verb(
        "mprotect",
        (_RANGE, Slot("prot", "word", PROT, limit=0x7FFFFFFF)),
        (_LENGTH,),
        args=("range", "prot"),
        meaning="mprotect(2)",
    ),
    Verb(
        "mremap",
        (_RANGE,),
        (Option("pages", "number", MAX_PAGES), Option("to", "place"), _LENGTH, *_flags(MREMAP_FLAGS)),
        result="mapping",
        args=("range", "=newlength", "=flags", "=to"),
        fields=("at",),
        meaning="mremap(2) to `pages=` (left out: the length stays); `fixed` without `to=`: to a fresh place; "
        "`fixed` and `dontunmap` include MREMAP_MAYMOVE",
    ),
    Verb(
        "madvise",
        (_RANGE, Slot("advice", "word", ADVICE, limit=0x7FFFFFFF)),
        (_LENGTH,),
        args=("range", "advice"),
        meaning="madvise(2)",
    ),
    Verb(
        "mlock",
        (_RANGE,),
        (Option("onfault", "flag", bits=1), _LENGTH),
        args=("range", "=flags"),
        meaning="mlock(2); mlock2(2) with `onfault`",
    ),
    Verb("munlock", (_RANGE,), (_LENGTH,), args=("range",), meaning="munlock(2)"),
    Verb("msync", (_RANGE,), (*_flags(MSYNC_FLAGS), _LENGTH), args=("range", "=flags"), meaning="msync(2)"),
    Verb(
        "mincore",
        (_RANGE,),
        (_LENGTH,),
        args=("range",),
        fields=("vec",),
        main="vec",
        meaning="mincore(2): a digit a page",
    ),
    Verb("fork", (), result="process", result_needed=True, meaning="fork(2); the child has its own copy of all names"),
    Verb("exit", (Slot("status", "number", default=0, limit=255),), args=("status",), meaning="the process ends"),
    Verb("wait", (_PROCESS,), args=("process",), fields=("status",), main="status", meaning="wait4(2)"),
    Verb(
        "load",
        (_WIDTH, _ADDRESS),
        result="value",
        args=("address", "width"),
        fields=("value", "code", "addr"),
        main="value",
        meaning="reads memory: a byte, `u16` `u32` `u64` or a `page`; a fault is (signal, code, address)",
    ),
    Verb(
        "store",
        (_WIDTH, _ADDRESS, _VALUE),
        args=("address", "width", "value"),
        fields=("code", "addr"),
        meaning="writes memory; `page` fills the page with the value's low byte",
    ),
    Verb(
        "peekdata",
        (_PROCESS, _ADDRESS),
        result="value",
        args=("process", "address"),
        fields=("value",),
        main="value",
        meaning="PTRACE_PEEKDATA of another process, 8 bytes",
    ),
    Verb(
        "pokedata",
        (_PROCESS, _ADDRESS, _VALUE),
        args=("process", "address", "value"),
        meaning="PTRACE_POKEDATA, 8 bytes",
    ),
    Verb(
        "mem_read",
        (_PROCESS, _ADDRESS),
        (_MOVED,),
        result="value",
        args=("process", "address", "=len"),
        fields=("bytes", "data", "stage"),
        main="data",
        meaning="read of /proc/PID/mem (`len=` 8)",
    ),
    Verb(
        "mem_write",
        (_PROCESS, _ADDRESS, _VALUE),
        (_MOVED,),
        args=("process", "address", "=len", "value"),
        fields=("bytes", "stage"),
        main="bytes",
        meaning="write of /proc/PID/mem: the value's 8 bytes, repeated (`len=` 8)",
    ),
    Verb(
        "vm_readv",
        (_PROCESS, _ADDRESS),
        (_MOVED,),
        result="value",
        args=("process", "address", "=len"),
        fields=("bytes", "data"),
        main="data",
        meaning="process_vm_readv(2) (`len=` 8)",
    ),
    Verb(
        "vm_writev",
        (_PROCESS, _ADDRESS, _VALUE),
        (_MOVED,),
        args=("process", "address", "=len", "value"),
        fields=("bytes",),
        main="bytes",
        meaning="process_vm_writev(2) (`len=` 8)",
    ),
    Verb(
        "write",
        (_ADDRESS,),
        (_MOVED,),
        result="value",
        args=("address", "=len"),
        fields=("bytes", "data"),
        main="data",
        meaning="write(2) of mapped memory into a pipe, and what came out of it (`len=` 8)",
    ),
    Verb(
        "read",
        (_ADDRESS, _VALUE),
        (_MOVED,),
        args=("address", "=len", "value"),
        fields=("bytes",),
        main="bytes",
        meaning="read(2) from a pipe into mapped memory: the value's 8 bytes, repeated (`len=` 8)",
    ),
    Verb(
        "peek",
        (_WIDTH, Slot("address", "region-address")),
        process="none",
        result="value",
        args=("address", "width"),
        fields=("value",),
        main="value",
        meaning="the region's content, seen from outside",
    ),
    Verb(
        "poke",
        (_WIDTH, Slot("address", "region-address"), _VALUE),
        process="none",
        args=("address", "width", "value"),
        meaning="the region's content, changed from outside",
    ),
    Verb(
        "smaps",
        (Slot("mapping", "mapping"),),
        args=("mapping",),
        fields=(*_VMA_FIELDS, *SMAPS_SIZES, "VmFlags"),
        main=None,
        meaning="/proc/PID/smaps of every vma in the mapping's range",
    ),
    Verb(
        "maps",
        (Slot("mapping", "mapping"),),
        args=("mapping",),
        fields=_VMA_FIELDS,
        main=None,
        meaning="/proc/PID/maps, likewise",
    ),
    Verb(
        "rss",
        (),
        fields=("RssAnon", "RssFile", "VmSize", "VmLck"),
        main=None,
        meaning="/proc/PID/status, in pages, as differences from the process's start",
    ),
    Verb(
        "pagemap",
        (_RANGE,),
        args=("range",),
        fields=("pages",),
        main="pages",
        meaning="/proc/PID/pagemap, an entry a page",
    ),
    Verb(
        "kpagecount",
        (Slot("pages", "pfns"),),
        process="either",
        args=("pages",),
        fields=("counts",),
        main="counts",
        meaning="/proc/kpagecount of a region's pages, or of the pages that a process has mapped there",
    ),
    Verb(
        "kpageflags",
        (Slot("pages", "pfns"),),
        process="either",
        args=("pages",),
        fields=("flags",),
        main="flags",
        meaning="/proc/kpageflags, likewise",
    ),
    Verb(
        "ptes",
        (_RANGE,),
        args=("range",),
        fields=("ptes",),
        main="ptes",
        meaning="the page-table entries, an entry a page, as the lab's driver sees them",
    ),
    Verb(
        "page_state",
        (Slot("pages", "pfns"),),
        process="either",
        args=("pages",),
        fields=("refcount", "mapcount", "flags"),
        main=None,
        meaning="struct page of a region's pages, or of the pages that a process has mapped there, likewise",
    ),
    Verb(
        "vma",
        (Slot("mapping", "mapping"),),
        args=("mapping",),
        fields=("vmas", "first", "pages", "pgoff", "flags"),
        main=None,
        meaning="vm_area_struct of every vma in the mapping's range, likewise",
    ),
    Verb(
        "vmsplice",
        (_ADDRESS,),
        (_MOVED,),
        result="value",
        args=("address", "=len"),
        fields=("bytes", "data"),
        main="data",
        meaning="vmsplice(2) of mapped memory into a pipe, and what came out of it (`len=` 8)",
    ),
)

VERBS: Mapping[str, Verb] = MappingProxyType({verb.name: verb for verb in _TABLE})

STATEMENTS = ("pfn", "rule", "hazard", "needs", "watch", "region", "process", "repeat", "end")
# A name may not be one of these: the line would read two ways, to the parser or to a person.
RESERVED = frozenset({*VERBS, *STATEMENTS, *WIDTHS, *ACCESS, "anon", "any"})
