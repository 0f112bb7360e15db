# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a guest boot from?  A cpio archive in memory: the agent as /init and a few device nodes.

The format is the kernel's own description, Documentation/driver-api/early-userspace/buffer-format.rst: "newc" cpio.
Written by hand because a device node needs root on a file system, and nothing in an archive.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass

_TRAILER = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive: `mode` with its type bits, `device` (major, minor) of a node."""

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, stat.S_IFDIR | mode)


def file(path: str, data: bytes, mode: int = 0o755) -> Entry:
    return Entry(path, stat.S_IFREG | mode, data)


def node(path: str, major: int, minor: int, mode: int = 0o600) -> Entry:
    return Entry(path, stat.S_IFCHR | mode, device=(major, minor))


def newc(entries: Iterable[Entry]) -> bytes:
    """The archive of `entries`, in their order, as bytes; a multiple of 512 long."""
    out = bytearray()
    for inode, entry in enumerate([*entries, Entry(_TRAILER, 0)], start=1):
        name = entry.path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(entry.mode) else 1
        fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
        out += b"070701" + "".join(f"{value:08X}" for value in fields).encode() + name
        out += bytes(-len(out) % 4)
        out += entry.data
        out += bytes(-len(out) % 4)
    return bytes(out) + bytes(-len(out) % 512)


def agent_archive(agent: bytes, extra: Iterable[Entry] = ()) -> bytes:
    """The archive that every guest gets: `agent` (a static executable) as /init, mount points, and the first nodes.

    devtmpfs is mounted over /dev by the agent where the kernel has it; the nodes here serve where it has not.
    """
    return newc(
        [
            directory("dev"),
            directory("proc"),
            directory("sys"),
            directory("tmp", 0o1777),
            node("dev/console", 5, 1),
            node("dev/null", 1, 3, 0o666),
            node("dev/mem", 1, 1),
            node("dev/kmsg", 1, 11),
            node("dev/ttyS0", 4, 64),
            node("dev/ttyS1", 4, 65),
            file("init", agent),
            *extra,
        ]
    )
