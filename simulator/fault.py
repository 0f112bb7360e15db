# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a load or a store do?  (arch fault handlers, mm/memory.c handle_pte_fault, do_anonymous_page, do_fault)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.cow import (
    VM_FAULT_OOM,
    VM_FAULT_SIGBUS,
    anon_vma_prepare,
    do_wp_page,
    page_add_new_anon_rmap,
)
from simulator.flags import VM_ACCESS_FLAGS, VM_EXEC, VM_READ, VM_WRITE
from simulator.insert import fault_op, page_in_hole
from simulator.pgtable import (
    P_DIRTY,
    P_NONE,
    P_PRESENT,
    P_SOFT_DIRTY,
    P_SPECIAL,
    P_WRITE,
    P_YOUNG,
    PFN_SHIFT,
    vm_page_prot,
)
from simulator.physmem import PAGE_SHIFT, PG_DIRTY, ZERO_PFN

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma


@dataclass(frozen=True, slots=True)
class Fault:
    """A load or store that did not end: signal and si_code by name, the address in bytes from the arena's start.

    A process that the kernel killed has signal `SIGKILL` and no code.
    """

    signal: str
    code: str
    addr: int


def do_user_fault(k: Kernel, task: Task, address: int, write: bool) -> Fault | None:
    """The fault handler for an access by the program itself; None when the access may be tried again."""
    vma = task.vma_lookup(address)
    if vma is None:
        beside_unplaced(k, address)
        k.rules.append("fault.no-vma")
        return Fault("SIGSEGV", "SEGV_MAPERR", address)
    if not access_allowed(k, vma, write):
        k.rules.append("fault.no-access")
        return Fault("SIGSEGV", "SEGV_ACCERR", address)
    result = handle_mm_fault(k, task, vma, address, write)
    if result == VM_FAULT_SIGBUS:
        return Fault("SIGBUS", "BUS_ADRERR", address)
    if result == VM_FAULT_OOM:
        k.log("VM: killing process")
        k.kill(task, "SIGKILL")
        return Fault("SIGKILL", "", address)
    return None


def beside_unplaced(k: Kernel, address: int) -> None:
    """Near a mapping that nobody placed there may be others, which the model does not know."""
    if address >= k.anywhere:
        k.unknown = "what lies beside a place that the kernel chose"


def exec_only(k: Kernel, vma: Vma) -> bool:
    """Is the vma execute-only where a CPU may have protection keys?  Then the model is silent on data accesses."""
    if vma.flags & VM_ACCESS_FLAGS != VM_EXEC or k.profile.exec_only != "by-cpu":
        return False
    k.unknown = "execute-only memory: whether it can be read is the CPU's affair (protection keys)"
    return True


def access_allowed(k: Kernel, vma: Vma, write: bool) -> bool:
    exec_only(k, vma)
    if write:
        return bool(vma.flags & VM_WRITE)
    return bool(vma.flags & (VM_ACCESS_FLAGS if k.read_fault_needs == "any" else VM_READ | VM_EXEC))


def handle_mm_fault(k: Kernel, task: Task, vma: Vma, address: int, write: bool) -> int:
    """handle_pte_fault(): 0, VM_FAULT_SIGBUS or VM_FAULT_OOM."""
    index = (address - vma.start) >> PAGE_SHIFT
    pte = vma.view[index]
    if not pte & P_PRESENT:
        if vma.backing is None:
            return do_anonymous_page(k, task, vma, index, write)
        return do_fault(k, task, vma, index, write)
    if write and not pte & P_WRITE:
        return do_wp_page(k, task, vma, index, address)
    vma.view[index] = pte | P_YOUNG | (P_DIRTY if write else 0)
    return 0


def do_anonymous_page(k: Kernel, task: Task, vma: Vma, index: int, write: bool) -> int:
    """A first touch of anonymous memory: the zero page for a read, a page of its own for a write."""
    prot = vm_page_prot(vma.flags)
    hole = vma.backing is not None  # a hole of a driver's mapping, which old kernels fill like anonymous memory
    if not write and k.zero_page != "none" and not (hole and k.hole_fault == "anon"):
        k.rules.append("fault.hole-zero-page" if hole else "fault.anonymous-read")
        if not (hole and k.hole_fault == "zero-prot"):
            prot &= ~P_WRITE
        special = P_SPECIAL if k.raw_rule == "special" else 0
        vma.view[index] = ZERO_PFN << PFN_SHIFT | P_PRESENT | P_YOUNG | prot | special
        vma.paged = True
        if k.zero_page == "file":
            k.mem.refcount[ZERO_PFN] += 1
            k.mem.mapcount[ZERO_PFN] += 1
            task.file_rss += 1
        return 0
    k.rules.append("fault.hole-anonymous" if hole else "fault.anonymous-write")
    anon_vma_prepare(k, task, vma)
    pfn = k.mem.alloc_page(zeroed=True)
    if k.mem.zero_page_written:
        k.mem.clear(pfn)
    page_add_new_anon_rmap(k, vma, index, pfn)
    task.anon_rss += 1
    can_write = P_WRITE | P_DIRTY if vma.flags & VM_WRITE else 0
    if hole:
        can_write |= P_DIRTY  # maybe_mkwrite(pte_mkdirty(…)), whatever the vma allows
    vma.view[index] = pfn << PFN_SHIFT | P_PRESENT | P_YOUNG | P_SOFT_DIRTY | can_write | (prot & P_NONE)
    return 0


def do_fault(k: Kernel, task: Task, vma: Vma, index: int, write: bool) -> int:
    """A none-pte of a vma with a driver: shared anonymous memory, a fault op, or a hole."""
    backing = vma.backing
    assert backing is not None
    region = backing.region
    if region is None:
        return shmem_fault(k, task, vma, index, write)
    if region.insert == "fault":
        return fault_op(k, task, vma, index, write)
    if region.hole_op:
        return page_in_hole(k, task, vma, index, write)
    if k.hole_fault == "sigbus":
        k.rules.append("fault.hole-sigbus")
        return VM_FAULT_SIGBUS
    return do_anonymous_page(k, task, vma, index, write)


def shmem_fault(k: Kernel, task: Task, vma: Vma, index: int, write: bool) -> int:
    """Shared anonymous memory: one page for all who map it."""
    backing = vma.backing
    assert backing is not None
    number = vma.pgoff + index
    if number >= backing.size:
        k.rules.append("fault.op-sigbus")
        return VM_FAULT_SIGBUS
    k.rules.append("fault.shared-anonymous")
    pfn = backing.pages.get(number)
    mem = k.mem
    if pfn is None:
        pfn = mem.alloc_page(zeroed=True)
        mem.mapcount[pfn] = 0
        backing.pages[number] = pfn
    vma.paged = True
    mem.refcount[pfn] += 1
    mem.mapcount[pfn] += 1
    task.file_rss += 1
    if write:  # do_shared_fault()
        mem.flags[pfn] |= PG_DIRTY
    bits = P_PRESENT | P_YOUNG | P_SOFT_DIRTY | vm_page_prot(vma.flags) | (P_DIRTY if write else 0)
    vma.view[index] = pfn << PFN_SHIFT | bits
    if not write:
        do_fault_around(k, task, vma, index, bits)
    return 0


def do_fault_around(k: Kernel, task: Task, vma: Vma, index: int, bits: int) -> None:
    """filemap_map_pages(): the pages that are there already, in an aligned window around the one that was read."""
    backing = vma.backing
    assert backing is not None
    window = k.profile.fault_around_pages
    page = (k.arena + vma.start >> PAGE_SHIFT) + index
    first = max(index - page % window, 0)
    for near in range(first, min(index - page % window + window, vma.pages)):
        pfn = backing.pages.get(vma.pgoff + near)
        if pfn is not None and not vma.view[near] & P_PRESENT:
            k.rules.append("fault.maps-around")
            k.mem.refcount[pfn] += 1
            k.mem.mapcount[pfn] += 1
            task.file_rss += 1
            vma.view[near] = pfn << PFN_SHIFT | bits
