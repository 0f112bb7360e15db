# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the text of /proc/PID/smaps or maps say, vma by vma?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vma:
    """One vma. `offset` in bytes (of a PFN mapping that can be COWed: the physical address), `fields` in kB.

    `flags` are those of VmFlags, two letters each.
    """

    start: int
    end: int
    perms: str
    offset: int
    name: str
    fields: Mapping[str, int]
    flags: tuple[str, ...]


def parse_vmas(text: str) -> list[Vma]:
    """The vmas of whole lines of smaps or maps, in order."""
    found: list[Vma] = []
    head = ""
    fields: dict[str, int] = {}
    flags: tuple[str, ...] = ()

    def finish() -> None:
        if head:
            span, perms, offset, _device, _inode, *name = head.split(None, 5)
            start, _, end = span.partition("-")
            found.append(
                Vma(int(start, 16), int(end, 16), perms, int(offset, 16), "".join(name).strip(), fields, flags)
            )

    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if not colon or not key[:1].isupper():
            finish()
            head, fields, flags = line, {}, ()
        elif key == "VmFlags":
            flags = tuple(value.split())
        else:
            fields[key] = int(value.split()[0])
    finish()
    return found
