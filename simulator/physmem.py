# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in physical memory, and what does the page array say of it?

One mmap-backed array of bytes, indexed by pfn << 12, made once; beside it the page array as parallel plain arrays.
Frames below `REGION_BASE` are RAM that the page allocator hands out, last freed first as a per-CPU list does;
frames from there on belong to regions.  Nothing is cleared before it is used again.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
PAGE_MASK = PAGE_SIZE - 1

RAM_PAGES = 1 << 20
REGION_BASE = RAM_PAGES
TOTAL_PAGES = RAM_PAGES + (1 << 19)
ZERO_PFN = 1
FIRST_FREE = 2
GUARD = 8  # frames on both sides of a region that nobody owns

PG_PAGE = 1  # has a struct page: pfn_valid()
PG_RESERVED = 2
PG_ANON = 4
PG_HOLE = 8  # no memory behind it
PG_REGION = 16
PG_GUARD = 32
PG_LAZYFREE = 64  # MADV_FREE was said of it
PG_DIRTY = 128  # the page array says dirty, whatever the ptes say
PG_TOUCHED = 256  # get_user_pages() marked it accessed: PG_referenced, PG_active, by the LRU's timing
PG_FORKED = 512  # shared by a fork, and no single owner has written it since: not PageAnonExclusive
NOWHERE = PG_HOLE | PG_GUARD  # frames that nothing can be read from
PG_UNREFERENCED = 1024  # PG_referenced was taken from it (clear_refs, MADV_COLD)
# What a free page does not keep.
PG_OF_CONTENT = PG_ANON | PG_LAZYFREE | PG_DIRTY | PG_TOUCHED | PG_FORKED | PG_UNREFERENCED

ZEROES = bytes(PAGE_SIZE)
# A machine with less RAM than the simulated one refuses the mapping without it. Python's mmap names it since 3.13 only;
# the number is that of asm-generic, which x86 and ARM use.
MAP_NORESERVE: int = getattr(mmap, "MAP_NORESERVE", 0x4000)


def bytes_of(value: int, width: int) -> bytes:
    """`value` as it stands in memory: `width` bytes, little endian."""
    return (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")


class PhysMem:
    """Physical memory and its page array; `refcount`, `mapcount` and `flags` are indexed by pfn."""

    def __init__(self) -> None:
        size = TOTAL_PAGES << PAGE_SHIFT
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._map = mmap.mmap(-1, size, flags=flags)
        self.bytes: NDArray[np.uint8] = np.frombuffer(self._map, dtype=np.uint8)
        self.view: memoryview = memoryview(self._map)
        self.refcount_array: NDArray[np.int32] = np.zeros(TOTAL_PAGES, np.int32)
        self.mapcount_array: NDArray[np.int32] = np.zeros(TOTAL_PAGES, np.int32)
        self.flags_array: NDArray[np.uint16] = np.zeros(TOTAL_PAGES, np.uint16)
        self.flags_array[:RAM_PAGES] = PG_PAGE
        self.index_array: NDArray[np.int64] = np.zeros(TOTAL_PAGES, np.int64)  # page->index of an anonymous page
        self.anon_vma_array: NDArray[np.int32] = np.zeros(TOTAL_PAGES, np.int32)  # page->mapping of one
        self.refcount: Any = self.refcount_array.data
        self.mapcount: Any = self.mapcount_array.data
        self.flags: Any = self.flags_array.data
        self.index: Any = self.index_array.data
        self.anon_vma: Any = self.anon_vma_array.data
        self.free: list[int] = []  # single frames, last freed first
        self.free_runs: list[tuple[int, int]] = []  # (first, count)
        self.next = FIRST_FREE  # frames from here on were never handed out since the last reset
        self.virgin = FIRST_FREE  # … and from here on never at all: still zero
        self.next_region = REGION_BASE
        self.preferred: list[int] = []  # choice: the frames that the next allocations return
        self.zero_page_written = False
        self._init_zero_page()

    def _init_zero_page(self) -> None:
        self.flags[ZERO_PFN] = PG_PAGE | PG_RESERVED
        self.refcount[ZERO_PFN] = 1

    def reset(self) -> None:
        """Free every frame and forget every region; the contents go when a frame is used again."""
        top = self.next
        self.refcount_array[:top] = 0
        self.mapcount_array[:top] = 0
        self.flags_array[:top] = PG_PAGE
        self.free.clear()
        self.free_runs.clear()
        self.preferred.clear()
        self.virgin = max(self.virgin, top)
        self.next = FIRST_FREE
        if self.zero_page_written:
            self.clear(ZERO_PFN)
            self.zero_page_written = False
        self._init_zero_page()
        if self.next_region > REGION_BASE:
            self.clear_range(REGION_BASE, self.next_region - REGION_BASE)
            self.refcount_array[REGION_BASE : self.next_region] = 0
            self.mapcount_array[REGION_BASE : self.next_region] = 0
            self.flags_array[REGION_BASE : self.next_region] = 0
            self.next_region = REGION_BASE

    def clear(self, pfn: int) -> None:
        start = pfn << PAGE_SHIFT
        self.view[start : start + PAGE_SIZE] = ZEROES

    def clear_range(self, first: int, count: int) -> None:
        if count > 64:  # the host's own zero page is cheaper than a memset
            self._map.madvise(mmap.MADV_DONTNEED, first << PAGE_SHIFT, count << PAGE_SHIFT)
        else:
            self.bytes[first << PAGE_SHIFT : (first + count) << PAGE_SHIFT] = 0

    def alloc_page(self, zeroed: bool) -> int:
        """alloc_page(): a frame with one reference; `preferred` frames first (a choice), then the last freed one."""
        if self.preferred:
            pfn = self.preferred.pop(0)
            if pfn in self.free:
                self.free.remove(pfn)
        elif self.free:
            pfn = self.free.pop()
        elif self.free_runs:
            first, count = self.free_runs.pop()
            pfn = first + count - 1
            if count > 1:
                self.free_runs.append((first, count - 1))
        else:
            pfn = self.next
            if pfn >= RAM_PAGES:
                raise MemoryError("the simulator's RAM is used up")
            self.next = pfn + 1
            if zeroed and pfn >= self.virgin:
                zeroed = False
        if zeroed:
            self.clear(pfn)
        self.refcount[pfn] = 1
        return pfn

    def alloc_run(self, count: int) -> int | None:
        """`count` zeroed frames in a row with one reference each; None if there is no such row."""
        for index in range(len(self.free_runs) - 1, -1, -1):
            first, length = self.free_runs[index]
            if length >= count:
                del self.free_runs[index]
                if length > count:
                    self.free_runs.insert(index, (first + count, length - count))
                break
        else:
            first = self.next
            if first + count > RAM_PAGES:
                return None
            self.next = first + count
        dirty = min(count, self.virgin - first)
        if dirty > 0:
            self.clear_range(first, dirty)
        self.refcount_array[first : first + count] = 1
        return first

    def free_page(self, pfn: int) -> None:
        """The last reference is gone: back to the allocator (a region's own page is nobody's to hand out)."""
        self.flags[pfn] &= ~PG_OF_CONTENT & 0xFFFF
        if pfn < REGION_BASE:
            self.free.append(pfn)

    def add_region(self, pages: int, backings: list[str], mapcount: int) -> int:
        """Frames for a region, guard frames around them; returns the first pfn."""
        first = self.next_region + GUARD
        if first + pages + GUARD > TOTAL_PAGES:
            raise MemoryError("no physical address space left for a region")
        self.next_region = first + pages + GUARD
        self.flags_array[first - GUARD : first] = PG_GUARD
        self.flags_array[first + pages : first + pages + GUARD] = PG_GUARD
        kinds = {
            "ram": PG_REGION | PG_PAGE,
            "reserved": PG_REGION | PG_PAGE | PG_RESERVED,
            "absent": PG_REGION,
            "mmio": PG_REGION,
            "hole": PG_REGION | PG_HOLE,
        }
        if len(backings) == 1:
            self.flags_array[first : first + pages] = kinds[backings[0]]
        else:
            self.flags_array[first : first + pages] = [kinds[word] for word in backings]
        struct = (self.flags_array[first : first + pages] & PG_PAGE) != 0
        self.mapcount_array[first : first + pages] = np.where(struct, mapcount, 0)
        self.refcount_array[first : first + pages] = np.where(struct, max(mapcount, 1), 0)  # its owner's
        return first
