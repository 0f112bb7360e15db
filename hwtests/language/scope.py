# SPDX-License-Identifier: GPL-2.0-or-later
"""Which names are there at a line of a program, what kind is each, and which process has them?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from .errors import nearest
from .verbs import RESERVED

Fail = Callable[[str], NoReturn]  # raises ProgramError where the name stands

KINDS = {"fd": "descriptor"}  # how a kind is called, where it is not its own name


@dataclass(slots=True)
class Scope:
    """Names are global and have one kind; mappings, values and descriptors are had by processes, and copied by fork."""

    kinds: dict[str, str] = field(default_factory=dict)
    has: dict[str, set[str]] = field(default_factory=dict)  # process: its mappings, values and descriptors
    roots: list[str] = field(default_factory=list)
    forked: set[str] = field(default_factory=set)  # and running
    exited: set[str] = field(default_factory=set)

    def declare(self, name: str, kind: str, fail: Fail) -> None:
        """A region, or a process that is there from the start."""
        if name in self.kinds:
            fail(f"'{name}' is declared already, as a {_called(self.kinds[name])}, expected another name")
        self._name(name, kind, fail)
        if kind == "process":
            self.roots.append(name)
            self.has[name] = set()

    def use(self, name: str, kinds: tuple[str, ...], process: str | None, fail: Fail) -> str:
        """The kind of a name that must be one of `kinds`, and which `process` must have (None: whoever)."""
        expected = " or ".join(_called(kind) for kind in kinds)
        kind = self.kinds.get(name)
        if kind is None:
            known = [other for other, its in self.kinds.items() if its in kinds]
            fail(f"'{name}' is not defined{nearest(name, known)}, expected a {expected}")
        if kind not in kinds:
            fail(f"'{name}' is a {_called(kind)}, expected a {expected}")
        if process is not None and kind in ("mapping", "value", "fd") and name not in self.has[process]:
            fail(f"'{name}' is a {_called(kind)} of another process, expected one that '{process}' has here")
        return kind

    def set(self, name: str, kind: str, process: str | None, fail: Fail) -> None:
        """A result: a mapping, a value or a descriptor of `process` (None: a value from outside, had by the first)."""
        if process is None:
            if not self.roots:
                fail(f"no process to keep '{name}' for, expected 'process NAME' above")
            process = self.roots[0]
        self._name(name, kind, fail)
        self.has[process].add(name)

    def fork(self, parent: str, child: str, fail: Fail) -> None:
        if child in self.roots:
            fail(f"'{child}' is there from the start, expected another name for a child")
        if child in self.forked:
            fail(f"'{child}' is forked already and did not exit, expected 'exit' of it before or another name")
        self._name(child, "process", fail)
        self.has[child] = set(self.has[parent])
        self.forked.add(child)
        self.exited.discard(child)

    def exit(self, process: str) -> None:
        self.forked.discard(process)
        self.exited.add(process)

    def _name(self, name: str, kind: str, fail: Fail) -> None:
        if name in RESERVED:
            fail(f"'{name}' is a word of the language, expected another name")
        known = self.kinds.setdefault(name, kind)
        if known != kind:
            fail(f"'{name}' is a {_called(known)} already, expected another name for a {_called(kind)}")


def _called(kind: str) -> str:
    return KINDS.get(kind, kind)
