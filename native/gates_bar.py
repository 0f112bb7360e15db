# SPDX-License-Identifier: GPL-2.0-or-later
"""Why may a PCI BAR not be mapped through sysfs?  From the errno, and from what the files beside it tell."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from native.gate import GateClosed, Machine, lockdown, memory_type, text_of
from native.iomem import chain, parse_iomem


@dataclass(frozen=True, slots=True)
class Bar:
    """A BAR as sysfs has it: `start` and `size` in bytes, `flags` of struct resource; `decodes`: its memory is on."""

    start: int
    size: int
    flags: int
    decodes: bool

    @property
    def is_memory(self) -> bool:
        return bool(self.flags & _IORESOURCE_MEM)


_RESOURCE = re.compile(r"/resource(\d)(_wc)?$")
_IORESOURCE_MEM = 0x200  # include/linux/ioport.h
_COMMAND, _COMMAND_MEMORY = 4, 2  # include/uapi/linux/pci_regs.h


def is_bar(path: str) -> bool:
    """Whether `path` is a BAR's file in sysfs."""
    return path.startswith("/sys/") and _RESOURCE.search(path) is not None


def read_bar(path: str) -> Bar:
    """The BAR behind a file resourceN or resourceN_wc, as the files beside it tell. Maps nothing, opens no BAR."""
    match = _RESOURCE.search(path)
    assert match is not None, path
    device = Path(path).parent
    lines = text_of(str(device / "resource")).splitlines()
    number = int(match[1])
    start, end, flags = (int(word, 16) for word in lines[number].split()) if number < len(lines) else (0, 0, 0)
    try:
        config = (device / "config").read_bytes()[:64]
    except OSError:
        config = b""
    decodes = len(config) <= _COMMAND or bool(config[_COMMAND] & _COMMAND_MEMORY)
    return Bar(start, end - start + 1 if end else 0, flags, decodes)


def bar_closed(path: str) -> GateClosed | None:
    """Why a BAR is out of reach, as far as can be told without opening it."""
    bar = read_bar(path)
    if not bar.size or not bar.is_memory:
        found = "I/O ports" if bar.size else "no address given to it"
        return GateClosed(errno.ENODEV, "BAR not mappable", found, "name a BAR of memory")
    if not bar.decodes:
        cure = f"echo 1 > {Path(path).parent / 'enable'}"
        return GateClosed(errno.EIO, "BAR disabled", "memory decoding is off in its command register", cure)
    return None


def bar_map(number: int, machine: Machine, bar: Bar, offset: int, length: int) -> GateClosed | None:
    """The gate that drivers/pci/pci-sysfs.c pci_mmap_resource() closed: lockdown, a claim, the fit, the memory type."""
    if number == errno.EPERM:
        return lockdown(number, machine)
    if number == errno.ENODEV:
        return GateClosed(number, "BAR not mappable", "I/O ports", "name a BAR of memory")
    if number != errno.EINVAL:
        return None
    page = os.sysconf("SC_PAGE_SIZE")
    # The resource that is the BAR is named like its device and is not busy; what lies in it is a driver's.
    claims = chain(parse_iomem(machine.iomem), bar.start, bar.start + page)
    drivers = [span for span in claims if span.start >= bar.start and not _SLOT.fullmatch(span.name)]
    if drivers:
        name = drivers[-1].name
        return GateClosed(
            number, "BAR claimed", f"{bar.start:#x} claimed by {name}", f"unbind {name}, or boot with iomem=relaxed"
        )
    if offset + length > -(-bar.size // page) * page:
        found = f"{offset:#x}+{length:#x} of a BAR of {bar.size:#x} bytes"
        return GateClosed(number, "range or sharing", found, "stay within the BAR")
    return memory_type(number, bar.start + offset)


_SLOT = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
