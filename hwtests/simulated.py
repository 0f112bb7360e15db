# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator say of a program, with no kernel at hand?  A trace for a profile and kinds of region."""

from __future__ import annotations

from collections.abc import Mapping

from hwtests.language.nodes import Program
from hwtests.language.printer import print_program
from hwtests.language.settings import region_settings
from hwtests.needs import Skip, check
from hwtests.regions.traits import RegionTraits
from hwtests.trace import Header, Kernel, ProgramId, Trace
from hwtests.verdict import allowed_trace
from hwtests.version import tool
from simulator import Profile

PAGES = 16  # of a region, where the program does not say: as many as the guests' regions have
MEMLOCK = 8 << 20  # bytes; init's RLIMIT_MEMLOCK (include/linux/init_task.h, MLOCK_LIMIT)


def header_of(name: str, program: Program, profile: Profile, bound: Mapping[str, RegionTraits]) -> Header:
    """The header of a trace that no kernel made: the profile's kernel, root, `bound` regions by name."""
    return Header(
        trace=1,
        program=ProgramId(name, program.hash, print_program(program)),
        target="sim",
        kernel=Kernel(profile.release, profile.name, profile.arch, profile.arch),
        page_size=profile.page_size,
        config=dict(profile.config),
        regions={region: {**traits.as_dict(), "pages": pages(program, region)} for region, traits in bound.items()},
        uid=0,
        caps="all",
        limits={"memlock": MEMLOCK},
        tool=tool(),
    )


def pages(program: Program, region: str) -> int:
    """How many pages a region of a program has on `sim`."""
    return max(PAGES, region_settings(program)[region].pages or 0)


def unmet(program: Program, profile: Profile, bound: Mapping[str, RegionTraits]) -> Skip | None:
    """What a program needs and this profile with these regions has not."""
    kernel = Kernel(profile.release, profile.name, profile.arch, profile.arch)
    sizes = {region: pages(program, region) for region in bound}
    return check(program, bound, sizes, kernel, config=profile.config)


def simulate(name: str, program: Program, profile: Profile, bound: Mapping[str, RegionTraits]) -> Trace:
    """The allowed trace of a program, each of its regions of the kind that `bound` says."""
    return allowed_trace(program, header_of(name, program, profile, bound), profile)
