# SPDX-License-Identifier: GPL-2.0-or-later
"""What do /proc/PID/smaps, maps and pagemap say of a mapping?  (fs/proc/task_mmu.c)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator import flags as f
from simulator.normal import normal_mask, vm_normal_page
from simulator.pgtable import P_DIRTY, P_MAYBE, P_PRESENT, P_SOFT_DIRTY, P_YOUNG, PFN_SHIFT, SCALAR_PAGES, pfns_of
from simulator.physmem import (
    PAGE_MASK,
    PAGE_SHIFT,
    PG_ANON,
    PG_DIRTY,
    PG_LAZYFREE,
    PG_PAGE,
    PG_REGION,
    PG_TOUCHED,
    PG_UNREFERENCED,
)

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

CAP_SYS_ADMIN = 21
PAGE_KB = 4


def maps_line(vma: Vma) -> dict[str, Any]:
    """start, end, perms and pgoff (bytes) as the maps line prints them."""
    flags = vma.flags
    perms = (
        ("r" if flags & f.VM_READ else "-")
        + ("w" if flags & f.VM_WRITE else "-")
        + ("x" if flags & f.VM_EXEC else "-")
        + ("s" if flags & f.VM_MAYSHARE else "p")
    )
    region = vma.backing.region if vma.backing is not None else None
    has_file = vma.backing is not None and (region is None or region.has_file)
    return {
        "start": vma.start,
        "end": vma.end,
        "perms": perms,
        "pgoff": vma.pgoff << PAGE_SHIFT if has_file else 0,
        "name": vma.name,
    }


class MemSize:
    """struct mem_size_stats: bytes, and pss in bytes << 12."""

    __slots__ = ("anonymous", "lazyfree", "perhaps_referenced", "pss", "pss_dirty", "referenced", "resident", "sizes")

    def __init__(self) -> None:
        self.resident = self.pss = self.pss_dirty = self.referenced = self.anonymous = self.lazyfree = 0
        self.perhaps_referenced = 0  # by the page array's own flag, which the LRU's timing decides
        self.sizes = {"Shared_Clean": 0, "Shared_Dirty": 0, "Private_Clean": 0, "Private_Dirty": 0}


def smaps_vma(k: Kernel, task: Task, vma: Vma) -> dict[str, Any]:
    """One vma of smaps: its maps line, the kB fields this kernel prints, and VmFlags as a list (None: not printed).

    `Referenced` is a tuple of allowed values where the page array's own flag, set by get_user_pages(), has a say, and
    `LazyFree` where pages were freed lazily.
    """
    entry = maps_line(vma)
    mss = MemSize()
    if k.profile.smaps_raw == "counted":
        _walk_old(k, vma, mss)
    elif vma.flags & f.VM_PFNMAP and k.profile.smaps_pfnmap == "skipped":
        k.rules.append("smaps.pfnmap-skipped")
    else:
        _walk(k, vma, mss)
    locked = mss.pss >> 22 if vma.flags & f.VM_LOCKED else 0
    known = {
        "Size": (vma.end - vma.start) >> 10,
        "KernelPageSize": PAGE_KB,
        "MMUPageSize": PAGE_KB,
        "Rss": mss.resident >> 10,
        "Pss": mss.pss >> 22,
        "Pss_Dirty": mss.pss_dirty >> 22,
        "Referenced": mss.referenced >> 10,
        "Anonymous": mss.anonymous >> 10,
        "LazyFree": mss.lazyfree >> 10,
        "Locked": locked,
    } | {name: size >> 10 for name, size in mss.sizes.items()}
    for name in k.profile.smaps_fields:
        entry[name] = known.get(name, 0)
    if mss.perhaps_referenced and "Referenced" in entry:
        low, more = entry["Referenced"], mss.perhaps_referenced >> 10
        k.rules.append("smaps.referenced-by-the-page-array")
        entry["Referenced"] = tuple(range(low, low + more + 1, 4))
    if mss.lazyfree and "LazyFree" in entry:  # a page waits in a batch of the LRU until it is made so
        entry["LazyFree"] = tuple(range(0, entry["LazyFree"] + 1, 4))
    entry["VmFlags"] = vm_flags(k, vma.flags) if k.profile.smaps_vmflags else None
    return entry


def vm_flags(k: Kernel, flags: int) -> list[str]:
    unnamed = k.profile.smaps_flags_unnamed
    return ["??" if name in unnamed else name for bit, name in f.NAMES if flags & bit]


def _walk(k: Kernel, vma: Vma, mss: MemSize) -> None:
    # smaps_pte_entry(), smaps_account(): pages only; what vm_normal_page() calls raw is in no field.
    mem = k.mem
    if vma.pages > SCALAR_PAGES:
        _walk_vector(k, vma, mss)
        return
    for index, pte in enumerate(vma.ptes.tolist()):
        if not pte & P_PRESENT:
            continue
        page = vm_normal_page(k, vma, index, pte)
        if not page:
            _raw(k, mss, 1)
            continue
        k.rules.append("smaps.page-counted")
        dirty = bool(pte & P_DIRTY or mem.flags[page] & PG_DIRTY)
        mss.resident += 4096
        if mem.flags[page] & PG_ANON:
            mss.anonymous += 4096
            if mem.flags[page] & PG_LAZYFREE and not dirty:
                mss.lazyfree += 4096
        by_page = k.profile.smaps_page_referenced and not mem.flags[page] & (PG_REGION | PG_UNREFERENCED)
        if pte & (P_YOUNG | P_MAYBE) == P_YOUNG or by_page:
            mss.referenced += 4096
        elif pte & P_YOUNG or mem.flags[page] & PG_TOUCHED:
            mss.perhaps_referenced += 4096
        mapcount = mem.mapcount[page]
        share = (4096 << 12) // max(mapcount, 1)
        mss.pss += share
        if dirty:
            mss.pss_dirty += share
        mss.sizes[("Shared_" if mapcount >= 2 else "Private_") + ("Dirty" if dirty else "Clean")] += 4096


def _raw(k: Kernel, mss: MemSize, pages: int) -> None:
    # What a page without a struct page is to smaps: nothing, or (to 2.6.32) resident and no more.
    k.rules.append("smaps.raw-in-rss-alone" if k.profile.smaps_raw == "rss" else "smaps.raw-not-counted")
    if k.profile.smaps_raw == "rss":
        mss.resident += 4096 * pages


def _walk_vector(k: Kernel, vma: Vma, mss: MemSize) -> None:
    # The same as _walk(), for many pages.
    mem = k.mem
    normal = normal_mask(k, vma, 0, vma.ptes) if vma.paged else np.zeros(0, np.bool_)
    raw = int(np.count_nonzero(vma.ptes & np.uint64(P_PRESENT))) - int(np.count_nonzero(normal))
    if raw:
        _raw(k, mss, raw)
    if not normal.any():
        return
    k.rules.append("smaps.page-counted")
    ptes = vma.ptes[normal]
    pages = pfns_of(ptes)
    flags = mem.flags_array[pages]
    dirty = ((ptes & np.uint64(P_DIRTY)) != 0) | ((flags & PG_DIRTY) != 0)
    anon = (flags & PG_ANON) != 0
    mapcount = mem.mapcount_array[pages]
    share = (4096 << 12) // np.maximum(mapcount, 1).astype(np.int64)
    mss.resident += 4096 * len(ptes)
    mss.anonymous += 4096 * int(np.count_nonzero(anon))
    mss.lazyfree += 4096 * int(np.count_nonzero(anon & ((flags & PG_LAZYFREE) != 0) & ~dirty))
    young = (ptes & np.uint64(P_YOUNG | P_MAYBE)) == P_YOUNG
    if k.profile.smaps_page_referenced:  # of the pages that are on the LRU
        young |= (flags & (PG_REGION | PG_UNREFERENCED)) == 0
    perhaps = ((ptes & np.uint64(P_YOUNG)) != 0) | ((flags & PG_TOUCHED) != 0)
    mss.referenced += 4096 * int(np.count_nonzero(young))
    mss.perhaps_referenced += 4096 * int(np.count_nonzero(~young & perhaps))
    mss.pss += int(share.sum())
    mss.pss_dirty += int(share[dirty].sum())
    _sort(mss, mapcount >= 2, dirty)


def _sort(mss: MemSize, shared: NDArray[np.bool_], dirty: NDArray[np.bool_]) -> None:
    for name, both in (
        ("Shared_Dirty", shared & dirty),
        ("Shared_Clean", shared & ~dirty),
        ("Private_Dirty", ~shared & dirty),
        ("Private_Clean", ~shared & ~dirty),
    ):
        mss.sizes[name] += 4096 * int(np.count_nonzero(both))


def _walk_old(k: Kernel, vma: Vma, mss: MemSize) -> None:
    # 2.6.14 to 2.6.15: every present pte is resident; page_count() sorts those that have a struct page.
    mem = k.mem
    if vma.pages > SCALAR_PAGES:
        ptes = vma.ptes[(vma.ptes & np.uint64(P_PRESENT)) != 0]
        if not len(ptes):
            return
        k.rules.append("smaps.raw-counted")
        mss.resident += 4096 * len(ptes)
        ptes = ptes[(mem.flags_array[pfns_of(ptes)] & PG_PAGE) != 0]
        _sort(mss, mem.refcount_array[pfns_of(ptes)] >= 2, (ptes & np.uint64(P_DIRTY)) != 0)
        return
    for pte in vma.ptes.tolist():
        if not pte & P_PRESENT:
            continue
        k.rules.append("smaps.raw-counted")
        mss.resident += 4096
        page = pte >> PFN_SHIFT
        if not mem.flags[page] & PG_PAGE:
            continue
        kind = "Shared_" if mem.refcount[page] >= 2 else "Private_"
        mss.sizes[kind + ("Dirty" if pte & P_DIRTY else "Clean")] += 4096


def pagemap(k: Kernel, task: Task, start: int, length: int) -> list[tuple[frozenset[str], int | None]] | int:
    """One (flags, pfn) a page: flags of `present file excl soft-dirty`; pfn None where none is told."""
    if k.profile.pagemap == "none":
        return -errno.ENOENT
    out: list[tuple[frozenset[str], int | None]] = []
    show = task.capable(CAP_SYS_ADMIN)
    for address in range(start & ~PAGE_MASK, start + length, 1 << PAGE_SHIFT):
        vma = task.vma_lookup(address)
        if vma is None:
            out.append((frozenset(), None))
            continue
        soft = bool(vma.flags & f.VM_SOFTDIRTY)
        words = {"soft-dirty"} if soft else set()
        index = (address - vma.start) >> PAGE_SHIFT
        pte = vma.view[index]
        if k.profile.pagemap == "ptes":  # 2.6.25 to 3.9: present, and the pfn, for everybody
            k.rules.append("pagemap.what-the-pte-holds")
            present = bool(pte & P_PRESENT)
            out.append((frozenset({"present"} if present else ()), pte >> PFN_SHIFT if present else None))
            continue
        if vma.flags & f.VM_PFNMAP:
            k.rules.append("pagemap.pfnmap-hole")
            if k.profile.pagemap != "shifts":
                out.append((frozenset(words), None))
            continue
        if not pte & P_PRESENT:
            out.append((frozenset(words), None))
            continue
        words.add("present")
        if k.soft_dirty and pte & P_SOFT_DIRTY:
            words.add("soft-dirty")
        page = vm_normal_page(k, vma, index, pte)
        if page:
            if not k.mem.flags[page] & PG_ANON:
                words.add("file")
            if k.mem.mapcount[page] == 1:
                words.add("excl")
        out.append((frozenset(words), pte >> PFN_SHIFT if show else None))
    return out
