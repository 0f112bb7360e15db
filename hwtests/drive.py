# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator do with one numbered call, in the form of a trace?

The simulator knows no text: here the numbers of docs/internals.md, section 1 ("Numbered calls"), become its public
calls, and what they return becomes an observation, in the same words (hwtests/forms.py) that a target's does.
Handles, values and descriptors are tables per process, copied by fork, as memory is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeAlias

from hwtests import forms
from hwtests.content import Content
from hwtests.language.nodes import Call, Compiled
from simulator import Fault, Kernel, Task

ARENA = 0x1000000000
MAP_FIXED = 0x10
MREMAP_FIXED = 2
ABSOLUTE, FROM_ARENA = -1, -3

# What may free a page that was a copy.
_UNMAPS = frozenset({"mmap", "map", "munmap", "mremap", "madvise", "exit"})

Obs: TypeAlias = dict[str, Any]


@dataclass
class Process:
    """A process slot: the simulator's task and the tables that fork copies. An address is counted from the arena."""

    task: Task
    handles: dict[int, tuple[int, int]] = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    fds: dict[int, int] = field(default_factory=dict)

    def forked(self, task: Task) -> Process:
        return Process(task, dict(self.handles), dict(self.values), dict(self.fds))


class NoProcessError(Exception):
    """The call needs a process that never was, or is no more."""


class Driver:
    """Executes calls on a simulated kernel. `regions[i]` is the simulator's region of region slot i."""

    def __init__(
        self, kernel: Kernel, compiled: Compiled, regions: Sequence[int], names: forms.PfnNames,
        roots: Mapping[int, Task], content: Content | None = None,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self.compiled = compiled
        self.regions = regions
        self.names = names
        self.processes = {slot: Process(task) for slot, task in roots.items()}
        # What `peek` gives is had by the first process (docs/internals.md, "Numbered calls").
        self.outside: dict[int, int] = self.processes[0].values if 0 in self.processes else {}
        self.content = content
        self.choice: dict[str, str] = {}  # what the last call took from the observed trace
        self.page_size = compiled.page_size

    def do(self, call: Call) -> Obs:
        """The observation of one call; `kernel.rules` and `kernel.unknown` speak of it afterwards."""
        kernel = self.kernel
        kernel.rules.clear()
        kernel.unknown = None
        kernel.stage = ""
        self.choice = {}
        if kernel.lost is not None:
            return {"ret": {"unknown": kernel.lost}}
        try:
            process = self._alive(call.proc) if call.proc >= 0 else None
            obs = _VERBS[call.verb](self, process, call)
        except NoProcessError:
            return {"ret": "no-process"}
        if self.content is not None and call.verb in _UNMAPS:
            self.content.forget_copies()
        if process is not None and not process.task.alive and call.verb != "exit":
            return {"ret": "died", "signal": process.task.death or "?"}
        if kernel.lost is not None:
            return {"ret": {"unknown": kernel.lost}}
        if kernel.unknown is not None:
            return {"ret": {"unknown": kernel.unknown}}
        return obs

    # Processes, addresses, values.

    def _alive(self, slot: int) -> Process:
        process = self.processes.get(slot)
        if process is None or not process.task.alive:
            raise NoProcessError
        return process

    def _place(self, slot: int) -> tuple[int, int]:
        return (slot * self.compiled.stride + 8) * self.page_size, 0

    def _handle(self, process: Process, slot: int) -> tuple[int, int]:
        return process.handles.get(slot) or self._place(slot)

    def _address(self, process: Process, base: int, byte: int) -> int:
        if base >= 0:
            return self._handle(process, base)[0] + byte
        return byte if base == FROM_ARENA else byte - ARENA

    def _range(self, process: Process, base: int, byte: int, length: int) -> tuple[int, int]:
        if length == -1:
            length = self._handle(process, base)[1]
        return self._address(process, base, byte), length

    def _value(self, process: Process | None, kind: int, value: int) -> int:
        if kind == 0:
            return value & (1 << 64) - 1
        return (self.outside if process is None else process.values).get(value, 0)

    def _set(self, process: Process | None, slot: int, value: int) -> None:
        if slot >= 0:
            (self.outside if process is None else process.values)[slot] = value

    def _bytes(self, process: Process, kind: int, value: int, length: int) -> bytes:
        word = self._value(process, kind, value).to_bytes(8, "little")
        return (word * (length // 8 + 1))[:length]

    # Descriptors and mappings.

    def _open(self, p: Process, call: Call) -> Obs:
        region, flags = call.args
        fd = self.kernel.open(p.task, self.regions[region], flags)
        if fd >= 0:
            p.fds[call.result] = fd
        return _ret(fd)

    def _close(self, p: Process, call: Call) -> Obs:
        return _ret(self.kernel.close(p.task, p.fds.pop(call.args[0], -1)))

    def _mmap(self, p: Process, call: Call) -> Obs:
        kind, number, prot, flags, base, byte, length, offset = call.args
        source: tuple[str, int] | None = None
        if kind == 1:
            source = ("region", self.regions[number])
        elif kind == 2:
            source = ("fd", p.fds.get(number, -1))
        wanted = self._address(p, base, byte)
        got = self.kernel.mmap(p.task, wanted, length, prot, flags, source, offset)
        p.handles[call.result] = (wanted if got < 0 else got, length)
        if flags & MAP_FIXED or got < 0:
            return _ret(got)
        return {"ret": "ok", "at": forms.placed(got, None, wanted)}

    def _map(self, p: Process, call: Call) -> Obs:
        region, base, byte, length = call.args
        wanted = self._address(p, base, byte)
        got = self.kernel.map_default(p.task, self.regions[region], wanted, length)
        whole = self.compiled.region_pages[self.compiled.regions[region]] * self.page_size
        p.handles[call.result] = (wanted if got < 0 else got, length or whole)
        return _ret(got)

    def _mremap(self, p: Process, call: Call) -> Obs:
        base, byte, length, new, flags, to_base, to_byte = call.args
        old, length = self._range(p, base, byte, length)
        new = length if new == -1 else new
        wanted = self._address(p, to_base, to_byte)
        got = self.kernel.mremap(p.task, old, length, new, flags, wanted)
        if got < 0:
            if call.result >= 0:
                p.handles[call.result] = (wanted, new)
            return _ret(got)
        if call.result >= 0:
            p.handles[call.result] = (got, new)
        elif base >= 0 and byte == 0:
            p.handles[base] = (got, new)
        return {"ret": "ok", "at": forms.placed(got, old, wanted if flags & MREMAP_FIXED else None)}

    def _ranged(self, p: Process, call: Call) -> Obs:
        # munmap, mprotect, madvise, mlock, munlock, msync: a range, then perhaps one number.
        base, byte, length, *rest = call.args
        address, length = self._range(p, base, byte, length)
        return _ret(getattr(self.kernel, call.verb)(p.task, address, length, *rest))

    def _mincore(self, p: Process, call: Call) -> Obs:
        vector = self.kernel.mincore(p.task, *self._range(p, *call.args))
        return _ret(vector) if isinstance(vector, int) else {"ret": "ok", "vec": forms.mincore_text(vector)}

    # Processes.

    def _fork(self, p: Process, call: Call) -> Obs:
        child = self.kernel.fork(p.task)
        if isinstance(child, int):
            return _ret(child)
        self.processes[call.result] = p.forked(child)
        return {"ret": "ok"}

    def _exit(self, p: Process, call: Call) -> Obs:
        self.kernel.exit(p.task, call.args[0])
        return {"ret": "ok"}

    def _wait(self, p: Process, call: Call) -> Obs:
        child = self.processes.get(call.args[0])
        if child is None:
            raise NoProcessError
        status = self.kernel.wait(p.task, child.task)
        return _ret(status) if status < 0 else {"ret": "ok", "status": forms.status_text(status)}

    # Memory.

    def _load(self, p: Process, call: Call) -> Obs:
        base, byte, width = call.args
        address = self._address(p, base, byte)
        got = self.kernel.load(p.task, address, width)
        return self._fault(p, got, base) if isinstance(got, Fault) else self._got(p, call, got, width, p.task, address)

    def _store(self, p: Process, call: Call) -> Obs:
        base, byte, width, kind, value = call.args
        address = self._address(p, base, byte)
        got = self.kernel.store(p.task, address, width, self._value(p, kind, value))
        if isinstance(got, Fault):
            return self._fault(p, got, base)
        self._stored(p.task, address, width or self.page_size)
        return _ret(got)

    def _fault(self, p: Process, fault: Fault, base: int) -> Obs:
        if base >= 0:
            start = self._handle(p, base)[0]
            where = forms.address_text(self.compiled.handles[base], fault.addr - start, self.page_size)
        else:
            where = hex(fault.addr + ARENA & (1 << 64) - 1)
        return {"ret": fault.signal, "code": fault.code, "addr": where}

    def _got(
        self, p: Process | None, call: Call, got: int | bytes, width: int, owner: Task | None, address: int
    ) -> Obs:
        # A value that was read at `address` of a task, or of physical memory.
        if isinstance(got, int):
            if got < 0:
                return _ret(got)
            got = got.to_bytes(width, "little")
        text = self._settled(p, call, "value", owner, address, got)
        return {"ret": "ok", "value": text}

    def _settled(
        self, p: Process | None, call: Call, name: str, owner: Task | None, address: int, data: bytes
    ) -> str | dict[str, str]:
        # What was read, in words; where nobody but the kernel knows the content, as the observed trace has it.
        if self.content is not None:
            settled, chosen = self.content.settle(call.index, name, owner, address, data)
            if settled is None:
                return {"unknown": "the content is not the lab's, and no trace says what was read"}
            data = settled
            if chosen:
                self.choice = {name: forms.value_text(data)}
        self._set(p, call.result, int.from_bytes(data[:8], "little"))
        return forms.value_text(data)

    def _stored(self, owner: Task | None, address: int, count: int) -> None:
        if self.content is not None:
            self.content.stored(owner, address, count)

    def _peekdata(self, p: Process, call: Call) -> Obs:
        slot, base, byte = call.args
        target = self._alive(slot)
        address = self._address(target, base, byte)
        got = self.kernel.ptrace_peek(p.task, target.task, address)
        return self._got(p, call, got, 8, target.task, address)

    def _pokedata(self, p: Process, call: Call) -> Obs:
        slot, base, byte, kind, value = call.args
        target = self._alive(slot)
        address = self._address(target, base, byte)
        got = self.kernel.ptrace_poke(p.task, target.task, address, self._value(p, kind, value))
        if got >= 0:
            self._stored(target.task, address, 8)
        return _ret(got)

    def _data(self, p: Process, call: Call, got: bytes | int, owner: Task, address: int) -> Obs:
        # Bytes that came from mapped memory, by whatever way.
        if isinstance(got, int):
            return self._failed(got)
        return {"ret": "ok", "bytes": len(got), "data": self._settled(p, call, "data", owner, address, got)}

    def _count(self, got: int, owner: Task, address: int) -> Obs:
        # How many bytes went into mapped memory.
        if got < 0:
            return self._failed(got)
        self._stored(owner, address, got)
        return {"ret": "ok", "bytes": got}

    def _failed(self, error: int) -> Obs:
        return {**_ret(error), "stage": "open"} if self.kernel.stage == "open" else _ret(error)

    def _from_other(self, p: Process, call: Call) -> Obs:
        # mem_read, vm_readv
        slot, base, byte, length = call.args
        target = self._alive(slot)
        read = self.kernel.mem_read if call.verb == "mem_read" else self.kernel.process_vm_readv
        address = self._address(target, base, byte)
        return self._data(p, call, read(p.task, target.task, address, length), target.task, address)

    def _to_other(self, p: Process, call: Call) -> Obs:
        # mem_write, vm_writev
        slot, base, byte, length, kind, value = call.args
        target = self._alive(slot)
        write = self.kernel.mem_write if call.verb == "mem_write" else self.kernel.process_vm_writev
        data = self._bytes(p, kind, value, length)
        address = self._address(target, base, byte)
        return self._count(write(p.task, target.task, address, data), target.task, address)

    def _write(self, p: Process, call: Call) -> Obs:
        base, byte, length = call.args
        address = self._address(p, base, byte)
        return self._data(p, call, self.kernel.write_from(p.task, address, length), p.task, address)

    def _read(self, p: Process, call: Call) -> Obs:
        base, byte, length, kind, value = call.args
        data = self._bytes(p, kind, value, length)
        address = self._address(p, base, byte)
        return self._count(self.kernel.read_into(p.task, address, data), p.task, address)

    def _peek(self, p: None, call: Call) -> Obs:
        region, byte, width = call.args
        got = self.kernel.peek(self.regions[region], byte, width)
        return self._got(None, call, got, width, None, self._physical(region, byte))

    def _poke(self, p: None, call: Call) -> Obs:
        region, byte, width, kind, value = call.args
        self.kernel.poke(self.regions[region], byte, width, self._value(None, kind, value))
        self._stored(None, self._physical(region, byte), width or self.page_size)
        return {"ret": "ok"}

    def _physical(self, region: int, byte: int) -> int:
        return self.kernel.region_pfn(self.regions[region]) * self.page_size + byte

    # /proc.

    def _vmas(self, p: Process, call: Call) -> Obs:
        start, length = self._handle(p, call.args[0])
        show = self.kernel.smaps if call.verb == "smaps" else self.kernel.maps
        return {"ret": "ok", "vmas": [self._vma(vma, start) for vma in show(p.task, start, start + (length or 1))]}

    def _vma(self, vma: dict[str, Any], base: int) -> Obs:
        sizes = {name: value for name, value in vma.items() if name[0].isupper() and name != "VmFlags"}
        sets = {name: value for name, value in sizes.items() if isinstance(value, tuple)}  # several are allowed
        sizes |= {name: value[0] for name, value in sets.items()}
        form = forms.vma_form(
            start=vma["start"], end=vma["end"], perms=vma["perms"],
            offset=self.names.offset(vma["pgoff"], self.page_size), base=base, page_size=self.page_size,
            sizes=sizes or None, flags=vma.get("VmFlags"),
        )  # fmt: skip
        for name, values in sets.items():
            form[name] = {"any": [forms.size_value(value, self.page_size) for value in values]}
        return form

    def _rss(self, p: Process, call: Call) -> Obs:
        anon, file, size, locked = self.kernel.rss(p.task)
        return {"ret": "ok", "RssAnon": anon, "RssFile": file, "VmSize": size, "VmLck": locked}

    def _pagemap(self, p: Process, call: Call) -> Obs:
        entries = self.kernel.pagemap(p.task, *self._range(p, *call.args))
        if isinstance(entries, int):
            return _ret(entries)
        return {"ret": "ok", "pages": [self._pagemap_entry(*entry) for entry in entries]}

    def _pagemap_entry(self, flags: frozenset[str], pfn: int | None) -> str:
        if "present" not in flags:
            return forms.pagemap_text(flags, None)
        return forms.pagemap_text(flags, "hidden" if pfn is None else self.names.name(pfn) or "anon")

    def _pfns(self, p: Process | None, call: Call) -> list[int | None] | int:
        what, *where = call.args
        if what == 0:
            return list(range(*self._region_pfns(*where)))
        assert p is not None
        entries = self.kernel.pagemap(p.task, *self._range(p, *where))
        return entries if isinstance(entries, int) else [pfn for _, pfn in entries]

    def _kpagecount(self, p: Process | None, call: Call) -> Obs:
        pfns = self._pfns(p, call)
        if isinstance(pfns, int):
            return _ret(pfns)
        return {"ret": "ok", "counts": [None if pfn is None else self.kernel.kpagecount(pfn) for pfn in pfns]}

    def _kpageflags(self, p: Process | None, call: Call) -> Obs:
        pfns = self._pfns(p, call)
        if isinstance(pfns, int):
            return _ret(pfns)
        found = [None if pfn is None else self.kernel.kpageflags(pfn) for pfn in pfns]
        flags = [None if words is None else forms.kpageflags_words(words) for words in found]
        return {"ret": "ok", "flags": flags}

    # What the lab's driver sees.

    def _ptes(self, p: Process, call: Call) -> Obs:
        found = self.kernel.ptes(p.task, *self._range(p, *call.args))
        return {"ret": "ok", "ptes": ["none" if pte is None else self._pte(*pte) for pte in found]}

    def _pte(self, flags: frozenset[str], pfn: int) -> Any:
        certain = {word for word in flags if not word.endswith("?")}
        name = self.names.name(pfn) or "anon"
        return _one_of([forms.pte_text(name, [*certain, *more]) for more in _subsets(flags)])

    def _page_state(self, p: Process | None, call: Call) -> Obs:
        pfns = self._mapped_pfns(p, call)
        found = [None if pfn is None else self.kernel.page_state(pfn) for pfn in pfns]
        return {"ret": "ok", **forms.page_states([None if one is None else _page(*one) for one in found])}

    def _mapped_pfns(self, p: Process | None, call: Call) -> list[int | None]:
        # Through the page tables, which know the pfn where pagemap says that there is no page.
        what, *where = call.args
        if what == 0:
            return list(range(*self._region_pfns(*where)))
        assert p is not None
        return [None if pte is None else pte[1] for pte in self.kernel.ptes(p.task, *self._range(p, *where))]

    def _region_pfns(self, region: int, first: int, pages: int) -> tuple[int, int]:
        start = self.kernel.region_pfn(self.regions[region]) + first
        return start, start + pages

    def _raw_vmas(self, p: Process, call: Call) -> Obs:
        start, length = self._handle(p, call.args[0])
        found = self.kernel.vmas(p.task, start, start + (length or 1))
        return {"ret": "ok", "vmas": [self._raw_vma(vma, start) for vma in found]}

    def _raw_vma(self, vma: dict[str, Any], base: int) -> Obs:
        return forms.raw_vma_form(
            start=vma["start"], end=vma["end"], pgoff=self.names.offset(vma["pgoff"] * self.page_size, self.page_size),
            flags=vma["flags"], base=base, page_size=self.page_size,
        )  # fmt: skip

    def _vmsplice(self, p: Process, call: Call) -> Obs:
        base, byte, length = call.args
        address = self._address(p, base, byte)
        return self._data(p, call, self.kernel.vmsplice(p.task, address, length), p.task, address)


def _subsets(words: Iterable[str]) -> list[tuple[str, ...]]:
    # Every choice of the words that end in `?`: what may be, or not.
    free = sorted(word[:-1] for word in words if word.endswith("?"))
    return [chosen for count in range(len(free) + 1) for chosen in combinations(free, count)]


def _one_of(values: Iterable[Any]) -> Any:
    # A value where only one is allowed, else the set of them.
    distinct = list(dict.fromkeys(values))
    return distinct[0] if len(distinct) == 1 else {"any": distinct}


def _page(refcount: int | tuple[int, ...], mapcount: int, flags: frozenset[str]) -> tuple[Any, int, Any]:
    certain = {word for word in flags if not word.endswith("?")}
    texts = [forms.kpageflags_words([*certain, *more]) for more in _subsets(flags)]
    return _one_of(refcount if isinstance(refcount, tuple) else (refcount,)), mapcount, _one_of(texts)


def _ret(result: int) -> Obs:
    return {"ret": forms.errno_name(result) if result < 0 else "ok"}


_VERBS: dict[str, Callable[[Driver, Any, Call], Obs]] = {
    "open": Driver._open,
    "close": Driver._close,
    "mmap": Driver._mmap,
    "map": Driver._map,
    "munmap": Driver._ranged,
    "mprotect": Driver._ranged,
    "mremap": Driver._mremap,
    "madvise": Driver._ranged,
    "mlock": Driver._ranged,
    "munlock": Driver._ranged,
    "msync": Driver._ranged,
    "mincore": Driver._mincore,
    "fork": Driver._fork,
    "exit": Driver._exit,
    "wait": Driver._wait,
    "load": Driver._load,
    "store": Driver._store,
    "peekdata": Driver._peekdata,
    "pokedata": Driver._pokedata,
    "mem_read": Driver._from_other,
    "mem_write": Driver._to_other,
    "vm_readv": Driver._from_other,
    "vm_writev": Driver._to_other,
    "write": Driver._write,
    "read": Driver._read,
    "peek": Driver._peek,
    "poke": Driver._poke,
    "smaps": Driver._vmas,
    "maps": Driver._vmas,
    "rss": Driver._rss,
    "pagemap": Driver._pagemap,
    "kpagecount": Driver._kpagecount,
    "kpageflags": Driver._kpageflags,
    "ptes": Driver._ptes,
    "page_state": Driver._page_state,
    "vma": Driver._raw_vmas,
    "vmsplice": Driver._vmsplice,
}
