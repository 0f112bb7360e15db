# SPDX-License-Identifier: GPL-2.0-or-later
"""Can a region be opened and mapped here?  Tried in the way that touches nothing: a mapping that nobody reads.

The errno becomes the name of a gate, from what /proc and /sys tell (native/gates.py).
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os

from hwtests.regions.traits import RegionTraits
from native.gate import GateClosed, Machine
from native.gates import closed_at_map, closed_at_open


def probe_file(traits: RegionTraits, path: str, *, base: int, length: int, sync: bool = False) -> GateClosed | None:
    """The gate that is closed for a region over a file, or None. `base`, `length` in bytes; nothing of it is read."""
    read_only = traits.read_only or not traits.stores
    flags = (os.O_RDONLY if read_only else os.O_RDWR) | (os.O_SYNC if sync else 0)
    try:
        fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        return closed_at_open(path, error, Machine.here())
    shared = traits.sharing != "private"
    write = not read_only and traits.writable
    try:
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if write else 0)
        with contextlib.closing(
            mmap.mmap(fd, length, mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE, prot, offset=base)
        ):
            return None
    except ValueError as error:  # of a file that has a size: longer than it
        found = f"{base:#x}+{length:#x}: {error}"
        return GateClosed(errno.EINVAL, "range or sharing", found, "stay within the file")
    except OSError as error:
        return closed_at_map(path, error, Machine.here(), offset=base, length=length, shared=shared, write=write)
    finally:
        os.close(fd)
