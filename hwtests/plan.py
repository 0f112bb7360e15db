# SPDX-License-Identifier: GPL-2.0-or-later
"""What will run where?  Every selected program on every region of a target: a job, or a skip with its cause."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, permutations
from pathlib import Path

from hwtests.language import parse_file
from hwtests.language.nodes import Program
from hwtests.language.settings import program_hazard, region_settings
from hwtests.leftovers import memtype_left
from hwtests.needs import check
from hwtests.selection import theme_of
from hwtests.targets.base import Region, Unusable
from hwtests.touch import refused
from hwtests.trace import Kernel

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")  # of the host: elsewhere a region is the lab's own
SAID = 3  # of what was found of regions, in one cause
_ALLOW_LEAKS = "use uml or qemu, or --allow-hazard leaks"
MAX_BINDINGS = 64  # tries to find regions for a program that has several


@dataclass(frozen=True, slots=True)
class Selected:
    """A program of this run."""

    name: str
    program: Program
    theme: str
    hazard: str

    @classmethod
    def read(cls, name: str, path: Path) -> Selected:
        """Parse it. Raises ProgramError."""
        program = parse_file(path)
        return cls(name, program, theme_of(path), program_hazard(program))


@dataclass(frozen=True, slots=True)
class Job:
    """A program on a region of a target; `binding`: which region each name stands for; `skip`: why it does not run."""

    selected: Selected
    region: str
    binding: Mapping[str, str]
    skip: Unusable | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What the jobs of a target depend on, besides the programs."""

    kernel: Kernel
    uid: int
    config: Mapping[str, str]
    own_kernel: bool
    allowed_hazards: Collection[str]
    modules: Mapping[str, str] = field(default_factory=dict)  # of the lab's own in that kernel: `ok`, or the errno


def jobs_of(programs: Sequence[Selected], regions: Sequence[Region], place: Place) -> list[Job]:
    """One job for every program and region; one without a region for a program that needs none."""
    found: list[Job] = []
    for selected in programs:
        if not region_settings(selected.program):
            found.append(Job(selected, "", {}, _skip(selected, {}, place)))
            continue
        found += [_job(selected, region, regions, place) for region in regions]
    return found


def gathered(jobs: Sequence[Job], regions: Sequence[Region]) -> list[Job]:
    """The jobs where nobody asked for a region: a program runs on all that suit it, and is skipped once if none does.

    Its cause is the kernel's rather than a region's, and the one that the fewest regions share: those come closest to
    what the program needs. A region that is there but does not suit it says more than one that cannot be used at all.
    """
    absent = {region.name for region in regions if region.unusable is not None}
    programs: dict[str, list[Job]] = {}
    for job in jobs:
        programs.setdefault(job.selected.name, []).append(job)
    found: list[Job] = []
    for mine in programs.values():
        running = [job for job in mine if job.skip is None]
        found += running or [Job(mine[0].selected, mine[0].region if len(mine) == 1 else "", {}, _shared(mine, absent))]
    return found


def _shared(jobs: Sequence[Job], absent: Collection[str]) -> Unusable:
    there = [job for job in jobs if job.region not in absent] or jobs
    causes: dict[tuple[str, str], list[Unusable]] = {}
    for job in there:
        if job.skip is not None:
            causes.setdefault((job.skip.needs, job.skip.cure), []).append(job.skip)
    names = tuple(f"{name}." for name in region_settings(jobs[0].selected.program))
    rarest = min(causes.values(), key=lambda group: (group[0].needs.startswith(names), len(group)))
    what = list(dict.fromkeys(cause.found for cause in rarest))
    more = f"; and {len(what) - SAID} others" if len(what) > SAID else ""
    return replace(rarest[0], found="; ".join(what[:SAID]) + more)


def _job(selected: Selected, region: Region, regions: Sequence[Region], place: Place) -> Job:
    # The first region that a program declares is the one it is about.
    first, *others = region_settings(selected.program)
    if region.unusable is not None:
        return Job(selected, region.name, {}, region.unusable)
    usable = [other for other in regions if other.unusable is None and other is not region]
    skip: Unusable | None = None
    for chosen in islice(permutations(usable, len(others)), MAX_BINDINGS):
        bound = {first: region, **dict(zip(others, chosen, strict=True))}
        unmet = _skip(selected, bound, place)
        if unmet is None:
            return Job(selected, region.name, {name: one.name for name, one in bound.items()})
        skip = skip or unmet
    if skip is None:
        needs = f"{len(others) + 1} regions at once"
        skip = Unusable(needs, f"{len(usable) + 1} usable on this target", "use a target that has more regions")
    return Job(selected, region.name, {}, skip)


def _skip(selected: Selected, bound: Mapping[str, Region], place: Place) -> Unusable | None:
    if selected.hazard != "none" and not place.own_kernel and selected.hazard not in place.allowed_hazards:
        return Unusable(
            "a kernel of the lab's own: this program's hazard is not none",
            f"hazard {selected.hazard} on a kernel that others use",
            f"use uml or qemu, or --allow-hazard {selected.hazard}",
        )
    traits = {name: region.traits for name, region in bound.items()}
    pages = {name: region.pages for name, region in bound.items()}
    unmet = check(
        selected.program,
        traits,
        pages,
        place.kernel,
        uid=place.uid,
        config=place.config,
        modules=place.modules,
        own_kernel=place.own_kernel,
    )
    refusal = unmet or refused(selected.program, traits, pages, PAGE_SIZE)
    if refusal is not None:
        return Unusable(refusal.needs, refusal.found, refusal.cure)
    left = memtype_left(selected.program, traits, place.kernel)
    if left is not None and not place.own_kernel and "leaks" not in place.allowed_hazards:
        return Unusable("a kernel of the lab's own: something stays until the next boot", left, _ALLOW_LEAKS)
    return None
