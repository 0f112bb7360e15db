# SPDX-License-Identifier: GPL-2.0-or-later
"""What would the kernel's own eyes see: ptes, the page array, vmas?  (what the lab's driver reads, native/kmod)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import flags as f
from simulator.pgtable import P_DIRTY, P_MAYBE, P_PRESENT, P_SPECIAL, P_WRITE, P_YOUNG, PFN_SHIFT
from simulator.physmem import (
    PAGE_MASK,
    PAGE_SHIFT,
    PG_ANON,
    PG_DIRTY,
    PG_PAGE,
    PG_RESERVED,
    PG_TOUCHED,
    TOTAL_PAGES,
    ZERO_PFN,
)

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

PTE_BITS = (
    (P_PRESENT, "present"),
    (P_WRITE, "write"),
    (P_DIRTY, "dirty"),
    (P_YOUNG, "young"),
    (P_SPECIAL, "special"),
)
VMA_BITS = (
    (f.VM_READ, "read"),
    (f.VM_WRITE, "write"),
    (f.VM_EXEC, "exec"),
    (f.VM_SHARED, "shared"),
    (f.VM_MAYREAD, "mayread"),
    (f.VM_MAYWRITE, "maywrite"),
    (f.VM_MAYEXEC, "mayexec"),
    (f.VM_MAYSHARE, "mayshare"),
    (f.VM_PFNMAP, "pfnmap"),
    (f.VM_MIXEDMAP, "mixedmap"),
    (f.VM_IO, "io"),
    (f.VM_DONTCOPY, "dontcopy"),
    (f.VM_DONTEXPAND, "dontexpand"),
    (f.VM_DONTDUMP, "dontdump"),
)


def ptes(k: Kernel, task: Task, start: int, length: int) -> list[tuple[frozenset[str], int] | None]:
    """One entry a page: (flags, pfn) of what the page table holds, None where it is empty; `young?`: it may be."""
    out: list[tuple[frozenset[str], int] | None] = []
    for address in range(start & ~PAGE_MASK, start + length, 1 << PAGE_SHIFT):
        vma = task.vma_lookup(address)
        pte = 0 if vma is None else int(vma.view[(address - vma.start) >> PAGE_SHIFT])
        if pte & P_PRESENT:
            words = {name for bit, name in PTE_BITS if pte & bit}
            if pte & P_YOUNG and k.mem.flags[pte >> PFN_SHIFT] & PG_ANON:
                k.rules.append("pte.anonymous-may-age")
                words = words - {"young"} | {"young?"}
            elif pte & P_YOUNG and pte & P_MAYBE:
                words = words - {"young"} | {"young?"}
            out.append((frozenset(words), pte >> PFN_SHIFT))
        else:
            out.append(None)
    k.rules.append("pte.as-the-kernel-keeps-it")
    return out


def page_state(k: Kernel, pfn: int) -> tuple[int | tuple[int, ...], int, frozenset[str]] | None:
    """(refcount, mapcount, flags) of a page, None where there is no struct page.

    A refcount that timing has a say in is a tuple of the allowed ones; a flag that may be set or not ends in `?`.
    """
    mem = k.mem
    if not 0 <= pfn < TOTAL_PAGES or not mem.flags[pfn] & PG_PAGE:
        k.rules.append("page.no-struct-page")
        return None
    flags = mem.flags[pfn]
    refcount, mapcount = int(mem.refcount[pfn]), int(mem.mapcount[pfn])
    words = {"mmap"} if mapcount else set()
    if flags & PG_ANON:
        # A fresh page waits, with a reference, in a per-CPU batch until it is put on the LRU; so do its later ways.
        k.rules.append("page.anonymous-by-its-sharers")
        words |= {"anon", "swapbacked", "uptodate", "lru?", "active?", "referenced?"}
        words.add("dirty" if flags & PG_DIRTY else "dirty?")
        return (refcount, refcount + 1, refcount + 2), mapcount, frozenset(words)
    if pfn == ZERO_PFN:
        words.add("zero_page")
    if flags & PG_RESERVED:
        words.add("reserved")
    if flags & PG_DIRTY:
        words.add("dirty")
    if flags & PG_TOUCHED:
        words.add("referenced?")
    k.rules.append("page.counts-its-mappings" if mapcount else "page.raw-untouched")
    return refcount, mapcount, frozenset(words)


def vmas(k: Kernel, task: Task, start: int, end: int) -> list[dict[str, Any]]:
    """One dict a vma that intersects [start, end): start, end, pgoff (in pages) and flags."""
    k.rules.append("vma.flags-and-pgoff")
    return [
        {
            "start": vma.start,
            "end": vma.end,
            "pgoff": vma.pgoff,
            "flags": frozenset(name for bit, name in VMA_BITS if vma.flags & bit),
        }
        for vma in task.vmas_in(start, end)
    ]
