# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a driver put one page, or one pfn, into a vma?  (mm/memory.c insert_page, insert_pfn, set_pte_range)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.cow import VM_FAULT_SIGBUS, anon_vma_prepare, page_add_new_anon_rmap
from simulator.flags import VM_PFNMAP, VM_SHARED, VM_WRITE
from simulator.oops import bug
from simulator.pgtable import P_DIRTY, P_PRESENT, P_SOFT_DIRTY, P_SPECIAL, P_WRITE, P_YOUNG, PFN_SHIFT
from simulator.physmem import PAGE_SHIFT, PAGE_SIZE, PG_DIRTY, PG_HOLE, PG_PAGE, PG_RESERVED
from simulator.vma import page_prot

if TYPE_CHECKING:
    from simulator.files import Backing
    from simulator.kernel import Kernel
    from simulator.region import Region
    from simulator.task import Task
    from simulator.vma import Vma


def page_behind(region: Region, backing: Backing, pgoff: int) -> int:
    """The number of the region's page at `pgoff` as the file counts it; not looked at: whether there is one."""
    number = pgoff - backing.first_pgoff
    return region.pages - 1 - number if region.order == "reversed" else number


def insert(k: Kernel, task: Task, vma: Vma, index: int, pfn: int) -> int:
    """vm_insert_page(), vmf_insert_pfn() or vmf_insert_mixed(), by the region's trait; 0 or VM_FAULT_SIGBUS."""
    assert vma.backing is not None
    assert vma.backing.region is not None
    by = vma.backing.region.by
    has_page = bool(k.mem.flags[pfn] & PG_PAGE)
    if by == "page" and not has_page:
        k.unknown = "vm_insert_page() of memory without a struct page"
        return VM_FAULT_SIGBUS
    if by == "page" or (by == "mixed" and k.raw_rule != "special" and has_page):
        k.rules.append("insert.page-counted")
        map_page(k, task, vma, index, pfn, 0)
        return 0
    k.rules.append("insert.mixed-pfn" if by == "mixed" else "fault.op-inserts-pfn")
    special = P_SPECIAL if k.raw_rule == "special" else 0
    vma.view[index] = pfn << PFN_SHIFT | P_PRESENT | P_YOUNG | page_prot(k, vma) | special
    return 0


def map_page(k: Kernel, task: Task, vma: Vma, index: int, pfn: int, bits: int) -> None:
    """A pte of a page that is not anonymous: one more reference, one more mapping, counted as a file's."""
    mem = k.mem
    vma.paged = True
    mem.refcount[pfn] += 1
    mem.mapcount[pfn] += 1
    task.file_rss += 1
    vma.view[index] = pfn << PFN_SHIFT | P_PRESENT | P_YOUNG | page_prot(k, vma) | bits


def fault_op(k: Kernel, task: Task, vma: Vma, index: int, write: bool) -> int:
    """vm_ops->fault of the region's driver, and what do_fault() makes of its answer: 0 or VM_FAULT_SIGBUS."""
    backing = vma.backing
    assert backing is not None
    assert backing.region is not None
    region = backing.region
    page = page_behind(region, backing, vma.pgoff + index)
    pfn = backing.first_pfn + page
    if not 0 <= page < region.pages or k.mem.flags[pfn] & PG_HOLE:
        k.rules.append("fault.op-sigbus")
        return VM_FAULT_SIGBUS
    if region.by != "normal":
        result = insert(k, task, vma, index, pfn)
        if region.around and not result:
            fill_around(k, task, vma, backing, region)
        return result
    return returned_page(k, task, vma, index, pfn, write)


def returned_page(k: Kernel, task: Task, vma: Vma, index: int, pfn: int, write: bool) -> int:
    """What is made of a page that a fault handler returns: 0 or VM_FAULT_SIGBUS."""
    if not k.mem.flags[pfn] & PG_PAGE:
        k.unknown = "a fault handler that returns memory without a struct page"
        return VM_FAULT_SIGBUS
    if write and not vma.flags & VM_SHARED:
        return do_cow_fault(k, task, vma, index, pfn)
    k.rules.append("fault.op-returns-page")
    bits = 0
    if write:  # do_shared_fault(), fault_dirty_shared_page()
        k.mem.flags[pfn] |= PG_DIRTY
        bits = P_DIRTY | P_SOFT_DIRTY | (P_WRITE if vma.flags & VM_WRITE else 0)
    elif k.profile.fault_dirty_page and k.mem.flags[pfn] & PG_DIRTY and page_prot(k, vma) & P_WRITE:
        k.rules.append("fault.dirty-page-dirty-pte")
        bits = P_DIRTY | P_SOFT_DIRTY
    map_page(k, task, vma, index, pfn, bits)
    return 0


def page_in_hole(k: Kernel, task: Task, vma: Vma, index: int, write: bool) -> int:
    """do_no_page() where remap_pfn_range() left a hole and the driver has a nopage(): 0 or VM_FAULT_SIGBUS."""
    k.rules.append("fault.op-in-a-hole")
    if k.profile.nopage_in_pfnmap == "bug" and vma.flags & VM_PFNMAP:
        bug(k, k.running or task, "mm/memory.c", in_fault=k.running is None)
    backing = vma.backing
    assert backing is not None
    assert backing.region is not None
    pfn = backing.first_pfn + page_behind(backing.region, backing, vma.pgoff + index)
    if vma.flags & VM_PFNMAP and vma.pgoff >= backing.first_pfn:  # remap_pfn_range() made a frame's number of it
        pfn = vma.pgoff + index
    copies = write and not vma.flags & VM_SHARED
    counted = not (k.raw_rule == "reserved-vma" or (k.raw_rule == "reserved" and k.mem.flags[pfn] & PG_RESERVED))
    if counted or copies:
        return returned_page(k, task, vma, index, pfn, write)
    k.mem.refcount[pfn] += 1  # nopage() took it, and nothing gives it back
    vma.view[index] = pfn << PFN_SHIFT | P_PRESENT | P_YOUNG | page_prot(k, vma) | (P_DIRTY if write else 0)
    return 0


def fill_around(k: Kernel, task: Task, vma: Vma, backing: Backing, region: Region) -> None:
    """A driver that takes the chance and inserts all that its vma lacks."""
    k.rules.append("fault.op-fills-vma")
    for index in range(vma.pages):
        page = page_behind(region, backing, vma.pgoff + index)
        if 0 <= page < region.pages and not vma.view[index] & P_PRESENT:
            insert(k, task, vma, index, backing.first_pfn + page)


def do_cow_fault(k: Kernel, task: Task, vma: Vma, index: int, pfn: int) -> int:
    """A first write of a private mapping: the page that the fault handler returns is copied, and never mapped."""
    k.rules.append("fault.cow-of-returned-page")
    mem = k.mem
    anon_vma_prepare(k, task, vma)
    new = mem.alloc_page(zeroed=False)
    mem.view[new << PAGE_SHIFT : (new << PAGE_SHIFT) + PAGE_SIZE] = mem.view[
        pfn << PAGE_SHIFT : (pfn << PAGE_SHIFT) + PAGE_SIZE
    ]
    page_add_new_anon_rmap(k, vma, index, new)
    task.anon_rss += 1
    write = P_WRITE if vma.flags & VM_WRITE else 0
    vma.view[index] = new << PFN_SHIFT | P_PRESENT | P_YOUNG | P_DIRTY | P_SOFT_DIRTY | write
    return 0
