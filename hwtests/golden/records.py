# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in the golden files?  Their programs and records, as they are (data/FORMAT.md)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

Ops: TypeAlias = list[dict[str, Any]]

# The region that the programs see: pages 0..3 with four guard pages on both sides.
GUARD = 4
PAGES = 4
REGION_PAGES = GUARD + PAGES + GUARD

# kernel of the data -> profile of the simulator
PROFILES = {
    "uml-5.10": "uml-5.10",
    "uml-6.1": "uml-6.1",
    "uml-6.12": "uml-6.12",
    "uml-7.2": "uml-7.2",
    "qemu-5.10": "x86_64-5.10",
    "qemu-6.1": "x86_64-6.1",
    "qemu-6.12": "x86_64-6.12",
    "qemu-7.2": "x86_64-7.2",
    "qemu-7.3": "x86_64-7.3",
    "2.6.14": "2.6.14",
    "2.6.15-rc2-parent": "unpaged",
    "2.6.15-rc2-seed": "2.6.15-rc3",
    "2.6.15": "2.6.15",
}


@dataclass(frozen=True, slots=True)
class GoldenProgram:
    id: int
    kind: str  # mini (written by hand) | random
    ops: Ops


@dataclass(frozen=True, slots=True)
class Record:
    """What one kernel did with one program on one kind of region (`nopage`, `ram`)."""

    kernel: str
    id: int
    region: str
    fields: tuple[str, ...]  # the order of a vma's sizes
    ops: Ops
    final: dict[str, Any]
    flaky: tuple[str, ...]  # paths that differed between two runs

    @property
    def name(self) -> str:
        return f"{self.id}/{self.region}"

    def states(self) -> list[dict[str, Any]]:
        """The state of every process after each op and, last, after the final reads: unchanged ones are carried on."""
        carried: dict[str, Any] = {}
        states = []
        for op in [*self.ops, self.final]:
            carried = {**carried, **op.get("st", {})}
            states.append(carried)
        return states


def _lines(name: str) -> Iterator[dict[str, Any]]:
    with (files(__package__) / "data" / name).open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as text:
        for line in text:
            yield json.loads(line)


@cache
def programs() -> dict[int, GoldenProgram]:
    """All programs by id."""
    return {p["id"]: GoldenProgram(p["id"], p["kind"], p["ops"]) for p in _lines("programs.jsonl.gz")}


def kernels() -> list[str]:
    """The kernels there are traces of."""
    names = [entry.name for entry in (files(__package__) / "data").iterdir()]
    return sorted(n.removeprefix("traces-").removesuffix(".jsonl.gz") for n in names if n.startswith("traces-"))


def records(kernel: str) -> Iterator[Record]:
    """All records of one kernel, in the order of the file. Raises FileNotFoundError for a kernel without traces."""
    lines = _lines(f"traces-{kernel}.jsonl.gz")
    fields = tuple(next(lines)["vma_fields"])
    for r in lines:
        yield Record(kernel, r["id"], r["region"], fields, r["ops"], r["final"], tuple(r.get("flaky", ())))
