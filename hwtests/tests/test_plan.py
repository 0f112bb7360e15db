# SPDX-License-Identifier: GPL-2.0-or-later
"""Where nobody asked for a region, a program runs on all that suit it, and is skipped once where none does."""

from __future__ import annotations

from hwtests.language import parse
from hwtests.plan import Job, Selected, gathered
from hwtests.regions.traits import load_traits
from hwtests.targets.base import Region, Unusable

SELECTED = Selected("one", parse("pfn 1\nregion dev\nprocess p\np: m = mmap dev shared r\n", "one.pfn"), "cow", "none")
BAR, HIDDEN = (Region(load_traits()[name], 16) for name in ("bar", "hidden"))
GONE = Region(load_traits()["hpet"], unusable=Unusable("a HPET", "none", "another machine"))


def job(region: Region, skip: Unusable | None = None) -> Job:
    return Job(SELECTED, region.name, {"dev": region.name}, skip or region.unusable)


def test_a_program_that_runs_somewhere_is_not_skipped_elsewhere():
    jobs = [job(BAR), job(HIDDEN, Unusable("dev.access", "hidden has none", "use a BAR")), job(GONE)]

    assert gathered(jobs, [BAR, HIDDEN, GONE]) == [jobs[0]]


def test_a_program_that_runs_nowhere_is_skipped_once_with_all_that_was_found():
    needs, cure = "dev.access", "use another"
    jobs = [job(one, Unusable(needs, f"{one.name} has none", cure)) for one in (BAR, HIDDEN)]

    (only,) = gathered(jobs, [BAR, HIDDEN])

    assert only.region == ""
    assert only.skip == Unusable(needs, "bar has none; hidden has none", cure)


def test_a_region_that_does_not_suit_says_more_than_one_that_is_not_there():
    why = Unusable("dev.access", "bar has none", "use another")
    jobs = [job(GONE), job(GONE), job(BAR, why)]

    (only,) = gathered(jobs, [GONE, BAR])

    assert only.skip == why


def test_of_many_regions_a_few_are_named_and_the_others_counted():
    jobs = [job(BAR, Unusable("a", f"region {number}", "c")) for number in range(5)]

    (only,) = gathered(jobs, [BAR])

    assert only.skip is not None
    assert only.skip.found == "region 0; region 1; region 2; and 2 others"


def test_the_cause_is_that_of_the_regions_that_come_closest():
    far, near = Unusable("dev.mixedmap", "no", "c"), Unusable("kernel>=6.12", "6.1", "c")

    (only,) = gathered([job(BAR, far), job(HIDDEN, far), job(BAR, near)], [BAR, HIDDEN])

    assert only.skip == near


def test_what_no_region_can_cure_comes_before_what_one_could():
    region, kernel = Unusable("dev.no-struct-page", "it has", "c"), Unusable("kernel<2.6.16", "6.1", "c")

    (only,) = gathered([job(BAR, region), job(HIDDEN, kernel), job(HIDDEN, kernel)], [BAR, HIDDEN])

    assert only.skip == kernel
