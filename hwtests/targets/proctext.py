# SPDX-License-Identifier: GPL-2.0-or-later
"""What do the texts of /proc/PID/maps and /proc/PID/smaps say, vma by vma?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# fs/proc/task_mmu.c show_map_vma(): start-end perms offset major:minor inode name
_HEAD = re.compile(
    r"(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) (?P<perms>[-rwxsp]{4}) (?P<offset>[0-9a-f]+) \S+ \d+\s*(?P<name>.*)"
)
_SIZE = re.compile(r"(?P<name>\w+):\s+(?P<kb>\d+) kB")


@dataclass(frozen=True, slots=True)
class Vma:
    """One vma: addresses and `offset` in bytes; `sizes` in kB as printed; `flags` None without a VmFlags line."""

    start: int
    end: int
    perms: str
    offset: int
    name: str
    sizes: dict[str, int] = field(default_factory=dict)
    flags: tuple[str, ...] | None = None


def parse_vmas(text: str) -> list[Vma]:
    """The vmas of a maps or smaps text, in its order. Lines that are neither head, size nor VmFlags are left out."""
    found: list[Vma] = []
    for line in text.splitlines():
        if match := _HEAD.fullmatch(line):
            found.append(
                Vma(
                    int(match["start"], 16),
                    int(match["end"], 16),
                    match["perms"],
                    int(match["offset"], 16),
                    match["name"],
                )
            )
        elif found and (match := _SIZE.fullmatch(line.rstrip())):
            found[-1].sizes[match["name"]] = int(match["kb"])
        elif found and line.startswith("VmFlags:"):
            last = found[-1]
            found[-1] = Vma(
                last.start, last.end, last.perms, last.offset, last.name, last.sizes, tuple(line.split()[1:])
            )
    return found
