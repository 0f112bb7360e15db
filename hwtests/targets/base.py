# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a target?  Something that executes programs on one kernel and writes down what the kernel did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from hwtests.language.nodes import Program
    from hwtests.regions.traits import RegionTraits
    from hwtests.trace import Trace

__all__ = ["LIMIT", "Region", "Target", "TargetError", "TargetLost", "Unusable"]

LIMIT = 10.0  # seconds that a program may take


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why something cannot be used: what is needed, what was found, what would cure it.

    `gate` is the name of the kernel's gate that closed (native/gate.py), where one did.
    """

    needs: str
    found: str
    cure: str
    gate: str = ""

    def __str__(self) -> str:
        return f"needs {self.needs}; found {self.found}; cure: {self.cure}"


class TargetError(Exception):
    """A target cannot do what it was asked for; one line for people."""


class TargetLost(TargetError):
    """The kernel could not be started, or went away outside of any program.

    `kind`: `crash` when the console holds the kernel's own words for it (oops, BUG, panic), else `error`.
    """

    def __init__(self, kind: Literal["crash", "error"], reason: str, console: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.console = console


@dataclass(frozen=True, slots=True)
class Region:
    """A region as a target offers it: `pages` that a program may have, or the cause why it cannot be used.

    `pfn` is its first page's frame number, 0 when not known.
    """

    traits: RegionTraits
    pages: int = 0
    pfn: int = 0
    unusable: Unusable | None = None

    @property
    def name(self) -> str:
        return self.traits.kind

    def as_dict(self) -> dict[str, Any]:
        """As `pfnlab regions --json` shows it."""
        out: dict[str, Any] = {"name": self.name, "summary": self.traits.summary, "usable": self.unusable is None}
        if self.unusable is not None:
            out |= {"needs": self.unusable.needs, "found": self.unusable.found, "cure": self.unusable.cure}
            return out | ({"gate": self.unusable.gate} if self.unusable.gate else {})
        return out | {"pages": self.pages, "pfn": self.pfn, "traits": self.traits.as_dict()}


@runtime_checkable
class Target(Protocol):
    """One kernel that executes programs. A context manager: entering opens it, leaving closes it.

    `name` is what the user calls it (`uml:6.12`). `own_kernel`: the kernel is the lab's own, so that programs with a
    hazard may run and a dead kernel is started again.
    """

    name: str
    own_kernel: bool

    def probe(self) -> Unusable | None:
        """Why this target cannot be used here, or None. Starts nothing and fetches nothing."""

    def open(self) -> None:
        """Start it and look at its regions. Raises TargetLost, or TargetError for what probe() would have said."""

    def close(self) -> None:
        """End it: no process and no file is left. May be called more than once."""

    def fresh(self) -> None:
        """The next program gets a kernel that no program ran on before (own kernels; elsewhere nothing happens)."""

    def inventory(self) -> dict[str, Any]:
        """What run.json says of it: kernel, command line, configuration, where the kernel comes from."""

    def regions(self) -> list[Region]:
        """Its regions, usable or not, in the order in which they are to be preferred."""

    def run(self, program: Program, binding: Mapping[str, str], *, limit: float = LIMIT, hazard: str = "none") -> Trace:
        """Run `program` with each of its regions bound to a region of this target, by name; `limit` in seconds.

        Never raises for what a kernel does: a kernel that dies, a program that does not end and a region that moved are
        said in the trace's end (`how`), and the target can be used on. Raises TargetError when the binding is wrong or
        the agent refuses a call, TargetLost when a dead kernel cannot be started again.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
