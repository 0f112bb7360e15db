# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose faults may a user handle?  (fs/userfaultfd.c, mm/userfaultfd.c userfaultfd_register)

The descriptor is closed again at once, so nobody's faults ever are.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.pgtable import P_DIRTY, P_NONE, P_PRESENT, P_SOFT_DIRTY, P_WRITE, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PG_ANON, PG_FORKED

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

MISSING, WP, MINOR = 1, 2, 4


def uffd_register(k: Kernel, task: Task, addr: int, length: int, mode: int) -> int:
    """UFFDIO_REGISTER: 0 or -errno; `stage` is `open` where there is no userfaultfd(2)."""
    k.stage = ""
    if not k.profile.uffd_anonymous or not k.profile.enabled("CONFIG_USERFAULTFD"):
        k.rules.append("uffd.none")
        k.stage = "open"
        return -errno.ENOSYS
    known = k.profile.uffd_anonymous | k.profile.uffd_shared
    outside = not -k.arena <= addr < k.task_end or length > k.task_end - addr
    if not mode or mode & ~known or (addr | length) & PAGE_MASK or length <= 0 or outside:
        k.rules.append("uffd.arguments")
        return -errno.EINVAL
    vmas = task.vmas_in(addr, addr + length)
    if not vmas or not all(can_userfault(k, vma, mode) for vma in vmas):
        return -errno.EINVAL
    k.rules.append("uffd.ordinary-memory")
    if mode & WP and k.profile.uffd_wp_close != "keeps":
        for vma in vmas:
            close_write_protected(k, vma, max(addr, vma.start), min(addr + length, vma.end))
    return 0


def can_userfault(k: Kernel, vma: Vma, mode: int) -> bool:
    """vma_can_userfault(): anonymous memory, private or shared, and no driver's."""
    if vma.backing is not None and vma.backing.region is not None:
        k.rules.append("uffd.no-driver-s-memory")
        return False
    return not mode & ~(k.profile.uffd_shared if vma.flags & f.VM_SHARED else k.profile.uffd_anonymous)


def close_write_protected(k: Kernel, vma: Vma, start: int, end: int) -> None:
    """uffd_wp_range() when the descriptor is closed: the ptes are given the protection of a vma that tracks writes."""
    k.rules.append("uffd.close-write-protects")
    for index in range((start - vma.start) >> PAGE_SHIFT, (end - vma.start) >> PAGE_SHIFT):
        pte = vma.view[index]
        if pte & P_PRESENT:
            pte &= ~P_WRITE
            writable = k.profile.uffd_wp_close == "upgrades" and can_change_pte_writable(k, vma, pte)
            vma.view[index] = pte | (P_WRITE if writable else 0)


def can_change_pte_writable(k: Kernel, vma: Vma, pte: int) -> bool:
    """can_change_pte_writable() of a page of ordinary memory: would a write do no more than that?"""
    if not vma.flags & f.VM_WRITE or pte & P_NONE:
        return False
    if k.soft_dirty and not vma.flags & f.VM_SOFTDIRTY and not pte & P_SOFT_DIRTY:
        return False
    if vma.flags & f.VM_SHARED:
        return bool(pte & P_DIRTY)
    return bool(k.mem.flags[pte >> PFN_SHIFT] & (PG_ANON | PG_FORKED) == PG_ANON)
