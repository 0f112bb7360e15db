# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens on a write to a present, write-protected pte?  (mm/memory.c do_wp_page, wp_page_copy, cow_user_page)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.flags import VM_RESERVED, VM_SHARED, VM_WRITE
from simulator.normal import print_bad_pte, vm_normal_page
from simulator.oops import bug
from simulator.pgtable import P_DIRTY, P_PRESENT, P_SOFT_DIRTY, P_WRITE, P_YOUNG, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PG_ANON, PG_DIRTY, PG_FORKED, PG_HOLE, PG_PAGE, ZERO_PFN
from simulator.zap import page_remove_rmap, put_page

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

VM_FAULT_OOM = 1
VM_FAULT_SIGBUS = 2


def do_wp_page(k: Kernel, task: Task, vma: Vma, index: int, address: int) -> int:
    """Reuse the page, make a shared pte writable, or copy; returns 0 or VM_FAULT_OOM."""
    pte = vma.view[index]
    if k.raw_rule == "reserved-vma" and vma.flags & VM_RESERVED:
        k.rules.append("cow.reserved-is-a-bug")
        bug(k, k.running or task, "mm/memory.c", in_fault=k.running is None)
    if k.cow_absent == "kill" and not k.mem.flags[pte >> PFN_SHIFT] & PG_PAGE:
        k.rules.append("cow.absent-kills")
        print_bad_pte(k)
        return VM_FAULT_OOM
    page = vm_normal_page(k, vma, index, pte, address & PAGE_MASK)
    if not page:
        if vma.flags & (VM_SHARED | VM_WRITE) == VM_SHARED | VM_WRITE and k.wp_shared == "make-writable":
            k.rules.append("cow.shared-raw-made-writable")  # wp_pfn_shared()
            vma.view[index] = pte | P_WRITE | P_DIRTY | P_YOUNG | P_SOFT_DIRTY
            return 0
        return wp_page_copy(k, task, vma, index, address, pte, 0)
    if k.mem.flags[page] & PG_ANON and k.mem.mapcount[page] == 1:
        k.rules.append("cow.sole-owner-reuses")  # wp_page_reuse()
        k.mem.flags[page] &= ~PG_FORKED & 0xFFFF
        vma.view[index] = pte | P_DIRTY | P_YOUNG | P_SOFT_DIRTY | (P_WRITE if vma.flags & VM_WRITE else 0)
        return 0
    shared = vma.flags & (VM_SHARED | VM_WRITE) == VM_SHARED | VM_WRITE and k.wp_shared == "make-writable"
    if shared and not k.mem.flags[page] & PG_ANON:
        k.rules.append("cow.shared-page-made-writable")  # wp_page_shared(), fault_dirty_shared_page()
        k.mem.flags[page] |= PG_DIRTY
        vma.view[index] = pte | P_WRITE | P_DIRTY | P_YOUNG | P_SOFT_DIRTY
        return 0
    return wp_page_copy(k, task, vma, index, address, pte, page)


def wp_page_copy(k: Kernel, task: Task, vma: Vma, index: int, address: int, pte: int, old: int) -> int:
    """Put a private copy in the pte's place.  `old` is the normal page it mapped, 0 if it was raw."""
    mem = k.mem
    source = pte >> PFN_SHIFT
    if not old and source != ZERO_PFN and not k.hw_young and not pte & P_YOUNG:
        k.rules.append("cow.old-pte-first-made-young")
        if k.profile.cow_old_pte == "young-first":
            # __wp_page_copy_user() makes an old pte young and finds, under the lock, that the pte is another one:
            # the fault ends without a copy, and whoever asked must fault again.
            vma.view[index] = pte | P_YOUNG
            return 0
        source = ZERO_PFN  # cow_user_page() could not read it, and took zeros instead
    k.rules.append("cow.private-write-copies")
    anon_vma_prepare(k, task, vma)
    new = mem.alloc_page(zeroed=source == ZERO_PFN)
    if source != ZERO_PFN:
        cow_user_page(k, task, vma, new, source, address, old)
    page_add_new_anon_rmap(k, vma, index, new)
    if not old:
        task.anon_rss += 1
    else:
        if not mem.flags[old] & PG_ANON:
            task.file_rss -= 1
            task.anon_rss += 1
        page_remove_rmap(k, task, old)
        put_page(k, old)
    write = P_WRITE if vma.flags & VM_WRITE else 0
    vma.view[index] = new << PFN_SHIFT | P_PRESENT | P_YOUNG | P_DIRTY | P_SOFT_DIRTY | write
    return 0


def cow_user_page(k: Kernel, task: Task, vma: Vma, new: int, source: int, address: int, old: int) -> None:
    """The content of the copy: from the page, or for a raw pte from the user's own address."""
    mem = k.mem
    to = new << PAGE_SHIFT
    offset = address & PAGE_MASK
    if k.cow_copy_from == "fault" and not old and offset:
        # The commit (2.6.15-rc3) copied a page's length from the address that faulted, aligned or not.
        k.rules.append("cow.copies-from-fault-address")
        following = k.kernel_frame(task, (address | PAGE_MASK) + 1)  # without CONFIG_PREEMPT …_inatomic() faults it in
        if following < 0:
            mem.clear(new)
            return
        view = mem.view
        data = bytes(view[(source << PAGE_SHIFT) + offset : (source + 1) << PAGE_SHIFT])
        data += bytes(view[following << PAGE_SHIFT : (following << PAGE_SHIFT) + offset])
        view[to : to + PAGE_SIZE] = data
        return
    if not old and k.cow_copy_from != "frame" and k.running is not None and k.running is not task:
        # The source is the user address, and it is read in the address space of whoever runs: not the page's owner.
        k.rules.append("cow.raw-copied-from-who-runs")
        there = k.frame(k.running, address & ~PAGE_MASK)
        if there is None:
            if k.profile.cow_copy_fails == "warns":
                k.warn_once("mm/memory.c:")
            mem.clear(new)
            return
        source = there
    if mem.flags[source] & PG_HOLE:
        k.unknown = "a copy of a page with no memory behind it"
        mem.clear(new)
        return
    k.rules.append("cow.copy-is-exact")
    mem.view[to : to + PAGE_SIZE] = mem.view[source << PAGE_SHIFT : (source + 1) << PAGE_SHIFT]


def anon_vma_prepare(k: Kernel, task: Task, vma: Vma) -> None:
    """Give the vma an anon_vma, its neighbour's if the two could merge (find_mergeable_anon_vma())."""
    if vma.anon_vma:
        return
    index = task.vmas.index(vma)
    for other in (index + 1, index - 1):
        if 0 <= other < len(task.vmas) and vma.backing is None:
            near = task.vmas[other]
            touching = near.start == vma.end or near.end == vma.start
            if touching and near.anon_vma and near.anon_chain == 1 and near.backing is None:
                vma.anon_vma = near.anon_vma
                vma.anon_chain = 1
                return
    k.anon_vmas += 1
    vma.anon_vma = k.anon_vmas
    vma.anon_chain = 1


def page_add_new_anon_rmap(k: Kernel, vma: Vma, index: int, pfn: int) -> None:
    mem = k.mem
    vma.paged = True
    mem.flags[pfn] |= PG_ANON
    mem.mapcount[pfn] = 1
    mem.index[pfn] = vma.pgoff + index
    mem.anon_vma[pfn] = vma.anon_vma
