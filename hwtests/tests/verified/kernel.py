# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a real kernel answer the simulator's public calls (docs/internals.md, section 4)?

A test asks call by call, an agent runs whole programs: so each call is put behind those made so far, the program runs
anew from the start, and its last observation is the answer. What no program can ask (`k.mem`, `k.unknown`) ends the
test as skipped, with the name of what was looked at.
"""

from __future__ import annotations

import errno
import struct
from typing import Any, NoReturn

import pytest

from hwtests import forms
from hwtests.language import parse
from hwtests.language.nodes import Call, Compiled
from hwtests.language.settings import RegionSettings
from hwtests.targets.execution import Execution, Opened
from hwtests.targets.numbering import renumbered
from hwtests.targets.proctext import parse_vmas
from hwtests.tests.verified.regions import Refused, find
from native.wire import ProcessOptions, RawObs, Stage
from simulator import Fault, Region

PAGE = 4096
FROM_ARENA = -3
ANON, OF_REGION, OF_FD = 0, 1, 2
EMPTY = parse("pfn 1\n")


class RealTask:
    """A process of the program."""

    def __init__(self, kernel: RealKernel, slot: int) -> None:
        self._kernel = kernel
        self.slot = slot

    def __getattr__(self, name: str) -> NoReturn:
        pytest.skip(f"looks inside the simulator: task.{name}")


class Content:
    """What a region holds before the program runs: `k.region_bytes(r)[:] = 0x5a`."""

    def __init__(self, kernel: RealKernel, region: int) -> None:
        self._kernel, self._region = kernel, region

    def __setitem__(self, where: slice, value: int) -> None:
        if where != slice(None) or not isinstance(value, int):
            pytest.skip("fills a region with more than one byte")
        self._kernel._fills[self._region] = value

    def __getitem__(self, where: Any) -> NoReturn:
        pytest.skip("looks at a region's bytes other than by peek")


class RealKernel:
    """The kernel of one target. An answer is what the simulator's call gives: a value, a Fault or -errno."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.arena = execution.hello.arena
        self.reset()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        pytest.skip(f"looks inside the simulator: k.{name}")

    # what is there

    def reset(self) -> None:
        self._calls: list[Call] = []
        self._regions: list[Opened] = []
        self._pages: list[int] = []
        self._fills: dict[int, int] = {}
        self._processes: list[str] = []
        self._roots: list[int] = []
        self._options: dict[str, ProcessOptions] = {}
        self._handles = self._fds = 0
        self.stage = ""

    def add_region(self, region: Region) -> int:
        try:
            opened = find(self.execution, region, [one.region.name for one in self._regions])
        except Refused as refused:
            pytest.skip(str(refused))
        self._regions.append(opened)
        self._pages.append(region.pages)
        return len(self._regions) - 1

    def region_bytes(self, region: int) -> Content:
        return Content(self, region)

    def region_pfn(self, region: int) -> int:
        return self._regions[region].region.pfn

    def spawn(self, uid: int = 0, drop_caps: int = 0, memlock: int | None = None) -> RealTask:
        task = self._task()
        self._roots.append(task.slot)
        self._options[self._processes[task.slot]] = ProcessOptions(uid or None, drop_caps, memlock)
        return task

    def _task(self) -> RealTask:
        self._processes.append(f"p{len(self._processes)}")
        return RealTask(self, len(self._processes) - 1)

    # one more call

    def _do(self, verb: str, task: RealTask | None, *args: int, result: int = -1) -> RawObs:
        proc = task.slot if task is not None else -1
        self._calls.append(Call(len(self._calls), 0, verb, None, verb, proc, result, args))
        execution = self.execution
        for number, opened in enumerate(self._regions):
            settings = RegionSettings(opened.region.name, opened.region.pages, self._fills.get(number, 0))
            execution._prepare(settings, opened)
        compiled = Compiled(
            program=EMPTY, calls=tuple(self._calls), processes=tuple(self._processes), roots=tuple(self._roots),
            handles=tuple(f"h{n}" for n in range(self._handles)), values=(),
            fds=tuple(f"f{n}" for n in range(self._fds)),
            regions=tuple(opened.region.name for opened in self._regions), stride=32, page_size=PAGE, region_pages={},
        )  # fmt: skip
        ids = [opened.id for opened in self._regions]
        ran = execution.link.run(renumbered(compiled, ids), options=self._options, outside=execution._outside)
        obs = ran.observations[-1]
        self.stage = "open" if obs.stage == Stage.OPEN else ""
        if obs.stage in (Stage.REFUSED, Stage.NO_PROCESS, Stage.NOT_RUN):
            pytest.skip(f"cannot be asked of an agent: {verb}: {obs.stage.name.lower()} {forms.errno_name(obs.ret)}")
        return obs

    def _ret(self, verb: str, task: RealTask | None, *args: int, result: int = -1) -> int:
        return self._do(verb, task, *args, result=result).ret

    def _known(self, verb: str, task: RealTask, *args: int) -> int:
        # What a configuration leaves out is a test's to say by its profile.
        obs = self._do(verb, task, *args)
        if obs.ret == -errno.ENOSYS or obs.stage == Stage.OPEN:
            pytest.skip(f"this kernel has no {verb}")
        return obs.ret

    def _place(self, obs: RawObs, ret: int) -> int:
        return ret - self.arena if ret >= 0 else ret

    def _handle(self) -> int:
        self._handles += 1
        return self._handles - 1

    def _look(self, task: RealTask, start: int, end: int) -> int:
        # A handle that names the place: that of an mmap that fails, for its offset lies within a page.
        handle = self._handle()
        self._do("mmap", task, ANON, 0, 0, 0x32, FROM_ARENA, start, end - start, 1, result=handle)
        return handle

    # system calls

    def open(self, task: RealTask, region: int, flags: int) -> int:
        self._fds += 1
        ret = self._ret("open", task, region, flags, result=self._fds - 1)
        return self._fds - 1 if ret >= 0 else ret

    def close(self, task: RealTask, fd: int) -> int:
        return self._ret("close", task, fd)

    def mmap(
        self, task: RealTask, addr: int, length: int, prot: int, flags: int, source: tuple[str, int] | None, offset: int
    ) -> int:
        kind, number = (ANON, 0) if source is None else (OF_REGION if source[0] == "region" else OF_FD, source[1])
        if kind == OF_FD and not 0 <= number < self._fds:
            pytest.skip("uses a descriptor that nobody opened")
        args = (kind, number, prot, flags, FROM_ARENA, addr, length, offset)
        obs = self._do("mmap", task, *args, result=self._handle())
        return self._place(obs, obs.ret)

    def map_default(self, task: RealTask, region: int, addr: int, length: int) -> int:
        obs = self._do("map", task, region, FROM_ARENA, addr, length, result=self._handle())
        return self._place(obs, obs.ret)

    def munmap(self, task: RealTask, addr: int, length: int) -> int:
        return self._ret("munmap", task, FROM_ARENA, addr, length)

    def mprotect(self, task: RealTask, addr: int, length: int, prot: int) -> int:
        return self._ret("mprotect", task, FROM_ARENA, addr, length, prot)

    def mremap(self, task: RealTask, addr: int, old: int, new: int, flags: int, to: int) -> int:
        obs = self._do("mremap", task, FROM_ARENA, addr, old, new, flags, FROM_ARENA, to)
        return self._place(obs, obs.ret)

    def madvise(self, task: RealTask, addr: int, length: int, advice: int) -> int:
        return self._ret("madvise", task, FROM_ARENA, addr, length, advice)

    def mlock(self, task: RealTask, addr: int, length: int, flags: int = 0) -> int:
        return self._ret("mlock", task, FROM_ARENA, addr, length, flags)

    def munlock(self, task: RealTask, addr: int, length: int) -> int:
        return self._ret("munlock", task, FROM_ARENA, addr, length)

    def msync(self, task: RealTask, addr: int, length: int, flags: int) -> int:
        return self._ret("msync", task, FROM_ARENA, addr, length, flags)

    def mincore(self, task: RealTask, addr: int, length: int) -> bytes | int:
        obs = self._do("mincore", task, FROM_ARENA, addr, length)
        return obs.payload if obs.ret >= 0 else obs.ret

    def fork(self, task: RealTask) -> RealTask | int:
        child = self._task()
        ret = self._ret("fork", task, result=child.slot)
        return child if ret >= 0 else ret

    def exit(self, task: RealTask, status: int = 0) -> None:
        self._do("exit", task, status)

    def wait(self, task: RealTask, child: RealTask) -> int:
        obs = self._do("wait", task, child.slot)
        return int.from_bytes(obs.payload[:4], "little") if obs.ret >= 0 else obs.ret

    def mlockall(self, task: RealTask, flags: int) -> int:
        return self._ret("mlockall", task, flags)

    def munlockall(self, task: RealTask) -> int:
        return self._ret("munlockall", task)

    def fsync(self, task: RealTask, fd: int) -> int:
        return self._ret("fsync", task, fd)

    def process_madvise(self, task: RealTask, target: RealTask, addr: int, length: int, advice: int) -> int:
        if length < 0:
            pytest.skip("a length below 0 means another thing to an agent")
        return self._ret("process_madvise", task, target.slot, FROM_ARENA, addr, length, advice)

    def mseal(self, task: RealTask, addr: int, length: int) -> int:
        return self._ret("mseal", task, FROM_ARENA, addr, length)

    def remap_file_pages(self, task: RealTask, addr: int, length: int, region: int, page: int) -> int:
        if page >= self._pages[region]:
            pytest.skip("the region here is longer than the test's")
        return self._ret("remap_file_pages", task, FROM_ARENA, addr, length, region, page * PAGE)

    def mbind(self, task: RealTask, addr: int, length: int, mode: int, flags: int) -> int:
        return self._known("mbind", task, FROM_ARENA, addr, length, mode, flags)

    def futex_wait(self, task: RealTask, addr: int, value: int, flags: int) -> int:
        return self._ret("futex_wait", task, FROM_ARENA, addr, 0, value, flags)

    def futex_wake(self, task: RealTask, addr: int, flags: int) -> int:
        return self._ret("futex_wake", task, FROM_ARENA, addr, flags)

    def uffd_register(self, task: RealTask, addr: int, length: int, mode: int) -> int:
        return self._ret("uffd_register", task, FROM_ARENA, addr, length, mode)

    def clear_refs(self, task: RealTask, number: int) -> int:
        return self._known("clear_refs", task, number)

    def move_pages(self, task: RealTask, addr: int, length: int, node: int) -> list[int] | int:
        if not length:
            pytest.skip("an agent asks of one page at least")
        obs = self._do("move_pages", task, FROM_ARENA, addr, length, node)
        if obs.ret == -errno.ENOSYS:
            pytest.skip("this kernel has no move_pages")
        return list(struct.unpack(f"<{len(obs.payload) // 4}i", obs.payload)) if obs.ret >= 0 else obs.ret

    # loads and stores, the process's own and another's

    def _fault(self, obs: RawObs) -> Fault:
        signal = forms.signal_name(obs.signal)
        return Fault(signal, forms.code_name(obs.signal, obs.code), obs.address - self.arena)

    def load(self, task: RealTask, addr: int, width: int) -> int | bytes | Fault:
        obs = self._do("load", task, FROM_ARENA, addr, width)
        if obs.stage == Stage.FAULT:
            return self._fault(obs)
        return int.from_bytes(obs.payload, "little") if width else obs.payload

    def store(self, task: RealTask, addr: int, width: int, value: int) -> int | Fault:
        obs = self._do("store", task, FROM_ARENA, addr, width, 0, value)
        return self._fault(obs) if obs.stage == Stage.FAULT else obs.ret

    def ptrace_peek(self, task: RealTask, target: RealTask, addr: int) -> int:
        obs = self._do("peekdata", task, target.slot, FROM_ARENA, addr)
        return int.from_bytes(obs.payload, "little") if obs.ret >= 0 else obs.ret

    def ptrace_poke(self, task: RealTask, target: RealTask, addr: int, value: int) -> int:
        return self._ret("pokedata", task, target.slot, FROM_ARENA, addr, 0, value)

    def mem_read(self, task: RealTask, target: RealTask, addr: int, length: int) -> bytes | int:
        return self._bytes(self._do("mem_read", task, target.slot, FROM_ARENA, addr, length))

    def mem_write(self, task: RealTask, target: RealTask, addr: int, data: bytes) -> int:
        return self._ret("mem_write", task, target.slot, FROM_ARENA, addr, len(data), 0, _word(data))

    def process_vm_readv(self, task: RealTask, target: RealTask, addr: int, length: int) -> bytes | int:
        return self._bytes(self._do("vm_readv", task, target.slot, FROM_ARENA, addr, length))

    def process_vm_writev(self, task: RealTask, target: RealTask, addr: int, data: bytes) -> int:
        return self._ret("vm_writev", task, target.slot, FROM_ARENA, addr, len(data), 0, _word(data))

    def write_from(self, task: RealTask, addr: int, length: int) -> bytes | int:
        return self._bytes(self._do("write", task, FROM_ARENA, addr, length))

    def read_into(self, task: RealTask, addr: int, data: bytes) -> int:
        return self._ret("read", task, FROM_ARENA, addr, len(data), 0, _word(data))

    def read_zero(self, task: RealTask, addr: int, length: int) -> int:
        return self._ret("read_zero", task, FROM_ARENA, addr, length)

    def direct_write(self, task: RealTask, addr: int, length: int) -> bytes | int:
        return self._bytes(self._do("direct_write", task, FROM_ARENA, addr, length))

    def direct_read(self, task: RealTask, addr: int, data: bytes) -> int:
        return self._ret("direct_read", task, FROM_ARENA, addr, len(data), 0, _word(data))

    def vmsplice(self, task: RealTask, addr: int, length: int) -> bytes | int:
        return self._bytes(self._do("vmsplice", task, FROM_ARENA, addr, length))

    def _bytes(self, obs: RawObs) -> bytes | int:
        return obs.payload[: obs.ret] if obs.ret >= 0 else obs.ret

    def peek(self, region: int, byte: int, width: int) -> int | bytes:
        obs = self._do("peek", None, region, byte, width)
        if obs.ret < 0:
            return obs.ret
        return int.from_bytes(obs.payload, "little") if width else obs.payload

    def poke(self, region: int, byte: int, width: int, value: int) -> int:
        return self._ret("poke", None, region, byte, width, 0, value)

    # /proc

    def smaps(self, task: RealTask, start: int, end: int) -> list[dict[str, Any]]:
        return self._vmas(self._do("smaps", task, self._look(task, start, end)))

    def maps(self, task: RealTask, start: int, end: int) -> list[dict[str, Any]]:
        return self._vmas(self._do("maps", task, self._look(task, start, end)))

    def _vmas(self, obs: RawObs) -> list[dict[str, Any]]:
        return [
            {"start": vma.start - self.arena, "end": vma.end - self.arena, "perms": vma.perms, "pgoff": vma.offset}
            | {name: kb for name, kb in vma.sizes.items() if name not in forms.LEFT_OUT}
            | ({"VmFlags": list(vma.flags)} if vma.flags is not None else {})
            for vma in parse_vmas(obs.payload.decode("ascii"))
        ]

    def rss(self, task: RealTask) -> tuple[int, ...]:
        return struct.unpack_from("<4q", self._do("rss", task).payload)

    def pagemap(self, task: RealTask, addr: int, length: int) -> list[tuple[frozenset[str], int | None]]:
        payload = self._do("pagemap", task, FROM_ARENA, addr, length).payload
        return [_pagemap(entry) for entry in struct.unpack(f"<{len(payload) // 8}Q", payload)]

    # what the lab's driver sees

    def ptes(self, task: RealTask, addr: int, length: int) -> list[tuple[Words, int] | None]:
        payload = self._driver("ptes", task, FROM_ARENA, addr, length)
        return [_pte(pfn, bits) for pfn, bits, _ in struct.iter_unpack("<QII", payload)]

    def page_state(self, pfn: int) -> tuple[int, int, frozenset[str]] | None:
        number, page = self._page(pfn)
        refcount, mapcount, flags = struct.unpack("<iiQ", self._driver("page_state", None, 0, number, page, 1))
        if flags == forms.NO_PFN:
            return None
        return refcount, mapcount, frozenset((forms.kpageflags_text(flags) or "").split())

    def vmas(self, task: RealTask, start: int, end: int) -> list[dict[str, Any]]:
        payload = self._driver("vma", task, self._look(task, start, end))
        return [
            {"start": first - self.arena, "end": last - self.arena, "pgoff": pgoff,
             "flags": frozenset(name for name, bit in forms.VMA_BITS.items() if flags & bit)}
            for first, last, pgoff, flags in struct.iter_unpack("<QQQQ", payload)
        ]  # fmt: skip

    def _driver(self, verb: str, task: RealTask | None, *args: int) -> bytes:
        obs = self._do(verb, task, *args)
        if obs.stage == Stage.OPEN:
            pytest.skip(f"asks the lab's driver, which this kernel has not: k.{verb}")
        return obs.payload

    def kpagecount(self, pfn: int) -> int | None:
        return self._kpage("kpagecount", pfn)

    def kpageflags(self, pfn: int) -> set[str] | None:
        entry = self._kpage("kpageflags", pfn)
        return None if entry is None else set((forms.kpageflags_text(entry) or "").split())

    def _kpage(self, verb: str, pfn: int) -> int | None:
        number, page = self._page(pfn)
        (entry,) = struct.unpack("<Q", self._do(verb, None, 0, number, page, 1).payload)
        return None if entry == forms.NO_PFN else int(entry)

    def _page(self, pfn: int) -> tuple[int, int]:
        for number, opened in enumerate(self._regions):
            if 0 <= (page := pfn - opened.region.pfn) < opened.region.pages:
                return number, page
        pytest.skip("asks of a page that is no region's")


class Words(frozenset[str]):
    """Bits of a pte. Equal to what the simulator allows: `young?` may be set or not."""

    def __eq__(self, allowed: object) -> bool:
        assert isinstance(allowed, set | frozenset)
        must = {word for word in allowed if not word.endswith("?")}
        return must <= self <= must | {word.rstrip("?") for word in allowed}

    __hash__ = frozenset.__hash__


def _pte(pfn: int, bits: int) -> tuple[Words, int] | None:
    if not bits & forms.PTE_PRESENT:
        return None
    return Words(["present", *(word for word, bit in forms.PTE_BITS.items() if bits & bit)]), pfn


def _pagemap(entry: int) -> tuple[frozenset[str], int | None]:
    flags = frozenset(word for bit, word in forms.PAGEMAP_FLAGS.items() if entry >> bit & 1)
    pfn = entry & forms.PAGEMAP_PFN if "present" in flags else 0
    return flags, pfn or None


def _word(data: bytes) -> int:
    # What an agent writes is eight bytes, repeated.
    word = data[:8]
    if any(data[at : at + 8] != word[: len(data) - at] for at in range(0, len(data), 8)):
        pytest.skip("writes more than eight bytes, repeated")
    return int.from_bytes(word, "little")
