# SPDX-License-Identifier: GPL-2.0-or-later
"""How do mappings come, change and go?  The system calls of descriptors and mappings, as the caller makes them."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.files import Backing, OpenFile
from simulator.madvise import do_madvise
from simulator.mincore import do_mincore
from simulator.mlock import do_mlock, do_mlockall, do_munlock, do_munlockall
from simulator.mmap import MAP_FIXED, MAP_PRIVATE, MAP_SHARED, do_mmap
from simulator.mmap import munmap as do_munmap
from simulator.mprotect import do_mprotect
from simulator.mremap import do_mremap
from simulator.msync import do_msync
from simulator.physmem import PAGE_SHIFT, PG_DIRTY, PG_TOUCHED
from simulator.vma import Vma

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

CAP_SYS_RAWIO = 17


def open(k: Kernel, task: Task, r: int, flags: int) -> int:
    region = k.regions[r].region
    if region is not None and region.rawio and not task.capable(CAP_SYS_RAWIO):
        k.rules.append("region.needs-rawio")
        return -errno.EACCES if task.uid else -errno.EPERM  # its mode, before its driver
    k.rules.append("region.descriptor")
    fd = 3 + len(task.fds)
    while fd in task.fds:
        fd += 1
    task.fds[fd] = OpenFile(k.regions[r], flags)
    _wipe_marks(k, k.regions[r])
    return fd


def _wipe_marks(k: Kernel, backing: Backing) -> None:
    # The lab's own driver does, of pages that nobody maps (native/kmod/memory.c lab_wipe_marks()).
    region = backing.region
    if region is not None and region.by != "pfn":
        for pfn in range(backing.first_pfn, backing.first_pfn + region.pages):
            if k.mem.refcount[pfn] == 1 and not k.mem.mapcount[pfn]:
                k.mem.flags[pfn] &= ~(PG_DIRTY | PG_TOUCHED) & 0xFFFF


def close(k: Kernel, task: Task, fd: int) -> int:
    k.rules.append("region.descriptor")
    return 0 if task.fds.pop(fd, None) is not None else -errno.EBADF


def mmap(
    k: Kernel, task: Task, addr: int, length: int, prot: int, flags: int, source: tuple[str, int] | None, offset: int
) -> int:
    """mmap(2); source None (anonymous), ("region", r) or ("fd", fd); offset in bytes from the region's start."""
    k.rules.append("mmap.arguments")
    if source is None:
        return do_mmap(k, task, addr, length, prot, flags, None, 0)
    if source[0] == "fd":
        file = task.fds.get(source[1])
        if file is None:
            return -errno.EBADF
    else:
        file = _region_file(k, source[1])
    offset += file.backing.first_pgoff << PAGE_SHIFT
    return do_mmap(k, task, addr, length, prot, flags, file, offset)


def _region_file(k: Kernel, r: int) -> OpenFile:
    backing = k.regions[r]
    assert backing.region is not None
    return OpenFile(backing, 0 if backing.region.read_only else 2)


def map_default(k: Kernel, task: Task, r: int, addr: int, length: int) -> int:
    """The mapping that the region comes with; a premapped vma is moved to `addr` (mremap, the whole of it)."""
    k.rules.append("mmap.premapped")
    backing = k.regions[r]
    region = backing.region
    assert region is not None
    length = length or region.pages << PAGE_SHIFT
    if not region.premapped:
        kind = MAP_SHARED if region.default_sharing == "shared" else MAP_PRIVATE
        place, fixed = (addr, MAP_FIXED) if region.fixed else (-k.arena, 0)
        return mmap(k, task, place, length, region.default_prot, kind | fixed, ("region", r), 0)
    if any(vma.backing is backing for vma in task.vmas):
        return -errno.EFAULT
    if length != region.pages << PAGE_SHIFT:
        return -errno.EINVAL if k.profile.may_split else -errno.EFAULT
    flags = f.VM_READ | f.VM_MAYREAD | f.parse_flags(region.flags_add)
    if region.by == "pfn":
        flags |= f.VM_PFNMAP
    elif region.by != "normal":
        flags |= f.VM_MIXEDMAP
    if k.soft_dirty:  # __install_special_mapping()
        flags |= f.VM_SOFTDIRTY
    vma = Vma(addr, addr + length, flags, backing.first_pgoff)
    vma.backing = backing
    vma.name = region.premapped
    task.insert(vma)
    return addr


def mlockall(k: Kernel, task: Task, flags: int) -> int:
    k.rules.append("mlockall.locks-all")
    return do_mlockall(k, task, flags)


def munlockall(k: Kernel, task: Task) -> int:
    k.rules.append("mlockall.locks-all")
    return do_munlockall(k, task)


def fsync(k: Kernel, task: Task, fd: int) -> int:
    """fsync(2): 0, or -EINVAL where the file has no fsync."""
    file = task.fds.get(fd)
    if file is None:
        return -errno.EBADF
    k.rules.append("fsync.no-fsync-op")
    region = file.backing.region
    return 0 if region is not None and region.fsync else -errno.EINVAL


def munmap(k: Kernel, task: Task, addr: int, length: int) -> int:
    k.rules.append("munmap.any-range")
    return do_munmap(k, task, addr, length)


def mprotect(k: Kernel, task: Task, addr: int, length: int, prot: int) -> int:
    k.rules.append("mprotect.range")
    return do_mprotect(k, task, addr, length, prot)


def mremap(k: Kernel, task: Task, addr: int, old: int, new: int, flags: int, new_addr: int) -> int:
    k.rules.append("mremap.arguments")
    return do_mremap(k, task, addr, old, new, flags, new_addr)


def madvise(k: Kernel, task: Task, addr: int, length: int, advice: int) -> int:
    k.rules.append("madvise.range")
    return do_madvise(k, task, addr, length, advice)


def mlock(k: Kernel, task: Task, addr: int, length: int, flags: int) -> int:
    k.rules.append("mlock.range")
    return do_mlock(k, task, addr, length, flags)


def munlock(k: Kernel, task: Task, addr: int, length: int) -> int:
    k.rules.append("mlock.range")
    return do_munlock(k, task, addr, length)


def msync(k: Kernel, task: Task, addr: int, length: int, flags: int) -> int:
    k.rules.append("msync.range")
    return do_msync(k, task, addr, length, flags)


def mincore(k: Kernel, task: Task, addr: int, length: int) -> bytes | int:
    k.rules.append("mincore.range")
    return do_mincore(k, task, addr, length)
