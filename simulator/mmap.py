# SPDX-License-Identifier: GPL-2.0-or-later
"""What do mmap(2) and munmap(2) answer?  (mm/mmap.c do_mmap, mmap_region, do_munmap)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.files import Backing, OpenFile
from simulator.pat import untrack
from simulator.physmem import PAGE_MASK, PAGE_SHIFT
from simulator.remap import driver_mmap
from simulator.vma import VM_SPECIAL, Vma, may_split, sealed, split_vma, vma_merge
from simulator.zap import zap_pte_range

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.region import Region
    from simulator.task import Task

MAP_SHARED = 1
MAP_PRIVATE = 2
MAP_SHARED_VALIDATE = 3
MAP_TYPE = 0xF
MAP_FIXED = 0x10
MAP_ANONYMOUS = 0x20
MAP_GROWSDOWN = 0x100
MAP_LOCKED = 0x2000
MAP_NORESERVE = 0x4000
MAP_POPULATE = 0x8000
MAP_FIXED_NOREPLACE = 0x100000

CAP_IPC_LOCK = 14


def page_align(length: int) -> int:
    return (length + PAGE_MASK) & ~PAGE_MASK


def do_mmap(
    k: Kernel, task: Task, addr: int, length: int, prot: int, flags: int, file: OpenFile | None, offset: int
) -> int:
    """mmap(2) of a file (`file`, `offset` as the file counts it) or of anonymous memory; the address or -errno."""
    if offset & PAGE_MASK or length <= 0:
        return -errno.EINVAL
    length = page_align(length)
    if length > k.task_end:
        return -errno.ENOMEM
    if addr != -k.arena and file is not None and not _region_of(file).fixed:
        k.rules.append("mmap.place-refused")
        return -errno.EINVAL
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
        if addr & PAGE_MASK:
            return -errno.EINVAL
        if addr > k.task_end - length:
            return -errno.ENOMEM
        if flags & MAP_FIXED_NOREPLACE and task.vmas_in(addr, addr + length):
            return -errno.EEXIST
    else:
        addr = get_unmapped_area(k, task, addr, length)
    if flags & MAP_LOCKED:
        error = mlock_limit(k, task, length, errno.EAGAIN)
        if error:
            k.rules.append("mmap.locked-needs-limit")
            return error
    kind = flags & MAP_TYPE
    if kind not in (MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE) or (flags & MAP_GROWSDOWN and file is not None):
        return -errno.EINVAL
    vm_flags = (prot & 7) | f.VM_MAYREAD | f.VM_MAYWRITE | f.VM_MAYEXEC | task.def_flags
    if task.def_flags & f.VM_LOCKED and mlock_limit(k, task, length, errno.EAGAIN):
        k.rules.append("mmap.locked-needs-limit")
        return -errno.EAGAIN
    if flags & MAP_LOCKED:
        vm_flags |= f.VM_LOCKED
    if flags & MAP_NORESERVE:
        vm_flags |= f.VM_NORESERVE
    shared = kind != MAP_PRIVATE
    backing: Backing | None = None
    if file is not None:
        backing = file.backing
        error, vm_flags = _file_flags(k, file, prot, shared, vm_flags)
        if error:
            return error
        pgoff = offset >> PAGE_SHIFT
    elif shared:
        vm_flags |= f.VM_SHARED | f.VM_MAYSHARE
        backing = Backing(None, 0, length >> PAGE_SHIFT)
        pgoff = 0
    else:
        pgoff = (k.arena + addr) >> PAGE_SHIFT
    return mmap_region(k, task, addr, length, vm_flags, pgoff, file, backing, bool(flags & MAP_POPULATE))


def _region_of(file: OpenFile) -> Region:
    region = file.backing.region
    assert region is not None
    return region


def _file_flags(k: Kernel, file: OpenFile, prot: int, shared: bool, vm_flags: int) -> tuple[int, int]:
    # The mode checks of do_mmap(): (error or 0, vm_flags).
    region = _region_of(file)
    if shared:
        if prot & 2 and not file.may_write:
            k.rules.append("mmap.shared-write-needs-mode")
            return -errno.EACCES, vm_flags
        vm_flags |= f.VM_SHARED | f.VM_MAYSHARE
        if not file.may_write:
            k.rules.append("mmap.readonly-file-drops-shared")
            vm_flags &= ~(f.VM_MAYWRITE | f.VM_SHARED)
    if not file.may_read:
        return -errno.EACCES, vm_flags
    if region.noexec:
        if prot & 4:
            return -errno.EPERM, vm_flags
        vm_flags &= ~f.VM_MAYEXEC
    return 0, vm_flags


def mmap_region(
    k: Kernel,
    task: Task,
    addr: int,
    length: int,
    vm_flags: int,
    pgoff: int,
    file: OpenFile | None,
    backing: Backing | None,
    populate: bool,
) -> int:
    """Replace what is at [addr, addr + length) by a new vma."""
    error = do_munmap(k, task, addr, length)
    if error:
        return error
    if vm_flags & (f.VM_NORESERVE | f.VM_SHARED | f.VM_WRITE) == f.VM_WRITE:
        vm_flags |= f.VM_ACCOUNT
    vma = Vma(addr, addr + length, vm_flags, pgoff)
    vma.file = file
    vma.backing = backing
    if backing is not None and backing.region is not None:
        error = driver_mmap(k, task, vma, backing)
        if error:
            return error
        if private_write_refused(k, vma, vma.flags):
            zap_pte_range(k, task, vma, 0, vma.pages)
            return -errno.EACCES
        k.rules.append("mmap.maps")
    task.insert(vma)
    task.total_vm += length >> PAGE_SHIFT
    if vma.flags & f.VM_LOCKED:
        populate = True  # of a special vma too, where it is neither VM_IO nor VM_PFNMAP
        if vma.flags & VM_SPECIAL and k.profile.mlock_special == "skipped":
            k.rules.append("mlock.special-skipped")
            vma.flags &= ~(f.VM_LOCKED | f.VM_LOCKONFAULT)
        else:
            task.locked_vm += length >> PAGE_SHIFT
    if k.soft_dirty:
        vma.flags |= f.VM_SOFTDIRTY
    vma = vma_merge(k, task, vma)
    if populate:
        k.mm_populate(task, addr, addr + length)
    return addr


def private_write_refused(k: Kernel, vma: Vma, flags: int) -> bool:
    """2.6.15-rc1 and -rc2: VM_RESERVED memory is not given to a private mapping that may write."""
    if k.profile.private_reserved == "ok" or not vma.flags & f.VM_RESERVED or vma.backing is None:
        return False
    if flags & (f.VM_SHARED | f.VM_WRITE) != f.VM_WRITE:
        return False
    k.rules.append("mmap.private-reserved-refused")
    k.log("is using MAP_PRIVATE, PROT_WRITE mmap of VM_RESERVED memory")
    return True


def get_unmapped_area(k: Kernel, task: Task, hint: int, length: int) -> int:
    """A free place: the hint if it is free, else above everything that is mapped (a choice of the kernel's)."""
    hint &= ~PAGE_MASK
    if hint > 0 and not task.vmas_in(hint, hint + length):
        return hint
    top = max((vma.end for vma in task.vmas), default=0)
    return max(k.anywhere + (1 << 30), page_align(top) + (16 << PAGE_SHIFT))


def mlock_limit(k: Kernel, task: Task, length: int, too_much: int) -> int:
    """can_do_mlock() and RLIMIT_MEMLOCK: 0 or -errno."""
    if task.memlock is None or task.capable(CAP_IPC_LOCK):
        return 0
    if task.memlock == 0:
        k.rules.append("mlock.needs-limit")
        return -errno.EPERM
    if (task.locked_vm << PAGE_SHIFT) + length > task.memlock:
        return -too_much
    return 0


def munmap(k: Kernel, task: Task, addr: int, length: int) -> int:
    """munmap(2): 0 or -errno; a range with no vma in it is fine."""
    if addr & PAGE_MASK or addr < -k.arena or length <= 0 or length > k.task_end or addr > k.task_end - length:
        return -errno.EINVAL
    return do_munmap(k, task, addr, length)


def do_munmap(k: Kernel, task: Task, addr: int, length: int) -> int:
    """Take [addr, addr + length) out of the address space, splitting what it cuts."""
    start, end = addr, addr + page_align(length)
    vmas = task.vmas_in(start, end)
    if not vmas:
        return 0
    first = vmas[0]
    if first.start < start:
        if sealed(k, first):
            return -errno.EPERM
        if not can_split(k, first):
            return -errno.EINVAL
        vmas[0] = split_vma(task, first, start)
        k.rules.append("vma.split-advances-pgoff")
    for vma in vmas:
        if vma.flags & f.VM_SEALED and sealed(k, vma):
            return -errno.EPERM
    last = vmas[-1]
    if last.end > end:
        if not can_split(k, last):
            return -errno.EINVAL
        split_vma(task, last, end)
        k.rules.append("vma.split-advances-pgoff")
    for vma in vmas:
        unmap_vma(k, task, vma)
    if task.stale:
        for page in range(start, end, 1 << PAGE_SHIFT):
            task.stale.pop(page, None)
    return 0


def can_split(k: Kernel, vma: Vma) -> bool:
    if k.profile.may_split and not may_split(vma):
        k.rules.append("vma.split-refused")
        return False
    return True


def unmap_vma(k: Kernel, task: Task, vma: Vma) -> None:
    """Zap a whole vma and take it out of the task."""
    pages = vma.pages
    if vma.flags & f.VM_LOCKED:
        task.locked_vm -= pages
    if vma.flags & f.VM_PAT:
        untrack(k, vma)
    zap_pte_range(k, task, vma, 0, pages)
    task.total_vm -= pages
    task.remove(vma)
