# SPDX-License-Identifier: GPL-2.0-or-later
"""What do ptrace, /proc/PID/mem and process_vm_* see of a mapping?  (mm/memory.c access_process_vm and around)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.gup import get_user_page
from simulator.normal import vm_normal_page
from simulator.pgtable import P_PRESENT, P_WRITE, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PG_PAGE, PG_RESERVED

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

CAP_SYS_PTRACE = 19


def may_ptrace(tracer: Task, target: Task) -> bool:
    return tracer is target or tracer.uid == target.uid or tracer.capable(CAP_SYS_PTRACE)


def access_remote_vm(
    k: Kernel, target: Task, address: int, length: int, data: bytes | None, force: bool = True
) -> bytes | int:
    """Read (`data` None: the bytes come back) or write (the count does), with FOLL_FORCE or not, as far as it goes."""
    out = bytearray()
    done = 0
    write = data is not None
    while done < length:
        here = address + done
        pfn = get_user_page(k, target, here, write, force)
        if pfn > 0:
            offset = here & PAGE_MASK
            count = min(PAGE_SIZE - offset, length - done)
            if data is None:
                out += k.read_frame(pfn, offset, count)
            else:
                k.write_frame(pfn, offset, data[done : done + count])
            done += count
            continue
        if not k.access_op:
            k.rules.append("access.no-access-op")
            break
        vma = target.vma_lookup(here)
        if vma is None or vma.backing is None or not vma.backing.access:
            k.rules.append("access.no-access-op")
            break
        if not generic_access_phys(k, vma, here, length - done, data[done:] if data is not None else None, out):
            break
        done = length
    return done if write else bytes(out)


def generic_access_phys(k: Kernel, vma: Vma, address: int, length: int, data: bytes | None, out: bytearray) -> bool:
    """Go to the physical address that the first pte tells, for the whole length: neither page nor vma end it."""
    if not vma.flags & (f.VM_IO | f.VM_PFNMAP):
        return False
    index = (address - vma.start) >> PAGE_SHIFT
    pte = vma.view[index]
    if not pte & P_PRESENT:
        return False
    if data is not None and not pte & P_WRITE:
        k.rules.append("access.phys-needs-write-bit")
        return False
    if k.profile.access_cowed == "pte" and vm_normal_page(k, vma, index, pte):
        k.rules.append("access.cowed-refused")
        return False
    pfn = pte >> PFN_SHIFT
    offset = address & PAGE_MASK
    for page in range(pfn, pfn + ((offset + length + PAGE_MASK) >> PAGE_SHIFT)):
        if k.profile.access_cowed != "maps" and k.mem.flags[page] & (PG_PAGE | PG_RESERVED) == PG_PAGE:
            k.rules.append("access.no-ioremap-of-ram")
            k.warn_once("ioremap on RAM")
            return False
    k.rules.append("access.phys-reaches-device")
    if length > PAGE_SIZE - offset:
        k.rules.append("access.phys-crosses-page")
        if k.profile.access_cowed == "maps":
            k.lost = "what lies behind the one page that ioremap_prot() has mapped"
            return False
    if data is None:
        out += k.read_frame(pfn, offset, length)
    else:
        k.write_frame(pfn, offset, data)
    return True


def ptrace_access(k: Kernel, tracer: Task, target: Task) -> int:
    """PTRACE_ATTACH's answer: 0 or -errno."""
    if not target.alive:
        return -errno.ESRCH
    if target is tracer or not may_ptrace(tracer, target):
        return -errno.EPERM
    return 0


def mem_open(k: Kernel, tracer: Task, target: Task) -> int:
    """open(/proc/PID/mem): 0 or -errno."""
    if not target.alive:
        return -errno.ENOENT
    return 0 if may_ptrace(tracer, target) else -errno.EACCES


def mem_rw(k: Kernel, target: Task, address: int, length: int, data: bytes | None) -> bytes | int:
    """/proc/PID/mem: in pieces of a page's length from the start on; -EIO when nothing could be had."""
    out = bytearray()
    done = 0
    # proc_mem_foll_force(): whoever opened the file traces nobody here.
    force = not (k.profile.enabled("CONFIG_PROC_MEM_FORCE_PTRACE") or k.profile.enabled("CONFIG_PROC_MEM_NO_FORCE"))
    if not force:
        k.rules.append("access.mem-without-force")
    while done < length:
        count = min(PAGE_SIZE, length - done)
        piece = data[done : done + count] if data is not None else None
        got = access_remote_vm(k, target, address + done, count, piece, force)
        if isinstance(got, bytes):
            out += got
            got = len(got)
        if not got:
            if not done:
                k.rules.append("access.mem-eio")
                return -errno.EIO
            break
        done += got
    return done if data is not None else bytes(out)


def process_vm_rw(k: Kernel, target: Task, address: int, length: int, data: bytes | None) -> bytes | int:
    """process_vm_readv/writev: without FOLL_FORCE and without vm_ops->access; short, or -EFAULT."""
    out = bytearray()
    done = 0
    while done < length:
        here = address + done
        pfn = get_user_page(k, target, here, data is not None, False, pin=True)
        if pfn < 0:
            if not done:
                return pfn
            break
        offset = here & PAGE_MASK
        count = min(PAGE_SIZE - offset, length - done)
        if data is None:
            out += k.read_frame(pfn, offset, count)
        else:
            k.write_frame(pfn, offset, data[done : done + count])
        done += count
    return done if data is not None else bytes(out)
