# SPDX-License-Identifier: GPL-2.0-or-later
"""What does numa_maps count of a mapping?  (fs/proc/task_mmu.c show_numa_map)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from simulator import flags as f
from simulator.normal import vm_normal_page
from simulator.pgtable import P_DIRTY, P_PRESENT, PFN_SHIFT
from simulator.physmem import PG_ANON, PG_DIRTY, PG_PAGE, PG_RESERVED

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma


def numa_maps(k: Kernel, task: Task, start: int, end: int) -> list[dict[str, Any]] | int:
    """One dict a vma that starts in [start, end): start, policy, and pages: anon, dirty, mapped, N0; or -errno."""
    k.stage = ""
    if not k.profile.enabled("CONFIG_NUMA"):
        k.rules.append("numa-maps.none")
        k.stage = "open"
        return -errno.ENOENT
    return [_line(k, vma) for vma in task.vmas_in(start, end) if vma.start >= start]


def _line(k: Kernel, vma: Vma) -> dict[str, Any]:
    if k.profile.numa_maps == "follow-page":
        return _followed(k, vma)
    pages = anon = dirty = 0
    if vma.flags & f.VM_PFNMAP and k.profile.smaps_pfnmap == "skipped":
        k.rules.append("numa-maps.pfnmap-skipped")
    else:
        k.rules.append("numa-maps.walk")
        for index, pte in enumerate(vma.ptes.tolist()):
            page = vm_normal_page(k, vma, index, pte) if pte & P_PRESENT else 0
            if not page or k.mem.flags[page] & PG_RESERVED:
                continue
            pages += 1
            anon += bool(k.mem.flags[page] & PG_ANON)
            dirty += bool(pte & P_DIRTY or k.mem.flags[page] & PG_DIRTY)
    mapped = 0 if pages in (anon, dirty) else pages
    policy = vma.policy.split()[0]
    return {"start": vma.start, "policy": policy, "anon": anon, "dirty": dirty, "mapped": mapped, "N0": pages}


def _followed(k: Kernel, vma: Vma) -> dict[str, Any]:
    # 2005: what follow_page() finds, dirty or not; of a raw pte the struct page, if there is one, until the commit.
    k.rules.append("numa-maps.follows-pages")
    pages = anon = mapped = 0
    for index, pte in enumerate(vma.ptes.tolist()):
        if not pte & P_PRESENT:
            continue
        pfn = pte >> PFN_SHIFT
        raw_too = k.profile.gup_raw == "page" and k.mem.flags[pfn] & PG_PAGE
        page = pfn if raw_too else vm_normal_page(k, vma, index, pte)
        if page:
            pages += 1
            anon += bool(k.mem.flags[page] & PG_ANON)
            mapped += bool(k.mem.mapcount[page])
    policy = vma.policy.split()[0]
    return {"start": vma.start, "policy": policy, "anon": anon, "dirty": 0, "mapped": mapped, "N0": pages}
