# SPDX-License-Identifier: GPL-2.0-or-later
"""Which ptes map a page that is ours to count?  (mm/memory.c vm_normal_page(), one page and a range of pages)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.flags import VM_MIXEDMAP, VM_PFNMAP, is_cow_mapping
from simulator.pgtable import P_PRESENT, P_SPECIAL, PFN_SHIFT, Ptes, counting, pfns_of
from simulator.physmem import PG_ANON, PG_PAGE, PG_RESERVED, ZERO_PFN
from simulator.vma import Vma

if TYPE_CHECKING:
    from simulator.kernel import Kernel

RULE_ID = {
    "special": "raw.pte-special",
    "linear": "raw.linear",
    "linear-cow": "raw.linear-cow",
    "unpaged": "raw.unpaged",
    "reserved": "raw.reserved",
}


def page_is_anon(k: Kernel, vma: Vma, index: int, pfn: int, offset: int) -> bool:
    """Is it an anonymous page of this vma at this address?  (the parent of the commit)

    The fault address was compared as it came, so a write that is not page-aligned (`offset`) never finds its page.
    """
    mem = k.mem
    return (
        mem.flags[pfn] & (PG_PAGE | PG_ANON) == PG_PAGE | PG_ANON
        and mem.mapcount[pfn] > 0
        and mem.anon_vma[pfn] == vma.anon_vma
        and mem.index[pfn] == vma.pgoff + index
        and not offset
    )


def vm_normal_page(k: Kernel, vma: Vma, index: int, pte: int, offset: int = 0) -> int:
    """The pfn of the page that a present pte maps, or 0 for a raw one (NULL): its struct page is not the VM's to touch.

    `offset`: the byte in the page that faulted; only the unpaged rule looks at it.
    """
    pfn = pte >> PFN_SHIFT
    rule = k.raw_rule
    if pfn == ZERO_PFN and k.zero_page == "uncounted":
        return 0
    if rule == "reserved":  # 2.6.14: any page, wherever it is mapped
        return 0 if k.mem.flags[pfn] & (PG_PAGE | PG_RESERVED) != PG_PAGE else pfn
    if not vma.flags & VM_PFNMAP:
        if not vma.flags & VM_MIXEDMAP:
            return pfn
        k.rules.append("raw.mixedmap")
        raw = pte & P_SPECIAL if rule == "special" else not k.mem.flags[pfn] & PG_PAGE
        return 0 if raw else pfn
    k.rules.append(RULE_ID[rule])
    if rule == "special":
        return 0 if pte & P_SPECIAL else pfn
    if rule == "unpaged":
        return pfn if page_is_anon(k, vma, index, pfn, offset) else 0
    if pfn == vma.pgoff + index:
        return 0
    if rule == "linear-cow" and not is_cow_mapping(vma.flags):
        return 0
    if not k.mem.flags[pfn] & PG_PAGE:
        k.log(f"Bad pte = {pte:x}")  # print_bad_pte(): said, then taken for raw
        return 0
    return pfn


def normal_mask(k: Kernel, vma: Vma, first: int, ptes: Ptes) -> NDArray[np.bool_]:
    """vm_normal_page() of `ptes`, which are those of `vma` from page `first` on: True where a page is mapped."""
    rule = k.raw_rule
    pfnmap = bool(vma.flags & VM_PFNMAP)
    present: NDArray[np.bool_]
    if rule == "special":  # of an anonymous vma too, whose zero page is special
        if pfnmap:
            k.rules.append(RULE_ID[rule])
        elif vma.flags & VM_MIXEDMAP:
            k.rules.append("raw.mixedmap")
        present = (ptes & np.uint64(P_PRESENT | P_SPECIAL)) == P_PRESENT
        return present
    present = (ptes & np.uint64(P_PRESENT)) != 0
    if pfnmap and rule == "linear-cow" and not is_cow_mapping(vma.flags):
        k.rules.append(RULE_ID[rule])
        return np.zeros(len(ptes), np.bool_)
    pfns = pfns_of(ptes)
    if rule == "reserved":
        present &= (k.mem.flags_array[pfns] & (PG_PAGE | PG_RESERVED)) == PG_PAGE
    elif pfnmap:
        k.rules.append(RULE_ID[rule])
        if rule == "unpaged":
            flags = k.mem.flags_array[pfns]
            present &= (flags & (PG_PAGE | PG_ANON) == PG_PAGE | PG_ANON) & (k.mem.mapcount_array[pfns] > 0)
            present &= k.mem.anon_vma_array[pfns] == vma.anon_vma
            present &= k.mem.index_array[pfns] == counting(len(ptes)) + (vma.pgoff + first)
        else:
            start = vma.pgoff + first
            present &= (pfns - start) != counting(len(ptes))
            present &= (k.mem.flags_array[pfns] & PG_PAGE) != 0
    elif vma.flags & VM_MIXEDMAP:
        k.rules.append("raw.mixedmap")
        present &= (k.mem.flags_array[pfns] & PG_PAGE) != 0
    if k.zero_page == "uncounted":
        present &= pfns != ZERO_PFN
    return present
