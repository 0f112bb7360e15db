# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a futex in mapped memory known by, and may it be one?  (kernel/futex/core.c get_futex_key)

Nobody ever waits longer than no time at all here, so a wake finds nobody.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.gup import get_user_page_fast
from simulator.physmem import PAGE_MASK, PG_ANON, PG_REGION, PG_RESERVED
from simulator.uaccess import kernel_frame

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

PRIVATE_FLAG = 1  # of the calls below; FUTEX_PRIVATE_FLAG
WIDTH = 4


def futex_wait(k: Kernel, task: Task, addr: int, value: int, flags: int) -> int:
    """FUTEX_WAIT with a time limit of 0: -ETIMEDOUT if the word at `addr` has that value, else -EAGAIN or -errno."""
    error = get_futex_key(k, task, addr, flags)
    if error:
        return error
    frame = kernel_frame(k, task, addr)
    if frame < 0:
        k.rules.append("futex.value-is-read")
        return -errno.EFAULT
    found = int.from_bytes(k.read_frame(frame, addr & PAGE_MASK, WIDTH), "little")
    k.rules.append("futex.value-is-read")
    return -errno.ETIMEDOUT if found == value & 0xFFFFFFFF else -errno.EAGAIN


def futex_wake(k: Kernel, task: Task, addr: int, flags: int) -> int:
    """FUTEX_WAKE: 0, as nobody waits, or -errno."""
    error = get_futex_key(k, task, addr, flags)
    if not error:
        k.rules.append("futex.wake-reads-nothing")
    return error


def get_futex_key(k: Kernel, task: Task, addr: int, flags: int) -> int:
    """0 if there can be a futex at `addr`, or -errno."""
    if flags & PRIVATE_FLAG and not k.profile.futex_private:
        return -errno.ENOSYS
    if addr % WIDTH:
        return -errno.EINVAL
    if k.profile.futex_key == "vma" and not flags & PRIVATE_FLAG:
        return _key_by_vma(k, task, addr)
    if not -k.arena <= addr <= k.task_end - WIDTH:
        return -errno.EFAULT
    if flags & PRIVATE_FLAG:
        k.rules.append("futex.private-is-address")
        return 0
    k.rules.append("futex.shared-needs-page")
    page = get_user_page_fast(k, task, addr, True)
    read_only = page == -errno.EFAULT
    if read_only:
        page = get_user_page_fast(k, task, addr)
    if page < 0:
        return page
    if k.mem.flags[page] & (PG_RESERVED | PG_REGION):  # page->mapping is NULL
        k.rules.append("futex.needs-mapping")
        return -errno.EFAULT
    if read_only and k.mem.flags[page] & PG_ANON:
        k.rules.append("futex.read-only-anonymous")
        return -errno.EFAULT
    return 0


def _key_by_vma(k: Kernel, task: Task, addr: int) -> int:
    # To 2.6.27 a key is made of the vma: the mm and the address, or the inode and the page's number in it.
    vma = task.vma_lookup(addr)
    if vma is None:
        return -errno.EFAULT
    if vma.flags & f.VM_IO:
        k.rules.append("futex.vm-io-refused")
        return -errno.EPERM
    return 0 if vma.flags & f.VM_READ else -errno.EACCES
