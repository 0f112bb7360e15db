# SPDX-License-Identifier: GPL-2.0-or-later
"""Which node is a page on, and may it be moved to another?  (mm/migrate.c move_pages)

There is one node, 0: a page that may be moved there is there already.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.normal import vm_normal_page
from simulator.pgtable import P_NONE, P_PRESENT, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, ZERO_PFN

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

NODE = 0
ASK = -1


def move_pages(k: Kernel, task: Task, addr: int, length: int, node: int) -> list[int] | int:
    """move_pages(2) of the pages that [addr, addr + length) touches: their status one by one, or -errno.

    A status is a node or -errno; `node` -1 (ASK) moves nothing.
    """
    if not k.profile.enabled("CONFIG_NUMA") or k.profile.move_pages == "none":
        k.rules.append("migrate.none")
        return -errno.ENOSYS
    start = addr & ~PAGE_MASK
    pages = range(start, addr + length, PAGE_SIZE)
    if node > NODE and len(pages):
        k.rules.append("migrate.no-such-node")
        return -errno.ENODEV
    return [_status(k, task, address, node) for address in pages]


def _status(k: Kernel, task: Task, address: int, node: int) -> int:
    vma = task.vma_lookup(address)
    if vma is None:
        k.rules.append("migrate.no-vma")
        return -errno.EFAULT
    if node != ASK and not vma_migratable(vma):
        k.rules.append("migrate.pfnmap-stays")
        return -errno.EFAULT
    return page_node(k, vma, (address - vma.start) >> PAGE_SHIFT)


def vma_migratable(vma: Vma) -> bool:
    """vma_migratable(): may pages of this vma be moved at all?"""
    return not vma.flags & (f.VM_IO | f.VM_PFNMAP)


def page_node(k: Kernel, vma: Vma, index: int) -> int:
    """The node of the page that a pte maps, or -errno: by the pte alone, whatever the vma is."""
    pte = vma.view[index]
    how = k.profile.move_pages
    if not pte & P_PRESENT:
        k.rules.append("migrate.untouched")
        return -errno.ENOENT if how == "folio-walk" or has_fault_op(vma) else -errno.EFAULT
    if pte & P_NONE and how == "follow-page":
        k.rules.append("migrate.prot-none")
        return -errno.ENOENT
    if pte >> PFN_SHIFT == ZERO_PFN:
        k.rules.append("migrate.zero-page")
        return -errno.EFAULT
    if vm_normal_page(k, vma, index, pte):
        k.rules.append("migrate.page-has-node")
        return NODE
    if how == "folio-walk":
        k.rules.append("migrate.raw-enoent")
        return -errno.ENOENT
    k.rules.append("migrate.raw-efault")
    return -errno.EFAULT


def has_fault_op(vma: Vma) -> bool:
    """Has vma->vm_ops a fault op (shared anonymous memory has)?"""
    if vma.backing is None:
        return False
    return vma.backing.region is None or vma.backing.region.insert == "fault"
