# SPDX-License-Identifier: GPL-2.0-or-later
"""Which PCI BARs does this machine have, and which of them may be read unasked?  The known ones (devices/pci.toml).

Nothing is opened or mapped: what is said comes from the files `resource`, `config`, `vendor` and `device`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hwtests.regions.found import PAGES, Found
from hwtests.regions.machine import MachineFiles
from hwtests.regions.traits import RegionTraits
from native.gates_bar import bar_closed, read_bar

_FILE = re.compile(r"resource(\d)(_wc)?")


def bars(machine: MachineFiles, kinds: Mapping[str, RegionTraits]) -> list[Found]:
    """The memory BARs that sysfs shows as files, known devices first."""
    found = [
        _found(machine, path, kinds)
        for path in machine.glob("/sys/bus/pci/devices/*/resource*")
        if _FILE.fullmatch(path.rsplit("/", 1)[1]) and read_bar(str(machine.real(path))).is_memory
    ]
    return sorted(found, key=lambda one: not one.unasked)


def traits_of_bar(machine: MachineFiles, path: str, kinds: Mapping[str, RegionTraits]) -> tuple[RegionTraits, bool]:
    """The traits of the BAR with the file `path`, and whether its device is known to be harmless to read."""
    folder, _, file = path.rpartition("/")
    match = _FILE.fullmatch(file)
    device = f"{machine.number(f'{folder}/vendor'):04x}:{machine.number(f'{folder}/device'):04x}"
    about = known().get(device, {}).get(match[1] if match else "", {})
    combined = match is not None and match[2] is not None
    kind = "bar-wc" if combined and "bar-wc" in kinds else about.get("kind", "bar")
    traits = kinds.get(kind, kinds["bar"])
    changes: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in about.items()}
    name = changes.pop("name", f"PCI device {device}")
    changes.pop("kind", None)
    slot = folder.rsplit("/", 1)[-1]
    if not about:
        changes |= {"backing": "mmio", "stable": False}
    return replace(traits, summary=f"{name}, BAR {match[1] if match else '?'} of {slot}", **changes), bool(about)


def part_of_bar(machine: MachineFiles, path: str, traits: RegionTraits, offset: int, length: int) -> RegionTraits:
    """The traits of a part of a BAR: what lies beyond it can be mapped (drivers/pci/mmap.c pci_mmap_fits())."""
    size = read_bar(str(machine.real(path))).size
    whole = not length or -(-size // machine.page_size) * machine.page_size <= offset + length
    return traits if whole else replace(traits, length="any")


@cache
def known() -> dict[str, dict[str, dict[str, Any]]]:
    """devices/pci.toml: by vendor:device and the BAR's number."""
    return tomllib.loads((Path(__file__).parent / "devices" / "pci.toml").read_text(encoding="utf-8"))


def _found(machine: MachineFiles, path: str, kinds: Mapping[str, RegionTraits]) -> Found:
    traits, harmless = traits_of_bar(machine, path, kinds)
    real = str(machine.real(path))
    size = read_bar(real).size
    pages = min(size // machine.page_size, PAGES)
    traits = part_of_bar(machine, path, traits, 0, pages * machine.page_size)
    closed = bar_closed(real)
    return Found(path, traits, path, pages=pages, size=size, unasked=harmless and closed is None, closed=closed)
