# SPDX-License-Identifier: GPL-2.0-or-later
"""What did a kernel do with a program, written down?  The trace: its form, its reader and its writer.

A trace is JSON lines: a header (everything that a prediction depends on), one object a call, and the end. The form is
docs/internals.md section 2; docs/trace.schema.json is the same for machines (a test holds the two together).
An allowed trace (the simulator's) has the same lines with `rules` and `choice` beside `obs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

__all__ = [
    "End",
    "Header",
    "Kernel",
    "Line",
    "Obs",
    "ProgramId",
    "Trace",
    "TraceError",
    "dump_trace",
    "parse_trace",
    "parse_traces",
    "read_trace",
    "read_traces",
    "schema",
    "write_trace",
]

FORMAT: Literal[1] = 1
PARTS = ("vmas", "ranges", "segments")  # fields that are lists of objects

Obs: TypeAlias = dict[str, Any]
How: TypeAlias = Literal["done", "timeout", "moved", "crash", "lost"]


class TraceError(ValueError):
    """A file that is not a trace: `file:line: what was expected`."""


class ProgramId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which program; `text` is all of it, so that a trace can be judged where the catalogue is another one."""

    name: str
    hash: str
    text: str


class Kernel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which kernel: uname's release, version, machine; `arch` is what architecture traits hang on (`um`, `x86_64`).

    `level` is its stable level (`6.1.192`), which not every release names: hwtests/targets/level.py.
    """

    release: str
    version: str
    machine: str
    arch: str
    level: str = ""

    @property
    def at(self) -> str:
        """What versions are compared with: the level, the release where none is stated."""
        return self.level or self.release


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Everything a prediction depends on. `page_size` in bytes, `limits` in bytes by name (`memlock`).

    `profile` is set in an allowed trace only, `assumed` when that profile is the nearest lower release's.
    """

    trace: Literal[1]
    program: ProgramId
    target: str
    kernel: Kernel
    page_size: int
    config: dict[str, str] = msgspec.field(default_factory=dict)
    regions: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    uid: int
    caps: str
    limits: dict[str, int] = msgspec.field(default_factory=dict)
    tool: str
    profile: str | None = None
    assumed: bool = False


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What one call did. `op` counts calls from 0, `line` is the program's, `process` None for calls from outside."""

    op: int
    line: int
    process: str | None
    text: str
    obs: Obs
    rules: list[str] = msgspec.field(default_factory=list)
    choice: dict[str, Any] = msgspec.field(default_factory=dict)


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How it ended. `klog`: the kernel's log of this program; `taint`: the bits that came with it.

    `how` is `done` unless the target says otherwise: `timeout` (the program did not end, the kernel lives), `crash`
    (the kernel died or said BUG, `console` holds its last words), `lost` (the kernel went without a word), `moved`
    (the region's pages were not where they had been). `why` is one line for people.
    """

    end: Literal[1] = 1
    klog: list[str]
    taint: int
    how: How = "done"
    why: str = ""
    console: list[str] = msgspec.field(default_factory=list)


class Trace(msgspec.Struct, frozen=True):
    """Header, one line a call, end. A trace without an end was cut off: nothing follows from what it lacks."""

    header: Header
    lines: list[Line]
    end: End | None


class _Mark(msgspec.Struct):
    # Which of the three a line is, whatever the order of its fields.
    trace: Any = None
    end: Any = None


_encoder = msgspec.json.Encoder()
_mark = msgspec.json.Decoder(_Mark)
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)
_end = msgspec.json.Decoder(End)


def dump_trace(trace: Trace) -> str:
    """The trace as JSON lines, each ended by a newline."""
    parts: list[Header | Line | End] = [trace.header, *trace.lines]
    if trace.end is not None:
        parts.append(trace.end)
    # `omit_defaults` would drop the marks by which a reader knows an end.
    return "".join(_text(part) + "\n" for part in parts)


def _text(part: Header | Line | End) -> str:
    if isinstance(part, End):
        return '{"end":1,' + _encoder.encode(part).decode()[1:]
    return _encoder.encode(part).decode()


def parse_traces(lines: Iterable[str], name: str = "<trace>") -> Iterator[Trace]:
    """The traces that stand one after the other in `lines`.

    Raises TraceError (`name:line: …`) on anything that is not one; a trace that is cut off has `end` None.
    """
    header: Header | None = None
    calls: list[Line] = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        where = f"{name}:{number}"
        mark = _decode(_mark, text, where, "a line of a trace")
        if header is None or mark.trace is not None:
            if header is not None:
                yield Trace(header, calls, None)
            header, calls = _decode(_header, text, where, "a trace's header"), []
        elif mark.end is not None:
            yield Trace(header, calls, _decode(_end, text, where, "a trace's end"))
            header = None
        else:
            call = _decode(_line, text, where, "a trace's line")
            if call.op != len(calls):
                raise TraceError(f"{where}: calls are numbered without a gap: expected op {len(calls)}, got {call.op}")
            if not isinstance(call.obs.get("ret"), str | dict):
                raise TraceError(f"{where}: an observation says what the call returned: expected obs.ret, a text")
            for field in PARTS:
                parts = call.obs.get(field, [])
                if isinstance(parts, list) and not all(isinstance(part, dict) for part in parts):
                    raise TraceError(f"{where}: each is an object with its fields: expected objects in obs.{field}")
            calls.append(call)
    if header is not None:
        yield Trace(header, calls, None)


def _decode(decoder: msgspec.json.Decoder[Any], text: str, where: str, what: str) -> Any:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise TraceError(f"{where}: expected {what}: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def parse_trace(text: str, name: str = "<trace>") -> Trace:
    """The one trace in `text`. Raises TraceError when it holds none, or more than one."""
    found = list(parse_traces(text.splitlines(), name))
    if len(found) != 1:
        raise TraceError(f"{name}: expected one trace, found {len(found)}")
    return found[0]


def read_traces(path: str | os.PathLike[str]) -> list[Trace]:
    """All traces of a file. Raises TraceError when it cannot be read or holds anything else."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise TraceError(f"{path}: expected UTF-8 text: {error.reason} at byte {error.start}") from None
    found = list(parse_traces(text.splitlines(), str(path)))
    if not found:
        raise TraceError(f"{path}:1: expected a trace's header, found an empty file")
    return found


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """The one trace of a file. Raises TraceError."""
    found = read_traces(path)
    if len(found) != 1:
        raise TraceError(f"{path}: expected one trace, found {len(found)}")
    return found[0]


def write_trace(path: str | os.PathLike[str], trace: Trace) -> None:
    """Write one trace to a file of its own. Raises OSError."""
    Path(path).write_text(dump_trace(trace), encoding="utf-8")


def schema() -> dict[str, Any]:
    """The JSON schema of one line of a trace: what docs/trace.schema.json holds."""
    (variants, components) = msgspec.json.schema_components([Header, Line, End], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of a pfnlab trace",
        "description": "A header, then lines, then an end.",
        "anyOf": list(variants),
        "$defs": components,
    }
