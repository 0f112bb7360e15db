# SPDX-License-Identifier: GPL-2.0-or-later
"""What would this kernel answer?  The facade of the simulator: every system call and every look at /proc.

Addresses are bytes from the arena's start; an error is a negative errno; see docs/internals.md, section 4.
"""

from __future__ import annotations

import errno
import signal as signals
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulator import access, accounting, gup, lab, task_mmu, uaccess
from simulator import flags as f
from simulator.fault import Fault, access_allowed, do_user_fault, exec_only
from simulator.files import Backing, OpenFile
from simulator.fork import dup_mmap, exit_mm
from simulator.madvise import do_madvise
from simulator.mincore import do_mincore
from simulator.mlock import do_mlock, do_munlock
from simulator.mmap import MAP_FIXED, MAP_PRIVATE, MAP_SHARED, do_mmap, munmap
from simulator.mprotect import do_mprotect
from simulator.mremap import do_mremap
from simulator.msync import do_msync
from simulator.pgtable import P_DIRTY, P_NONE, P_PRESENT, P_TLB, P_WRITE, P_YOUNG, PFN_SHIFT
from simulator.physmem import (
    PAGE_MASK,
    PAGE_SHIFT,
    PAGE_SIZE,
    PG_ANON,
    PG_DIRTY,
    PG_GUARD,
    PG_HOLE,
    PG_TOUCHED,
    ZERO_PFN,
    PhysMem,
)
from simulator.profile import Profile
from simulator.region import Region
from simulator.release import release
from simulator.task import Task
from simulator.vma import Vma

NOWHERE = PG_HOLE | PG_GUARD
READABLE = P_PRESENT | P_NONE | P_YOUNG | P_TLB
READABLE_IS = P_PRESENT | P_YOUNG | P_TLB
WRITABLE = READABLE | P_WRITE | P_DIRTY
WRITABLE_IS = READABLE_IS | P_WRITE | P_DIRTY

Remote: TypeAlias = Callable[["Kernel", Task, int, int, "bytes | None"], "bytes | int"]


def _bytes_of(value: int, width: int) -> bytes:
    return (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")


class Kernel:
    """A kernel of one profile.

    `rules`, `klog` and `unknown` say what decided the calls since the caller cleared them.
    """

    def __init__(self, profile: Profile) -> None:
        self.mem = PhysMem()
        self.rules: list[str] = []
        self.klog: list[str] = []
        self.unknown: str | None = None
        self.lost: str | None = None  # the model cannot follow from here on, and is silent about every call
        self.stage = ""
        self.running: Task | None = None  # who asks for another's memory, while it does
        self.set_profile(profile)
        self.reset()

    def set_profile(self, profile: Profile) -> None:
        """Be another kernel from now on (the rules in the innermost loops are kept as plain attributes)."""
        self.profile = profile
        self.raw_rule = profile.raw_rule
        self.zero_page = profile.zero_page
        self.cow_absent = profile.cow_absent
        self.cow_copy_from = profile.cow_copy_from
        self.hw_young = profile.hw_young
        self.hole_fault = profile.hole_fault
        self.read_fault_needs = profile.read_fault_needs
        self.kernel_copy = profile.kernel_copy
        self.fork_raw = profile.fork_raw
        self.wp_shared = profile.wp_shared
        self.host_tlb = profile.host_tlb
        self.access_op = profile.access_op
        self.arena = profile.arena
        self.task_end = profile.task_size - profile.arena  # counted from the arena's start, as addresses are
        self.remap_bits = f.parse_flags(profile.remap_flags)
        self.gup_refuse = f.parse_flags(profile.gup_refuse)
        self.grow_refuse = f.parse_flags(profile.mremap_grow_refuse)
        self.dontneed_refuse = f.parse_flags(profile.madvise_dontneed_refuse)
        self.dofork_refuse = f.parse_flags(profile.madvise_dofork_refuse)
        self.soft_dirty = profile.enabled("CONFIG_MEM_SOFT_DIRTY")

    def reset(self) -> None:
        """No task, no region, all memory free; what was made for it stays."""
        self.mem.reset()
        self.regions: list[Backing] = []
        self.tasks: list[Task] = []
        self.pids = 0
        self.anon_vmas = 0
        # Mappings that nobody placed are put from here on: far above the places, or above what 32 bits have for them.
        self.anywhere = 1 << 44 if self.profile.word == 8 else 0x80000000 - self.arena
        self.warned: set[str] = set()
        self.rules.clear()
        self.klog.clear()
        self.unknown = None
        self.lost = None
        self.stage = ""
        self.running = None

    # -- what is there

    def add_region(self, region: Region) -> int:
        backings = [region.backing] if isinstance(region.backing, str) else list(region.backing)
        self.regions.append(Backing(region, self.mem.add_region(region.pages, backings, region.mapcount)))
        return len(self.regions) - 1

    def region_pfn(self, r: int) -> int:
        return self.regions[r].first_pfn

    def region_bytes(self, r: int) -> NDArray[np.uint8]:
        """The region's content: a writable view of pages * page size bytes."""
        backing = self.regions[r]
        assert backing.region is not None
        start = backing.first_pfn << PAGE_SHIFT
        return self.mem.bytes[start : start + (backing.region.pages << PAGE_SHIFT)]

    def peek(self, r: int, byte: int, width: int) -> int | bytes:
        """What the device holds: an int of `width` bytes, or a page's bytes for width 0."""
        self.rules.append("region.content")
        start = (self.regions[r].first_pfn << PAGE_SHIFT) + byte
        data = bytes(self.mem.view[start : start + (width or PAGE_SIZE)])
        return int.from_bytes(data, "little") if width else data

    def poke(self, r: int, byte: int, width: int, value: int) -> int:
        self.rules.append("region.content")
        start = (self.regions[r].first_pfn << PAGE_SHIFT) + byte
        data = _bytes_of(value, width) if width else bytes([value & 0xFF]) * PAGE_SIZE
        self.mem.view[start : start + len(data)] = data
        if not width and not byte & PAGE_MASK:  # … and of a page that is written whole (lab_renew())
            self.mem.flags[start >> PAGE_SHIFT] &= ~(PG_DIRTY | PG_TOUCHED) & 0xFFFF
        return 0

    def release(self, r: int, page: int, *, granted: bool = True) -> int:
        """The owner gives a page of a region of ordinary RAM back; `granted` (a choice): the next allocation gets its
        frame."""
        return release(self, r, page, granted)

    def spawn(self, uid: int = 0, drop_caps: int = 0, memlock: int | None = None) -> Task:
        """A process with nothing mapped; `drop_caps` is a mask, `memlock` RLIMIT_MEMLOCK in bytes (None: no limit)."""
        self.pids += 1
        self.tasks.append(Task(self.pids, uid, drop_caps, memlock, None))
        return self.tasks[-1]

    # -- said beside the answer

    def log(self, line: str) -> None:
        self.klog.append(line)

    def warn_once(self, line: str) -> None:
        if line not in self.warned:
            self.warned.add(line)
            self.klog.append(line)

    def read_frame(self, pfn: int, offset: int, count: int) -> bytes:
        """Physical memory from a frame on; past its end are the frames that follow it."""
        if self.mem.flags[pfn + ((offset + count - 1) >> PAGE_SHIFT)] & NOWHERE or self.mem.flags[pfn] & NOWHERE:
            self.unknown = "memory that is not the region's"
        start = (pfn << PAGE_SHIFT) + offset
        return bytes(self.mem.view[start : start + count])

    def write_frame(self, pfn: int, offset: int, data: bytes) -> None:
        if self.mem.flags[pfn + ((offset + len(data) - 1) >> PAGE_SHIFT)] & NOWHERE:
            self.unknown = "memory that is not the region's"
        if pfn == ZERO_PFN:
            self.mem.zero_page_written = True
        start = (pfn << PAGE_SHIFT) + offset
        self.mem.view[start : start + len(data)] = data

    # -- descriptors and mappings

    def open(self, task: Task, r: int, flags: int) -> int:
        self.rules.append("region.descriptor")
        fd = 3 + len(task.fds)
        while fd in task.fds:
            fd += 1
        task.fds[fd] = OpenFile(self.regions[r], flags)
        self._wipe_marks(self.regions[r])
        return fd

    def _wipe_marks(self, backing: Backing) -> None:
        # The lab's own driver does, of pages that nobody maps (native/kmod/memory.c lab_wipe_marks()).
        region = backing.region
        if region is not None and region.by != "pfn":
            for pfn in range(backing.first_pfn, backing.first_pfn + region.pages):
                if self.mem.refcount[pfn] == 1 and not self.mem.mapcount[pfn]:
                    self.mem.flags[pfn] &= ~(PG_DIRTY | PG_TOUCHED) & 0xFFFF

    def close(self, task: Task, fd: int) -> int:
        self.rules.append("region.descriptor")
        return 0 if task.fds.pop(fd, None) is not None else -errno.EBADF

    def mmap(
        self, task: Task, addr: int, length: int, prot: int, flags: int, source: tuple[str, int] | None, offset: int
    ) -> int:
        """mmap(2); source None (anonymous), ("region", r) or ("fd", fd); offset in bytes from the region's start."""
        self.rules.append("mmap.arguments")
        if source is None:
            return do_mmap(self, task, addr, length, prot, flags, None, 0)
        if source[0] == "fd":
            file = task.fds.get(source[1])
            if file is None:
                return -errno.EBADF
        else:
            file = self._region_file(source[1])
        offset += file.backing.first_pgoff << PAGE_SHIFT
        return do_mmap(self, task, addr, length, prot, flags, file, offset)

    def _region_file(self, r: int) -> OpenFile:
        backing = self.regions[r]
        assert backing.region is not None
        return OpenFile(backing, 0 if backing.region.read_only else 2)

    def map_default(self, task: Task, r: int, addr: int, length: int) -> int:
        """The mapping that the region comes with; a premapped vma is moved to `addr` (mremap, the whole of it)."""
        self.rules.append("mmap.premapped")
        backing = self.regions[r]
        region = backing.region
        assert region is not None
        length = length or region.pages << PAGE_SHIFT
        if not region.premapped:
            kind = MAP_SHARED if region.default_sharing == "shared" else MAP_PRIVATE
            return self.mmap(task, addr, length, region.default_prot, kind | MAP_FIXED, ("region", r), 0)
        if any(vma.backing is backing for vma in task.vmas):
            return -errno.EFAULT
        if length != region.pages << PAGE_SHIFT:
            return -errno.EINVAL if self.profile.may_split else -errno.EFAULT
        flags = f.VM_READ | f.VM_MAYREAD | f.parse_flags(region.flags_add)
        if region.by == "pfn":
            flags |= f.VM_PFNMAP
        elif region.by != "normal":
            flags |= f.VM_MIXEDMAP
        if self.soft_dirty:  # __install_special_mapping()
            flags |= f.VM_SOFTDIRTY
        vma = Vma(addr, addr + length, flags, backing.first_pgoff)
        vma.backing = backing
        vma.name = region.premapped
        task.insert(vma)
        return addr

    def munmap(self, task: Task, addr: int, length: int) -> int:
        self.rules.append("munmap.any-range")
        return munmap(self, task, addr, length)

    def mprotect(self, task: Task, addr: int, length: int, prot: int) -> int:
        self.rules.append("mprotect.range")
        return do_mprotect(self, task, addr, length, prot)

    def mremap(self, task: Task, addr: int, old: int, new: int, flags: int, new_addr: int) -> int:
        self.rules.append("mremap.arguments")
        return do_mremap(self, task, addr, old, new, flags, new_addr)

    def madvise(self, task: Task, addr: int, length: int, advice: int) -> int:
        self.rules.append("madvise.range")
        return do_madvise(self, task, addr, length, advice)

    def mlock(self, task: Task, addr: int, length: int, flags: int) -> int:
        self.rules.append("mlock.range")
        return do_mlock(self, task, addr, length, flags)

    def munlock(self, task: Task, addr: int, length: int) -> int:
        self.rules.append("mlock.range")
        return do_munlock(self, task, addr, length)

    def msync(self, task: Task, addr: int, length: int, flags: int) -> int:
        self.rules.append("msync.range")
        return do_msync(self, task, addr, length, flags)

    def mincore(self, task: Task, addr: int, length: int) -> bytes | int:
        self.rules.append("mincore.range")
        return do_mincore(self, task, addr, length)

    def mm_populate(self, task: Task, start: int, end: int) -> int:
        return gup.mm_populate(self, task, start, end)

    # -- processes

    def fork(self, task: Task) -> Task | int:
        """The child, or -ENOMEM."""
        self.rules.append("fork.copies-address-space")
        self.pids += 1
        child = Task(self.pids, task.uid, task.drop_caps, task.memlock, task)
        child.fds = dict(task.fds)
        error = dup_mmap(self, task, child)
        if not error:
            self.tasks.append(child)
        return error or child

    def exit(self, task: Task, status: int) -> int:
        self.rules.append("exit.gives-all-back")
        exit_mm(self, task)
        self.tasks.remove(task)
        task.alive = False
        task.status = (status & 0xFF) << 8
        return 0

    def kill(self, task: Task, name: str) -> None:
        """The process dies of a signal."""
        exit_mm(self, task)
        self.tasks.remove(task)
        task.alive = False
        task.death = name
        task.status = int(getattr(signals, name))

    def wait(self, task: Task, child: Task) -> int:
        """wait4(child): its u32 status, or -ECHILD."""
        self.rules.append("wait.status")
        if child.parent is not task or child.reaped:
            return -errno.ECHILD
        if child.alive:
            self.unknown = "a wait for a process that goes on"
            return -errno.EINTR
        child.reaped = True
        return child.status

    # -- loads and stores

    def kernel_frame(self, task: Task, address: int) -> int:
        """The frame that the kernel's own read of a user address reaches, or -EFAULT."""
        return uaccess.kernel_frame(self, task, address, False)

    def load(self, task: Task, addr: int, width: int) -> int | bytes | Fault:
        """A load by the program: an int of `width` bytes (0: the bytes of a page), or Fault."""
        vma = task.last
        if vma is None or not vma.start <= addr < vma.end:
            vma = task.vma_lookup(addr)
        offset = addr & PAGE_MASK
        if vma is not None and width and offset + width <= PAGE_SIZE:
            pte = vma.view[(addr - vma.start) >> PAGE_SHIFT]
            if pte & READABLE == READABLE_IS and not self.mem.flags[pte >> PFN_SHIFT] & NOWHERE:
                self.rules.append("load.through-pte")
                start = (pte & ~PAGE_MASK) + offset
                return int.from_bytes(self.mem.view[start : start + width], "little")
        out = b""
        length = width or PAGE_SIZE
        while len(out) < length:
            here = addr + len(out)
            frame = self._user_frame(task, here, False)
            if isinstance(frame, Fault):
                return frame
            out += self.read_frame(frame, here & PAGE_MASK, min(PAGE_SIZE - (here & PAGE_MASK), length - len(out)))
        return int.from_bytes(out, "little") if width else out

    def store(self, task: Task, addr: int, width: int, value: int) -> int | Fault:
        """A store by the program: 0, or Fault.  Width 0 fills a page's length with the low byte, upwards."""
        vma = task.last
        if vma is None or not vma.start <= addr < vma.end:
            vma = task.vma_lookup(addr)
        offset = addr & PAGE_MASK
        if vma is not None and width and offset + width <= PAGE_SIZE:
            pte = vma.view[(addr - vma.start) >> PAGE_SHIFT]
            if pte & WRITABLE == WRITABLE_IS and not self.mem.flags[pte >> PFN_SHIFT] & NOWHERE:
                self.rules.append("store.through-pte")
                start = (pte & ~PAGE_MASK) + offset
                self.mem.view[start : start + width] = _bytes_of(value, width)
                return 0
        if not width:
            return self._store_page(task, addr, value & 0xFF)
        data = _bytes_of(value, width)
        pieces: list[tuple[int, int, bytes]] = []
        while data:
            here = addr + width - len(data)
            frame = self._user_frame(task, here, True)
            if isinstance(frame, Fault):
                return frame
            count = min(PAGE_SIZE - (here & PAGE_MASK), len(data))
            pieces.append((frame, here & PAGE_MASK, data[:count]))
            data = data[count:]
        for frame, start, piece in pieces:  # a store that crosses into a page that faults writes nothing
            self.write_frame(frame, start, piece)
        return 0

    def _store_page(self, task: Task, addr: int, byte: int) -> int | Fault:
        # Words of 8 bytes, upwards, as the agent stores them: one that crosses into a page that faults is not stored.
        first = (PAGE_SIZE - (addr & PAGE_MASK)) & ~7
        fault = self._fill(task, addr, first, byte)
        if fault is None and addr & 7:
            crossed = self.store(task, addr + first, 8, byte * 0x0101010101010101)
            if isinstance(crossed, Fault):
                return crossed
            first += 8
        if fault is None:
            fault = self._fill(task, addr + first, PAGE_SIZE - first, byte)
        return fault or 0

    def _fill(self, task: Task, addr: int, length: int, byte: int) -> Fault | None:
        # Within one page.
        if length:
            frame = self._user_frame(task, addr, True)
            if isinstance(frame, Fault):
                return frame
            self.write_frame(frame, addr & PAGE_MASK, bytes([byte]) * length)
        return None

    def _user_frame(self, task: Task, address: int, write: bool) -> int | Fault:
        # What the CPU does: look at the pte, fault, look again.
        while True:
            vma = task.vma_lookup(address)
            if vma is not None:
                index = (address - vma.start) >> PAGE_SHIFT
                pte = vma.view[index]
                allowed = pte & (P_PRESENT | P_NONE) == P_PRESENT and (not write or pte & P_WRITE)
                if allowed and (self.hw_young or pte & P_YOUNG):
                    unseen = self.host_tlb == "lazy" and not pte & P_TLB and not vma.host_synced
                    if unseen and not access_allowed(self, vma, write):
                        return Fault("SIGSEGV", "SEGV_ACCERR", address)
                    vma.view[index] = pte | P_YOUNG | (P_DIRTY if write else 0)
                    if not exec_only(self, vma):
                        vma.view[index] |= P_TLB
                    self.rules.append("store.through-pte" if write else "load.through-pte")
                    return int(pte >> PFN_SHIFT)
            elif task.stale is not None:
                pte = task.stale.get(address & ~PAGE_MASK, 0)
                if pte and (not write or pte & P_WRITE):
                    self.rules.append("um.stale-host-mapping")
                    return int(pte >> PFN_SHIFT)
            fault = do_user_fault(self, task, address, write)
            if fault is not None:
                return fault

    # -- from outside the page tables

    def ptrace_peek(self, task: Task, target: Task, addr: int) -> int:
        """PTRACE_PEEKDATA of 8 bytes, in as many words as it takes: unsigned, or -errno."""
        self.rules.append("access.ptrace-word")
        error = access.ptrace_access(self, task, target)
        if error:
            return error
        word = self.profile.word
        got = b""
        for start in range(addr, addr + 8, word):
            data = self._remote(task, access.access_remote_vm, target, start, word, None)
            assert isinstance(data, bytes)
            if len(data) != word:
                self.rules.append("access.peek-eio")
                return -errno.EIO
            got += data
        return int.from_bytes(got, "little")

    def ptrace_poke(self, task: Task, target: Task, addr: int, value: int) -> int:
        self.rules.append("access.ptrace-word")
        error = access.ptrace_access(self, task, target)
        if error:
            return error
        data = _bytes_of(value, 8)
        word = self.profile.word
        for start in range(0, 8, word):  # the second word only if the first went well
            piece = data[start : start + word]
            if self._remote(task, access.access_remote_vm, target, addr + start, word, piece) != word:
                self.rules.append("access.peek-eio")
                return -errno.EIO
        return 0

    def mem_read(self, task: Task, target: Task, addr: int, length: int) -> bytes | int:
        """pread(2) of /proc/PID/mem; `stage` is `open` when the open failed."""
        return self._mem(task, target, addr, length, None)

    def mem_write(self, task: Task, target: Task, addr: int, data: bytes) -> int:
        done = self._mem(task, target, addr, len(data), data)
        assert isinstance(done, int)
        return done

    def _mem(self, task: Task, target: Task, addr: int, length: int, data: bytes | None) -> bytes | int:
        self.rules.append("access.mem-file")
        error = access.mem_open(self, task, target)
        self.stage = "open" if error else ""
        if error:
            return error
        if data is not None and not self.profile.mem_write:
            self.rules.append("access.mem-not-writable")
            return -errno.EINVAL
        if self.profile.mem_needs_attach and target is not task:
            self.rules.append("access.mem-needs-attach")
            return -errno.ESRCH
        return self._remote(task, access.mem_rw, target, addr, length, data)

    def process_vm_readv(self, task: Task, target: Task, addr: int, length: int) -> bytes | int:
        return self._process_vm(task, target, addr, length, None)

    def process_vm_writev(self, task: Task, target: Task, addr: int, data: bytes) -> int:
        done = self._process_vm(task, target, addr, len(data), data)
        assert isinstance(done, int)
        return done

    def _process_vm(self, task: Task, target: Task, addr: int, length: int, data: bytes | None) -> bytes | int:
        self.rules.append("access.process-vm")
        if not self.profile.process_vm:
            return -errno.ENOSYS
        self.stage = ""
        if not target.alive:
            return -errno.ESRCH
        if not access.may_ptrace(task, target):
            return -errno.EPERM
        return self._remote(task, access.process_vm_rw, target, addr, length, data)

    def _remote(self, task: Task, how: Remote, target: Task, addr: int, length: int, data: bytes | None) -> bytes | int:
        self.running = task
        try:
            return how(self, target, addr, length, data)
        finally:
            self.running = None

    def write_from(self, task: Task, addr: int, length: int) -> bytes | int:
        """write(2) of mapped memory into a pipe: what comes out of it, or -errno."""
        self.stage = ""
        return uaccess.pipe_write(self, task, addr, length)

    def read_into(self, task: Task, addr: int, data: bytes) -> int:
        """read(2) from a pipe into mapped memory: the count, or -errno."""
        self.stage = ""
        return uaccess.pipe_read(self, task, addr, data)

    def vmsplice(self, task: Task, addr: int, length: int) -> bytes | int:
        """vmsplice(2) of mapped memory into a pipe: what comes out of it, or -errno."""
        self.rules.append("gup.vmsplice")
        self.stage = ""
        return uaccess.vmsplice(self, task, addr, length)

    # -- for whoever follows the content of memory

    def frame(self, task: Task, addr: int) -> int | None:
        """The frame that a load at `addr` reads without a fault, or None."""
        vma = task.vma_lookup(addr)
        if vma is None:
            return None
        pte = int(vma.view[(addr - vma.start) >> PAGE_SHIFT])
        return pte >> PFN_SHIFT if pte & (P_PRESENT | P_NONE) == P_PRESENT else None

    def is_anon(self, pfn: int) -> bool:
        """Is it a page of anonymous memory (a copy is one)?"""
        return bool(self.mem.flags[pfn] & PG_ANON)

    # -- /proc

    def smaps(self, task: Task, start: int, end: int) -> list[dict[str, Any]]:
        """One dict a vma that intersects [start, end): start, end, perms, pgoff, the kB fields as printed, VmFlags."""
        self.rules.append("smaps.one-entry-a-vma")
        return [task_mmu.smaps_vma(self, task, vma) for vma in task.vmas_in(start, end)]

    def maps(self, task: Task, start: int, end: int) -> list[dict[str, Any]]:
        self.rules.append("maps.offset-is-pgoff")
        return [task_mmu.maps_line(vma) for vma in task.vmas_in(start, end)]

    def rss(self, task: Task) -> tuple[int, int, int, int]:
        """(RssAnon, RssFile, VmSize, VmLck) in pages."""
        return accounting.rss(self, task)

    def pagemap(self, task: Task, addr: int, length: int) -> list[tuple[frozenset[str], int | None]] | int:
        self.rules.append("pagemap.one-entry-a-page")
        return task_mmu.pagemap(self, task, addr, length)

    def kpagecount(self, pfn: int) -> int | None:
        return accounting.kpagecount(self, pfn)

    def kpageflags(self, pfn: int) -> frozenset[str] | None:
        return accounting.kpageflags(self, pfn)

    # -- what the lab's driver reads

    def ptes(self, task: Task, addr: int, length: int) -> list[tuple[frozenset[str], int] | None]:
        """One (flags, pfn) a page, None for pte_none(); flags of `present write dirty young special huge`."""
        return lab.ptes(self, task, addr, length)

    def page_state(self, pfn: int) -> tuple[int | tuple[int, ...], int, frozenset[str]] | None:
        """(refcount, mapcount, flags), None without a struct page; see lab.page_state() for what is left open."""
        return lab.page_state(self, pfn)

    def vmas(self, task: Task, start: int, end: int) -> list[dict[str, Any]]:
        """One dict a vma that intersects [start, end): start, end, pgoff in pages, flags by name."""
        return lab.vmas(self, task, start, end)
