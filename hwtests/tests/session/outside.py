# SPDX-License-Identifier: GPL-2.0-or-later
"""What did a guest touch, seen from outside?  Registers by QEMU's trace, memory by a pattern it was filled with before.

Stock QEMU writes one line for each access that a device's callbacks answer (softmmu/memory.c, events
memory_region_ops_read and memory_region_ops_write, log back end):

    memory_region_ops_read cpu 0 mr 0x5566 addr 0xfe900000 value 0x10000ed size 4 name 'edu-mmio'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

TRACING = (
    "-trace", "memory_region_ops_read", "-trace", "memory_region_ops_write", "-D", "{folder}/trace",
)  # fmt: skip
PAGE = 4096
_LINE = re.compile(
    r"memory_region_ops_(?P<kind>read|write) .* addr (?P<address>0x[0-9a-f]+) value 0x[0-9a-f]+ size (?P<width>\d+)"
    r" name '(?P<device>[^']*)'"
)


@dataclass(frozen=True, slots=True)
class Access:
    """One access of a CPU to a device's registers: physical address, width in bytes."""

    write: bool
    address: int
    width: int
    device: str


class Trace:
    """QEMU's trace file; `position` is where the next look begins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.position = 0

    def skip(self) -> None:
        self.position = self._path.stat().st_size

    def since(self, *devices: str) -> list[Access]:
        """The accesses to these devices since the last look."""
        with self._path.open("rb") as file:
            file.seek(self.position)
            text = file.read()
        self.position += len(text)
        return [
            item for item in map(_access, text.decode().splitlines()) if item is not None and item.device in devices
        ]


def _access(line: str) -> Access | None:
    match = _LINE.match(line)
    if match is None:
        return None
    return Access(match["kind"] == "write", int(match["address"], 16), int(match["width"]), match["device"])


def pattern(size: int, first: int = 0) -> npt.NDArray[np.uint8]:
    """`size` bytes of which no two words are the same: the word at byte b is 0xa5c3… with b in it."""
    words = np.arange(first, first + size, 8, dtype=np.uint64) ^ np.uint64(0xA5C3F00000000000)
    return words.view(np.uint8)


def changed_pages(path: Path, first: int, size: int) -> set[int]:
    """The pages, counted from the file's start, of [first, first+size) that do not hold the pattern any more."""
    now = np.memmap(path, np.uint8, "r", offset=first, shape=(size,))
    differs = (now != pattern(size, first)).reshape(-1, PAGE).any(axis=1)
    return {first // PAGE + int(page) for page in np.flatnonzero(differs)}
