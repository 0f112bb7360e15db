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


def kpagecount(k: Kernel, pfn: int) -> int | None:
    """How often a page is mapped, a raw pte counting nowhere; None above max_pfn, where the file has ended."""
    if _above_max_pfn(k, pfn):
        return None
    k.rules.append("kpage.raw-not-mapped")
    return int(k.mem.mapcount[pfn])


def _above_max_pfn(k: Kernel, pfn: int) -> bool:
    # Memory without a struct page (a BAR, RAM hidden by mem=, UML's iomem) lies above all that the kernel has.
    if k.profile.max_pfn == "none":
        k.unknown = "a file that this kernel has not"
    if k.profile.max_pfn == "highest" and 0 <= pfn < TOTAL_PAGES and k.mem.flags[pfn] & PG_PAGE:
        return False
    k.rules.append("kpage.ends-at-max-pfn")
    return True


def kpageflags(k: Kernel, pfn: int) -> frozenset[str] | None:
    """The flags of a page by name, None above max_pfn; of an ordinary page only those that no timing decides, and
    `unknown` says so."""
    if _above_max_pfn(k, pfn):
        return None
    flags = k.mem.flags[pfn]
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
