# SPDX-License-Identifier: GPL-2.0-or-later
"""What does mprotect(2) change, and what of a range with holes?  (mm/mprotect.c)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np

from simulator import flags as f
from simulator.mmap import can_split, page_align
from simulator.normal import normal_mask
from simulator.oops import bug
from simulator.pgtable import (
    P_CHG_MASK,
    P_DIRTY,
    P_NONE,
    P_PRESENT,
    P_SOFT_DIRTY,
    P_TLB,
    P_WRITE,
    P_YOUNG,
    SCALAR_PAGES,
    pfns_of,
    u64,
)
from simulator.physmem import PAGE_MASK, PG_ANON, PG_FORKED
from simulator.vma import Vma, page_prot, sealed, split_vma, vma_merge, wants_writenotify

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

PROT_GROWS = 0x03000000


def do_mprotect(k: Kernel, task: Task, start: int, length: int, prot: int) -> int:
    """mprotect(2): 0 or -errno; what lies before a hole or a refusal has been changed."""
    if start & PAGE_MASK:
        return -errno.EINVAL
    if not length:
        return 0
    end = start + page_align(length)
    if end <= start or end > k.task_end:
        return -errno.ENOMEM
    if prot & ~(7 | PROT_GROWS):
        return -errno.EINVAL
    vma = task.vma_lookup(start)
    if vma is None:
        k.rules.append("mprotect.hole")
        return -errno.ENOMEM
    position = start
    while True:
        wanted = vma.flags & ~f.VM_ACCESS_FLAGS | prot & 7
        if wanted & ~(wanted >> 4) & f.VM_ACCESS_FLAGS:  # the VM_MAY* bits lie four above
            k.rules.append("mprotect.needs-may")
            return -errno.EACCES
        stop = min(vma.end, end)
        error, vma = mprotect_fixup(k, task, vma, position, stop, wanted)
        if error:
            return error
        position = stop
        if position >= end:
            return 0
        following = task.vma_lookup(position)
        if following is None:
            k.rules.append("mprotect.hole")
            return -errno.ENOMEM
        vma = following


def mprotect_fixup(k: Kernel, task: Task, vma: Vma, start: int, end: int, flags: int) -> tuple[int, Vma]:
    """Give [start, end) of one vma its new flags; (0 or -errno, the vma that now holds them)."""
    if sealed(k, vma):
        return -errno.EPERM, vma
    if flags == vma.flags:
        return 0, vma
    if flags & f.VM_WRITE:
        if vma.flags & f.VM_RESERVED and k.profile.private_reserved != "ok":
            return reserved_refused(k, task, vma), vma
        if not vma.flags & (f.VM_ACCOUNT | f.VM_WRITE | f.VM_SHARED | f.VM_NORESERVE):
            flags |= f.VM_ACCOUNT
    elif k.profile.mprotect_drops_account and vma.flags & f.VM_ACCOUNT and vma.backing is None and not vma.anon_vma:
        flags &= ~f.VM_ACCOUNT
    error, vma = isolate(k, task, vma, start, end)
    if error:
        return error, vma
    vma.flags = flags
    change_protection(k, vma)
    return 0, vma_merge(k, task, vma)


def reserved_refused(k: Kernel, task: Task, vma: Vma) -> int:
    """2.6.15-rc1 and -rc2: VM_RESERVED memory never becomes writable by mprotect(), a shared mapping's neither."""
    k.rules.append("mprotect.reserved-refused")
    if vma.flags & f.VM_WRITE:  # it was writable, and more is asked for: BUG_ON()
        bug(k, task, "mm/mprotect.c")
    k.log("is using MAP_PRIVATE, PROT_WRITE mprotect of VM_RESERVED memory")
    return -errno.EACCES


def isolate(k: Kernel, task: Task, vma: Vma, start: int, end: int) -> tuple[int, Vma]:
    """Split so that one vma is exactly [start, end): (0 or -errno, that vma)."""
    if vma.start < start:
        if not can_split(k, vma):
            return -errno.EINVAL, vma
        vma = split_vma(task, vma, start)
        k.rules.append("vma.split-advances-pgoff")
    if vma.end > end:
        if not can_split(k, vma):
            return -errno.EINVAL, vma
        split_vma(task, vma, end)
        k.rules.append("vma.split-advances-pgoff")
    return 0, vma


def change_protection(k: Kernel, vma: Vma) -> None:
    """pte_modify() of every present pte: the pfn and the young, dirty and special bits stay."""
    k.rules.append("mprotect.keeps-pfn")
    keep = P_CHG_MASK if k.profile.mprotect_young else P_CHG_MASK & ~P_TLB  # the CPU forgets; UML maps the range anew
    prot = page_prot(k, vma)
    if k.profile.mprotect_young:
        prot |= P_YOUNG | P_TLB
    pages = vma.pages
    if pages <= SCALAR_PAGES:
        view = vma.view
        for index in range(pages):
            pte = view[index]
            if pte & P_PRESENT:
                view[index] = pte & keep | prot
        upgrade(k, vma)
        return
    ptes = vma.ptes
    if bool((ptes & np.uint64(P_PRESENT)).all()):
        np.bitwise_and(ptes, u64(keep), out=ptes)
        np.bitwise_or(ptes, u64(prot), out=ptes)
    else:
        changed = ptes & u64(keep) | u64(prot)
        np.copyto(ptes, changed, where=(ptes & np.uint64(P_PRESENT)) != 0)
    upgrade(k, vma)


def upgrade(k: Kernel, vma: Vma) -> None:
    """can_change_pte_writable(): ptes whose next write would only make them writable are made so at once."""
    policy = k.profile.mprotect_upgrade
    if policy == "none" or not vma.flags & f.VM_WRITE:
        return
    if vma.flags & f.VM_SHARED:
        if not wants_writenotify(k, vma):
            return
        untracked = policy == "notified" and vma.flags & f.VM_SOFTDIRTY
        want = P_PRESENT | P_DIRTY | (P_SOFT_DIRTY if untracked else 0)
    elif policy == "notified" or not vma.anon_vma:
        return
    else:
        want = P_PRESENT | (P_DIRTY if policy == "dirty" else 0)
    if k.soft_dirty and policy != "notified" and not vma.flags & f.VM_SOFTDIRTY:
        want |= P_SOFT_DIRTY
    ptes = vma.ptes
    chosen = (ptes & u64(want | P_WRITE | P_NONE)) == u64(want)
    if not vma.flags & f.VM_SHARED:
        chosen &= normal_mask(k, vma, 0, ptes)
        chosen &= (k.mem.flags_array[pfns_of(ptes)] & (PG_ANON | PG_FORKED)) == PG_ANON
    if chosen.any():
        k.rules.append("mprotect.upgrades-by-hand")
        ptes[chosen] |= u64(P_WRITE)
