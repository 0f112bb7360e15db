# SPDX-License-Identifier: GPL-2.0-or-later
"""What would this kernel answer?  The simulator's state, and the table of its calls.

Addresses are bytes from the arena's start; an error is a negative errno; see docs/internals.md, section 4.
"""

from __future__ import annotations

from simulator import (
    accounting,
    calls_access,
    calls_memory,
    calls_proc,
    calls_process,
    clear_refs,
    coredump,
    cpu,
    device,
    direct,
    exec,
    fremap,
    futex,
    gup,
    lab,
    mempolicy,
    migrate,
    mseal,
    numa_maps,
    pagemap_scan,
    process_madvise,
    release,
    rollup,
    uaccess,
    userfaultfd,
    zeromap,
)
from simulator import flags as f
from simulator.files import Backing
from simulator.physmem import NOWHERE, PAGE_SHIFT, PG_ANON, ZERO_PFN, PhysMem
from simulator.profile import Profile
from simulator.task import Task


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
        self.unknown_content: str | None = None  # a call went well, and what it read the model does not know
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
        self.fork_copies = f.parse_flags(profile.fork_copies)
        self.grow_refuse = f.parse_flags(profile.mremap_grow_refuse)
        self.dontneed_refuse = f.parse_flags(profile.madvise_dontneed_refuse)
        self.dofork_refuse = f.parse_flags(profile.madvise_dofork_refuse)
        self.mbind_refuse = f.parse_flags(profile.mbind_refuse)
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
        self.memtypes: list[tuple[int, int]] = []  # simulator/pat.py: reserved from a pfn up to another
        self.rules.clear()
        self.klog.clear()
        self.unknown = None
        self.lost = None
        self.unknown_content = None
        self.stage = ""
        self.running = None

    def spawn(self, uid: int = 0, drop_caps: int = 0, memlock: int | None = None) -> Task:
        """A process with nothing mapped; `drop_caps` is a mask, `memlock` RLIMIT_MEMLOCK in bytes (None: no limit)."""
        self.pids += 1
        self.tasks.append(Task(self.pids, uid, drop_caps, memlock, None))
        return self.tasks[-1]

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

    def is_anon(self, pfn: int) -> bool:
        """Is it a page of anonymous memory (a copy is one)?"""
        return bool(self.mem.flags[pfn] & PG_ANON)

    # The calls: functions of the kernel, each in the module of its subject.
    add_region = device.add_region
    region_pfn = device.region_pfn
    region_bytes = device.region_bytes
    peek = device.peek
    poke = device.poke
    release = release.release
    # descriptors and mappings
    open = calls_memory.open
    close = calls_memory.close
    mmap = calls_memory.mmap
    map_default = calls_memory.map_default
    munmap = calls_memory.munmap
    mprotect = calls_memory.mprotect
    mremap = calls_memory.mremap
    madvise = calls_memory.madvise
    mlock = calls_memory.mlock
    munlock = calls_memory.munlock
    msync = calls_memory.msync
    mincore = calls_memory.mincore
    mbind = mempolicy.mbind
    mseal = mseal.mseal
    mlockall = calls_memory.mlockall
    munlockall = calls_memory.munlockall
    fsync = calls_memory.fsync
    process_madvise = process_madvise.process_madvise
    remap_file_pages = fremap.remap_file_pages
    uffd_register = userfaultfd.uffd_register
    move_pages = migrate.move_pages
    # processes
    fork = calls_process.fork
    exit = calls_process.exit
    kill = calls_process.kill
    wait = calls_process.wait
    exec = exec.exec
    coredump = coredump.coredump
    # the program's own loads and stores
    load = cpu.load
    store = cpu.store
    frame = cpu.frame
    call = cpu.call
    # from outside the page tables
    ptrace_peek = calls_access.ptrace_peek
    ptrace_poke = calls_access.ptrace_poke
    mem_read = calls_access.mem_read
    mem_write = calls_access.mem_write
    process_vm_readv = calls_access.process_vm_readv
    process_vm_writev = calls_access.process_vm_writev
    write_from = calls_access.write_from
    read_into = calls_access.read_into
    vmsplice = calls_access.vmsplice
    read_zero = zeromap.read_zero
    direct_write = direct.direct_write
    direct_read = direct.direct_read
    futex_wait = futex.futex_wait
    futex_wake = futex.futex_wake
    mm_populate = gup.mm_populate
    kernel_frame = uaccess.kernel_frame
    # /proc
    smaps = calls_proc.smaps
    maps = calls_proc.maps
    rss = accounting.rss
    pagemap = calls_proc.pagemap
    clear_refs = clear_refs.clear_refs
    pagemap_scan = pagemap_scan.pagemap_scan
    numa_maps = numa_maps.numa_maps
    rollup = rollup.rollup
    kpagecount = accounting.kpagecount
    kpageflags = accounting.kpageflags
    # what the lab's driver reads
    ptes = lab.ptes
    page_state = lab.page_state
    vmas = lab.vmas
