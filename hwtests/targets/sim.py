# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a program run on no kernel at all?  On the simulator, with a profile's semantics: `sim`, `sim:uml-6.12`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec

from hwtests.language.nodes import Program
from hwtests.language.settings import region_settings
from hwtests.regions.traits import load_traits
from hwtests.simulated import PAGES, Prepared
from hwtests.targets.base import LIMIT, Region, TargetError, Unusable
from hwtests.targets.execution import program_name
from hwtests.trace import Trace
from simulator import load_profile, profile_names

DEFAULT = "x86_64-6.1"


class SimTarget:
    """The simulator as a target: every kind of region is there, whatever a kernel of that release would have."""

    own_kernel = True

    def __init__(self, name: str = "sim") -> None:
        self.name = name
        self._profile_name = name.partition(":")[2] or DEFAULT

    def probe(self) -> Unusable | None:
        known = sorted(profile_names())
        if self._profile_name in known:
            return None
        return Unusable("a profile that the simulator has", self._profile_name, f"one of {', '.join(known)}")

    def open(self) -> None:
        if found := self.probe():
            raise TargetError(f"{self.name}: {found}")

    def close(self) -> None:
        """Nothing is open."""

    def fresh(self) -> None:
        """Every program starts on a machine that no program ran on."""

    def inventory(self) -> dict[str, Any]:
        profile = load_profile(self._profile_name)
        return {"kernel": {"release": profile.release, "arch": profile.arch}, "profile": profile.name}

    def regions(self) -> list[Region]:
        return [Region(traits, PAGES) for traits in load_traits().values()]

    def run(self, program: Program, binding: Mapping[str, str], *, limit: float = LIMIT, hazard: str = "none") -> Trace:
        known = load_traits()
        traits = {}
        for name in region_settings(program):
            if binding.get(name) not in known:
                raise TargetError(f"{self.name}: region {name} of {program.path} is bound to no region")
            traits[name] = known[binding[name]]
        prepared = Prepared(program_name(program), program)
        trace = prepared.simulate(load_profile(self._profile_name), traits)
        return Trace(msgspec.structs.replace(trace.header, target=self.name), trace.lines, trace.end)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
