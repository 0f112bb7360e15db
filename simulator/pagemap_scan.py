# SPDX-License-Identifier: GPL-2.0-or-later
"""Which pages does PAGEMAP_SCAN find, of which kinds?  (fs/proc/task_mmu.c do_pagemap_scan)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.mmap import page_align
from simulator.normal import vm_normal_page
from simulator.pgtable import P_PRESENT, P_SOFT_DIRTY, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PG_ANON, ZERO_PFN

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma


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
        return -errno.EINVAL
    end = page_align(addr + length)
    if addr < -k.arena or end < addr or end > k.task_end:
        return -errno.EFAULT
    out: list[tuple[int, int, frozenset[str]]] = []
    for vma in task.vmas_in(addr, end):
        if vma.flags & f.VM_PFNMAP:
            k.rules.append("pagemap-scan.pfnmap-skipped")
            continue
        for address in range(max(addr, vma.start), min(end, vma.end), PAGE_SIZE):
            kinds = page_category(k, vma, (address - vma.start) >> PAGE_SHIFT)
            if out and out[-1][1] == address and out[-1][2] == kinds:
                out[-1] = (out[-1][0], address + PAGE_SIZE, kinds)
            else:
                out.append((address, address + PAGE_SIZE, kinds))
    return out


def page_category(k: Kernel, vma: Vma, index: int) -> frozenset[str]:
    """pagemap_page_category(), and what the vma adds."""
    k.rules.append("pagemap-scan.kinds")
    words = {"soft-dirty"} if vma.flags & f.VM_SOFTDIRTY else set()
    pte = vma.view[index]
    if not pte & P_PRESENT:
        return frozenset(words)
    words |= {"present", "written"}
    page = vm_normal_page(k, vma, index, pte)
    if page and not k.mem.flags[page] & PG_ANON:
        words.add("file")
    if pte >> PFN_SHIFT == ZERO_PFN:
        words.add("pfnzero")
    if k.soft_dirty and pte & P_SOFT_DIRTY:
        words.add("soft-dirty")
    return frozenset(words)
