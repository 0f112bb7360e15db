# SPDX-License-Identifier: GPL-2.0-or-later
"""Which advice may one process give on another's memory?  (mm/madvise.c process_madvise)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator.access import may_ptrace
from simulator.madvise import do_madvise
from simulator.mempolicy import CAP_SYS_NICE

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

MAX_RW_COUNT = 0x7FFFF000  # lib/iov_iter.c import_iovec()


def process_madvise(k: Kernel, task: Task, target: Task, addr: int, length: int, advice: int) -> int:
    """process_madvise(2) of one range of `target`: its length in bytes, or -errno."""
    if not k.profile.process_madvise:
        k.rules.append("process-madvise.none")
        return -errno.ENOSYS
    if length < 0:
        return -errno.EINVAL
    if length > MAX_RW_COUNT:
        k.unknown = "a range of 2 GB, which kernels cut before they look whether it is the program's, or after"
    if addr < -k.arena or addr > k.task_end - length:  # access_ok()
        return -errno.EFAULT
    own = target is task and k.profile.process_madvise_own == "any"
    if advice not in k.profile.process_madvise and not own:
        k.rules.append("process-madvise.known-advice")
        return -errno.EINVAL
    if not may_ptrace(task, target):
        return -errno.EACCES
    if not task.capable(CAP_SYS_NICE) and (target is not task or k.profile.process_madvise_own == "nice"):
        k.rules.append("process-madvise.needs-nice")
        return -errno.EPERM
    k.rules.append("process-madvise.same-rules")
    return (do_madvise(k, target, addr, length, advice) if length else 0) or length
