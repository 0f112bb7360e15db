# SPDX-License-Identifier: GPL-2.0-or-later
"""What may no more be done to a mapping that was sealed?  (mm/mseal.c)

munmap(), mmap() over it, mprotect() and mremap() ask vma.py `sealed()`, madvise() asks madvise.py `discard_refused()`.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.mmap import page_align
from simulator.mprotect import isolate
from simulator.physmem import PAGE_MASK
from simulator.vma import vma_merge

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task


def mseal(k: Kernel, task: Task, addr: int, length: int) -> int:
    """mseal(2), without flags: 0 or -errno."""
    if not k.profile.mseal:
        k.rules.append("mseal.none")
        return -errno.ENOSYS
    end = addr + page_align(length)
    if addr & PAGE_MASK or end < addr:
        return -errno.EINVAL
    vmas = task.vmas_in(addr, end)
    covered = addr
    for vma in vmas:
        if vma.start > covered:
            break
        covered = vma.end
    if covered < end:
        k.rules.append("mseal.hole")
        return -errno.ENOMEM
    for vma in vmas:
        if vma.flags & f.VM_SEALED:
            continue
        error, vma = isolate(k, task, vma, max(addr, vma.start), min(end, vma.end))
        if error:
            return error
        k.rules.append("mseal.seals")
        vma.flags |= f.VM_SEALED
        vma_merge(k, task, vma)
    return 0
