# SPDX-License-Identifier: GPL-2.0-or-later
"""What did real kernels do with the catalogue, when they were asked?  The recorded traces that travel with it.

One file a target and region, `hwtests/recorded/<target>/<region>.jsonl.gz`: a line of provenance, then one trace a
program, in the order of their names. `pfnlab run --record` writes them. A recording holds for the text it was made of:
one of another text (another hash) is stale, and is said to be.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from hwtests.results.directory import NO_REGION, safe
from hwtests.trace import Trace, TraceError, dump_trace, parse_traces

ROOT = Path(__file__).parent / "recorded"


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a recording comes from: target and kernel, region, the command that made it, the day, the tool."""

    recorded: Literal[1] = 1
    target: str
    kernel: str
    region: str
    how: str
    made: str
    tool: str


@dataclass(frozen=True, slots=True)
class Recording:
    """The traces of one file, by program name."""

    path: Path
    provenance: Provenance
    traces: Mapping[str, Trace]

    @property
    def label(self) -> str:
        """`uml:6.12 mmapper`: how reports name it."""
        return f"{self.provenance.target} {self.provenance.region}".strip()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Provenance)


def read_recording(path: Path) -> Recording:
    """One file of recorded traces. Raises TraceError."""
    try:
        text = gzip.decompress(path.read_bytes()).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: expected recorded traces, packed by gzip: {error}") from None
    first, _, rest = text.partition("\n")
    try:
        provenance = _decoder.decode(first)
    except msgspec.DecodeError as error:
        raise TraceError(f"{path}:1: expected the provenance of recorded traces: {error}") from None
    traces: dict[str, Trace] = {}
    for trace in parse_traces(["", *rest.splitlines()], str(path)):
        if trace.end is None:
            raise TraceError(f"{path}: the trace of {trace.header.program.name} has no end")
        traces[trace.header.program.name] = trace
    return Recording(path, provenance, traces)


def read_recordings(root: Path = ROOT) -> list[Recording]:
    """All of them, in the order of their names. Raises TraceError."""
    return [read_recording(path) for path in sorted(root.glob("*/*.jsonl.gz"))]


def record(root: Path, provenance: Provenance, traces: Iterable[Trace]) -> Path:
    """Write traces into the recording of their target and region; those of other programs stay.

    Raises OSError, and TraceError when what is there is no recording. The same traces give the same bytes at any time.
    """
    path = root / safe(provenance.target) / f"{safe(provenance.region or NO_REGION)}.jsonl.gz"
    kept = dict(read_recording(path).traces) if path.exists() else {}
    kept.update((trace.header.program.name, trace) for trace in traces)
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0, filename="") as packed:
        packed.write(_encoder.encode(provenance) + b"\n")
        for name in sorted(kept):
            packed.write(dump_trace(kept[name]).encode())
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    aside.write_bytes(out.getvalue())
    os.replace(aside, path)
    return path
