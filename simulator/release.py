# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of a frame that its owner gives back?  (mm/page_alloc.c free_unref_page(), rmqueue_pcplist())

The owner of a region of ordinary RAM frees one page of it; its frame stays where it was, and /dev/mem shows it still.
Who gets the frame next is the allocator's to choose: a per-CPU list hands out last what was freed last first, but any
other allocation of the kernel may come between, and what waits in an LRU batch is not free yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.kernel import Kernel

LOST = "a frame that was given back, and that another allocation got than the one that it was meant for"


def release(k: Kernel, r: int, page: int, *, granted: bool = True) -> None:
    """Give page number `page` of region `r`, which is ordinary RAM, back.

    `granted` is the allocator's choice: whether the next allocation gets the frame. Where it does not, the frame has
    an owner that the model knows nothing of, and it is silent from here on.
    """
    k.rules.append("alloc.which-frame-is-a-choice")
    pfn = k.regions[r].first_pfn + page
    k.mem.mapcount[pfn] = 0
    if granted:
        k.mem.preferred.append(pfn)
    else:
        k.lost = LOST
