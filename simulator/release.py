# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of a frame that its owner gives back?  (mm/page_alloc.c free_unref_page(), rmqueue_pcplist())

The owner of a region of ordinary RAM frees one page of it; its frame stays where it was, and /dev/mem shows it still.
Who gets the frame next is the allocator's to choose: a per-CPU list hands out last what was freed last first, but any
other allocation of the kernel may come between, and what waits in an LRU batch is not free yet.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator.physmem import PG_OF_CONTENT, PG_PAGE, PG_REGION, PG_RESERVED

if TYPE_CHECKING:
    from simulator.kernel import Kernel

LOST = "a frame that was given back, and that another allocation got than the one that it was meant for"


def release(k: Kernel, r: int, page: int, *, granted: bool = True) -> int:
    """Give page number `page` of region `r` back: 0 or -errno.

    `granted` is the allocator's choice: whether the next allocation gets the frame. Where it does not, the frame has
    an owner that the model knows nothing of, and it is silent from here on.
    """
    pfn = k.regions[r].first_pfn + page
    mem = k.mem
    if mem.flags[pfn] & (PG_REGION | PG_PAGE | PG_RESERVED) != PG_REGION | PG_PAGE or not mem.refcount[pfn]:
        return -errno.EINVAL
    k.rules.append("alloc.which-frame-is-a-choice")
    mem.mapcount[pfn] = 0
    mem.refcount[pfn] = 0
    mem.flags[pfn] &= ~PG_OF_CONTENT & 0xFFFF
    if granted:
        mem.preferred.append(pfn)
    else:
        k.lost = LOST
    return 0
