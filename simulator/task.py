# SPDX-License-Identifier: GPL-2.0-or-later
"""Who runs: a process with its address space (there are no threads, so task and mm are one)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.files import OpenFile
    from simulator.vma import Vma


class Task:
    """A process: its vmas in order of address, its counters in pages, its descriptors.

    `death` names the signal that killed it; `status` is what wait(2) says of it once it is gone.
    """

    __slots__ = (
        "alive",
        "anon_rss",
        "death",
        "def_flags",
        "drop_caps",
        "fds",
        "file_rss",
        "last",
        "locked_vm",
        "memlock",
        "parent",
        "pid",
        "reaped",
        "stale",
        "starts",
        "status",
        "total_vm",
        "uid",
        "vmas",
    )

    def __init__(self, pid: int, uid: int, drop_caps: int, memlock: int | None, parent: Task | None) -> None:
        self.pid = pid
        self.uid = uid
        self.drop_caps = drop_caps
        self.memlock = memlock
        self.parent = parent
        self.alive = True
        self.death: str | None = None
        self.status = 0
        self.reaped = False
        self.vmas: list[Vma] = []
        self.starts: list[int] = []
        self.last: Vma | None = None
        self.fds: dict[int, OpenFile] = {}
        self.anon_rss = 0
        self.file_rss = 0
        self.total_vm = 0
        self.locked_vm = 0
        self.def_flags = 0  # mm->def_flags: what new vmas are born with (mlockall)
        self.stale: dict[int, int] | None = None  # page address -> pte: host mappings that UML forgot

    def capable(self, cap: int) -> bool:
        return self.uid == 0 and not self.drop_caps >> cap & 1

    def find_vma(self, address: int) -> Vma | None:
        """The first vma that ends above `address` (it may start above it too)."""
        vma = self.last
        if vma is not None and vma.start <= address < vma.end:
            return vma
        index = bisect_right(self.starts, address) - 1
        if index >= 0:
            vma = self.vmas[index]
            if address < vma.end:
                self.last = vma
                return vma
        index += 1
        return self.vmas[index] if index < len(self.vmas) else None

    def vma_lookup(self, address: int) -> Vma | None:
        """The vma that holds `address`."""
        vma = self.find_vma(address)
        return vma if vma is not None and vma.start <= address else None

    def vmas_in(self, start: int, end: int) -> list[Vma]:
        """The vmas that intersect [start, end), in order."""
        first = bisect_right(self.starts, start) - 1
        if first < 0 or self.vmas[first].end <= start:
            first += 1
        return self.vmas[first : bisect_left(self.starts, end, first)] if first < len(self.vmas) else []

    def insert(self, vma: Vma) -> None:
        index = bisect_left(self.starts, vma.start)
        self.starts.insert(index, vma.start)
        self.vmas.insert(index, vma)

    def remove(self, vma: Vma) -> None:
        index = self.vmas.index(vma)
        del self.vmas[index]
        del self.starts[index]
        if self.last is vma:
            self.last = None
