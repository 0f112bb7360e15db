# SPDX-License-Identifier: GPL-2.0-or-later
"""Which pages can the kernel take hold of for somebody?  (mm/gup.c get_user_pages, check_vma_flags, populate)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np

from simulator import flags as f
from simulator.cow import VM_FAULT_OOM, VM_FAULT_SIGBUS, anon_vma_prepare, wp_page_copy
from simulator.fault import beside_unplaced, exec_only, handle_mm_fault
from simulator.normal import vm_normal_page
from simulator.oops import loop, oops
from simulator.pgtable import (
    P_DIRTY,
    P_NONE,
    P_PRESENT,
    P_SOFT_DIRTY,
    P_SPECIAL,
    P_WRITE,
    P_YOUNG,
    PFN_SHIFT,
    SCALAR_PAGES,
    counting,
    fill_run,
)
from simulator.physmem import (
    PAGE_MASK,
    PAGE_SHIFT,
    PAGE_SIZE,
    PG_ANON,
    PG_DIRTY,
    PG_FORKED,
    PG_PAGE,
    PG_TOUCHED,
    ZERO_PFN,
)

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma


GATE = 0xFFFFFFFFFF600000  # VSYSCALL_START


def check_vma_flags(k: Kernel, vma: Vma, write: bool, force: bool) -> int:
    """0 or -EFAULT: the vma decides, before any pte is looked at, so a COWed page is out of reach too."""
    if vma.flags & k.gup_refuse:
        k.rules.append("gup.refuses-pfnmap")
        return -errno.EFAULT
    if write:
        if not vma.flags & f.VM_WRITE and not (force and f.is_cow_mapping(vma.flags)):
            return -errno.EFAULT
    elif not vma.flags & f.VM_READ and not (force and vma.flags & f.VM_MAYREAD):
        return -errno.EFAULT
    return 0


def get_user_page(k: Kernel, task: Task, address: int, write: bool, force: bool, pin: bool = False) -> int:
    """The pfn of one page, faulted in if need be, or -errno.  `pin`: by pin_user_pages()."""
    vma = task.vma_lookup(address)
    if vma is None:
        beside_unplaced(k, address)
        return gate_page(k, task, write) if is_gate(k, address) else -errno.EFAULT
    error = check_vma_flags(k, vma, write, force)
    if error:
        return error
    if pin and not write and k.profile.pin_unshares:
        unshare(k, task, vma, (address - vma.start) >> PAGE_SHIFT)
    return faultin_page(k, task, vma, address, write)


def is_gate(k: Kernel, address: int) -> bool:
    """Is it in the page that every process has above its own addresses (in_gate_area(), x86-64)?"""
    return (address + k.arena) & (1 << 64) - 1 & ~PAGE_MASK == GATE


def gate_page(k: Kernel, task: Task, write: bool) -> int:
    """The gate page: it has ptes and a vma that is in no list, whose part the commit's vm_normal_page() did not get."""
    word = k.profile.gate_page
    if word == "absent":
        return -errno.EFAULT
    k.rules.append("gup.gate-page")
    if write or word == "unmapped":
        return -errno.EFAULT
    if word == "oops":
        oops(k, k.running or task, "Unable to handle kernel NULL pointer dereference")
    k.unknown_content = "what the kernel keeps in the gate page"
    return ZERO_PFN


def get_user_page_fast(k: Kernel, task: Task, address: int, write: bool = False, pin: bool = False) -> int:
    """get_user_pages_fast() of one page: by its pte alone where that is a page's, else by the vma too.

    `pin`: pin_user_pages_fast(), which leaves an anonymous page that others may share to the slow way.
    """
    vma = task.vma_lookup(address)
    if vma is not None and k.profile.gup_fast:
        pte = vma.view[(address - vma.start) >> PAGE_SHIFT]
        usable = pte & (P_PRESENT | P_NONE | P_SPECIAL) == P_PRESENT and (not write or pte & P_WRITE)
        flags = k.mem.flags[pte >> PFN_SHIFT] if usable else 0
        shared = pin and not pte & P_WRITE and flags & (PG_ANON | PG_FORKED) == PG_ANON | PG_FORKED
        if flags & PG_PAGE and not shared:
            k.rules.append("gup.fast-looks-at-ptes-only")
            k.mem.flags[pte >> PFN_SHIFT] |= PG_TOUCHED
            return int(pte >> PFN_SHIFT)
    return get_user_page(k, task, address, write, False, pin)


def unshare(k: Kernel, task: Task, vma: Vma, index: int) -> None:
    """gup_must_unshare(): a shared anonymous page gets a copy for this task, clean and write-protected."""
    pte = vma.view[index]
    page = vm_normal_page(k, vma, index, pte) if pte & P_PRESENT else 0
    if page and k.mem.flags[page] & PG_ANON and k.mem.mapcount[page] == 1:
        k.mem.flags[page] &= ~PG_FORKED & 0xFFFF
    elif page and k.mem.flags[page] & PG_ANON:
        k.rules.append("gup.pin-unshares")
        wp_page_copy(k, task, vma, index, vma.start + (index << PAGE_SHIFT), pte, page)
        vma.view[index] &= ~(P_WRITE | P_DIRTY) & (~P_SOFT_DIRTY | pte)


def faultin_page(k: Kernel, task: Task, vma: Vma, address: int, write: bool, look: bool = False) -> int:
    """follow_page(), and handle_mm_fault() until there is something to follow: pfn or -errno.

    `look`: nobody wants the page (populating), so a raw pte is as good as any.
    """
    index = (address - vma.start) >> PAGE_SHIFT
    for _ in range(3):
        pte = vma.view[index]
        if pte & P_PRESENT and (not write or pte & P_WRITE or _cowed(k, vma, index, pte)):
            page = vm_normal_page(k, vma, index, pte)
            if page or pte >> PFN_SHIFT == ZERO_PFN:
                if page:  # FOLL_TOUCH: mark_page_accessed(), and set_page_dirty() for a writer
                    dirty = write and not (look and pte & P_DIRTY)
                    k.mem.flags[page] |= PG_TOUCHED | (PG_DIRTY if dirty else 0)
                return int(pte >> PFN_SHIFT)
            if look and k.profile.gup_raw == "none":
                return int(pte >> PFN_SHIFT)
            if k.profile.gup_raw == "page" and k.mem.flags[pte >> PFN_SHIFT] & PG_PAGE:
                k.rules.append("gup.follow-page-of-a-raw-pte")
                return int(pte >> PFN_SHIFT)
            k.rules.append("gup.follow-page-null")
            if k.profile.gup_raw != "none":
                k.rules.append("gup.loops-on-a-raw-pte")
                loop(k, k.running or task)
            return -errno.EFAULT
        result = handle_mm_fault(k, task, vma, address & ~PAGE_MASK, write)
        if result == VM_FAULT_SIGBUS:
            return -errno.EFAULT
        if result == VM_FAULT_OOM:
            return -errno.ENOMEM
    return -errno.EFAULT


def _cowed(k: Kernel, vma: Vma, index: int, pte: int) -> bool:
    # A forced write to a read-only private mapping: its own anonymous page will do (can_follow_write_pte()).
    page = vm_normal_page(k, vma, index, pte)
    own = page and k.mem.flags[page] & PG_ANON and k.mem.mapcount[page] == 1
    return bool(own and pte & P_DIRTY and not vma.flags & f.VM_WRITE)


def mm_populate(k: Kernel, task: Task, start: int, end: int) -> int:
    """__mm_populate(): fault the range in, as MAP_POPULATE and mlock do; VM_IO and VM_PFNMAP are passed over."""
    for vma in task.vmas_in(start, end):
        if vma.flags & (f.VM_IO | f.VM_PFNMAP):
            k.rules.append("populate.pfnmap-passed-over")
            continue
        if vma.flags & f.VM_LOCKONFAULT:
            continue
        exec_only(k, vma)
        write = vma.flags & (f.VM_WRITE | f.VM_SHARED) == f.VM_WRITE
        accessible = bool(vma.flags & f.VM_ACCESS_FLAGS)
        error = check_vma_flags(k, vma, write, accessible)
        if not error:
            error = populate_range(k, task, vma, max(start, vma.start), min(end, vma.end), write)
        if error:
            return error
    return 0


def populate_range(k: Kernel, task: Task, vma: Vma, start: int, end: int, write: bool) -> int:
    """Fault in [start, end) of one vma: 0 or -errno."""
    first, last = (start - vma.start) >> PAGE_SHIFT, (end - vma.start) >> PAGE_SHIFT
    if last - first > SCALAR_PAGES and write and vma.backing is None and not vma.ptes[first:last].any():
        run = k.mem.alloc_run(last - first)
        if run is not None:
            _populate_vector(k, task, vma, first, last, run)
            return 0
    for address in range(start, end, PAGE_SIZE):
        got = faultin_page(k, task, vma, address, write, look=True)
        if got < 0:
            return got
    return 0


def _populate_vector(k: Kernel, task: Task, vma: Vma, first: int, last: int, run: int) -> None:
    # do_anonymous_page() for a run of fresh frames.
    k.rules.append("fault.anonymous-write")
    anon_vma_prepare(k, task, vma)
    count = last - first
    mem = k.mem
    where = slice(run, run + count)
    mem.flags_array[where] |= PG_ANON | PG_TOUCHED
    mem.mapcount_array[where] = 1
    if k.raw_rule == "unpaged":  # page_is_anon() alone asks for them
        np.add(counting(count), vma.pgoff + first, out=mem.index_array[where])
        mem.anon_vma_array[where] = vma.anon_vma
    vma.paged = True
    task.anon_rss += count
    bits = P_PRESENT | P_YOUNG | P_SOFT_DIRTY | (P_WRITE | P_DIRTY if vma.flags & f.VM_WRITE else 0)
    fill_run(vma.ptes[first:last], run, bits)
