# SPDX-License-Identifier: GPL-2.0-or-later
"""Where are a process's mappings, values and descriptors, while the simulator carries out a program?

They are tables per process, copied by fork, as memory is. An address is counted from the arena.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hwtests import forms
from hwtests.content import Content
from hwtests.language.nodes import Call, Compiled
from simulator import Kernel, Task

ARENA = 0x1000000000
ABSOLUTE, FROM_ARENA = -1, -3

Obs: TypeAlias = dict[str, Any]


@dataclass
class Process:
    """A process slot: the simulator's task and the tables that fork copies. An address is counted from the arena."""

    task: Task
    handles: dict[int, tuple[int, int]] = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    fds: dict[int, int] = field(default_factory=dict)

    def forked(self, task: Task) -> Process:
        return Process(task, dict(self.handles), dict(self.values), dict(self.fds))


class NoProcessError(Exception):
    """The call needs a process that never was, or is no more."""


class Tables:
    """What the numbers of calls stand for. `regions[i]` is the simulator's region of region slot i."""

    def __init__(
        self, kernel: Kernel, compiled: Compiled, regions: Sequence[int], names: forms.PfnNames,
        roots: Mapping[int, Task], content: Content | None = None,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self.compiled = compiled
        self.regions = regions
        self.names = names
        self.processes = {slot: Process(task) for slot, task in roots.items()}
        # What `peek` gives is had by the first process (docs/internals.md, "Numbered calls").
        self.outside: dict[int, int] = self.processes[0].values if 0 in self.processes else {}
        self.content = content
        self.choice: dict[str, str] = {}  # what the last call took from the observed trace
        self.granted: Mapping[int, bool] = {}  # by call of `release`: hwtests/asked.py grants()
        self.page_size = compiled.page_size

    def alive(self, slot: int) -> Process:
        """The process of a slot. Raises NoProcessError when it never was, or is no more."""
        process = self.processes.get(slot)
        if process is None or not process.task.alive:
            raise NoProcessError
        return process

    def handle(self, process: Process, slot: int) -> tuple[int, int]:
        """Start and length of a mapping; of one that never was, its place."""
        return process.handles.get(slot) or ((slot * self.compiled.stride + 8) * self.page_size, 0)

    def address(self, process: Process, base: int, byte: int) -> int:
        """The address that the numbers of an operand stand for."""
        if base >= 0:
            return self.handle(process, base)[0] + byte
        return byte if base == FROM_ARENA else byte - ARENA

    def span(self, process: Process, base: int, byte: int, length: int) -> tuple[int, int]:
        """Address and length of a range; -1 is the length of its mapping."""
        if length == -1:
            length = self.handle(process, base)[1]
        return self.address(process, base, byte), length

    def value(self, process: Process | None, kind: int, value: int) -> int:
        """A literal (kind 0), or what a value slot holds (process None: one of those that `peek` gave)."""
        if kind == 0:
            return value & (1 << 64) - 1
        return (self.outside if process is None else process.values).get(value, 0)

    def keep(self, process: Process | None, slot: int, value: int) -> None:
        """Keep the value that a call gave; slot -1: nobody named it."""
        if slot >= 0:
            (self.outside if process is None else process.values)[slot] = value

    def repeated(self, process: Process, kind: int, value: int, length: int) -> bytes:
        """`length` bytes: the value's eight, repeated."""
        word = self.value(process, kind, value).to_bytes(8, "little")
        return (word * (length // 8 + 1))[:length]

    def physical(self, region: int, byte: int) -> int:
        """The physical address of a region's byte."""
        return self.kernel.region_pfn(self.regions[region]) * self.page_size + byte


Verb: TypeAlias = Callable[[Tables, Any, Call], Obs]


def ret(result: int) -> Obs:
    """`ok`, or the errno of what a call returned."""
    return {"ret": forms.errno_name(result) if result < 0 else "ok"}


def failed(d: Tables, error: int) -> Obs:
    """An errno, and whether it is of what had to come first."""
    return {**ret(error), "stage": "open"} if d.kernel.stage == "open" else ret(error)


def fault(d: Tables, p: Process, got: Any, base: int) -> Obs:
    """A signal, told relative to the mapping that the operation named."""
    if base >= 0:
        start = d.handle(p, base)[0]
        where = forms.address_text(d.compiled.handles[base], got.addr - start, d.page_size)
    else:
        where = hex(got.addr + ARENA & (1 << 64) - 1)
    return {"ret": got.signal, "code": got.code, "addr": where}


def one_of(values: Sequence[Any]) -> Any:
    """A value where only one is allowed, else the set of them."""
    distinct = list(dict.fromkeys(values))
    return distinct[0] if len(distinct) == 1 else {"any": distinct}
