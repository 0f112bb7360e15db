# SPDX-License-Identifier: GPL-2.0-or-later
"""Is docs/commit.md what the simulator says today, and is every hunk of the commit seen by a program?"""

from __future__ import annotations

import re

import pytest

from hwtests.commit_page import AFTER, BEFORE, PAGE, WIDTH, page, traces, words
from hwtests.regions.traits import load_traits
from hwtests.selection import catalogue
from simulator import load_profile
from simulator.history import differing

HUNKS = words().hunks


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m hwtests.commit_page"


def test_the_page_fits_its_width():
    assert [line for line in page().splitlines() if len(line) > WIDTH] == []


@pytest.mark.parametrize("hunk", HUNKS, ids=lambda hunk: hunk.function)
def test_a_hunk_is_seen_by_a_program_or_it_is_argued_why_not(hunk):
    assert hunk.seen or hunk.unseen


@pytest.mark.parametrize("seen", [seen for hunk in HUNKS for seen in hunk.seen], ids=lambda seen: seen.program)
def test_a_program_tells_the_commit_from_its_parent(seen):
    before, after = traces(seen)
    told = [(left.obs, right.obs) for left, right in zip(before.lines, after.lines, strict=True)]

    assert any(left != right for left, right in told) or before.end != after.end


def test_a_program_that_the_words_name_is_in_the_catalogue():
    known = catalogue()
    said = [words().above, words().below, *(hunk.changed + hunk.unseen for hunk in HUNKS)]
    named = {name for text in said for name in re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", text)}

    assert named - set(known) - set(load_traits()) == set()


def test_each_word_in_which_the_two_kernels_differ_is_a_hunk_s():
    named = [word for hunk in HUNKS for word in hunk.words]

    assert sorted(named) == sorted(word.name for word in differing(load_profile(BEFORE), load_profile(AFTER)))
