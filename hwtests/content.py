# SPDX-License-Identifier: GPL-2.0-or-later
"""What may be read of memory whose content the lab did not make?  What the observed trace says, and then that again.

A clock, a perf ring or a user's own device holds what it holds: the first value that is read of it is taken from the
trace (a choice); where the content is stable, the same bytes must be read again, by whatever way. A byte that the
program stored itself is never a choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hwtests import forms
from hwtests.regions.traits import RegionTraits
from hwtests.trace import Line
from simulator import Kernel, Task


def is_foreign(traits: RegionTraits) -> bool:
    """Whether the content is not the lab's: what no target fills, or does not stay."""
    return not (traits.view_stores and traits.stable)


@dataclass(frozen=True, slots=True)
class ForeignRegion:
    first_pfn: int
    pages: int
    stable: bool
    cow: bool  # pages of it can be copied: then the content of a copy is not the lab's either


@dataclass
class Content:
    """Which bytes are known; `seen` are the lines of the observed trace, None when there is none."""

    kernel: Kernel
    regions: Sequence[ForeignRegion]
    page_size: int
    seen: Sequence[Line] | None
    _known: dict[int, bytearray] = field(default_factory=dict)

    def settle(self, index: int, name: str, task: Task | None, address: int, data: bytes) -> tuple[bytes | None, bool]:
        """What call `index` may read at `address` (of a task; None: a pfn's byte), where the simulator has `data`.

        (the bytes, whether one of them was taken from field `name` of the trace); no bytes: the model cannot know.
        """
        unknown = [(at, pfn, byte) for at, pfn, byte in self._bytes(task, address, len(data)) if self._open(pfn, byte)]
        if not unknown:
            return data, False
        told = self._told(index, name, len(data))
        if told is None:
            return None, False
        out = bytearray(data)
        for at, pfn, byte in unknown:
            out[at] = told[at]
            self.kernel.mem.view[pfn * self.page_size + byte] = told[at]
            region = self._of(pfn)
            if region is None or region.stable:
                self._mask(pfn)[byte] = 1
        return bytes(out), True

    def stored(self, task: Task | None, address: int, count: int) -> None:
        """The program wrote these bytes: they are known, wherever they landed."""
        for _, pfn, byte in self._bytes(task, address, count):
            self._mask(pfn)[byte] = 1

    def forget_copies(self) -> None:
        """Frames may have been freed: what was known of pages that are no region's is forgotten."""
        self._known = {pfn: mask for pfn, mask in self._known.items() if self._of(pfn) is not None}

    def _told(self, index: int, name: str, count: int) -> bytes | None:
        if self.seen is None or index >= len(self.seen):
            return None
        text = self.seen[index].obs.get(name)
        return forms.value_bytes(text, count) if isinstance(text, str) else None

    def _bytes(self, task: Task | None, address: int, count: int) -> Iterator[tuple[int, int, int]]:
        # (index in the data, pfn, byte of the page)
        for at in range(count):
            page, byte = divmod(address + at, self.page_size)
            pfn = page if task is None else self.kernel.frame(task, page * self.page_size)
            if pfn is not None:
                yield at, pfn, byte

    def _of(self, pfn: int) -> ForeignRegion | None:
        return next((r for r in self.regions if r.first_pfn <= pfn < r.first_pfn + r.pages), None)

    def _open(self, pfn: int, byte: int) -> bool:
        copied = any(region.cow for region in self.regions) and self.kernel.is_anon(pfn)
        return (self._of(pfn) is not None or copied) and not self._mask(pfn)[byte]

    def _mask(self, pfn: int) -> bytearray:
        return self._known.setdefault(pfn, bytearray(self.page_size))
