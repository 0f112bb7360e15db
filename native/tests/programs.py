# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a test of this room write a program?  As numbered calls, by hand: the language belongs to another room."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence

from hwtests.language.nodes import Call, Compiled, Program
from native.channel import AgentLink, RunResult
from native.wire import ARENA, RawObs

PAGE = mmap.PAGESIZE
PLACE = 8 * PAGE  # of handle 0, from the arena's start
SHARED, PRIVATE, FIXED = 0x01, 0x02, 0x10
R, W = 1, 2
Raw = tuple[str, int, int, tuple[int, ...]]  # verb, process, result, arguments


def mapping(
    pages: int = 4,
    *,
    handle: int = 0,
    process: int = 0,
    region: int | None = None,
    prot: int = R | W,
    flags: int = PRIVATE,
) -> Raw:
    """mmap of anonymous memory, or of a region, at the handle's place."""
    source = (0, 0) if region is None else (1, region)
    place = PLACE + handle * 64 * PAGE
    return ("mmap", process, handle, (*source, prot, flags | FIXED, -3, place, pages * PAGE, 0))


def load(byte: int = 0, width: int = 1, *, process: int = 0, handle: int = 0, value: int = -1) -> Raw:
    return ("load", process, value, (handle, byte, width))


def store(byte: int, value: int, width: int = 1, *, process: int = 0, handle: int = 0) -> Raw:
    return ("store", process, -1, (handle, byte, width, 0, value))


def rss(process: int = 0) -> Raw:
    return ("rss", process, -1, ())


def fork(child: int = 1, *, process: int = 0) -> Raw:
    return ("fork", process, child, ())


def compiled(*calls: Raw, processes: Sequence[str] = ("p", "q"), roots: Sequence[int] = (0,)) -> Compiled:
    numbered = tuple(
        Call(i, i + 1, verb, None, verb, proc, result, args) for i, (verb, proc, result, args) in enumerate(calls)
    )
    handles, values, fds = ("m", "n"), ("v", "w"), ("f",)
    return Compiled(
        Program("hand", ()), numbered, tuple(processes), tuple(roots), handles, values, fds, (), 64, PAGE, {}
    )


def run(link: AgentLink, *calls: Raw, limit_ms: int = 10_000, processes: Sequence[str] = ("p", "q")) -> RunResult:
    return link.run(compiled(*calls, processes=processes), limit_ms)


def last(link: AgentLink, *calls: Raw) -> RawObs:
    """The observation of a program's last call."""
    return run(link, *calls).observations[-1]


def counters(obs: RawObs) -> tuple[int, ...]:
    """(anon, file, VmSize, VmLck) in pages of a rss observation."""
    return struct.unpack("<4q", obs.payload)


def word(obs: RawObs) -> int:
    return int.from_bytes(obs.payload, "little")


def address(page: int, byte: int = 0) -> int:
    """Of a byte of handle 0's place."""
    return ARENA + PLACE + page * PAGE + byte
