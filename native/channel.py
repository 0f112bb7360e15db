# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a controller talk to an agent, wherever it runs?  `Channel`: bytes in time; `AgentLink`: frames."""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from native import wire
from native.wire import DoneFlag, Fill, From, Hello, Kind, OutsideRequest, ProcessOptions, RawObs, RegionAnswer

if TYPE_CHECKING:
    from hwtests.language.nodes import Compiled

#: Answers a peek (bytes) or a poke (b"") of a region's other side; raises OSError when it cannot.
Outside = Callable[[OutsideRequest], bytes]

_Frame = TypeVar("_Frame")

SLACK_S = 10.0  # what a loaded machine may need beyond a program's own limit


class AgentLost(Exception):
    """The agent ended, fell silent, or said that it failed; `observations` are those that had come by then."""

    def __init__(self, reason: str, observations: tuple[RawObs, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.observations = observations


_CHUNK = 65536


class Stream(Protocol):
    """Bytes both ways. `read` gives at least one byte, or b"" at the end; TimeoutError when none came in time."""

    def read(self, count: int, timeout: float | None) -> bytes: ...

    def write(self, data: bytes, timeout: float | None) -> None: ...

    def close(self) -> None: ...


class Channel:
    """A stream over a file descriptor that it owns: a socket, a pty, a FIFO pair (`out_fd`)."""

    def __init__(self, fd: int, out_fd: int | None = None) -> None:
        self._in = fd
        self._out = fd if out_fd is None else out_fd
        for each in {self._in, self._out}:
            os.set_blocking(each, False)

    def read(self, count: int, timeout: float | None) -> bytes:
        """At most `count` bytes; b"" at the end of the stream."""
        while True:
            try:
                return os.read(self._in, count)
            except BlockingIOError:
                if not self._wait(self._in, select.POLLIN, timeout):
                    raise TimeoutError(f"nothing came for {timeout:g} s") from None
            except OSError:
                return b""  # a pty whose other side closed says EIO

    def write(self, data: bytes, timeout: float | None) -> None:
        """All of `data`; TimeoutError when the other side does not take it, OSError when it is gone."""
        left = memoryview(data)
        while left:
            if not self._wait(self._out, select.POLLOUT, timeout):
                raise TimeoutError(f"{len(left)} bytes not taken for {timeout:g} s")
            try:
                left = left[os.write(self._out, left) :]
            except BlockingIOError:
                continue

    def close(self) -> None:
        for each in {self._in, self._out}:
            if each >= 0:
                os.close(each)
        self._in = self._out = -1

    @staticmethod
    def _wait(fd: int, event: int, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(fd, event)
        return bool(poll.poll(None if timeout is None else max(0.0, timeout) * 1000))


@dataclass(frozen=True, slots=True)
class RunResult:
    """A program's raw observations, one a call in order, and what the kernel logged meanwhile.

    `klog` is None where this user may not read the kernel log; its lines begin with their level (`<4>`).
    """

    observations: tuple[RawObs, ...]
    klog: tuple[str, ...] | None
    taint: tuple[int, int]
    flags: DoneFlag
    seconds: float = field(default=0.0, compare=False)


class AgentLink:
    """The agent's frames over a stream, in step: each method sends one frame and takes its answer.

    AgentLost when the stream ends, nothing comes in time, or the agent says that it failed.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._ready = False
        self._unread = b""

    def hello(self, timeout: float | None = 60.0, *, config: bool = False) -> Hello:
        """Waits for the agent to be there and asks what kernel it is on. `timeout` in seconds: a guest boots first."""
        if not self._ready:
            self._take(From.READY, timeout)
            self._ready = True
        hello = _decoded(wire.decode_hello, self._ask(wire.encode_hello(config=config), From.HELLO, timeout))
        if hello.protocol != wire.PROTOCOL:
            raise AgentLost(f"the agent speaks protocol {hello.protocol}, this is {wire.PROTOCOL}")
        return hello

    def region(
        self,
        region: int,
        kind: Kind,
        path: str = "",
        *,
        flags: int = 0,
        base: int = 0,
        pages: int = 0,
        timeout: float | None = SLACK_S,
    ) -> RegionAnswer:
        """Opens a region as number `region` of later programs. `base` in bytes (kind DEVMEM: physical address)."""
        frame = wire.encode_region(region, kind, flags, base, pages, path)
        return _decoded(wire.decode_region, self._ask(frame, From.REGION, timeout))

    def fill(self, region: int, mode: Fill = Fill.BYTE, value: int = 0, timeout: float | None = SLACK_S) -> None:
        """Sets the content of a region with VIEW_MAPPED; OSError when the agent cannot."""
        ret = _decoded(wire.decode_fill, self._ask(wire.encode_fill(region, mode, value), From.FILL, timeout))
        if ret:
            raise OSError(-ret, f"fill of region {region}: {os.strerror(-ret)}")

    def run(
        self,
        compiled: Compiled,
        limit_ms: int = 10_000,
        *,
        flags: int = 0,
        options: Mapping[str, ProcessOptions] | None = None,
        outside: Outside | None = None,
    ) -> RunResult:
        """Runs a whole program. `outside` answers peek and poke of regions with VIEW_OUTSIDE."""
        started = time.monotonic()
        seen: list[RawObs] = []
        frame = wire.encode_run(compiled, limit_ms, flags, options)
        try:
            self._send(frame, SLACK_S)
            while True:
                left = limit_ms / 1000 + SLACK_S - (time.monotonic() - started)
                kind, payload = self._frame(left)
                if kind == From.OBS:
                    seen.append(_decoded(wire.decode_obs, payload))
                elif kind == From.OUTSIDE:
                    self._send(_answer(outside, _decoded(wire.decode_outside, payload)), SLACK_S)
                elif kind == From.DONE:
                    done = _decoded(wire.decode_done, payload)
                    break
                else:
                    raise AgentLost(f"frame {kind} in the middle of a program")
        except AgentLost as lost:
            raise AgentLost(lost.reason, tuple(seen)) from None
        klog = None if DoneFlag.NO_KLOG in done.flags else tuple(done.klog.splitlines())
        taint = (done.taint_before, done.taint_after)
        return RunResult(tuple(seen), klog, taint, done.flags, time.monotonic() - started)

    def quit(self) -> None:
        """Tells the agent to end (a guest powers off); says nothing when it is gone already."""
        try:
            self._send(wire.encode_frame(wire.To.QUIT), 1.0)
        except AgentLost:
            return

    def close(self) -> None:
        self._stream.close()

    def _ask(self, frame: bytes, answer: From, timeout: float | None) -> bytes:
        self._send(frame, timeout)
        return self._take(answer, timeout)

    def _take(self, answer: From, timeout: float | None) -> bytes:
        kind, payload = self._frame(timeout)
        if kind != answer:
            raise AgentLost(f"expected a frame {answer.name}, got {kind}")
        return payload

    def _send(self, frame: bytes, timeout: float | None) -> None:
        # In pieces that a guest's tty can hold; the agent asks for each that follows.
        first = wire.HEAD_SIZE + wire.PIECE
        self._write(frame[:first], timeout)
        for at in range(first, len(frame), wire.PIECE):
            self._take(From.MORE, timeout)
            self._write(frame[at : at + wire.PIECE], timeout)

    def _write(self, data: bytes, timeout: float | None) -> None:
        try:
            self._stream.write(data, timeout)
        except OSError as error:
            raise AgentLost(f"the agent does not listen: {error}") from None

    def _frame(self, timeout: float | None) -> tuple[int, bytes]:
        until = None if timeout is None else time.monotonic() + timeout
        length, kind = _decoded(wire.decode_head, self._bytes(wire.HEAD_SIZE, until))
        payload = self._bytes(length, until)
        if kind == From.LOST:
            raise AgentLost(f"the agent says: {payload.decode(errors='replace')}")
        return kind, payload

    def _bytes(self, count: int, until: float | None) -> bytes:
        # A program's frames come in one go; each read takes all that is there.
        while len(self._unread) < count:
            try:
                part = self._stream.read(_CHUNK, None if until is None else max(0.0, until - time.monotonic()))
            except TimeoutError:
                raise AgentLost("the agent fell silent") from None
            if not part:
                raise AgentLost("the stream of the agent ended")
            self._unread += part
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken


def _decoded(decode: Callable[[bytes], _Frame], payload: bytes) -> _Frame:
    """What a frame says; AgentLost when it is none (a kernel that dies may write into its own serial line)."""
    try:
        return decode(payload)
    except (ValueError, struct.error) as error:
        raise AgentLost(f"the agent sent what is no frame: {error}") from None


def _answer(outside: Outside | None, request: OutsideRequest) -> bytes:
    if outside is None:
        raise AgentLost(f"call {request.call} asks for the outside view of region {request.region}, and nobody has one")
    try:
        return wire.encode_outside(0, outside(request))
    except OSError as error:
        return wire.encode_outside(-(error.errno or 5))
