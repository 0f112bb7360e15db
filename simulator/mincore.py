# SPDX-License-Identifier: GPL-2.0-or-later
"""Which pages does mincore(2) call resident?  (mm/mincore.c)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np

from simulator import flags as f
from simulator.mmap import page_align
from simulator.pgtable import P_PRESENT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.region import Region
    from simulator.task import Task
    from simulator.vma import Vma


def do_mincore(k: Kernel, task: Task, start: int, length: int) -> bytes | int:
    """mincore(2): one byte a page, or -errno; a hole anywhere is ENOMEM."""
    if start & PAGE_MASK:
        return -errno.EINVAL
    if length < 0:
        return -errno.ENOMEM
    end = start + page_align(length)
    out = bytearray()
    while start < end:
        vma = task.vma_lookup(start)
        if vma is None:
            k.rules.append("mincore.hole")
            return -errno.ENOMEM
        stop = min(vma.end, end)
        one = mincore_vma(k, task, vma, (start - vma.start) >> PAGE_SHIFT, (stop - vma.start) >> PAGE_SHIFT)
        if isinstance(one, int):
            return one
        out += one
        start = stop
    return bytes(out)


def mincore_vma(k: Kernel, task: Task, vma: Vma, first: int, last: int) -> bytes | int:
    region = vma.backing.region if vma.backing is not None else None
    if vma.backing is None and not k.profile.mincore_anon:  # shared anonymous memory has a file
        k.rules.append("mincore.needs-file")
        return -errno.ENOMEM
    if region is not None:
        if not region.has_file or not may_look(task, region):
            k.rules.append("mincore.not-permitted-says-all")  # can_do_mincore()
            return b"\1" * (last - first)
        if k.profile.mincore_pfnmap == "hole" and (vma.flags & f.VM_PFNMAP or not k.profile.mincore_anon):
            k.rules.append("mincore.pfnmap-hole")
            return bytes(last - first)
    k.rules.append("mincore.present-pte")
    if vma.backing is None or region is not None:
        return bytes(((vma.ptes[first:last] & np.uint64(P_PRESENT)) != 0).tobytes())
    shmem = vma.backing.pages
    return bytes(1 if vma.pgoff + index in shmem else 0 for index in range(first, last))


def may_look(task: Task, region: Region) -> bool:
    """can_do_mincore(): who owns the inode, or could open it for writing; how it was opened plays no part."""
    return task.uid == 0 or region.others_write
