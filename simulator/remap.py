# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a range of pfns get into a vma?  (mm/memory.c remap_pfn_range; the driver's mmap that calls it)"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.insert import insert, map_page, page_behind
from simulator.pat import reserve
from simulator.pgtable import P_DIRTY, P_PRESENT, P_SPECIAL, P_YOUNG, PFN_SHIFT, SCALAR_PAGES, fill_run, vm_page_prot
from simulator.physmem import GUARD, PG_PAGE, PG_RESERVED
from simulator.region import Region, errno_of

if TYPE_CHECKING:
    from simulator.files import Backing
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma


def driver_mmap(k: Kernel, task: Task, vma: Vma, backing: Backing) -> int:
    """The region's f_op->mmap: its own checks, then the ptes; 0 or -errno."""
    region = backing.region
    assert region is not None
    error = driver_refuses(k, vma, region, backing.first_pgoff)
    if error:
        return error
    if not region.maywrite:
        vma.flags &= ~f.VM_MAYWRITE
    if not region.mayexec:
        vma.flags &= ~f.VM_MAYEXEC
    vma.flags |= f.parse_flags(region.flags_add)
    if region.by in ("page", "mixed"):
        k.rules.append("insert.sets-mixedmap")
        vma.flags |= f.VM_MIXEDMAP
    if region.insert == "fault":
        if region.by == "pfn":
            vma.flags |= f.VM_PFNMAP  # what else remap_pfn_range() would set is the driver's to say
    elif region.by == "pfn":
        error = remap_pieces(k, task, vma, backing, region)
    else:
        error = insert_pages(k, task, vma, backing, region)
    if error:
        return errno_of(region.remap_errno) if region.remap_errno else error
    vma.flags &= ~f.parse_flags(region.flags_del)
    return 0


def remap_pieces(k: Kernel, task: Task, vma: Vma, backing: Backing, region: Region) -> int:
    """remap_pfn_range(), once or by the piece: 0 or -errno."""
    pages = min(region.mapped or vma.pages, vma.pages)
    step = 1 if region.order == "reversed" else region.chunk_pages or pages
    pgoff = vma.pgoff  # remap_pfn_range() may make another of it
    for done in range(0, pages, step):
        pfn = backing.first_pfn + page_behind(region, backing, pgoff + done)
        error = remap_pfn_range(k, task, vma, done, pfn, min(step, pages - done))
        if error:
            return error
    return 0


def insert_pages(k: Kernel, task: Task, vma: Vma, backing: Backing, region: Region) -> int:
    """vm_insert_page() or vmf_insert_mixed() for every page: 0 or -errno."""
    for index in range(min(region.mapped or vma.pages, vma.pages)):
        number = page_behind(region, backing, vma.pgoff + index)
        if insert(k, task, vma, index, backing.first_pfn + number):
            return -errno.EINVAL
    return 0


def driver_refuses(k: Kernel, vma: Vma, region: Region, first_pgoff: int) -> int:
    """-errno if the region's traits do not allow this vma, or the model cannot follow; else 0."""
    shared = bool(vma.flags & f.VM_MAYSHARE)
    if region.sharing != "both" and shared != (region.sharing == "shared"):
        k.rules.append("mmap.sharing-refused")
        return errno_of(region.sharing_errno)
    if vma.flags & f.VM_WRITE and not region.writable:
        k.rules.append("mmap.write-refused")
        return errno_of(region.writable_errno)
    if vma.flags & f.VM_EXEC and not region.executable:
        return errno_of(region.executable_errno)
    offset = vma.pgoff - first_pgoff
    if offset and region.offset == "zero":
        k.rules.append("mmap.offset-refused")
        return errno_of(region.offset_errno)
    if region.length == "region" and (offset < 0 or offset + vma.pages > region.pages):
        k.rules.append("mmap.length-refused")
        return errno_of(region.length_errno)
    if region.length == "exact" and vma.pages != region.pages:
        k.rules.append("mmap.length-refused")
        return errno_of(region.length_errno)
    if offset < -GUARD or offset + vma.pages > region.pages + GUARD:
        k.lost = "a mapping of pages that are not the region's"
        return -errno.EINVAL
    return 0


#: Of which mappings vm_normal_page() asks the linear rule, so that vm_pgoff must be the first frame's number.
LINEAR: Mapping[str, Callable[[int], bool]] = {
    "never": lambda flags: False,
    "always": lambda flags: True,
    "not-shared": lambda flags: not flags & f.VM_SHARED,
    "cow": f.is_cow_mapping,
}


def incomplete_pfn_remap(k: Kernel, task: Task, vma: Vma, first: int, pfn: int, pages: int) -> int:
    """2.6.15-rc4 and -rc5: a part of a vma is inserted page by page, as pages that are counted; 0 or -errno."""
    k.rules.append("remap.incomplete-inserts-pages")
    if not vma.incomplete:
        k.log("does an incomplete pfn remapping")
    vma.incomplete = True
    vma.flags |= f.VM_IO | f.VM_RESERVED
    for index in range(first, first + pages):
        if k.mem.flags[pfn] & (PG_PAGE | PG_RESERVED) != PG_PAGE | PG_RESERVED:
            return -errno.EINVAL
        map_page(k, task, vma, index, pfn, 0)
        pfn += 1
    return 0


def remap_pfn_range(k: Kernel, task: Task, vma: Vma, first: int, pfn: int, pages: int) -> int:
    """Map pfns [pfn, pfn + pages) at pages [first, first + pages) of the vma; 0 or -errno."""
    whole = first == 0 and pages == vma.pages
    if not whole or k.raw_rule in ("reserved", "unpaged"):
        vma.paged = True  # only whole remaps keep what the linear rule wants
    linear = LINEAR[k.profile.remap_pgoff](vma.flags)
    if linear and not whole and k.profile.remap_partial == "EINVAL":
        k.rules.append("remap.private-partial-refused")
        return -errno.EINVAL
    if linear and not whole and k.profile.remap_partial == "insert":
        return incomplete_pfn_remap(k, task, vma, first, pfn, pages)
    if linear:
        k.rules.append("remap.pgoff-is-pfn")
        vma.pgoff = pfn
    k.rules.append("remap.flags")
    vma.flags |= k.remap_bits
    if k.profile.pat and whole:
        reserve(k, pfn, pages)
        vma.flags |= f.VM_PAT
    prot = vm_page_prot(vma.flags) | P_PRESENT | P_YOUNG
    if k.raw_rule == "special":
        prot |= P_SPECIAL
    if k.profile.device_dirty and _is_device(vma):
        k.rules.append("remap.device-is-dirty")
        prot |= P_DIRTY
    if k.profile.remap_skips_ram:
        _remap_without_ram(k, vma, first, pfn, pages, prot)
    elif pages <= SCALAR_PAGES:
        view = vma.view
        for index in range(pages):
            view[first + index] = (pfn + index) << PFN_SHIFT | prot
    else:
        fill_run(vma.ptes[first : first + pages], pfn, prot)
    return 0


def _remap_without_ram(k: Kernel, vma: Vma, first: int, pfn: int, pages: int, prot: int) -> None:
    # 2.6.14's remap_pte_range(): `if (!pfn_valid(pfn) || PageReserved(pfn_to_page(pfn))) set_pte`
    for index in range(pages):
        if k.mem.flags[pfn + index] & (PG_PAGE | PG_RESERVED) == PG_PAGE:
            k.rules.append("remap.leaves-ram-out")
        else:
            vma.view[first + index] = (pfn + index) << PFN_SHIFT | prot


def _is_device(vma: Vma) -> bool:
    return vma.backing is not None and vma.backing.region is not None and vma.backing.region.cache == "device"
