# SPDX-License-Identifier: GPL-2.0-or-later
"""When may a mapping grow, shrink or move, and what moves along?  (mm/mremap.c)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np

from simulator import flags as f
from simulator.mmap import can_split, do_munmap, get_unmapped_area, mlock_limit, page_align
from simulator.pgtable import P_PRESENT, P_SOFT_DIRTY, P_TLB, new_ptes, u64
from simulator.physmem import PAGE_MASK, PAGE_SHIFT
from simulator.vma import Vma, sealed, vma_merge

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

MAYMOVE = 1
FIXED = 2
DONTUNMAP = 4


def do_mremap(k: Kernel, task: Task, addr: int, old: int, new: int, flags: int, new_addr: int) -> int:
    """mremap(2): the address, or -errno."""
    if flags & ~(MAYMOVE | FIXED | DONTUNMAP) or (flags & FIXED and not flags & MAYMOVE):
        return -errno.EINVAL
    if flags & DONTUNMAP and (not flags & MAYMOVE or page_align(old) != page_align(new)):
        return -errno.EINVAL
    if flags & DONTUNMAP and k.profile.mremap_dontunmap == "unknown":
        return -errno.EINVAL
    if addr & PAGE_MASK or old < 0 or new <= 0:
        return -errno.EINVAL
    old, new = page_align(old), page_align(new)
    if k.profile.mremap_shrink_looks and task.vma_lookup(addr) is None:
        k.rules.append("mremap.starts-in-hole")
        return -errno.EFAULT
    vma = task.vma_lookup(addr)
    if vma is not None and not k.profile.mremap_batch and sealed(k, vma):
        return -errno.EPERM
    if flags & (FIXED | DONTUNMAP):
        return mremap_to(k, task, addr, old, new, flags, new_addr)
    if vma is not None and sealed(k, vma):
        return -errno.EPERM
    if old >= new:
        error = do_munmap(k, task, addr + new, old - new) if old > new else 0
        if error:
            return error
        k.rules.append("mremap.shrinks")
        return addr
    found = vma_to_resize(k, task, addr, old, new, flags)
    if isinstance(found, int):
        return found
    vma = found
    if old == vma.end - addr and not task.vmas_in(vma.end, addr + new):
        expand(k, task, vma, addr + new)
        return addr
    if not flags & MAYMOVE:
        return -errno.ENOMEM
    return move_vma(k, task, vma, addr, old, new, get_unmapped_area(k, task, 0, new), flags)


def mremap_to(k: Kernel, task: Task, addr: int, old: int, new: int, flags: int, new_addr: int) -> int:
    """A move to a place that the caller names (MREMAP_FIXED), or one that leaves the old vma there (DONTUNMAP)."""
    if flags & FIXED:
        if new_addr & PAGE_MASK or new > k.task_end or new_addr > k.task_end - new:
            return -errno.EINVAL
        if addr + old > new_addr and new_addr + new > addr:
            return -errno.EINVAL
    if k.profile.mremap_batch and old == new:
        return remap_move(k, task, addr, old, flags, new_addr)
    return _mremap_one(k, task, addr, old, new, flags, new_addr)


def _mremap_one(k: Kernel, task: Task, addr: int, old: int, new: int, flags: int, new_addr: int) -> int:
    vma = task.vma_lookup(addr)
    if vma is not None and sealed(k, vma):
        return -errno.EPERM
    if flags & FIXED:
        error = do_munmap(k, task, new_addr, new)
        if error:
            return error
    if old > new:
        error = do_munmap(k, task, addr + new, old - new)
        if error:
            return error
        old = new
    found = vma_to_resize(k, task, addr, old, new, flags)
    if isinstance(found, int):
        return found
    if not flags & FIXED:
        new_addr = get_unmapped_area(k, task, new_addr, new)
    return move_vma(k, task, found, addr, old, new, new_addr, flags)


def remap_move(k: Kernel, task: Task, addr: int, length: int, flags: int, new_addr: int) -> int:
    """A pure move may span several vmas; the gaps between them go along (Linux 6.17)."""
    vmas = task.vmas_in(addr, addr + length)
    if not vmas or vmas[0].start > addr:
        return -errno.EFAULT
    if len(vmas) > 1 and not flags & FIXED:
        return -errno.EFAULT
    k.rules.append("mremap.moves-several")
    result = new_addr
    for number, vma in enumerate(vmas):
        start, end = max(vma.start, addr), min(vma.end, addr + length)
        done = _mremap_one(k, task, start, end - start, end - start, flags, new_addr + start - addr)
        if done < 0:
            return done
        if not number:
            result = done
    return result


def vma_to_resize(k: Kernel, task: Task, addr: int, old: int, new: int, flags: int) -> Vma | int:
    """The vma that may be resized or moved so, or -errno."""
    vma = task.vma_lookup(addr)
    if vma is None:
        k.rules.append("mremap.starts-in-hole")
        return -errno.EFAULT
    if not old and not vma.flags & (f.VM_SHARED | f.VM_MAYSHARE) and not k.profile.mremap_dup_private:
        k.rules.append("mremap.no-private-duplicate")
        return -errno.EINVAL
    if flags & DONTUNMAP:
        by_file = k.profile.mremap_dontunmap == "file" and (vma.backing is not None or vma.flags & f.VM_SHARED)
        if by_file or vma.flags & (f.VM_DONTEXPAND | f.VM_PFNMAP):
            k.rules.append("mremap.dontunmap-refused")
            return -errno.EINVAL
    if old > vma.end - addr:
        k.rules.append("mremap.one-vma-only")
        return -errno.EFAULT
    if new == old:
        return vma
    if new > old and vma.flags & k.grow_refuse:
        k.rules.append("mremap.no-growth")
        return -errno.EFAULT
    if vma.flags & f.VM_LOCKED and mlock_limit(k, task, new - old, errno.EAGAIN):
        return -errno.EAGAIN
    return vma


def expand(k: Kernel, task: Task, vma: Vma, end: int) -> None:
    """Grow in place; the new pages have no ptes."""
    of_a_driver = vma.backing is not None and vma.backing.region is not None
    k.rules.append("mremap.grows-hole" if of_a_driver else "mremap.grows")
    added = (end - vma.end) >> PAGE_SHIFT
    vma.ptes = np.concatenate((vma.ptes, new_ptes(added)))
    vma.view = vma.ptes.data
    start = vma.end
    vma.end = end
    task.total_vm += added
    locked = bool(vma.flags & f.VM_LOCKED)
    if locked:
        task.locked_vm += added
    vma_merge(k, task, vma)
    if locked:
        k.mm_populate(task, start, end)


def move_vma(k: Kernel, task: Task, vma: Vma, addr: int, old: int, new: int, new_addr: int, flags: int) -> int:
    """copy_vma(), move_page_tables(), and the old range is unmapped: pfns, COWed pages and vm_pgoff go along."""
    if k.profile.may_split and (vma.start != addr or vma.end != addr + old) and not can_split(k, vma):
        return -errno.EINVAL
    first = (addr - vma.start) >> PAGE_SHIFT
    pages = old >> PAGE_SHIFT
    pgoff = vma.pgoff + first
    if vma.backing is None and not vma.anon_vma:
        pgoff = (k.arena + new_addr) >> PAGE_SHIFT
    ptes = new_ptes(new >> PAGE_SHIFT)
    ptes[:pages] = vma.ptes[first : first + pages]  # move_page_tables()
    ptes &= u64(~P_TLB)
    ptes[(ptes & u64(P_PRESENT)) != 0] |= u64(P_SOFT_DIRTY)  # move_soft_dirty_pte()
    vma.ptes[first : first + pages] = 0
    k.rules.append("mremap.moves-ptes-and-pgoff")
    moved = vma.like(new_addr, new_addr + new, pgoff, ptes)
    task.insert(moved)
    locked = vma.flags & f.VM_LOCKED
    vma.flags &= ~f.VM_PAT  # untrack_pfn_clear(): what is left of the old vma is tracked no more
    task.total_vm += new >> PAGE_SHIFT
    if flags & DONTUNMAP:
        if locked:
            if k.profile.mremap_dontunmap_locked == "twice":
                k.rules.append("mremap.dontunmap-counts-twice")  # vrm_stat_account() adds, nothing takes off
                task.locked_vm += new >> PAGE_SHIFT
            vma.flags &= ~(f.VM_LOCKED | f.VM_LOCKONFAULT)
        if vma.start == addr and vma.end == addr + old:
            vma.anon_vma = vma.anon_chain = 0
            if vma.backing is None:
                vma.pgoff = (k.arena + vma.start) >> PAGE_SHIFT
        vma_merge(k, task, moved)
        return new_addr
    if pages:
        do_munmap(k, task, addr, old)
    if locked:
        task.locked_vm += new >> PAGE_SHIFT
    vma_merge(k, task, moved)
    if locked and new > old:
        k.mm_populate(task, new_addr + old, new_addr + new)
    return new_addr
