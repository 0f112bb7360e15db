# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a user name a region of their own?  `--region /dev/x,offset=0x1000,length=64K,shared,width=4`.

    PATH[,offset=BYTES][,length=BYTES][,shared|private][,width=1|2|4|8][,ro][,sync][,zero][,access][,volatile]

`shared`, `private`: only that way of mapping is taken by the driver. `ro`: the file is opened read-only. `sync`: with
O_SYNC. `zero`: maps shows its offset as counted from the region's start, not as a physical address. `access`: its vma
has vm_ops->access. `volatile`: its content changes by itself. Bytes may end in K, M or G, and be hexadecimal.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass

from hwtests.regions.traits import RegionTraits, TraitsError

_NUMBER = re.compile(r"(0x[0-9a-fA-F]+|\d+)([KMG]?)")
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30}
_WORDS = ("shared", "private", "ro", "sync", "zero", "access", "volatile")
_VALUES = ("offset", "length", "width")


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


def parse_named(text: str, page_size: int, *, allow_write: bool = False) -> Named:
    """The region that `text` names. `allow_write`: programs may store to it. Raises TraitsError: what was expected."""
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
    return Named(
        path,
        values.get("offset", 0),
        values.get("length", 0),
        "sync" in words,
        _traits(path, words, width, allow_write),
    )


def _traits(path: str, words: set[str], width: int, allow_write: bool) -> RegionTraits:
    read_only = "ro" in words
    return RegionTraits(
        kind=path,
        summary=f"{path}, named by the user",
        source="file",
        path=path,
        learn=True,
        read_only=read_only,
        others_write=_others_write(path),
        stores=allow_write and not read_only,
        writable=not read_only,
        stable="volatile" not in words,
        sharing="shared" if "shared" in words else "private" if "private" in words else "both",
        default_sharing="private" if "private" in words else "shared",
        widths=(width,) if width else (1, 2, 4, 8),
        pgoff="zero" if "zero" in words else "pfn",
        access="phys" if "access" in words else "none",
        needs=f"{path} to be opened and mapped",
        cure="name another file, or run as a user who may open it",
    )


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
