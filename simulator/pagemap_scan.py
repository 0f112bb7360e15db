# SPDX-License-Identifier: GPL-2.0-or-later
"""Which pages does PAGEMAP_SCAN find, of which kinds?  (fs/proc/task_mmu.c do_pagemap_scan)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.mmap import page_align
from simulator.normal import vm_normal_page
from simulator.pgtable import P_PRESENT, P_SOFT_DIRTY, PFN_SHIFT, u64
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PG_ANON, ZERO_PFN

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

TABLE = 512 * PAGE_SIZE  # bytes that one page table maps, on all machines here


def pagemap_scan(k: Kernel, task: Task, addr: int, length: int) -> list[tuple[int, int, frozenset[str]]] | int:
    """Every page of what is mapped, its kinds asked for and none required: (start, end, kinds) a run, or -errno."""
    k.stage = ""
    if k.profile.pagemap == "none":
        k.rules.append("pagemap-scan.none")
        k.stage = "open"
        return -errno.ENOENT
    if not k.profile.pagemap_scan:
        k.rules.append("pagemap-scan.none")
        return -errno.ENOTTY
    if addr & PAGE_MASK:
        k.rules.append("pagemap-scan.arguments")
        return -errno.EINVAL
    end = page_align(addr + length)
    if addr < -k.arena or end < addr or end > k.task_end:
        k.rules.append("pagemap-scan.arguments")
        return -errno.EFAULT
    out: list[tuple[int, int, frozenset[str]]] = []
    for vma in task.vmas_in(addr, end):
        if vma.flags & f.VM_PFNMAP:
            k.rules.append("pagemap-scan.pfnmap-skipped")
            continue
        for address in range(max(addr, vma.start), min(end, vma.end), PAGE_SIZE):
            kinds = page_category(k, task, vma, address)
            if out and out[-1][1] == address and out[-1][2] == kinds:
                out[-1] = (out[-1][0], address + PAGE_SIZE, kinds)
            else:
                out.append((address, address + PAGE_SIZE, kinds))
    return out


def page_category(k: Kernel, task: Task, vma: Vma, address: int) -> frozenset[str]:
    """pagemap_page_category(), or pagemap_scan_pte_hole() where there is no page table, and what the vma adds."""
    words = {"soft-dirty"} if vma.flags & f.VM_SOFTDIRTY else set()
    pte = vma.view[(address - vma.start) >> PAGE_SHIFT]
    if not pte & P_PRESENT:
        k.rules.append("pagemap-scan.untouched-is-written")
        if not has_page_table(k, task, address):
            k.unknown = "whether there is a page table where nothing is present any more"
        return frozenset(words | {"written"})
    k.rules.append("pagemap-scan.kinds")
    words |= {"present", "written"}
    page = vm_normal_page(k, vma, (address - vma.start) >> PAGE_SHIFT, pte)
    if page and not k.mem.flags[page] & PG_ANON:
        words.add("file")
    if pte >> PFN_SHIFT == ZERO_PFN:
        words.add("pfnzero")
    if k.soft_dirty and pte & P_SOFT_DIRTY:
        words.add("soft-dirty")
    return frozenset(words)


def has_page_table(k: Kernel, task: Task, address: int) -> bool:
    """Is anything present among the pages whose ptes stand in one table with that of `address`?"""
    start = (k.arena + address & ~(TABLE - 1)) - k.arena
    for vma in task.vmas_in(start, start + TABLE):
        first = (max(start, vma.start) - vma.start) >> PAGE_SHIFT
        last = (min(start + TABLE, vma.end) - vma.start) >> PAGE_SHIFT
        if (vma.ptes[first:last] & u64(P_PRESENT)).any():
            return True
    return False
