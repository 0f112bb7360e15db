# SPDX-License-Identifier: GPL-2.0-or-later
"""A target that is no kernel: it answers every call as the simulator would, or as a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from hwtests.language.nodes import Program
from hwtests.regions.traits import load_traits
from hwtests.simulated import PAGES, Prepared
from hwtests.targets.base import Region, TargetError, TargetLost, Unusable
from hwtests.trace import End, Kernel, Trace
from simulator import load_profile

Change = Callable[[Trace], Trace]


class FakeTarget:
    """`change` makes another trace of what the simulator says; `lost` programs take the kernel with them."""

    own_kernel = True

    def __init__(
        self,
        name: str = "uml:6.12",
        *,
        kinds: tuple[str, ...] = ("uml-mmapper",),
        change: Change = lambda trace: trace,
        missing: Unusable | None = None,
        lost: Mapping[str, TargetError] | None = None,
        own_kernel: bool = True,
    ) -> None:
        self.name = name
        self.own_kernel = own_kernel
        self.kinds = kinds
        self.change = change
        self.missing = missing
        self.lost = lost or {}
        self.offered: list[Region] = []
        self.ran: list[str] = []
        self.opened = 0
        self.closed = 0
        self.cost = 1.0

    def probe(self) -> Unusable | None:
        return self.missing

    def open(self) -> None:
        self.opened += 1
        if "boot" in self.lost:
            raise self.lost["boot"]

    def close(self) -> None:
        self.closed += 1

    def fresh(self) -> None:
        self.ran.append("-- fresh --")

    def inventory(self) -> dict[str, Any]:
        profile = load_profile("uml-6.12")
        kernel = {"release": "6.12.101", "version": "#1", "machine": "x86_64", "arch": profile.arch}
        return {"kernel": kernel, "config": dict(profile.config), "cmdline": "quiet"}

    def regions(self) -> list[Region]:
        known = load_traits()
        return self.offered or [Region(known[kind], PAGES) for kind in self.kinds]

    def run(self, program: Program, binding: Mapping[str, str], *, limit: float = 10.0, hazard: str = "none") -> Trace:
        name = program.path.rpartition("/")[2].removesuffix(".pfn")
        self.ran.append(name)
        if name in self.lost:
            raise self.lost[name]
        profile = load_profile("uml-6.12")
        traits = {region: load_traits()[kind] for region, kind in binding.items()}
        allowed = Prepared(name, program).simulate(profile, traits)
        lines = [msgspec.structs.replace(line, rules=[], choice={}) for line in allowed.lines]
        kernel = Kernel("6.12.101", "#1", "x86_64", profile.arch)
        header = msgspec.structs.replace(allowed.header, target=self.name, kernel=kernel, profile=None)
        return self.change(Trace(header, lines, End(klog=[], taint=0)))

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def changed(**fields: Any) -> Change:
    """The first load of the trace says something else."""

    def change(trace: Trace) -> Trace:
        lines = [
            msgspec.structs.replace(line, obs={**line.obs, **fields}) if line.text.startswith("load") else line
            for line in trace.lines
        ]
        return Trace(trace.header, lines, trace.end)

    return change


def ended(**fields: Any) -> Change:
    """The trace ends otherwise: `how`, `why`, `console`, `klog`, `taint`."""

    def change(trace: Trace) -> Trace:
        return Trace(trace.header, trace.lines, End(**{"klog": [], "taint": 0, **fields}))

    return change


__all__ = ["FakeTarget", "TargetLost", "changed", "ended"]
