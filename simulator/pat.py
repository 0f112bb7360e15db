# SPDX-License-Identifier: GPL-2.0-or-later
"""Which ranges of physical memory have a cache type reserved, and what is said when one is given back that is not?

(arch/x86/mm/pat/memtype.c, memtype_interval.c; x86 up to 6.15.) remap_pfn_range() over the whole of a vma reserves the
range and marks the vma VM_PAT; fork() reserves it once more; unmapping a vma gives back what *that* vma covers. A vma
that was split gives back its parts, and of a reserved range only the whole or its end can be given back: for any other
part the kernel says `freeing invalid memtype`. Ordinary RAM is not tracked.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

from simulator.flags import VM_PAT
from simulator.pgtable import P_SPECIAL, PFN_SHIFT
from simulator.physmem import PAGE_SHIFT, PG_PAGE

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.vma import Vma


def reserve(k: Kernel, pfn: int, pages: int) -> None:
    """reserve_pfn_range(): the same range may be reserved many times."""
    if not _is_ram(k, pfn):
        k.rules.append("pat.remap-reserves")
        insort(k.memtypes, (pfn, pfn + pages))


def copied(k: Kernel, source: Vma) -> bool:
    """track_pfn_copy(): reserve for a child what its parent's vma covers; False where its type cannot be told."""
    pfn = _first_pfn(source)
    if pfn is None:
        return False
    reserve(k, pfn, source.pages)
    return True


def untrack(k: Kernel, vma: Vma) -> None:
    """untrack_pfn() of a vma that is unmapped, before its ptes go."""
    if not vma.flags & VM_PAT:
        return
    pfn = _first_pfn(vma)
    if pfn is None:  # of a cow mapping, so that vm_pgoff is its pfn
        pfn = vma.pgoff
    if not _is_ram(k, pfn):
        _free(k, pfn, pfn + vma.pages)


def _first_pfn(vma: Vma) -> int | None:
    """get_pat_info(): the pfn of the vma's first pte; None when it is gone or a page's."""
    pte = vma.view[0]
    return pte >> PFN_SHIFT if pte & P_SPECIAL else None


def _free(k: Kernel, start: int, end: int) -> None:
    """memtype_free(): the very range, else the end of one that starts before it."""
    k.rules.append("pat.part-is-invalid")
    if (start, end) in k.memtypes:
        k.memtypes.remove((start, end))
        return
    for index, (first, last) in enumerate(k.memtypes):
        if first < start and last == end:
            k.memtypes[index] = (first, start)
            return
    k.log(f"freeing invalid memtype [mem {start << PAGE_SHIFT:#x}-{(end << PAGE_SHIFT) - 1:#x}]")


def _is_ram(k: Kernel, pfn: int) -> bool:
    """pat_pagerange_is_ram(): is it System RAM, which has struct pages?  All pages of a region are of one kind."""
    return bool(k.mem.flags[pfn] & PG_PAGE)
