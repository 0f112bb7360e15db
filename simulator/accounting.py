# SPDX-License-Identifier: GPL-2.0-or-later
"""How much is counted of a process, and of a page?  (mm counters, /proc/kpagecount, /proc/kpageflags)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.physmem import PG_ANON, PG_PAGE, PG_REGION, PG_RESERVED, TOTAL_PAGES, ZERO_PFN

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task


def rss(k: Kernel, task: Task) -> tuple[int, int, int, int]:
    """(RssAnon, RssFile, VmSize, VmLck) in pages; raw ptes are in none of the first two."""
    k.rules.append("rss.counts-pages-only")
    return task.anon_rss, task.file_rss, task.total_vm, task.locked_vm


def kpagecount(k: Kernel, pfn: int) -> int:
    """How often a page is mapped; 0 where there is no struct page, and a raw pte counts nowhere."""
    k.rules.append("kpage.raw-not-mapped")
    if not 0 <= pfn < TOTAL_PAGES or not k.mem.flags[pfn] & PG_PAGE:
        return 0
    return int(k.mem.mapcount[pfn])


def kpageflags(k: Kernel, pfn: int) -> frozenset[str]:
    """The flags of a page by name; of an ordinary page only those that no timing decides, and `unknown` says so."""
    flags = k.mem.flags[pfn] if 0 <= pfn < TOTAL_PAGES else 0
    if not flags & PG_PAGE:
        k.rules.append("kpage.no-page")
        return frozenset({"nopage"})
    if flags & PG_RESERVED:
        words = {"reserved"}
        if pfn == ZERO_PFN:
            words.add("zero_page")
        return frozenset(words)
    k.unknown = "flags of an ordinary page: the LRU's timing is in them"
    words = set()
    if flags & PG_ANON or (flags & PG_REGION and k.mem.mapcount[pfn]):
        words |= {"mmap", "anon", "swapbacked", "uptodate"}
    return frozenset(words)
