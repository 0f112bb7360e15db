# SPDX-License-Identifier: GPL-2.0-or-later
"""Each known defect of this area's history is caught by the program that it names, and its healthy base is not."""

from pathlib import Path

import pytest

from hwtests.listing_zoo import zoo_lines, zoo_row
from hwtests.selection import catalogue
from hwtests.zoo import caught, filled
from simulator import profile_for, profile_names
from simulator.zoo import defect, zoo_names


@pytest.mark.parametrize("name", zoo_names())
def test_a_promise_of_the_program_breaks_on_the_defect(name):
    assert caught(name, catalogue()).faulty


@pytest.mark.parametrize("name", zoo_names())
def test_every_promise_of_the_program_holds_on_the_healthy_kernel(name):
    found = caught(name, catalogue())
    assert found.regions
    assert found.healthy == ()


@pytest.mark.parametrize("name", zoo_names())
def test_no_kernel_is_taken_for_a_defect(name):
    one = defect(name)
    profile, _ = profile_for(one.profile.level, one.profile.arch, one.profile.config)
    assert profile.name in profile_names()
    assert profile.name != one.profile.name


def test_the_page_has_the_defects_as_they_are():
    page = Path(__file__).parents[2].joinpath("docs/zoo.md").read_text(encoding="utf-8")
    assert filled(page, catalogue()) == page


def test_a_defect_is_explained_with_its_words_and_what_catches_it():
    lines = "\n".join(zoo_lines(zoo_row("pat-fork-uaf")))
    assert "CVE-2025-22090" in lines
    assert "fork_failed_pat = frees instead of keeps" in lines
    assert "failed-fork-frees-nothing: a promise of it breaks" in lines


def test_an_unknown_defect_is_refused():
    with pytest.raises(ValueError, match="no defect 'pat'; there are: "):
        zoo_row("pat")
