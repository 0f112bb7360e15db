# SPDX-License-Identifier: GPL-2.0-or-later
"""Which physical addresses could /dev/mem map without touching anybody's memory?  Ranges, and how they were found.

RAM that the command line set aside (`memmap=SIZE$START`: the kernel lists it as Reserved), RAM above its `mem=` (in the
firmware's map, /sys/firmware/memmap, and in no line of /proc/iomem), the ROMs that /proc/iomem lists, and MMIO.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from hwtests.regions.machine import MachineFiles
from native.iomem import SYSTEM_RAM, Span, in_system_ram

#: Below it x86 gives /dev/mem real RAM under another name (devmem_is_allowed()); nothing is looked for there but ROMs.
MEGABYTE = 1 << 20
_SIZE = r"(0x[0-9a-fA-F]+|\d+)([kKmMgGtT]?)"
_RESERVED = re.compile(rf"memmap={_SIZE}\${_SIZE}")
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
# Names of /proc/iomem that are no device's registers.
_NO_MMIO = re.compile(
    r"System RAM|Reserved|reserved|.*ROM|ACPI .*|PCI (Bus|ECAM|MMCONFIG) .*|.*RAM buffer|Kernel .*|Persistent Memory.*|"
    r"Unknown E820 type|Soft Reserved"
)
_SLOT = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")  # a PCI device: its BARs are files of sysfs


@dataclass(frozen=True, slots=True)
class Range:
    """Physical addresses `start` to `end` (the first after them), whole pages; `name` is what is there, for people."""

    kind: Literal["reserved", "hidden", "rom", "mmio"]
    start: int
    end: int
    name: str


def ranges(machine: MachineFiles) -> list[Range]:
    """What /dev/mem could map: RAM set aside and hidden first. Empty where /proc/iomem hides its addresses."""
    if not machine.iomem:
        return []
    found = [*_reserved(machine), *_hidden(machine), *_listed(machine)]
    page = machine.page_size
    whole = (Range(one.kind, -(-one.start // page) * page, one.end // page * page, one.name) for one in found)
    return [one for one in whole if one.start < one.end]


def somebodys(machine: MachineFiles, start: int, length: int) -> bool:
    """Whether the range is System RAM, or may be: nothing is ever stored there, it is a stranger's page."""
    return not machine.iomem or in_system_ram(machine.iomem, start, start + length) is not None


def _reserved(machine: MachineFiles) -> Iterator[Range]:
    for word in machine.cmdline:
        for match in _RESERVED.finditer(word):
            size, start = _bytes(match[1], match[2]), _bytes(match[3], match[4])
            # The kernel may have refused it: it counts when no part of it is System RAM.
            if not any(span.name == SYSTEM_RAM and span.meets(start, start + size) for span in machine.iomem):
                yield Range("reserved", start, start + size, f"RAM set aside by {match[0]}")


def _hidden(machine: MachineFiles) -> Iterator[Range]:
    if not any(word.startswith(("mem=", "memmap=")) for word in machine.cmdline):
        return
    known = sorted((span for span in machine.iomem if span.depth == 0), key=lambda span: span.start)
    for entry in machine.glob("/sys/firmware/memmap/*"):
        if machine.text(f"{entry}/type") != SYSTEM_RAM:
            continue
        start, end = machine.number(f"{entry}/start"), machine.number(f"{entry}/end") + 1
        for low, high in _without((max(start, MEGABYTE), end), known):
            yield Range("hidden", low, high, "RAM that the kernel was told not to use")


def _without(whole: tuple[int, int], spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
    at, end = whole
    for span in spans:
        if span.start > at and at < end:
            yield at, min(span.start, end)
        at = max(at, span.end)
    if at < end:
        yield at, end


def _listed(machine: MachineFiles) -> Iterator[Range]:
    parents: list[Span] = []
    for span in machine.iomem:
        parents = [*parents[: span.depth], span]
        if any(parent.name == SYSTEM_RAM for parent in parents):
            continue
        if span.name.endswith("ROM"):
            yield Range("rom", span.start, span.end, span.name)
        elif not _NO_MMIO.fullmatch(span.name) and not any(_SLOT.fullmatch(parent.name) for parent in parents):
            yield Range("mmio", span.start, span.end, span.name)


def _bytes(number: str, unit: str) -> int:
    return int(number, 0) << _UNITS[unit.lower()]
