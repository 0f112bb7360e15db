# SPDX-License-Identifier: GPL-2.0-or-later
"""Which memory can be read and written past the page cache?  (block/fops.c blkdev_direct_IO, block/bio.c)

The pages of the buffer are taken, as many as get_user_pages_fast() gives; is there none, the call fails, else what is
left goes through the page cache, where the kernel copies by the program's addresses.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator.gup import get_user_page_fast
from simulator.physmem import PAGE_MASK, PAGE_SIZE, PG_DIRTY
from simulator.uaccess import copy_from_user, copy_to_user

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

BLOCK = 512  # what address and length must be multiples of


def direct_write(k: Kernel, task: Task, addr: int, length: int) -> bytes | int:
    """write(2) of memory by O_DIRECT: what the disk has got, or -errno."""
    k.stage = ""
    pages = take_pages(k, task, addr, length, False)
    if isinstance(pages, int):
        return pages
    out = bytearray()
    for pfn, offset, count in pages:
        out += k.read_frame(pfn, offset, count)
    if len(out) < length:
        k.rules.append("direct-io.rest-is-copied")
        out += copy_from_user(k, task, addr + len(out), length - len(out))
    return bytes(out)


def direct_read(k: Kernel, task: Task, addr: int, data: bytes) -> int:
    """read(2) by O_DIRECT of what the disk has, `data`, into memory: the count, or -errno."""
    k.stage = ""
    pages = take_pages(k, task, addr, len(data), True)
    if isinstance(pages, int):
        return pages
    done = 0
    for pfn, offset, count in pages:
        k.write_frame(pfn, offset, data[done : done + count])
        k.mem.flags[pfn] |= PG_DIRTY  # bio_set_pages_dirty()
        done += count
    if done < len(data):
        k.rules.append("direct-io.rest-is-copied")
        done += copy_to_user(k, task, addr + done, data[done:])
    return done


def take_pages(k: Kernel, task: Task, addr: int, length: int, write: bool) -> list[tuple[int, int, int]] | int:
    """bio_iov_iter_get_pages(): (pfn, offset, count) of the pages up to the first that cannot be had, or -errno."""
    if (addr | length) % BLOCK:
        k.rules.append("direct-io.whole-blocks")
        return -errno.EINVAL
    taken: list[tuple[int, int, int]] = []
    done = 0
    while done < length:
        here = addr + done
        pfn = get_user_page_fast(k, task, here, write, pin=k.profile.direct_pins)
        if pfn < 0:
            k.rules.append("direct-io.needs-pages")
            return taken or pfn
        offset = here & PAGE_MASK
        count = min(PAGE_SIZE - offset, length - done)
        taken.append((pfn, offset, count))
        done += count
    k.rules.append("direct-io.takes-pages")
    return taken
