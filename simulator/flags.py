# SPDX-License-Identifier: GPL-2.0-or-later
"""Which bits does a vma carry, and what does smaps call them?  (include/linux/mm.h, fs/proc/task_mmu.c)"""

from __future__ import annotations

from collections.abc import Iterable

VM_READ = 0x1
VM_WRITE = 0x2
VM_EXEC = 0x4
VM_SHARED = 0x8
VM_MAYREAD = 0x10
VM_MAYWRITE = 0x20
VM_MAYEXEC = 0x40
VM_MAYSHARE = 0x80
VM_PFNMAP = 0x400
VM_LOCKED = 0x2000
VM_IO = 0x4000
VM_SEQ_READ = 0x8000
VM_RAND_READ = 0x10000
VM_DONTCOPY = 0x20000
VM_DONTEXPAND = 0x40000
VM_LOCKONFAULT = 0x80000
VM_ACCOUNT = 0x100000
VM_NORESERVE = 0x200000
VM_PAT = 0x1000000  # VM_ARCH_1
VM_WIPEONFORK = 0x2000000
VM_DONTDUMP = 0x4000000
VM_SOFTDIRTY = 0x8000000
VM_MIXEDMAP = 0x10000000
VM_HUGEPAGE = 0x20000000
VM_NOHUGEPAGE = 0x40000000
VM_MERGEABLE = 0x80000000
VM_RESERVED = 1 << 40  # until 3.6; its own bit here, as 0x80000 is VM_LOCKONFAULT today
VM_DROPPABLE = 1 << 41
VM_SEALED = 1 << 42

VM_ACCESS_FLAGS = VM_READ | VM_WRITE | VM_EXEC

# In the order of their bit numbers, which is the order of printing (show_smap_vma_flags()).
NAMES: tuple[tuple[int, str], ...] = (
    (VM_READ, "rd"),
    (VM_WRITE, "wr"),
    (VM_EXEC, "ex"),
    (VM_SHARED, "sh"),
    (VM_MAYREAD, "mr"),
    (VM_MAYWRITE, "mw"),
    (VM_MAYEXEC, "me"),
    (VM_MAYSHARE, "ms"),
    (VM_PFNMAP, "pf"),
    (VM_LOCKED, "lo"),
    (VM_IO, "io"),
    (VM_SEQ_READ, "sr"),
    (VM_RAND_READ, "rr"),
    (VM_DONTCOPY, "dc"),
    (VM_DONTEXPAND, "de"),
    (VM_LOCKONFAULT, "lf"),
    (VM_ACCOUNT, "ac"),
    (VM_NORESERVE, "nr"),
    (VM_PAT, "ar"),
    (VM_WIPEONFORK, "wf"),
    (VM_DONTDUMP, "dd"),
    (VM_SOFTDIRTY, "sd"),
    (VM_MIXEDMAP, "mm"),
    (VM_HUGEPAGE, "hg"),
    (VM_NOHUGEPAGE, "nh"),
    (VM_MERGEABLE, "mg"),
    (VM_DROPPABLE, "dp"),
    (VM_SEALED, "sl"),
)
BY_NAME = {name: bit for bit, name in NAMES} | {"reserved": VM_RESERVED}


def parse_flags(names: Iterable[str]) -> int:
    """The bits of two-letter names (and `reserved`, which smaps never printed); KeyError for an unknown one."""
    bits = 0
    for name in names:
        bits |= BY_NAME[name]
    return bits


def is_cow_mapping(flags: int) -> bool:
    """Private and *could* be made writable: VM_MAYWRITE decides, not VM_WRITE (mm/internal.h is_cow_mapping())."""
    return flags & (VM_SHARED | VM_MAYWRITE) == VM_MAYWRITE
