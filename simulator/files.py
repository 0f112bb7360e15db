# SPDX-License-Identifier: GPL-2.0-or-later
"""What is behind a mapping that is not anonymous: a region's driver, an open file, shared anonymous memory?"""

from __future__ import annotations

from simulator.physmem import PAGE_SHIFT
from simulator.region import Region

O_ACCMODE = 3
O_RDONLY = 0
O_WRONLY = 1


class Backing:
    """A driver's side of a vma: `region` None is shared anonymous memory (shmem), whose pages it holds by index."""

    __slots__ = ("access", "first_pfn", "may_split", "pages", "region", "size")

    def __init__(self, region: Region | None, first_pfn: int, size: int = 0) -> None:
        self.region = region
        self.first_pfn = first_pfn
        self.may_split = region is None or region.may_split
        self.access = region is not None and region.access == "phys"
        self.pages: dict[int, int] = {}  # shmem: index -> pfn
        self.size = size  # shmem: its length in pages; beyond it is SIGBUS

    @property
    def first_pgoff(self) -> int:
        """The page of its file that the region starts at."""
        if self.region is None:
            return 0
        return self.first_pfn if self.region.pgoff == "pfn" else self.region.start >> PAGE_SHIFT


class OpenFile:
    """struct file: a region opened with a mode."""

    __slots__ = ("backing", "mode")

    def __init__(self, backing: Backing, mode: int) -> None:
        self.backing = backing
        self.mode = mode & O_ACCMODE

    @property
    def may_read(self) -> bool:
        return self.mode != O_WRONLY

    @property
    def may_write(self) -> bool:
        return self.mode != O_RDONLY
