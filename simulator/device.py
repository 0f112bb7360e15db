# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a region look like from its other side, the device's?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.files import Backing
from simulator.physmem import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PG_DIRTY, PG_TOUCHED, bytes_of

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.region import Region


def add_region(k: Kernel, region: Region) -> int:
    backings = [region.backing] if isinstance(region.backing, str) else list(region.backing)
    k.regions.append(Backing(region, k.mem.add_region(region.pages, backings, region.mapcount)))
    return len(k.regions) - 1


def region_pfn(k: Kernel, r: int) -> int:
    return k.regions[r].first_pfn


def region_bytes(k: Kernel, r: int) -> NDArray[np.uint8]:
    """The region's content: a writable view of pages * page size bytes."""
    backing = k.regions[r]
    assert backing.region is not None
    start = backing.first_pfn << PAGE_SHIFT
    return k.mem.bytes[start : start + (backing.region.pages << PAGE_SHIFT)]


def peek(k: Kernel, r: int, byte: int, width: int) -> int | bytes:
    """What the device holds: an int of `width` bytes, or a page's bytes for width 0."""
    k.rules.append("region.content")
    start = (k.regions[r].first_pfn << PAGE_SHIFT) + byte
    data = bytes(k.mem.view[start : start + (width or PAGE_SIZE)])
    return int.from_bytes(data, "little") if width else data


def poke(k: Kernel, r: int, byte: int, width: int, value: int) -> int:
    k.rules.append("region.content")
    start = (k.regions[r].first_pfn << PAGE_SHIFT) + byte
    data = bytes_of(value, width) if width else bytes([value & 0xFF]) * PAGE_SIZE
    k.mem.view[start : start + len(data)] = data
    if not width and not byte & PAGE_MASK:  # … and of a page that is written whole (lab_renew())
        k.mem.flags[start >> PAGE_SHIFT] &= ~(PG_DIRTY | PG_TOUCHED) & 0xFFFF
    return 0
