# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a read of /dev/zero do to the memory it goes to?  (drivers/char/mem.c read_zero(), to 2.6.23 with zeromap)

It clears, as any write of the kernel does. Until 2.6.24 four pages and more of a private mapping were not: their
ptes were taken away and the zero page put there.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.pgtable import P_PRESENT, P_YOUNG, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, ZERO_PFN
from simulator.uaccess import copy_to_user
from simulator.zap import zap_pte_range

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

WORTH_IT = 4 * PAGE_SIZE  # bytes; fewer are cleared
MAPS = ("maps-zero", "maps-zero-but-pf")


def read_zero(k: Kernel, task: Task, address: int, length: int) -> int:
    """read(2) of /dev/zero: the count, or -EFAULT."""
    k.stage = ""
    done, whole = 0, True
    if k.profile.read_zero in MAPS and length >= WORTH_IT:
        done, whole = read_zero_pagealigned(k, task, address, length)
    if whole:
        done += clear_user(k, task, address + done, length - done)
    k.rules.append("uaccess.writes-mapping" if done else "uaccess.efault")
    return done or -errno.EFAULT


def clear_user(k: Kernel, task: Task, address: int, length: int) -> int:
    """How many bytes were cleared, as far as is told, a page's length at a time."""
    done = 0
    while done < length:
        chunk = min(PAGE_SIZE, length - done)
        cleared = copy_to_user(k, task, address + done, bytes(chunk))
        if cleared < chunk:
            return done + (0 if k.profile.read_zero == "clears-untold" else cleared)
        done += cleared
    return done


def read_zero_pagealigned(k: Kernel, task: Task, address: int, length: int) -> tuple[int, bool]:
    """The whole pages of the buffer, and what lies before them: (count, were they done without a fault?)."""
    before = -address & PAGE_MASK
    done = clear_user(k, task, address, before)
    if done < before:
        return done, False
    end = address + (length - before & ~PAGE_MASK) + before
    while address + done < end:
        here = address + done
        vma = task.vma_lookup(here)
        if vma is None or not vma.flags & f.VM_WRITE:
            return done, False
        if vma.flags & f.VM_SHARED or (k.profile.read_zero == "maps-zero-but-pf" and vma.flags & f.VM_PFNMAP):
            cleared = clear_user(k, task, here, end - here)
            return done + cleared, here + cleared == end
        stop = min(vma.end, end)
        zeromap_page_range(k, task, vma, here, stop)
        done += stop - here
    return done, True


def zeromap_page_range(k: Kernel, task: Task, vma: Vma, start: int, end: int) -> None:
    """Every pte of [start, end) gives way to the zero page, write-protected; counted as the profile counts it."""
    k.rules.append("uaccess.zero-page-mapped")
    first, last = (start - vma.start) >> PAGE_SHIFT, (end - vma.start) >> PAGE_SHIFT
    zap_pte_range(k, task, vma, first, last)
    for index in range(first, last):
        vma.view[index] = ZERO_PFN << PFN_SHIFT | P_PRESENT | P_YOUNG
    vma.paged = True
    if k.zero_page == "file":
        k.mem.refcount[ZERO_PFN] += last - first
        k.mem.mapcount[ZERO_PFN] += last - first
        task.file_rss += last - first
