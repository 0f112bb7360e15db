# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a vma, and when do two become one or one become two?  (mm/mmap.c, mm/vma.c: __split_vma, vma_merge)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator import flags as f
from simulator.pgtable import P_WRITE, Ptes, new_ptes, vm_page_prot
from simulator.physmem import PAGE_SHIFT

if TYPE_CHECKING:
    from simulator.files import Backing, OpenFile
    from simulator.kernel import Kernel
    from simulator.task import Task

VM_SPECIAL = f.VM_IO | f.VM_DONTEXPAND | f.VM_PFNMAP | f.VM_MIXEDMAP | f.VM_RESERVED


class Vma:
    """Pages [start, end) of a task, in bytes; `pgoff` in pages; `ptes` is its piece of the page table."""

    __slots__ = (
        "anon_chain",
        "anon_vma",
        "backing",
        "end",
        "file",
        "flags",
        "host_synced",
        "incomplete",
        "name",
        "paged",
        "pgoff",
        "policy",
        "ptes",
        "start",
        "view",
    )

    def __init__(self, start: int, end: int, flags: int, pgoff: int, ptes: Ptes | None = None) -> None:
        self.start = start
        self.end = end
        self.flags = flags
        self.pgoff = pgoff
        self.ptes: Ptes = new_ptes((end - start) >> PAGE_SHIFT) if ptes is None else ptes
        self.view: Any = self.ptes.data
        self.file: OpenFile | None = None
        self.backing: Backing | None = None  # the driver behind it; None: anonymous
        self.name = ""
        self.policy = "default"  # the memory policy, as numa_maps prints it
        self.anon_vma = 0  # 0: no anonymous page was ever in it
        self.anon_chain = 0  # how many anon_vmas it is linked to
        self.paged = False  # was ever a pte in it that vm_normal_page() may call a page's?
        self.incomplete = False  # VM_INCOMPLETE: a part of it was remapped (2.6.15-rc4)
        self.host_synced = False  # UML: the host has mapped all that is present

    @property
    def pages(self) -> int:
        return (self.end - self.start) >> PAGE_SHIFT

    def like(self, start: int, end: int, pgoff: int, ptes: Ptes) -> Vma:
        """A vma of the same kind over another piece (vm_area_dup())."""
        new = Vma(start, end, self.flags, pgoff, ptes)
        new.file = self.file
        new.backing = self.backing
        new.name = self.name
        new.policy = self.policy
        new.anon_vma = self.anon_vma
        new.anon_chain = self.anon_chain
        new.paged = self.paged
        new.incomplete = self.incomplete
        return new


def wants_writenotify(k: Kernel, vma: Vma) -> bool:
    """vma_wants_writenotify(): does the driver, or soft-dirty tracking, want to hear of the first write to a page of a
    shared mapping?"""
    if not vm_page_prot(vma.flags) & P_WRITE:
        return False
    region = vma.backing.region if vma.backing is not None else None
    return (region is not None and region.writenotify) or (k.soft_dirty and not vma.flags & f.VM_SOFTDIRTY)


def sealed(k: Kernel, vma: Vma) -> bool:
    """Was the vma sealed?  Then it stays as it is."""
    if vma.flags & f.VM_SEALED:
        k.rules.append("mseal.refuses-change")
        return True
    return False


def page_prot(k: Kernel, vma: Vma) -> int:
    """vma->vm_page_prot once the mapping is made (vma_set_page_prot()): what faults and mprotect give a pte."""
    prot = vm_page_prot(vma.flags)
    if prot & P_WRITE and wants_writenotify(k, vma):
        k.rules.append("mprotect.write-notify")
        prot &= ~P_WRITE
    return prot


def may_split(vma: Vma) -> bool:
    return vma.backing is None or vma.backing.may_split


def split_vma(task: Task, vma: Vma, address: int) -> Vma:
    """__split_vma(): `vma` keeps [start, address), the new vma is [address, end); vm_pgoff advances with it."""
    cut = (address - vma.start) >> PAGE_SHIFT
    upper = vma.like(address, vma.end, vma.pgoff + cut, vma.ptes[cut:])
    upper.host_synced = vma.host_synced
    vma.end = address
    vma.ptes = vma.ptes[:cut]
    vma.view = vma.ptes.data
    task.insert(upper)
    return upper


def _same_kind(k: Kernel, left: Vma, right: Vma, neighbour: Vma) -> bool:
    if left.end != right.start or (left.flags ^ right.flags) & ~f.VM_SOFTDIRTY:
        return False
    if left.backing is not right.backing or left.file is not right.file:
        return False
    if left.pgoff + left.pages != right.pgoff or left.name != right.name:
        return False
    if left.policy != right.policy:
        return False
    if bool(left.anon_vma) == bool(right.anon_vma):
        return left.anon_vma == right.anon_vma
    # is_mergeable_anon_vma(): not one that was cloned from a parent; until 6.16 it asked the neighbour, touched or not.
    k.rules.append("vma.merge-asks-anon-vma")
    asked = neighbour
    if k.profile.merge_unfaulted == "faulted":
        asked = left if left.anon_vma else right
    return asked.anon_chain == 1


def vma_merge(k: Kernel, task: Task, vma: Vma) -> Vma:
    """Merge `vma` with the neighbours it touches if they are of one kind; VM_SPECIAL ones never merge."""
    vmas = task.vmas
    index = vmas.index(vma)
    if vma.flags & VM_SPECIAL:
        k.rules.append("vma.special-never-merges")
        return vma
    if index > 0 and _same_kind(k, vmas[index - 1], vma, vmas[index - 1]):
        k.rules.append("vma.alike-merge")
        vma = _join(task, vmas[index - 1], vma)
        index -= 1
    if index + 1 < len(vmas) and _same_kind(k, vma, vmas[index + 1], vmas[index + 1]):
        k.rules.append("vma.alike-merge")
        vma = _join(task, vma, vmas[index + 1])
    return vma


def _join(task: Task, left: Vma, right: Vma) -> Vma:
    left.end = right.end
    left.ptes = np.concatenate((left.ptes, right.ptes))
    left.view = left.ptes.data
    left.flags |= right.flags & f.VM_SOFTDIRTY
    left.anon_vma = left.anon_vma or right.anon_vma
    left.paged |= right.paged
    left.host_synced &= right.host_synced
    left.anon_chain = max(left.anon_chain, right.anon_chain)
    task.remove(right)
    return left
