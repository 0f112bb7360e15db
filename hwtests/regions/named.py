# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a user name a region of their own?  `--region /dev/x,offset=0x1000,length=64K,shared,width=4`.

    PATH[,offset=BYTES][,length=BYTES][,shared|private][,width=1|2|4|8][,ro][,sync][,zero][,access][,volatile][,registers]
        [,page-reads][,part]

`shared`, `private`: only that way of mapping is taken by the driver. `ro`: the file is opened read-only. `sync`: with
O_SYNC. `zero`: maps shows its offset as counted from the region's start, not as a physical address. `access`: its vma
has vm_ops->access. `volatile`: its content changes by itself. `registers`: what changes when it is read. Of such
memory, and of one with a `width`, no program has the kernel read whole pages (a copy on write does), unless
`page-reads` says that reading every byte of it is harmless. `part`: the device goes on behind the range.
Bytes may end in K, M or G, and be hexadecimal.

Of a file whose driver is known (hwtests/regions/devices/nodes.toml: /dev/mem, a BAR in sysfs, …) the traits are those
of its kind, and the words change them; of any other the driver's doings are learned from a first mapping.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hwtests.regions.machine import MachineFiles
from hwtests.regions.nodes import about_node
from hwtests.regions.pci import part_of_bar, traits_of_bar
from hwtests.regions.physical import somebodys
from hwtests.regions.traits import RegionTraits, TraitsError, load_traits

_NUMBER = re.compile(r"(0x[0-9a-fA-F]+|\d+)([KMG]?)")
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30}
_WORDS = ("shared", "private", "ro", "sync", "zero", "access", "volatile", "registers", "page-reads", "part")
_VALUES = ("offset", "length", "width")


ALL_WIDTHS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Named:
    """A region that the user named: `offset` and `length` in bytes (length 0: what the file has)."""

    path: str
    offset: int
    length: int
    sync: bool
    traits: RegionTraits


def is_named(text: str) -> bool:
    """Whether `text` names a file rather than a kind of region."""
    return text.startswith(("/", "."))


def region_name(text: str) -> str:
    """The name that a region has in results: a kind's as it is; a file's path, and where in it if not at its start."""
    path, *options = text.split(",")
    offset = next((option for option in options if option.startswith("offset=")), "")
    return f"{path},{offset}" if offset and offset not in ("offset=0", "offset=0x0") else path


def parse_named(text: str, page_size: int, *, allow_write: bool = False, machine: MachineFiles | None = None) -> Named:
    """The region that `text` names. Raises TraitsError: what was expected. Nothing is opened.

    `allow_write`: programs may store to it, and it is filled before each of them, where it is memory that takes any
    access; never where it is System RAM, or could be.
    """
    path, *options = text.split(",")
    values: dict[str, int] = {}
    words: set[str] = set()
    for option in options:
        name, equals, value = option.partition("=")
        if equals and name in _VALUES:
            values[name] = _bytes(text, name, value)
        elif not equals and name in _WORDS:
            words.add(name)
        else:
            expected = ", ".join([*(f"{name}=" for name in _VALUES), *_WORDS])
            raise TraitsError(f"region {text}: unknown option {option!r}, expected one of {expected}")
    for name in ("offset", "length"):
        if values.get(name, 0) % page_size:
            raise TraitsError(f"region {text}: {name} must be a multiple of the page size {page_size}")
    width = values.get("width", 0)
    if width not in (0, 1, 2, 4, 8):
        raise TraitsError(f"region {text}: width must be 1, 2, 4 or 8, got {width}")
    if {"shared", "private"} <= words:
        raise TraitsError(f"region {text}: shared and private exclude each other, expected one or none")
    machine = machine or MachineFiles(page_size=page_size)
    offset, length = values.get("offset", 0), values.get("length", 0)
    traits = _said(_driver(machine, path, region_name(text), offset, length), words, width)
    ram = path == "/dev/mem" and somebodys(machine, offset, length or page_size)
    stores = allow_write and not traits.read_only and not ram
    sharing = "private" if traits.sharing == "private" else "shared"
    traits = replace(traits, stores=stores, default_sharing=sharing, default_prot=3 if stores else 1)
    if stores and sharing == "shared" and traits.stable and traits.page_reads and traits.widths == ALL_WIDTHS:
        # Lent to the lab: a mapping of the agent's own fills it before each program, and looks at it from outside.
        traits = replace(traits, view="own-mapping", view_stores=True)
    return Named(path, offset, length, "sync" in words, traits)


def _driver(machine: MachineFiles, path: str, name: str, offset: int, length: int) -> RegionTraits:
    """The traits of the driver's kind, where it is known; it is not the lab's, whatever the kind says."""
    kinds = load_traits()
    kind = about_node(path).get("kind", "")
    if kind in kinds:
        traits = kinds[kind]
        if path.startswith("/sys/bus/pci/"):
            traits = part_of_bar(machine, path, traits_of_bar(machine, path, kinds)[0], offset, length)
        return replace(traits, kind=name, path=path, own=False, view="none", view_stores=False)
    return RegionTraits(
        kind=name,
        summary=f"{path}, named by the user",
        source="file",
        path=path,
        learn=True,
        others_write=_others_write(path),
        default_sharing="shared",
        needs=f"{path} to be opened and mapped",
        cure="name another file, or run as a user who may open it",
    )


def _said(traits: RegionTraits, words: set[str], width: int) -> RegionTraits:
    """The traits with what the user says of them."""
    changes: dict[str, Any] = {}
    for word in words:
        changes |= _MEANS[word]
    if width:
        changes["widths"] = (width,)
    traits = replace(traits, **changes)
    # A copy on write, and ptrace, read as they like: of registers, of what changes by itself, of what takes one width.
    careful = "registers" in words or not traits.stable or traits.widths != ALL_WIDTHS or traits.backing == "mmio"
    return replace(traits, page_reads="page-reads" in words or (traits.page_reads and not careful))


_MEANS: Mapping[str, Mapping[str, Any]] = {
    "shared": {"sharing": "shared", "default_sharing": "shared"},
    "private": {"sharing": "private", "default_sharing": "private"},
    "ro": {"read_only": True, "writable": False},
    "sync": {},
    "zero": {"pgoff": "zero"},
    "access": {"access": "phys"},
    "volatile": {"stable": False},
    "registers": {"stable": False},
    "page-reads": {},
    "part": {"length": "any"},
}


def _others_write(path: str) -> bool:
    # What cannot be looked at cannot be opened either, and then says so itself.
    try:
        return bool(os.stat(path).st_mode & stat.S_IWOTH)
    except OSError:
        return False


def _bytes(text: str, name: str, value: str) -> int:
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise TraitsError(f"region {text}: {name} must be a number such as 4096, 0x1000 or 64K, got {value!r}")
    return int(match[1], 0) << _UNITS[match[2]]
