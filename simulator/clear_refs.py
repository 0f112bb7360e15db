# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a number written to /proc/PID/clear_refs forget?  (fs/proc/task_mmu.c clear_refs_write)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.normal import vm_normal_page
from simulator.pgtable import P_MAYBE, P_PRESENT, P_SOFT_DIRTY, P_WRITE, P_YOUNG
from simulator.physmem import PG_TOUCHED, PG_UNREFERENCED

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

ALL, ANON, MAPPED, SOFT_DIRTY, HIWATER = range(1, 6)


def clear_refs(k: Kernel, task: Task, number: int) -> int:
    """0, or -errno; `stage` is `open` where there is no such file."""
    k.stage = ""
    if not k.profile.clear_refs:
        k.rules.append("refs.none")
        k.stage = "open"
        return -errno.ENOENT
    if k.profile.clear_refs < 0 and number:  # 2.6.22 to 2.6.31: whatever is not 0 forgets all
        number = ALL
    elif not ALL <= number <= k.profile.clear_refs:
        k.rules.append("refs.number")
        return -errno.EINVAL
    if number == HIWATER:
        k.rules.append("refs.peak-only")
        return 0
    for vma in task.vmas:
        if number == SOFT_DIRTY:
            clear_soft_dirty_vma(k, vma)
        if vma.flags & f.VM_PFNMAP:
            k.rules.append("refs.pfnmap-skipped")
        elif number == SOFT_DIRTY:
            clear_soft_dirty(k, vma)
        elif number == ALL or (number == MAPPED) == has_file(vma):
            clear_young(k, vma)
    return 0


def has_file(vma: Vma) -> bool:
    """vma->vm_file; shared anonymous memory has one."""
    if vma.backing is None:
        return False
    return vma.backing.region is None or vma.backing.region.has_file


def clear_soft_dirty_vma(k: Kernel, vma: Vma) -> None:
    """VM_SOFTDIRTY goes, of a PFN mapping too: from now on mprotect() leaves its shared ptes write-protected."""
    if vma.flags & f.VM_SOFTDIRTY:
        k.rules.append("refs.vma-soft-dirty")
        vma.flags &= ~f.VM_SOFTDIRTY
    vma.host_synced = True  # flush_tlb_mm() makes User-Mode Linux map all that is present


def clear_soft_dirty(k: Kernel, vma: Vma) -> None:
    """Every present pte is write-protected, so that the next write tells; raw ones of a VM_MIXEDMAP vma too."""
    if not k.soft_dirty:
        return
    k.rules.append("refs.write-protects")
    for index in range(vma.pages):
        pte = vma.view[index]
        if pte & P_PRESENT:
            vma.view[index] = pte & ~(P_WRITE | P_SOFT_DIRTY)


def clear_young(k: Kernel, vma: Vma) -> None:
    """The young bits and PG_referenced of pages go; no TLB is flushed, so a later access may go unseen."""
    k.rules.append("refs.pages-old")
    for index in range(vma.pages):
        pte = vma.view[index]
        page = vm_normal_page(k, vma, index, pte) if pte & P_PRESENT else 0
        if page:
            vma.view[index] = pte & ~P_YOUNG | P_MAYBE
            k.mem.flags[page] = k.mem.flags[page] & ~PG_TOUCHED | PG_UNREFERENCED
