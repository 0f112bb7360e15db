# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a program run on no kernel at all?  On the simulator, with a profile's semantics: `sim`, `sim:uml-6.12`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from hwtests.language.compile import compile_program
from hwtests.language.nodes import Program
from hwtests.language.settings import region_settings
from hwtests.predict import predict
from hwtests.regions.traits import load_traits
from hwtests.targets.base import LIMIT, Region, TargetError, Unusable
from hwtests.targets.execution import program_name, program_text
from hwtests.trace import Header, Kernel, ProgramId, Trace
from hwtests.version import tool
from simulator import load_profile, profile_names

DEFAULT = "x86_64-6.1"
PAGES = 16


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
        profile = load_profile(self._profile_name)
        compiled = compile_program(program, dict.fromkeys(traits, PAGES), profile.page_size)
        header = Header(
            trace=1,
            program=ProgramId(program_name(program), program.hash, program_text(program)),
            target=self.name,
            kernel=Kernel(profile.release, "", "x86_64", profile.arch),
            page_size=profile.page_size,
            regions={name: {**item.as_dict(), "pages": PAGES} for name, item in traits.items()},
            uid=0,
            caps="all",
            tool=tool(),
        )
        return predict(compiled, traits, profile, header)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
