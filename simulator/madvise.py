# SPDX-License-Identifier: GPL-2.0-or-later
"""Which advice does a mapping take, and what does it do?  (mm/madvise.c)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.gup import check_vma_flags, populate_range
from simulator.mmap import page_align
from simulator.mprotect import isolate
from simulator.normal import vm_normal_page
from simulator.pgtable import P_DIRTY, P_PRESENT, P_YOUNG
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PG_DIRTY, PG_LAZYFREE, PG_REGION, PG_TOUCHED, PG_UNREFERENCED
from simulator.region import errno_of
from simulator.vma import VM_SPECIAL, Vma, vma_merge
from simulator.zap import put_page, zap_pte_range

if TYPE_CHECKING:
    from simulator.files import Backing
    from simulator.kernel import Kernel
    from simulator.task import Task

NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED = range(5)
FREE, REMOVE, DONTFORK, DOFORK, MERGEABLE, UNMERGEABLE, HUGEPAGE, NOHUGEPAGE, DONTDUMP, DODUMP = range(8, 18)
WIPEONFORK, KEEPONFORK, COLD, PAGEOUT, POPULATE_READ, POPULATE_WRITE, DONTNEED_LOCKED, COLLAPSE = range(18, 26)
HWPOISON, SOFT_OFFLINE, GUARD_INSTALL, GUARD_REMOVE = range(100, 104)

CONFIGURED = {
    MERGEABLE: "CONFIG_KSM",
    UNMERGEABLE: "CONFIG_KSM",
    HUGEPAGE: "CONFIG_TRANSPARENT_HUGEPAGE",
    NOHUGEPAGE: "CONFIG_TRANSPARENT_HUGEPAGE",
    COLLAPSE: "CONFIG_TRANSPARENT_HUGEPAGE",
    HWPOISON: "CONFIG_MEMORY_FAILURE",
    SOFT_OFFLINE: "CONFIG_MEMORY_FAILURE",
}
LRU_REFUSE = f.VM_LOCKED | f.VM_PFNMAP  # can_madv_lru_vma()


def do_madvise(k: Kernel, task: Task, start: int, length: int, advice: int) -> int:
    """madvise(2): 0 or -errno; a hole is ENOMEM at the end, what is mapped is advised all the same."""
    known = advice in k.profile.madvise_known
    if advice in CONFIGURED and not k.profile.enabled(CONFIGURED[advice]):
        known = False
    if not known and k.profile.madvise_unknown == "first":
        k.rules.append("madvise.unknown-advice")
        return -errno.EINVAL
    if start & PAGE_MASK or length < 0:
        return -errno.EINVAL
    end = start + page_align(length)
    if end == start:
        return 0
    if advice in (HWPOISON, SOFT_OFFLINE):
        k.unknown = "madvise(HWPOISON) and (SOFT_OFFLINE) are never done"
        return -errno.EFAULT
    if advice in (POPULATE_READ, POPULATE_WRITE) and k.profile.populate_hole == "stop":
        return populate_all(k, task, start, end, advice)
    unmapped = 0
    while start < end:
        vma = task.find_vma(start)
        if vma is None:
            k.rules.append("madvise.hole")
            return -errno.ENOMEM
        if start < vma.start:
            k.rules.append("madvise.hole")
            unmapped = -errno.ENOMEM
            start = vma.start
            if start >= end:
                break
        stop = min(vma.end, end)
        if not known:
            k.rules.append("madvise.unknown-advice")
            return -errno.EINVAL
        error = madvise_vma(k, task, vma, start, stop, advice)
        if error:
            return error
        start = stop
    return unmapped


def populate_all(k: Kernel, task: Task, start: int, end: int, advice: int) -> int:
    while start < end:
        vma = task.vma_lookup(start)
        if vma is None:
            k.rules.append("madvise.hole")
            return -errno.ENOMEM
        stop = min(vma.end, end)
        error = madvise_populate(k, task, vma, start, stop, advice == POPULATE_WRITE)
        if error:
            return error
        start = stop
    return 0


def madvise_populate(k: Kernel, task: Task, vma: Vma, start: int, end: int, write: bool) -> int:
    if check_vma_flags(k, vma, write, False):
        k.rules.append("madvise.populate-refused")
        return -errno.EINVAL
    return populate_range(k, task, vma, start, end, write)


def madvise_vma(k: Kernel, task: Task, vma: Vma, start: int, end: int, advice: int) -> int:
    """One advice on a piece of one vma: 0 or -errno."""
    first, last = (start - vma.start) >> PAGE_SHIFT, (end - vma.start) >> PAGE_SHIFT
    region = vma.backing.region if vma.backing is not None else None
    has_file = vma.backing is not None and (region is None or region.has_file)
    if vma.flags & f.VM_SEALED and discard_refused(k, vma, advice):
        return -errno.EPERM
    if advice in (DONTNEED, DONTNEED_LOCKED, FREE):
        refuse = k.dontneed_refuse & ~(f.VM_LOCKED if advice == DONTNEED_LOCKED else 0)
        if vma.flags & refuse:
            k.rules.append("madvise.dontneed-refused")
            return -errno.EINVAL
        if advice == FREE:
            return madvise_free(k, vma, first, last)
        k.rules.append("madvise.dontneed-zaps")
        zap_pte_range(k, task, vma, first, last)
        return 0
    if advice in (COLD, PAGEOUT):
        if vma.flags & LRU_REFUSE:
            k.rules.append("madvise.lru-refused")
            return -errno.EINVAL
        madvise_cold(k, vma, first, last, advice)
        return 0
    if advice in (POPULATE_READ, POPULATE_WRITE):
        return madvise_populate(k, task, vma, start, end, advice == POPULATE_WRITE)
    if advice == WILLNEED:
        if not has_file and not (k.profile.madvise_willneed_no_file and k.profile.enabled("CONFIG_SWAP")):
            return -errno.EBADF
        return 0
    if advice == REMOVE:
        return madvise_remove(k, vma, first, last)
    if advice == COLLAPSE:
        if vma.flags & VM_SPECIAL:
            return -errno.EINVAL
        k.unknown = "MADV_COLLAPSE of ordinary memory"
        return -errno.EINVAL
    if advice in (GUARD_INSTALL, GUARD_REMOVE):
        if vma.flags & (VM_SPECIAL | f.VM_LOCKED):
            k.rules.append("madvise.guard-refused")
            return -errno.EINVAL
        k.unknown = "guard regions in ordinary memory"
        return 0
    flags = behaviour_flags(k, vma, advice, has_file)
    if flags < 0:
        return flags
    if flags == vma.flags:
        return 0
    k.rules.append("madvise.sets-flag")
    error, vma = isolate(k, task, vma, start, end)
    if error:
        return error
    vma.flags = flags
    vma_merge(k, task, vma)
    return 0


def discard_refused(k: Kernel, vma: Vma, advice: int) -> bool:
    """can_madvise_modify(): would the advice discard pages of a sealed vma that could not be written anyway?"""
    region = vma.backing.region if vma.backing is not None else None
    kept = vma.backing is None
    if k.profile.mseal_read_only == "no-file":
        kept = kept or (region is not None and not region.has_file and not vma.flags & f.VM_SHARED)
    if advice in k.profile.mseal_discard and kept and not vma.flags & f.VM_WRITE:
        k.rules.append("mseal.refuses-discard")
        return True
    return False


def behaviour_flags(k: Kernel, vma: Vma, advice: int, has_file: bool) -> int:
    """The vma's flags under an advice that is kept as a flag, or -errno (madvise_vma_behavior())."""
    flags = vma.flags
    if advice == NORMAL:
        return flags & ~(f.VM_RAND_READ | f.VM_SEQ_READ)
    if advice == SEQUENTIAL:
        return flags & ~f.VM_RAND_READ | f.VM_SEQ_READ
    if advice == RANDOM:
        return flags & ~f.VM_SEQ_READ | f.VM_RAND_READ
    if advice == DONTFORK:
        return flags | f.VM_DONTCOPY
    if advice == DOFORK:
        if flags & k.dofork_refuse:
            k.rules.append("madvise.dofork-refused")
            return -errno.EINVAL
        return flags & ~f.VM_DONTCOPY
    if advice == WIPEONFORK:
        if has_file or flags & f.VM_SHARED:
            k.rules.append("madvise.wipeonfork-anonymous-only")
            return -errno.EINVAL
        return flags | f.VM_WIPEONFORK
    if advice == KEEPONFORK:
        return flags & ~f.VM_WIPEONFORK
    if advice == DONTDUMP:
        return flags | f.VM_DONTDUMP
    if advice == DODUMP:
        if flags & VM_SPECIAL:
            k.rules.append("madvise.dodump-refused")
            return -errno.EINVAL
        return flags & ~f.VM_DONTDUMP
    if advice == MERGEABLE:
        special = VM_SPECIAL | f.VM_SHARED | f.VM_MAYSHARE
        if flags & special:
            k.rules.append("madvise.mergeable-ignored")
            return flags
        return flags | f.VM_MERGEABLE
    if advice == UNMERGEABLE:
        return flags & ~f.VM_MERGEABLE
    if advice == HUGEPAGE:
        return huge(k, flags, f.VM_HUGEPAGE, f.VM_NOHUGEPAGE)
    return huge(k, flags, f.VM_NOHUGEPAGE, f.VM_HUGEPAGE)


def huge(k: Kernel, flags: int, on: int, off: int) -> int:
    return flags & ~off | on


def madvise_free(k: Kernel, vma: Vma, first: int, last: int) -> int:
    """Anonymous memory only; the pages stay until somebody needs them."""
    if vma.backing is not None:
        k.rules.append("madvise.free-anonymous-only")
        return -errno.EINVAL
    k.rules.append("madvise.free-makes-lazy")
    for index in range(first, last):
        pte = vma.view[index]
        if not pte & P_PRESENT:
            continue
        page = vm_normal_page(k, vma, index, pte)
        if not page:
            continue
        flags = k.mem.flags[page]
        if flags & PG_DIRTY and k.mem.mapcount[page] != 1:
            continue  # shared with others: its dirty flag cannot be taken away
        vma.view[index] = pte & ~(P_DIRTY | P_YOUNG)
        lazy = flags & ~(PG_DIRTY | PG_TOUCHED) | PG_LAZYFREE
        if k.profile.smaps_page_referenced:  # lru_lazyfree() takes PG_referenced from it, once its batch is drained
            lazy |= PG_UNREFERENCED | PG_TOUCHED
        k.mem.flags[page] = lazy
    return 0


def madvise_remove(k: Kernel, vma: Vma, first: int, last: int) -> int:
    region = vma.backing.region if vma.backing is not None else None
    if vma.flags & f.VM_LOCKED or (region is not None and not region.has_file) or vma.backing is None:
        return -errno.EINVAL
    if vma.flags & (f.VM_SHARED | f.VM_MAYWRITE) != f.VM_SHARED | f.VM_MAYWRITE:
        k.rules.append("madvise.remove-shared-writable-only")
        return -errno.EACCES
    if region is not None:
        k.rules.append("madvise.remove-needs-fallocate")
        return errno_of(region.fallocate_errno)
    punch_hole(k, vma.backing, vma.pgoff + first, vma.pgoff + last)
    return 0


def punch_hole(k: Kernel, backing: Backing, first: int, last: int) -> None:
    """shmem_fallocate(PUNCH_HOLE): pages [first, last) go from every mapping, then from the object."""
    k.rules.append("madvise.remove-punches")
    for task in k.tasks:
        for vma in task.vmas:
            if vma.backing is backing:
                low, high = max(first - vma.pgoff, 0), min(last - vma.pgoff, vma.pages)
                if low < high:
                    zap_pte_range(k, task, vma, low, high)
    for number in range(first, last):
        pfn = backing.pages.pop(number, None)
        if pfn is not None:
            put_page(k, pfn)


def madvise_cold(k: Kernel, vma: Vma, first: int, last: int, advice: int) -> None:
    """madvise_cold_or_pageout_pte_range(): pages that nobody else maps become old; without swap all stay."""
    for index in range(first, last):
        pte = vma.view[index]
        page = vm_normal_page(k, vma, index, pte) if pte & P_PRESENT else 0
        if page and k.mem.mapcount[page] == 1 and not k.mem.flags[page] & PG_REGION:  # a driver's is not on the LRU
            k.rules.append("madvise.cold-makes-old")
            vma.view[index] = pte & ~P_YOUNG
            k.mem.flags[page] = k.mem.flags[page] & ~PG_TOUCHED | PG_UNREFERENCED
            if advice == PAGEOUT:  # what reclaim does to the page's own flag is its own affair
                k.mem.flags[page] |= PG_TOUCHED
