# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a child get of its parent's memory?  (kernel/fork.c dup_mmap, mm/memory.c copy_page_range, copy_one_pte)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np

from simulator import flags as f
from simulator import pat
from simulator.mmap import unmap_vma
from simulator.normal import normal_mask, vm_normal_page
from simulator.pgtable import (
    P_DIRTY,
    P_MAYBE,
    P_NONE,
    P_PRESENT,
    P_TLB,
    P_WRITE,
    P_YOUNG,
    PFN_SHIFT,
    SCALAR_PAGES,
    new_ptes,
    pfns_of,
    run_of,
    u64,
)
from simulator.physmem import PAGE_SIZE, PG_ANON, PG_FORKED
from simulator.task import Task
from simulator.vma import Vma

if TYPE_CHECKING:
    from simulator.kernel import Kernel


def dup_mmap(k: Kernel, parent: Task, child: Task) -> int:
    """Give `child` a copy of the parent's address space; 0 or -ENOMEM."""
    child.total_vm = parent.total_vm
    for vma in parent.vmas:
        if vma.flags & f.VM_DONTCOPY:
            k.rules.append("fork.dontcopy-left-out")
            child.total_vm -= vma.pages
            continue
        new = vma.like(vma.start, vma.end, vma.pgoff, new_ptes(vma.pages))
        new.flags &= ~(f.VM_LOCKED | f.VM_LOCKONFAULT)
        if vma.flags & f.VM_WIPEONFORK:
            k.rules.append("fork.wipeonfork-empty")
            new.anon_vma = new.anon_chain = 0
            child.insert(new)
            continue
        if vma.anon_vma and k.profile.anon_vma_per_fork:  # anon_vma_fork()
            k.anon_vmas += 1
            new.anon_vma = k.anon_vmas
            new.anon_chain = vma.anon_chain + 1
        child.insert(new)
        if vma.flags & f.VM_PAT and not pat.copied(k, vma) and k.profile.fork_pat_first_page:
            k.rules.append("fork.pat-needs-first-page")
            _undo(k, child, new)
            return -errno.ENOMEM
        copy_page_range(k, parent, child, vma, new)
    if k.profile.stale_host_mappings:
        _inherit_host_mappings(k, parent, child)
    return 0


def _undo(k: Kernel, child: Task, new: Vma) -> None:
    """What a fork() that fails has copied is given back; of the vma that failed there is nothing but its flags."""
    child.remove(new)
    for done in list(child.vmas):
        unmap_vma(k, child, done)
    if k.profile.fork_failed_pat == "frees":
        k.rules.append("pat.failed-fork-frees")
        pat.untrack(k, new)


def copy_page_range(k: Kernel, parent: Task, child: Task, vma: Vma, new: Vma) -> None:
    """Copy the ptes now (VM_PFNMAP, or anonymous pages are there); else the child faults them in again."""
    if not vma.flags & k.fork_copies and not vma.anon_vma:
        if vma.incomplete:
            k.rules.append("fork.inserted-not-copied")
        return
    if vma.pages > SCALAR_PAGES:
        _copy_vector(k, child, vma, new)
        return
    source = vma.view
    target = new.view
    cow = f.is_cow_mapping(vma.flags)
    mem = k.mem
    for index in range(vma.pages):
        pte = source[index]
        if not pte & P_PRESENT:
            continue
        page = vm_normal_page(k, vma, index, pte)
        if not page and k.fork_raw == "verbatim":
            k.rules.append("fork.raw-verbatim")
            target[index] = pte
            continue
        if cow and pte & P_WRITE:
            k.rules.append("fork.write-protects")
            pte &= ~P_WRITE
            source[index] = pte
        if vma.flags & f.VM_SHARED:
            pte &= ~P_DIRTY
        target[index] = pte & ~(P_YOUNG | P_MAYBE | P_TLB)
        if not page:
            k.rules.append("fork.raw-copied")
            continue
        k.rules.append("fork.page-shared")
        mem.refcount[page] += 1
        mem.mapcount[page] += 1
        if mem.flags[page] & PG_ANON:
            mem.flags[page] |= PG_FORKED
            child.anon_rss += 1
        else:
            child.file_rss += 1


def _copy_vector(k: Kernel, child: Task, vma: Vma, new: Vma) -> None:
    ptes = vma.ptes
    normal = normal_mask(k, vma, 0, ptes) if vma.paged else np.zeros(0, np.bool_)
    some = bool(normal.any())
    if some:
        k.rules.append("fork.page-shared")
    else:
        k.rules.append("fork.raw-copied")
    keep = ~(P_YOUNG | P_MAYBE | P_TLB)
    if vma.flags & f.VM_SHARED:
        keep &= ~P_DIRTY
    cow = f.is_cow_mapping(vma.flags)
    verbatim = k.fork_raw == "verbatim"
    if verbatim and some:
        touched = normal
        if cow:
            ptes[touched] &= u64(~P_WRITE)
        new.ptes[:] = np.where(touched, ptes & u64(keep), ptes)
    elif verbatim:
        new.ptes[:] = ptes
    else:
        if cow:
            k.rules.append("fork.write-protects")
            np.bitwise_and(ptes, u64(~P_WRITE), out=ptes)
        np.bitwise_and(ptes, u64(keep), out=new.ptes)
    if not some:
        return
    mem = k.mem
    pages = pfns_of(ptes if bool(normal.all()) else ptes[normal])
    count = len(pages)
    run = run_of(pages) if k.zero_page != "file" else None
    if run is not None:
        mem.refcount_array[run] += 1
        mem.mapcount_array[run] += 1
        mem.flags_array[run] |= PG_FORKED  # asked of anonymous pages only
        anon = int(np.count_nonzero(mem.flags_array[run] & PG_ANON))
    else:
        np.add.at(mem.refcount_array, pages, 1)
        np.add.at(mem.mapcount_array, pages, 1)
        mem.flags_array[pages] |= PG_FORKED
        anon = int(np.count_nonzero(mem.flags_array[pages] & PG_ANON))
    child.anon_rss += anon
    child.file_rss += count - anon


def _inherit_host_mappings(k: Kernel, parent: Task, child: Task) -> None:
    # UML's child address space starts as a copy of the parent's host mappings, and flush_tlb_mm() visits the
    # child's vmas only: what lies in none of them stays as the parent had it.
    stale: dict[int, int] = dict(parent.stale or {})
    for vma in parent.vmas:
        if not vma.flags & f.VM_DONTCOPY:
            continue
        for index in range(vma.pages):
            pte = vma.view[index]
            if vma.host_synced:
                pte |= P_TLB
            if pte & (P_PRESENT | P_NONE | P_YOUNG | P_TLB) == P_PRESENT | P_YOUNG | P_TLB:
                write = P_WRITE if pte & P_WRITE and pte & P_DIRTY else 0
                stale[vma.start + index * PAGE_SIZE] = (pte >> PFN_SHIFT) << PFN_SHIFT | P_PRESENT | P_YOUNG | write
    for page in list(stale):
        if child.vma_lookup(page) is not None:
            del stale[page]
    child.stale = stale or None
    for vma in parent.vmas:  # flush_tlb_mm(oldmm) at the end of dup_mmap() maps all that the parent has
        vma.host_synced = True


def exit_mm(k: Kernel, task: Task) -> None:
    """Everything of the address space is given back (exit_mmap())."""
    for vma in list(task.vmas):
        unmap_vma(k, task, vma)
    if not k.profile.exit_checks_rss:
        return
    for kind, pages in (("MM_FILEPAGES", task.file_rss), ("MM_ANONPAGES", task.anon_rss)):
        if pages:
            k.rules.append("rss.bad-counter-at-exit")
            k.log(f"type:{kind} val:{pages}")  # after `BUG: Bad rss-counter state mm:…`
