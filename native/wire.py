# SPDX-License-Identifier: GPL-2.0-or-later
"""What do controller and agent say to each other?  The frames of docs/internals.md section 3, as `wire.h` has them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwtests.language.nodes import Compiled

PROTOCOL = 1
ARENA = 0x1000000000
MAX_PROCESSES, MAX_HANDLES, MAX_VALUES, MAX_FDS, MAX_REGIONS = 16, 64, 64, 32, 48
MAX_ARGS = 8
MAX_PAYLOAD = 65536
MAX_FRAME = 1 << 20
PIECE = 2048
UID_UNCHANGED = 0xFFFFFFFF
NO_PARENT = 0xFFFF

#: verb -> (number, count of arguments), in the order of the table of numbered calls
VERBS: Mapping[str, tuple[int, int]] = {
    name: (number, arguments)
    for number, (name, arguments) in enumerate(
        (
            ("open", 2), ("close", 1), ("mmap", 8), ("map", 4), ("munmap", 3), ("mprotect", 4), ("mremap", 7),
            ("madvise", 4), ("mlock", 4), ("munlock", 3), ("msync", 4), ("mincore", 3), ("fork", 0), ("exit", 1),
            ("wait", 1), ("load", 3), ("store", 5), ("peekdata", 3), ("pokedata", 5), ("mem_read", 4),
            ("mem_write", 6), ("vm_readv", 4), ("vm_writev", 6), ("write", 3), ("read", 5), ("peek", 3), ("poke", 5),
            ("smaps", 1), ("maps", 1), ("rss", 0), ("pagemap", 3), ("kpagecount", 4), ("kpageflags", 4),
            ("ptes", 3), ("page_state", 4), ("vma", 1), ("vmsplice", 3),
            ("mlockall", 1), ("munlockall", 0), ("fsync", 1), ("process_madvise", 5), ("mseal", 3),
            ("remap_file_pages", 5), ("mbind", 5), ("move_pages", 4), ("futex_wait", 5), ("futex_wake", 3),
            ("uffd_register", 4), ("clear_refs", 1), ("read_zero", 3), ("direct_write", 3), ("direct_read", 5),
            ("call", 2), ("pagemap_scan", 3), ("rollup", 0), ("numa_maps", 1), ("coredump", 2), ("exec", 0),
            ("release", 2),
        ),
        start=1,
    )
}  # fmt: skip


class To(IntEnum):
    """Frames to the agent."""

    HELLO, REGION, RUN, OUTSIDE, QUIT, FILL = range(1, 7)


class From(IntEnum):
    """Frames from the agent."""

    HELLO, REGION, OBS, OUTSIDE, DONE, LOST, READY, FILL, MORE = range(1, 10)


class Stage(IntEnum):
    """How far a call came, and so what the other fields of its observation mean (`enum stage`)."""

    CALL, OPEN, FAULT, NO_PROCESS, DIED, NOT_RUN, REFUSED = range(7)


class RegionStage(IntEnum):
    """What failed when a region could not be opened (`enum region_stage`)."""

    FINE, OPEN, MMAP, ALLOCATE, PAGEMAP, NO_RUN, FORK, NOT_FOUND, BAD = range(9)


class Kind(IntEnum):
    """Where a region's memory comes from (`enum region_kind`)."""

    FILE, DEVMEM, RAM, PERF, PREMAPPED, DMA_HEAP, UDMABUF, IO_URING, PACKET, LAB, VFIO = range(1, 12)


class RegionFlag(IntFlag):
    """How a region is opened and who may look at its content from outside (`enum region_flag`)."""

    READ_ONLY, SYNC, VIEW_OUTSIDE, VIEW_MAPPED, VIEW_READ, NEVER_STORE, VIEW_WRITE = 1, 2, 4, 8, 16, 32, 64
    MAP_READ, MAP_PRIVATE = 128, 256


class RunFlag(IntFlag):
    """`AT_ONCE`: each observation is sent as soon as it is made, so that a kernel's death loses none."""

    AT_ONCE = 1


class DoneFlag(IntFlag):
    """What happened beside the observations of a program (`enum done_flag`)."""

    TIME_LIMIT, REGION_MOVED, NO_KLOG, REGION_LOST = 1, 2, 4, 8


class Fill(IntEnum):
    """`PATTERN`: the 8-byte word at page p, byte o is 0xde5f000000000000 | p << 16 | o."""

    BYTE, PATTERN = 0, 1


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """What a root process becomes before its first call; None leaves it as the agent is. `memlock` in bytes."""

    uid: int | None = None
    drop_caps: int = 0
    memlock: int | None = None


@dataclass(frozen=True, slots=True)
class RawObs:
    """One observation as the agent saw it, all numbers. `signal` 0 with stage DIED: not known."""

    call: int
    stage: Stage
    ret: int
    signal: int = 0
    code: int = 0
    address: int = 0
    handle_address: int = 0
    handle_length: int = 0
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Hello:
    """What the agent says of its kernel; `facts`: release, version, machine, arch (`um` on UML), cmdline, tainted.

    `modules`: each module that a guest's agent loaded: its file's name -> 0, or -errno of finit_module().
    """

    protocol: int
    page_size: int
    uid: int
    pid: int
    caps: int
    facts: Mapping[str, str] = field(default_factory=dict)
    config_gz: bytes = b""
    modules: Mapping[str, int] = field(default_factory=dict)

    @property
    def arena(self) -> int:
        """The address where this machine's arena begins."""
        return int(self.facts.get("arena", hex(ARENA)), 16)


@dataclass(frozen=True, slots=True)
class RegionAnswer:
    """`ret` 0 or -errno of `stage`; `pfn` 0 when it is not known; `pages` as asked, or as found when 0 was asked."""

    ret: int
    stage: RegionStage
    pfn: int
    pages: int


@dataclass(frozen=True, slots=True)
class OutsideRequest:
    """The agent asks the controller to read or write the region's other side. `width` 0: a whole page."""

    call: int
    region: int
    byte: int
    width: int
    write: bool
    value: int


@dataclass(frozen=True, slots=True)
class Done:
    flags: DoneFlag
    taint_before: int
    taint_after: int
    klog: str


_HEAD = struct.Struct("<II")
_OBS = struct.Struct("<HHqiiQqq")
_HELLO = struct.Struct("<IIIIQ")
_REGION_TO = struct.Struct("<IIIQQ")
_REGION_FROM = struct.Struct("<iIQQ")
_RUN = struct.Struct("<IIHH")
_PROCESS = struct.Struct("<HHIQq")
_CALL = struct.Struct("<HhhH")
_OUTSIDE = struct.Struct("<HIQIIQ")
_DONE = struct.Struct("<IIII")
_FILL = struct.Struct("<IIQ")
HEAD_SIZE = _HEAD.size


class WireError(ValueError):
    """A frame that the contract does not allow, or a program that the agent has no room for."""


def encode_frame(kind: int, payload: bytes = b"") -> bytes:
    """A whole frame; WireError when it is longer than the agent takes."""
    if len(payload) > MAX_FRAME:
        raise WireError(f"frame of {len(payload)} bytes, the agent takes {MAX_FRAME}")
    return _HEAD.pack(len(payload), kind) + payload


def decode_head(head: bytes) -> tuple[int, int]:
    """(length of the payload, type) of a frame's first 8 bytes."""
    length, kind = _HEAD.unpack(head)
    if length > MAX_FRAME:
        raise WireError(f"frame of {length} bytes announced, at most {MAX_FRAME} allowed: the stream is out of step")
    return length, kind


def encode_region(region: int, kind: Kind, flags: int, base: int, pages: int, path: str) -> bytes:
    return encode_frame(To.REGION, _REGION_TO.pack(region, kind, flags, base, pages) + path.encode())


def encode_fill(region: int, mode: Fill, value: int = 0) -> bytes:
    return encode_frame(To.FILL, _FILL.pack(region, mode, value))


def encode_hello(*, config: bool = False) -> bytes:
    """`config`: the answer brings /proc/config.gz, where the kernel has it."""
    return encode_frame(To.HELLO, struct.pack("<I", int(config)))


def encode_outside(ret: int, data: bytes = b"") -> bytes:
    return encode_frame(To.OUTSIDE, struct.pack("<q", ret) + data)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def encode_run(
    compiled: Compiled,
    limit_ms: int,
    flags: int = 0,
    options: Mapping[str, ProcessOptions] | None = None,
) -> bytes:
    """The RUN frame of a compiled program; `options` by process name.

    WireError when the program needs more processes, handles, values or descriptors than the agent has room for.
    """
    options = options or {}
    for what, have, room in (
        ("processes", len(compiled.processes), MAX_PROCESSES),
        ("mappings", max([len(compiled.handles), *(c.result + 1 for c in compiled.calls)]), MAX_HANDLES),
        ("values", len(compiled.values), MAX_VALUES),
        ("descriptors", len(compiled.fds), MAX_FDS),
        ("regions", len(compiled.regions), MAX_REGIONS),
    ):
        if have > room:
            raise WireError(f"the program has {have} {what}, the agent has room for {room}")
    parts = [_RUN.pack(limit_ms, flags, len(compiled.processes), len(compiled.calls))]
    forked_from = {c.result: c.proc for c in compiled.calls if c.verb == "fork"}
    for slot, name in enumerate(compiled.processes):
        o = options.get(name, ProcessOptions())
        parent = NO_PARENT if slot in compiled.roots else forked_from.get(slot, 0)
        uid = UID_UNCHANGED if o.uid is None else o.uid
        parts.append(_PROCESS.pack(parent, 0, uid, o.drop_caps, -1 if o.memlock is None else o.memlock))
    for call in compiled.calls:
        number, arguments = VERBS[call.verb]
        if len(call.args) != arguments:
            raise WireError(
                f"call {call.index} ({call.text}): {call.verb} takes {arguments} arguments, got {call.args}"
            )
        parts.append(_CALL.pack(number, call.proc, call.result, arguments))
        parts.append(struct.pack(f"<{arguments}q", *map(_signed, call.args)))
    return encode_frame(To.RUN, b"".join(parts))


def decode_obs(payload: bytes) -> RawObs:
    call, stage, ret, signal, code, address, at, length = _OBS.unpack_from(payload)
    return RawObs(call, Stage(stage), ret, signal, code, address, at, length, payload[_OBS.size :])


def encode_obs(obs: RawObs) -> bytes:
    """What the agent would have sent: for recorded streams and tests."""
    o = obs
    head = _OBS.pack(o.call, o.stage, o.ret, o.signal, o.code, o.address, o.handle_address, o.handle_length)
    return encode_frame(From.OBS, head + o.payload)


def decode_hello(payload: bytes) -> Hello:
    protocol, page_size, uid, pid, caps = _HELLO.unpack_from(payload)
    text, _, config = payload[_HELLO.size :].partition(b"\0")
    facts: dict[str, str] = {}
    modules: dict[str, int] = {}
    for line in text.decode(errors="replace").splitlines():
        key, _, value = line.partition("=")
        if key == "module":
            name, _, how = value.rpartition(" ")
            modules[name] = 0 if how == "ok" else -int(how)
        else:
            facts[key] = value
    return Hello(protocol, page_size, uid, pid, caps, facts, config, modules)


def decode_region(payload: bytes) -> RegionAnswer:
    ret, stage, pfn, pages = _REGION_FROM.unpack(payload)
    return RegionAnswer(ret, RegionStage(stage), pfn, pages)


def decode_outside(payload: bytes) -> OutsideRequest:
    call, region, byte, width, write, value = _OUTSIDE.unpack(payload)
    return OutsideRequest(call, region, byte, width, bool(write), value)


def decode_done(payload: bytes) -> Done:
    flags, before, after, length = _DONE.unpack_from(payload)
    klog = payload[_DONE.size : _DONE.size + length].decode(errors="replace")
    return Done(DoneFlag(flags), before, after, klog)


def decode_fill(payload: bytes) -> int:
    (ret,) = struct.unpack("<i", payload)
    return int(ret)
