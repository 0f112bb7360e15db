# SPDX-License-Identifier: GPL-2.0-or-later
"""What is given back when ptes go away?  (mm/memory.c zap_pte_range: one page and a range of pages)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.normal import normal_mask, vm_normal_page
from simulator.oops import bug
from simulator.pgtable import P_DIRTY, P_PRESENT, P_YOUNG, SCALAR_PAGES, pfns_of, run_of
from simulator.physmem import PG_ANON, PG_DIRTY, PG_OF_CONTENT, PG_TOUCHED, REGION_BASE

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma


def page_remove_rmap(k: Kernel, task: Task, pfn: int) -> None:
    """One mapping less; of a page that had none, the kernel of 2005 says BUG (page_mapcount() went negative)."""
    mapcount = k.mem.mapcount
    if mapcount[pfn] <= 0:
        k.rules.append("zap.unmapped-page-is-a-bug")
        bug(k, k.running or task, "mm/rmap.c")
    mapcount[pfn] -= 1


def put_page(k: Kernel, pfn: int) -> None:
    """Drop a reference; the last one frees the page."""
    mem = k.mem
    count = mem.refcount[pfn] - 1
    mem.refcount[pfn] = count
    if not count:
        mem.free_page(pfn)


def zap_pte_range(k: Kernel, task: Task, vma: Vma, first: int, last: int) -> None:
    """Clear the ptes of pages [first, last) of `vma`: a raw one goes without a trace, a page loses a mapping."""
    if last - first > SCALAR_PAGES:
        _zap_vector(k, task, vma, first, last)
        return
    view = vma.view
    mem = k.mem
    for index in range(first, last):
        pte = view[index]
        if not pte & P_PRESENT:
            continue
        view[index] = 0
        page = vm_normal_page(k, vma, index, pte)
        if not page:
            k.rules.append("zap.raw-untouched")
            continue
        k.rules.append("zap.page-given-back")
        if mem.flags[page] & PG_ANON:
            task.anon_rss -= 1
        else:
            task.file_rss -= 1
            mem.flags[page] |= (PG_DIRTY if pte & P_DIRTY else 0) | (PG_TOUCHED if pte & P_YOUNG else 0)
        page_remove_rmap(k, task, page)
        count = mem.refcount[page] - 1
        mem.refcount[page] = count
        if not count:
            mem.free_page(page)


def _zap_vector(k: Kernel, task: Task, vma: Vma, first: int, last: int) -> None:
    ptes = vma.ptes[first:last]
    if not vma.paged:
        k.rules.append("zap.raw-untouched")
        ptes.fill(0)
        return
    normal = normal_mask(k, vma, first, ptes)
    if not normal.any():
        k.rules.append("zap.raw-untouched")
        ptes.fill(0)
        return
    k.rules.append("zap.page-given-back")
    pages = pfns_of(ptes if normal.all() else ptes[normal])
    if vma.backing is not None:  # set_page_dirty(), mark_page_accessed()
        if not k.mem.mapcount_array[pages].all():
            page_remove_rmap(k, task, int(pages[k.mem.mapcount_array[pages] == 0][0]))
        for bit, flag in ((P_DIRTY, PG_DIRTY), (P_YOUNG, PG_TOUCHED)):
            those = pfns_of(ptes[normal & ((ptes & np.uint64(bit)) != 0)])
            k.mem.flags_array[those[(k.mem.flags_array[those] & PG_ANON) == 0]] |= flag
    ptes.fill(0)
    _give_back(k, task, pages)


def _give_back(k: Kernel, task: Task, pages: NDArray[np.int64]) -> None:
    """Drop one mapping and one reference of each page; a page may occur more than once (the zero page does)."""
    mem = k.mem
    count = len(pages)
    run = run_of(pages) if k.zero_page != "file" else None
    if run is not None:
        low = int(run.start)
        anon = int(np.count_nonzero(mem.flags_array[run] & PG_ANON))
        mem.mapcount_array[run] -= 1
        refs = mem.refcount_array[run]
        refs -= 1
        if not refs.any() and low + count <= REGION_BASE:
            mem.flags_array[run] &= ~PG_OF_CONTENT & 0xFFFF
            mem.free_runs.append((low, count))
            task.anon_rss -= anon
            task.file_rss -= count - anon
            return
        gone = np.flatnonzero(refs == 0) + low
    else:
        anon = int(np.count_nonzero(mem.flags_array[pages] & PG_ANON))
        np.subtract.at(mem.mapcount_array, pages, 1)
        np.subtract.at(mem.refcount_array, pages, 1)
        gone = np.unique(pages[mem.refcount_array[pages] == 0])
    task.anon_rss -= anon
    task.file_rss -= count - anon
    for pfn in gone.tolist():
        mem.free_page(pfn)
