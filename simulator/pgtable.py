# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in a page table entry?

A pte is a u64: the pfn from bit 12 on, and the bits below.  P_PRESENT is pte_present(): it stays set for PROT_NONE,
which P_NONE tells.  Every vma holds its own piece of the page table, an array of ptes.
"""

from __future__ import annotations

from sys import getrefcount
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulator.flags import VM_ACCESS_FLAGS, VM_SHARED, VM_WRITE

P_PRESENT = 1
P_WRITE = 2
P_YOUNG = 4
P_DIRTY = 8
P_SPECIAL = 16
P_NONE = 32  # PROT_NONE: no access by the CPU
P_SOFT_DIRTY = 64
P_TLB = 128  # the CPU has walked it (UML: the host has it mapped)
P_MAYBE = 256  # made old without a flush: an access since then may have gone unseen
PFN_SHIFT = 12

P_PROT = P_WRITE | P_NONE  # what vm_page_prot decides
P_CHG_MASK = ~P_PROT  # what pte_modify() keeps

Ptes: TypeAlias = NDArray[np.uint64]

LARGE_PAGES = 1 << 14
LARGE_KEPT = 4
SCALAR_PAGES = 24  # up to here page by page, beyond by vectors


_large: list[Ptes] = []


def new_ptes(pages: int) -> Ptes:
    """An empty piece of page table."""
    if pages < LARGE_PAGES:
        return np.zeros(pages, np.uint64)
    # Fresh memory costs a fault of the host's a page, more than all else that is done to it: a piece that nobody holds
    # any more (only the list, `ptes` and the call below) is used again.
    for ptes in _large:
        if len(ptes) == pages and getrefcount(ptes) == 3:
            ptes.fill(0)
            return ptes
    ptes = np.zeros(pages, np.uint64)
    _large.append(ptes)
    del _large[:-LARGE_KEPT]
    return ptes


def vm_page_prot(flags: int) -> int:
    """The protection bits of a fresh pte: a private mapping never gets the write bit (mm/mmap.c protection_map)."""
    if not flags & VM_ACCESS_FLAGS:
        return P_NONE
    return P_WRITE if flags & (VM_SHARED | VM_WRITE) == VM_SHARED | VM_WRITE else 0


def u64(value: int) -> np.uint64:
    return np.uint64(value & 0xFFFFFFFFFFFFFFFF)


def pfns_of(ptes: Ptes) -> NDArray[np.int64]:
    return (ptes >> np.uint64(PFN_SHIFT)).view(np.int64)


_counting: list[NDArray[np.int64]] = [np.arange(0), np.arange(0)]


def counting(pages: int, shift: int = 0) -> NDArray[np.int64]:
    """0, 1, 2 … (shift 0), or the same as pfns stand in ptes (PFN_SHIFT): kept, as every range needs it."""
    kind = 1 if shift else 0
    if len(_counting[kind]) < pages:
        _counting[kind] = np.arange(max(pages, 1024)) << shift
    return _counting[kind][:pages]


def fill_run(ptes: Ptes, pfn: int, bits: int) -> None:
    """Ptes of consecutive pfns."""
    np.add(counting(len(ptes), PFN_SHIFT).view(np.uint64), u64(pfn << PFN_SHIFT | bits), out=ptes)


def run_of(pages: NDArray[np.int64]) -> slice | None:
    """The run that `pages`, all different ones, fill without a gap, in whatever order; None if there is one."""
    low, high = int(pages.min()), int(pages.max())
    return slice(low, high + 1) if high - low == len(pages) - 1 else None
