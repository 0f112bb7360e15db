# SPDX-License-Identifier: GPL-2.0-or-later
"""What does msync(2) answer?  (mm/msync.c)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.mmap import page_align
from simulator.normal import vm_normal_page
from simulator.pgtable import P_DIRTY, P_PRESENT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

MS_ASYNC = 1
MS_INVALIDATE = 2
MS_SYNC = 4


def do_msync(k: Kernel, task: Task, start: int, length: int, flags: int) -> int:
    """msync(2): 0 or -errno."""
    if flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) or start & PAGE_MASK:
        return -errno.EINVAL
    if flags & MS_ASYNC and flags & MS_SYNC:
        return -errno.EINVAL
    end = start + page_align(length)
    if end < start:
        return -errno.ENOMEM
    unmapped = 0
    while start < end:
        vma = task.find_vma(start)
        if vma is None:
            k.rules.append("msync.hole")
            return -errno.ENOMEM
        if start < vma.start:
            k.rules.append("msync.hole")
            if flags == MS_ASYNC and k.profile.msync_async_stops:
                return -errno.ENOMEM
            start = vma.start
            if start >= end:
                return -errno.ENOMEM
            unmapped = -errno.ENOMEM
        if flags & MS_INVALIDATE and vma.flags & f.VM_LOCKED:
            k.rules.append("msync.locked-busy")
            return -errno.EBUSY
        if k.profile.msync_cleans != "none" and vma.flags & f.VM_SHARED:
            clean_pages(k, vma, start, min(vma.end, end))
        start = vma.end
        region = vma.backing.region if vma.backing is not None else None
        if flags & MS_SYNC and vma.flags & f.VM_SHARED and region is not None and region.has_file:
            if not region.fsync and k.profile.msync_nofsync:
                k.rules.append("msync.no-fsync-op")
                return -errno.EINVAL
            k.rules.append("msync.ok")
    return unmapped


def clean_pages(k: Kernel, vma: Vma, start: int, end: int) -> None:
    """msync_pte_range() until 2.6.18: the dirty bits of pages move to the page array; raw ptes keep theirs."""
    skipped = {"not-unpaged": f.VM_PFNMAP, "not-reserved": f.VM_RESERVED}.get(k.profile.msync_cleans, 0)
    if vma.flags & skipped:
        return
    for index in range((start - vma.start) >> PAGE_SHIFT, (end - vma.start) >> PAGE_SHIFT):
        pte = vma.view[index]
        if pte & P_PRESENT and pte & P_DIRTY and vm_normal_page(k, vma, index, pte):
            k.rules.append("msync.cleans-pages")
            vma.view[index] = pte & ~P_DIRTY
