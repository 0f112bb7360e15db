# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of remap_file_pages()?  (mm/mmap.c; mm/fremap.c to 3.x)

Once it put pages of a file out of order into one vma, by the file's vm_ops, which no driver has; now it maps the range
anew from there, with a vma of its own.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.mmap import MAP_FIXED, MAP_LOCKED, MAP_POPULATE, MAP_SHARED, do_mmap, mmap_region
from simulator.physmem import PAGE_MASK, PAGE_SHIFT

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma


def remap_file_pages(k: Kernel, task: Task, addr: int, length: int, r: int, page: int) -> int:
    """remap_file_pages(2) to page `page` of region `r`, as its file counts it: 0 or -errno."""
    start, size = addr & ~PAGE_MASK, length & ~PAGE_MASK
    vma = task.vma_lookup(start)
    if size <= 0 or vma is None:
        return -errno.EINVAL
    if not vma.flags & f.VM_SHARED or not same_to_the_end(task, vma, start + size):
        k.rules.append("remap-file-pages.refused")
        return -errno.EINVAL
    if k.profile.remap_file_pages == "nonlinear":
        if vma.backing is not None and vma.backing.region is not None:
            k.rules.append("remap-file-pages.refused")
        else:
            k.lost = "pages of shared memory that are out of order"
        return -errno.EINVAL
    k.rules.append("remap-file-pages.maps-anew")
    k.warn_once("uses deprecated remap_file_pages() syscall")
    pgoff = k.regions[r].first_pgoff + page
    if vma.file is not None:
        flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE | (MAP_LOCKED if vma.flags & f.VM_LOCKED else 0)
        got = do_mmap(k, task, start, size, vma.flags & 7, flags, vma.file, pgoff << PAGE_SHIFT)
    else:  # shared anonymous memory
        kept = vma.flags & ~(f.VM_SOFTDIRTY | f.VM_ACCOUNT)
        got = mmap_region(k, task, start, size, kept, pgoff, None, vma.backing, populate=True)
    return min(got, 0)


def same_to_the_end(task: Task, vma: Vma, end: int) -> bool:
    """Do vmas of the same file and flags reach up to `end` without a gap?"""
    while vma.end < end:
        following = task.vma_lookup(vma.end)
        if following is None or following.file is not vma.file or following.backing is not vma.backing:
            return False
        if following.flags != vma.flags:
            return False
        vma = following
    return True
