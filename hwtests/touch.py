# SPDX-License-Identifier: GPL-2.0-or-later
"""How would a program touch memory that is not the lab's?  Refused before it runs: what the memory does not take.

Asked of each region that is not the lab's own, from the program's numbered calls alone:

* a load or store of another width than the region takes, or not aligned to it;
* a read by the kernel (a copy on write copies the whole page; ptrace, /proc/PID/mem, write(2) and the like read as
  they please) where `page_reads` says that reading has effects;
* anything beyond the region: what a mapping longer than it reaches, and what ptrace reads past its end
  (mm/memory.c generic_access_phys() does not stop at the vma's);
* a store to a mapping of a driver that nobody wrote down, where stores are not allowed.

Where a program moves or puts one mapping over another, each access counts as one of every region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from hwtests.language.compile import compile_program
from hwtests.language.nodes import Call, Compiled, Op, Program

ALL_WIDTHS = frozenset({1, 2, 4, 8})
WORD = 8  # bytes: what PTRACE_PEEKDATA moves, and no futex is larger
_WRITE, _SHARED = 2, 1  # PROT_WRITE, MAP_SHARED
_MAP_FIXED, _MREMAP_FIXED, _POPULATES = 0x10, 2, 0x8000 | 0x2000  # MAP_POPULATE, MAP_LOCKED
_ANON, _REGION = 0, 1
_OWN_PLACE = -3  # a base: counted from the arena's start, where every mapping has a place of its own
_ALL = "*"  # whichever region
# Where the address of a verb stands among its arguments; a length follows it.
_BY_KERNEL: Mapping[str, int] = {
    "mem_read": 1, "mem_write": 1, "vm_readv": 1, "vm_writev": 1, "write": 0, "read": 0, "vmsplice": 0,
    "read_zero": 0, "direct_write": 0, "direct_read": 0,
}  # fmt: skip
# The same of those that move some bytes of their own choice: a word, or instructions.
_WORDS: Mapping[str, int] = {"peekdata": 1, "pokedata": 1, "futex_wait": 0, "futex_wake": 0, "call": 0}
_STORES = frozenset({"store", "pokedata", "mem_write", "vm_writev", "read", "read_zero", "direct_read"})


class Traits(Protocol):
    """What is asked of a region: hwtests/regions/traits.py, RegionTraits."""

    @property
    def kind(self) -> str: ...
    @property
    def own(self) -> bool: ...
    @property
    def stores(self) -> bool: ...
    @property
    def learn(self) -> bool: ...
    @property
    def length(self) -> str: ...
    @property
    def widths(self) -> tuple[int, ...]: ...
    @property
    def access(self) -> str: ...
    @property
    def page_reads(self) -> bool: ...
    @property
    def premapped(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a program does not run: one line each, for people."""

    needs: str
    found: str
    cure: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a handle maps: a region's name ("" for anonymous memory), from which byte of it, how many, and how."""

    region: str
    offset: int = 0
    length: int = 0
    shared: bool = True
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """One call that reads or writes mapped memory, at `byte` of what it maps."""

    call: Call
    mapped: Mapped
    byte: int
    width: int  # of a load or store; 0: a page, or none
    length: int  # of what the kernel does
    by_kernel: bool
    stores: bool


def refused(
    program: Program, regions: Mapping[str, Traits], pages: Mapping[str, int], page_size: int
) -> Refused | None:
    """Why `program` would touch one of its regions in a way that is not allowed, or None."""
    careful = {name: traits for name, traits in regions.items() if not traits.own and not traits.premapped}
    gives_back = any(isinstance(s, Op) and s.verb == "release" for _, s in program.statements())
    if not careful and not gives_back:
        return None
    compiled = compile_program(program, dict(pages), page_size)
    return next(chain(_after_release(compiled), _refusals(compiled, careful)), None)


def _after_release(compiled: Compiled) -> Iterator[Refused]:
    # A page that was given back is the kernel's: no store from outside, nor through a shared mapping, may reach it.
    given = {call.index: compiled.regions[call.args[0]] for call in compiled.calls if call.verb == "release"}

    def gone(index: int, region: str) -> bool:
        return any(at < index and region in (name, _ALL) for at, name in given.items())

    what = "to store to a page that the kernel has again"
    for call in compiled.calls:
        if call.verb == "poke" and gone(call.index, compiled.regions[call.args[0]]):
            yield Refused(what, f"line {call.line}: {call.text}", _BEFORE)
    for access in _Walk(compiled).accesses() if given else ():
        call, mapped = access.call, access.mapped
        if access.stores and (mapped.shared or mapped.region == _ALL) and gone(call.index, mapped.region):
            yield Refused(what, f"line {call.line}: {call.text}", _BEFORE)


def touches(program: Program, region: str, pages: Mapping[str, int], page_size: int) -> Iterator[Access]:
    """The accesses of `program` that reach a region, or may: those in a mapping of it."""
    for access in _Walk(compile_program(program, dict(pages), page_size)).accesses():
        if access.mapped.region == _ALL or (access.mapped.region == region and _inside(access)):
            yield access


def _inside(access: Access) -> bool:
    return 0 <= access.byte < access.mapped.length


def _refusals(compiled: Compiled, careful: Mapping[str, Traits]) -> Iterator[Refused]:
    walk = _Walk(compiled)
    for access in walk.accesses():
        names = careful if access.mapped.region == _ALL else [access.mapped.region]
        for name in names:
            if name in careful:
                size = compiled.region_pages.get(name, 0) * compiled.page_size
                yield from _judged(access, careful[name], size, compiled.page_size)
    for mapped in walk.beyond:
        traits = careful.get(mapped.region)
        if traits is not None and traits.length == "any":
            yield Refused(f"to map past the end of {traits.kind}", "a driver that lets it be mapped", _LONGER)


def _judged(access: Access, traits: Traits, size: int, page_size: int) -> Iterator[Refused]:
    mapped, kind = access.mapped, traits.kind
    if mapped.region != _ALL and not _inside(access):
        return  # a hole: a fault, and nothing is touched
    anywhere = mapped.region == _ALL
    copies = access.stores and (anywhere or not mapped.shared)
    if access.stores and (anywhere or mapped.writable) and traits.learn and not traits.stores:
        yield Refused(
            f"to store to a mapping of {kind}", "a region to be read only", "--allow-write, where a store is harmless"
        )
    if (access.by_kernel or copies or not access.width) and not traits.page_reads:
        what = "a copy on write" if copies else "a read by the kernel" if access.by_kernel else "a load of a page"
        cure = "add ,page-reads to the region, where reading each byte of it is harmless"
        yield Refused(f"reads of {kind} by the page, or as the kernel likes", what, cure)
    if not access.by_kernel and access.width and (anywhere or not (copies and traits.page_reads)):
        takes = f"it takes {' '.join(map(str, traits.widths))}"
        cure = "leave out width=, where the device takes every width"
        if access.width not in traits.widths:
            yield Refused(f"accesses of {many(access.width)} to {kind}", takes, cure)
        elif access.byte % access.width and set(traits.widths) != ALL_WIDTHS:
            yield Refused(f"unaligned accesses to {kind}", takes, cure)
    length = access.length if access.by_kernel else access.width or page_size
    if mapped.region != _ALL and mapped.offset + access.byte + length > size:
        # A load that crosses the end of a mapping faults; ptrace reads on, where the driver has an access method.
        longer = mapped.offset + mapped.length > size and (traits.learn or traits.length == "any")
        reads_on = access.by_kernel and (traits.learn or traits.access != "none")
        if longer or reads_on:
            yield Refused(f"to reach past the end of {kind}", "a region of that length", _LONGER)


_BEFORE = "store before the release, or through a private mapping"
_LONGER = "name a longer range, all of which may be touched"


class _Walk:
    """The calls in their order, with what each handle maps when they run."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.handles: dict[int, Mapped] = {}
        self.fds: dict[int, str] = {}
        self.beyond: list[Mapped] = []
        self.tangled = any(map(self._tangles, compiled.calls))

    def _tangles(self, call: Call) -> bool:
        # Whether the call puts a mapping where another may be.
        if call.verb == "mmap":
            return bool(call.args[3] & _MAP_FIXED) and call.args[4] != _OWN_PLACE
        if call.verb == "mremap" and call.args[4] & _MREMAP_FIXED:
            return call.args[5] != _OWN_PLACE
        return False

    def accesses(self) -> Iterator[Access]:
        for call in self.compiled.calls:
            self._follow(call)
            found = self._access(call)
            if found is not None:
                yield found

    def _access(self, call: Call) -> Access | None:
        args, verb = call.args, call.verb
        width = length = 0
        if verb in ("load", "store"):
            at, width = 0, args[2]
        elif verb in _BY_KERNEL:
            at = _BY_KERNEL[verb]
            length = args[at + 2]
        elif verb in _WORDS:
            at, length = _WORDS[verb], WORD
        elif verb == "mmap" and args[3] & _POPULATES and args[2] & _WRITE and not args[3] & _SHARED:
            # Populating a private writable mapping is a store to each page, for all that can be told here.
            return Access(call, self.handles[call.result], 0, 0, WORD, by_kernel=True, stores=False)
        else:
            return None
        mapped = Mapped(_ALL) if self.tangled else self.handles.get(args[at], Mapped(""))
        by_kernel = verb not in ("load", "store")
        return Access(call, mapped, args[at + 1], width, length, by_kernel, verb in _STORES)

    def _follow(self, call: Call) -> None:
        args, result = call.args, call.result
        if call.verb == "open":
            self.fds[result] = self.compiled.regions[args[0]]
        elif call.verb in ("mmap", "map"):
            mapped = self._mmapped(call)
            self.handles[result] = mapped
            self._is_beyond(mapped)
        elif call.verb == "mprotect" and args[3] & _WRITE and args[0] in self.handles:
            self.handles[args[0]] = replace(self.handles[args[0]], writable=True)
        elif call.verb == "mremap" and args[0] in self.handles:
            old = self.handles[args[0]]
            length = args[3] if args[3] >= 0 else (args[2] if args[2] >= 0 else old.length)
            moved = replace(old, offset=old.offset + args[1], length=length)
            self.handles[result if result >= 0 else args[0]] = moved
            self._is_beyond(moved)

    def _mmapped(self, call: Call) -> Mapped:
        args = call.args
        if call.verb == "map":
            name = self.compiled.regions[args[0]]
            length = args[3] or self.compiled.region_pages.get(name, 0) * self.compiled.page_size
            return Mapped(name, 0, length, shared=True, writable=True)
        source, number, prot, flags = args[:4]
        if source == _ANON:
            return Mapped("")
        name = self.compiled.regions[number] if source == _REGION else self.fds.get(number, _ALL)
        return Mapped(name, args[7], args[6], bool(flags & _SHARED), bool(prot & _WRITE))

    def _is_beyond(self, mapped: Mapped) -> None:
        size = self.compiled.region_pages.get(mapped.region, 0) * self.compiled.page_size
        if mapped.region and mapped.offset + mapped.length > size:
            self.beyond.append(mapped)


def many(count: int) -> str:
    """`1 byte`, `4 bytes`."""
    return f"{count} byte" if count == 1 else f"{count} bytes"
