# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator say of a program, with no kernel at hand?  A trace for a profile and kinds of region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from hwtests.language import compile_program
from hwtests.language.nodes import Compiled, Program
from hwtests.language.printer import print_program
from hwtests.language.promise import version
from hwtests.language.settings import region_settings
from hwtests.needs import Skip, check
from hwtests.predict import predict
from hwtests.regions.traits import RegionTraits
from hwtests.trace import Header, Kernel, ProgramId, Trace
from hwtests.version import tool
from simulator import Profile

PAGES = 16  # of a region, where the program does not say: as many as the guests' regions have
PAGE_SIZE = 4096  # bytes; every profile's
LAB_DRIVER = version("5.10")  # native/kmod builds from there on
MEMLOCK = 8 << 20  # bytes; init's RLIMIT_MEMLOCK (include/linux/init_task.h, MLOCK_LIMIT)


@dataclass(frozen=True)
class Prepared:
    """A program made ready to be simulated many times: what does not depend on profile or region is done once."""

    name: str
    program: Program

    @cached_property
    def text(self) -> str:
        return print_program(self.program)

    @cached_property
    def pages(self) -> dict[str, int]:
        """How many pages each of its regions has on `sim`."""
        return {name: max(PAGES, asked.pages or 0) for name, asked in region_settings(self.program).items()}

    @cached_property
    def compiled(self) -> Compiled:
        return compile_program(self.program, self.pages, PAGE_SIZE)

    def header(self, profile: Profile, bound: Mapping[str, RegionTraits]) -> Header:
        """The header of a trace that no kernel made: the profile's kernel, root, `bound` regions by name."""
        return Header(
            trace=1,
            program=ProgramId(self.name, self.program.hash, self.text),
            target="sim",
            kernel=_kernel(profile),
            page_size=PAGE_SIZE,
            config=dict(profile.config),
            regions={region: {**_as_dict(traits), "pages": self.pages[region]} for region, traits in bound.items()},
            uid=0,
            caps="all",
            limits={"memlock": MEMLOCK},
            tool=tool(),
        )

    def unmet(self, profile: Profile, bound: Mapping[str, RegionTraits]) -> Skip | None:
        """What the program needs and this profile with these regions has not."""
        modules = {"pfnlab": "ok", "brd": "ok"} if version(profile.level) >= LAB_DRIVER else {}
        kernel = _kernel(profile)
        return check(self.program, bound, self.pages, kernel, config=profile.config, modules=modules, own_kernel=True)

    def simulate(self, profile: Profile, bound: Mapping[str, RegionTraits]) -> Trace:
        """The allowed trace, each of the program's regions of the kind that `bound` says."""
        return predict(self.compiled, bound, profile, self.header(profile, bound))


def _kernel(profile: Profile) -> Kernel:
    return Kernel(profile.release, profile.name, profile.arch, profile.arch, profile.level)


@cache
def _as_dict(traits: RegionTraits) -> Mapping[str, Any]:
    return traits.as_dict()
