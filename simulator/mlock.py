# SPDX-License-Identifier: GPL-2.0-or-later
"""What do mlock(2), mlock2(2) and munlock(2) do to a mapping?  (mm/mlock.c)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.mmap import CAP_IPC_LOCK, mlock_limit, page_align
from simulator.mprotect import isolate
from simulator.physmem import PAGE_MASK, PAGE_SHIFT
from simulator.vma import VM_SPECIAL, Vma, vma_merge

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

MLOCK_ONFAULT = 1
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
OWN_PAGES = 32  # at the least of a process that runs: its stack (fs/exec.c setup_arg_pages())


def do_mlock(k: Kernel, task: Task, start: int, length: int, flags: int) -> int:
    """mlock2(2) with `flags` 0 or MLOCK_ONFAULT: 0 or -errno."""
    if flags & ~MLOCK_ONFAULT:
        return -errno.EINVAL
    length = page_align(length + (start & PAGE_MASK))
    start &= ~PAGE_MASK
    error = mlock_limit(k, task, length, errno.ENOMEM)
    if error:
        return error
    wanted = f.VM_LOCKED | (f.VM_LOCKONFAULT if flags else 0)
    error = apply_vma_lock_flags(k, task, start, length, wanted)
    if error:
        return error
    error = k.mm_populate(task, start, start + length)
    return {-errno.EFAULT: -errno.ENOMEM, -errno.ENOMEM: -errno.EAGAIN}.get(error, error)


def do_munlock(k: Kernel, task: Task, start: int, length: int) -> int:
    """munlock(2): 0 or -errno."""
    length = page_align(length + (start & PAGE_MASK))
    return apply_vma_lock_flags(k, task, start & ~PAGE_MASK, length, 0)


def do_mlockall(k: Kernel, task: Task, flags: int) -> int:
    """mlockall(2) with MCL_CURRENT 1, MCL_FUTURE 2, MCL_ONFAULT 4: 0 or -errno."""
    if not flags or flags & ~k.profile.mlockall_flags or flags == MCL_ONFAULT:
        return -errno.EINVAL
    if task.memlock is not None and not task.capable(CAP_IPC_LOCK):
        k.rules.append("mlockall.needs-limit")
        if not task.memlock:
            return -errno.EPERM
        if flags & MCL_CURRENT:
            if task.total_vm + OWN_PAGES << PAGE_SHIFT > task.memlock:
                return -errno.ENOMEM
            k.unknown = "whether all that a process has of its own is within its limit of locked memory"
    lock = f.VM_LOCKED | (f.VM_LOCKONFAULT if flags & MCL_ONFAULT else 0)
    task.def_flags = lock if flags & MCL_FUTURE else 0
    if flags & MCL_FUTURE:
        k.rules.append("mlockall.future")
    if flags & MCL_CURRENT:
        lock_all(k, task, lock)
        for vma in list(task.vmas):
            k.mm_populate(task, vma.start, vma.end)
    return 0


def do_munlockall(k: Kernel, task: Task) -> int:
    """munlockall(2): 0."""
    task.def_flags = 0
    lock_all(k, task, 0)
    return 0


def lock_all(k: Kernel, task: Task, lock: int) -> None:
    """apply_mlockall_flags(): every vma as a whole, whatever it answers."""
    position = 0
    while position < len(task.vmas):
        vma = task.vmas[position]
        mlock_fixup(k, task, vma, vma.start, vma.end, vma.flags & ~(f.VM_LOCKED | f.VM_LOCKONFAULT) | lock)
        if position < len(task.vmas) and task.vmas[position] is vma:  # else it was merged into the one before it
            position += 1


def apply_vma_lock_flags(k: Kernel, task: Task, start: int, length: int, flags: int) -> int:
    end = start + length
    if end < start:
        return -errno.EINVAL
    if end == start:
        return 0
    position = start
    while position < end:
        vma = task.vma_lookup(position)
        if vma is None:
            k.rules.append("mlock.hole")
            return -errno.ENOMEM
        stop = min(vma.end, end)
        error = mlock_fixup(k, task, vma, position, stop, vma.flags & ~(f.VM_LOCKED | f.VM_LOCKONFAULT) | flags)
        if error:
            return error
        position = stop
    return 0


def mlock_fixup(k: Kernel, task: Task, vma: Vma, start: int, end: int, flags: int) -> int:
    """Lock or unlock a piece of one vma; a VM_SPECIAL one is passed over without a word (since 2.6.28)."""
    if flags == vma.flags:
        return 0
    if vma.flags & VM_SPECIAL and k.profile.mlock_special == "skipped":
        k.rules.append("mlock.special-skipped")
        return 0
    error, vma = isolate(k, task, vma, start, end)
    if error:
        return error
    pages = (end - start) >> PAGE_SHIFT
    if flags & ~vma.flags & f.VM_LOCKED:
        k.rules.append("mlock.counts")
        task.locked_vm += pages
    elif vma.flags & ~flags & f.VM_LOCKED:
        task.locked_vm -= pages
    vma.flags = flags
    vma_merge(k, task, vma)
    return 0
