# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the kernel read from or write to user memory by its own hand?  (copy_from_user, copy_to_user, pipes)

Two kinds: by the CPU, with the page faults a program has too; and by the page table (User-Mode Linux,
arch/um/kernel/skas/uaccess.c), with one fault a page and no look at what PROT_NONE forbids a reader.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator.fault import access_allowed, beside_unplaced, exec_only, handle_mm_fault
from simulator.gup import get_user_page_fast
from simulator.pgtable import P_DIRTY, P_NONE, P_PRESENT, P_WRITE, P_YOUNG, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task


def kernel_frame(k: Kernel, task: Task, address: int, write: bool = False) -> int:
    """The frame that the kernel's own access at a user address reaches, or -EFAULT."""
    vma = task.vma_lookup(address)
    if vma is None:
        beside_unplaced(k, address)
        return -errno.EFAULT
    index = (address - vma.start) >> PAGE_SHIFT
    walk = k.kernel_copy == "walk"
    for attempt in range(4):
        pte = vma.view[index]
        if walk:
            usable = pte & P_PRESENT and (not write or pte & (P_WRITE | P_NONE) == P_WRITE)
            if attempt and pte & P_PRESENT and not usable:
                k.rules.append("uaccess.one-fault-only")  # maybe_map() goes on whatever the fault has done
                usable = True
        else:
            usable = pte & (P_PRESENT | P_NONE) == P_PRESENT and (not write or pte & P_WRITE)
        if usable:
            exec_only(k, vma)
            if walk:
                if pte & P_NONE:
                    k.rules.append("uaccess.reads-prot-none")
            else:
                vma.view[index] = pte | P_YOUNG | (P_DIRTY if write else 0)
            return int(pte >> PFN_SHIFT)
        if not access_allowed(k, vma, write):
            return -errno.EFAULT
        if handle_mm_fault(k, task, vma, address, write):
            return -errno.EFAULT
    return -errno.EFAULT


def copy_from_user(k: Kernel, task: Task, address: int, length: int) -> bytes:
    """What could be read of [address, address + length), up to the first page that faults for good."""
    out = bytearray()
    end = address + length
    while address < end:
        frame = kernel_frame(k, task, address, False)
        if frame < 0:
            break
        count = min(PAGE_SIZE - (address & PAGE_MASK), end - address)
        out += k.read_frame(frame, address & PAGE_MASK, count)
        address += count
    return bytes(out)


def copy_to_user(k: Kernel, task: Task, address: int, data: bytes) -> int:
    """How many bytes of `data` could be written at `address`."""
    done = 0
    if k.kernel_copy == "walk" and not address & PAGE_MASK and kernel_frame(k, task, address, True) < 0:
        return 0  # buffer_op() visits a page-aligned start twice, first for no bytes
    while done < len(data):
        frame = kernel_frame(k, task, address + done, True)
        if frame < 0:
            break
        offset = (address + done) & PAGE_MASK
        count = min(PAGE_SIZE - offset, len(data) - done)
        k.write_frame(frame, offset, data[done : done + count])
        done += count
    return done


def pipe_write(k: Kernel, task: Task, address: int, length: int) -> bytes | int:
    """write(2) of user memory into a pipe: what came out of the other end, or -EFAULT; a page's length at a time."""
    out = b""
    for start in range(0, length, PAGE_SIZE):
        count = min(PAGE_SIZE, length - start)
        data = copy_from_user(k, task, address + start, count)
        if len(data) < count:
            k.rules.append("uaccess.efault")
            return out if out else -errno.EFAULT
        out += data
    k.rules.append("uaccess.reads-mapping")
    return out


def pipe_read(k: Kernel, task: Task, address: int, data: bytes) -> int:
    """read(2) from a pipe into user memory: the count, or -EFAULT."""
    done = 0
    for start in range(0, len(data), PAGE_SIZE):
        chunk = data[start : start + PAGE_SIZE]
        if copy_to_user(k, task, address + start, chunk) < len(chunk):
            k.rules.append("uaccess.efault")
            return done if done else -errno.EFAULT
        done += len(chunk)
    k.rules.append("uaccess.writes-mapping")
    return done


def vmsplice(k: Kernel, task: Task, address: int, length: int) -> bytes | int:
    """vmsplice(2) of user memory into a pipe: the pages themselves, as far as they can be had; else -errno."""
    if not k.profile.vmsplice:
        return -errno.ENOSYS
    out = bytearray()
    while len(out) < length:
        here = address + len(out)
        pfn = get_user_page_fast(k, task, here)
        if pfn < 0:
            return bytes(out) if out else pfn
        offset = here & PAGE_MASK
        out += k.read_frame(pfn, offset, min(PAGE_SIZE - offset, length - len(out)))
    return bytes(out)
