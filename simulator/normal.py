# SPDX-License-Identifier: GPL-2.0-or-later
"""Which ptes map a page that is ours to count?  (mm/memory.c vm_normal_page(), one page and a range of pages)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.flags import VM_MIXEDMAP, VM_PFNMAP, VM_RESERVED, VM_SHARED, is_cow_mapping
from simulator.pgtable import P_PRESENT, P_SPECIAL, PFN_SHIFT, Ptes, counting, pfns_of
from simulator.physmem import PG_ANON, PG_PAGE, PG_RESERVED, ZERO_PFN
from simulator.vma import Vma

if TYPE_CHECKING:
    from simulator.kernel import Kernel

RULE_ID = {
    "special": "raw.pte-special",
    "linear": "raw.linear",
    "linear-cow": "raw.linear-cow",
    "linear-private": "raw.linear-private",
    "unpaged": "raw.unpaged",
    "reserved": "raw.reserved",
    "reserved-vma": "raw.reserved-vma",
}
# What print_bad_pte() begins its line with; the pte, the process and the address follow.
BAD_PTE = {
    "bogus-page": "do_wp_page: bogus page at address",
    "bad-pte": "Bad pte = ",
    "bad-page-map": "BUG: Bad page map in process",
}


def print_bad_pte(k: Kernel) -> None:
    """A pte that no page can have: said, and taken for raw."""
    k.rules.append("raw.bad-pte")
    k.log(BAD_PTE[k.profile.bad_pte])


def all_raw(k: Kernel, vma: Vma) -> bool:
    """Is every pte of this VM_PFNMAP vma raw, whatever it holds?"""
    rule = k.raw_rule
    if rule == "linear-cow":
        return not is_cow_mapping(vma.flags)
    return rule == "linear-private" and bool(vma.flags & VM_SHARED)


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
        k.rules.append(RULE_ID[rule])
        return 0 if k.mem.flags[pfn] & (PG_PAGE | PG_RESERVED) != PG_PAGE else pfn
    if rule == "reserved-vma":  # the tags 2.6.15-rc1 and -rc2: no page of a VM_RESERVED vma
        if vma.flags & VM_RESERVED:
            k.rules.append("raw.reserved-vma")
            return 0
        return pfn
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
    if all_raw(k, vma):
        return 0
    if not k.mem.flags[pfn] & PG_PAGE:
        print_bad_pte(k)
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
    if pfnmap and all_raw(k, vma):
        k.rules.append(RULE_ID[rule])
        return np.zeros(len(ptes), np.bool_)
    pfns = pfns_of(ptes)
    if rule == "reserved":
        k.rules.append(RULE_ID[rule])
        present &= (k.mem.flags_array[pfns] & (PG_PAGE | PG_RESERVED)) == PG_PAGE
    elif rule == "reserved-vma":
        if vma.flags & VM_RESERVED:
            k.rules.append(RULE_ID[rule])
            present[:] = False
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
            valid = (k.mem.flags_array[pfns] & PG_PAGE) != 0
            for _ in range(int(np.count_nonzero(present & ~valid))):
                print_bad_pte(k)
            present &= valid
    elif vma.flags & VM_MIXEDMAP:
        k.rules.append("raw.mixedmap")
        present &= (k.mem.flags_array[pfns] & PG_PAGE) != 0
    if k.zero_page == "uncounted":
        present &= pfns != ZERO_PFN
    return present
