# SPDX-License-Identifier: GPL-2.0-or-later
"""Which memory policy may a mapping have, and which pages follow it?  (mm/mempolicy.c mbind)

There is one node, 0, and the mask that mbind() is given holds it, or nothing for the default and the local policy.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator.migrate import vma_migratable
from simulator.mmap import page_align
from simulator.mprotect import isolate
from simulator.normal import vm_normal_page
from simulator.pgtable import P_PRESENT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PG_REGION, PG_RESERVED
from simulator.vma import vma_merge

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY, WEIGHTED = range(7)
POLICIES = ("default", "prefer:0", "bind:0", "interleave:0", "local", "prefer (many):0", "weighted interleave:0")
STRICT, MOVE, MOVE_ALL = 1, 2, 4
CAP_SYS_NICE = 23


def mbind(k: Kernel, task: Task, addr: int, length: int, mode: int, flags: int) -> int:
    """mbind(2): 0 or -errno."""
    if not k.profile.enabled("CONFIG_NUMA"):
        k.rules.append("mbind.none")
        return -errno.ENOSYS
    if not 0 <= mode < k.profile.mbind_modes or flags & ~k.profile.mbind_flags or addr & PAGE_MASK:
        return -errno.EINVAL
    if flags & MOVE_ALL and not task.capable(CAP_SYS_NICE):
        return -errno.EPERM
    if mode == DEFAULT:
        flags &= ~STRICT
    end = addr + page_align(length)
    if end < addr:
        return -errno.EINVAL
    if end == addr:
        return 0
    vmas = task.vmas_in(addr, end)
    failed = queue_pages(k, vmas, addr, end, mode, flags)
    if failed < 0:
        return failed
    for vma in vmas:
        error = mbind_range(k, task, vma, max(addr, vma.start), min(end, vma.end), POLICIES[mode])
        if error:
            return error
    return -errno.EIO if failed and flags & STRICT else 0


def queue_pages(k: Kernel, vmas: list[Vma], start: int, end: int, mode: int, flags: int) -> int:
    """queue_pages_range(): how many pages are where they must not be and cannot be moved, or -errno."""
    if not vmas:
        k.rules.append("mbind.hole")
        return -errno.EFAULT
    failed = 0
    position = start
    for vma in vmas:
        if mode != DEFAULT and (vma.start > position or (vma is vmas[-1] and vma.end < end)):
            k.rules.append("mbind.hole")
            return -errno.EFAULT
        if vma.flags & k.mbind_refuse:
            k.rules.append("mbind.reserved-refused")
            return -errno.EACCES
        position = vma.end
        if not vma_migratable(vma) and not flags & STRICT:
            k.rules.append("mbind.pfnmap-passed-over")
        elif mode in (DEFAULT, LOCAL) and flags:
            failed += misplaced(k, vma, start, end, flags)
            if failed and flags & (STRICT | MOVE | MOVE_ALL) == STRICT:
                k.rules.append("mbind.strict-eio")
                return -errno.EIO
    return failed


def misplaced(k: Kernel, vma: Vma, start: int, end: int, flags: int) -> int:
    """queue_folios_pte_range() for an empty mask, which has every page elsewhere: how many pages cannot be moved.

    Raw and reserved pages are none. Where pages could be moved they are, to other frames of the same node.
    """
    failed = 0
    for index in range(
        (max(start, vma.start) - vma.start) >> PAGE_SHIFT, (min(end, vma.end) - vma.start) >> PAGE_SHIFT
    ):
        pte = vma.view[index]
        page = vm_normal_page(k, vma, index, pte) if pte & P_PRESENT else 0
        if not page or k.mem.flags[page] & PG_RESERVED:
            continue
        if not flags & (MOVE | MOVE_ALL) or not vma_migratable(vma):
            failed += 1
        elif flags & MOVE_ALL or k.mem.mapcount[page] == 1:
            if not k.mem.flags[page] & PG_REGION:  # a driver's is not on the LRU
                k.lost = "pages that mbind() has moved to other frames"
            elif flags & STRICT:
                failed += 1
    return failed


def mbind_range(k: Kernel, task: Task, vma: Vma, start: int, end: int, policy: str) -> int:
    """Give [start, end) of a vma the policy, as it gets a flag: it is split where it must be; 0 or -errno."""
    if vma.policy == policy:
        return 0
    error, vma = isolate(k, task, vma, start, end)
    if error:
        return error
    k.rules.append("mbind.sets-policy")
    vma.policy = policy
    vma_merge(k, task, vma)
    return 0
