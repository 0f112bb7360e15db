# SPDX-License-Identifier: GPL-2.0-or-later
"""Is every word of a profile explained, and every difference between neighbouring kernels accounted for?"""

import dataclasses
import re

import pytest

from simulator.catalogue import rules, words
from simulator.history import changes_between, differing, explains, in_order, neighbours, words_of
from simulator.profile import Profile, load_profile, profile_names
from simulator.version import order
from simulator.zoo import ZOO, zoo_names

#: What of a profile no rule is chosen by: which kernel it is, and the machine's measures.
NO_WORDS = {"name", "release", "level", "arch", "config", "assumed", "word", "arena", "task_size"}
#: Of a zoo's profile.
DEFECT = {"defect", "affected", "program"}
FIELDS = [field.name for field in dataclasses.fields(Profile) if field.name not in NO_WORDS | DEFECT]
COMMIT = re.compile(r'Linux kernel commit [0-9a-f]{12} \(".+"\) \(in v[\d.a-z-]+\)')
VERSION = re.compile(r"\bv?[2-9]\.\d")


def test_every_field_has_a_word_and_every_word_a_field():
    assert set(words()) == set(FIELDS)


@pytest.mark.parametrize("word", words().values(), ids=lambda word: word.name)
def test_every_value_that_a_profile_has_is_explained(word):
    for profile in map(load_profile, profile_names()):
        value = getattr(profile, word.name)
        assert isinstance(value, tuple) == bool(word.each)
        assert word.each or word.means(value), f"{word.name} of {profile.name}: {value}"


@pytest.mark.parametrize("word", words().values(), ids=lambda word: word.name)
def test_every_value_that_is_explained_is_a_profile_s_or_a_defect_s_or_came_between(word):
    names = [*profile_names(), *(ZOO + name for name in zoo_names())]
    had = {str(getattr(load_profile(name), word.name)).lower() for name in names}
    had |= {str(change.to).lower() for change in word.changes}

    assert {value.lower() for value in word.values} - had == set()


@pytest.mark.parametrize("word", words().values(), ids=lambda word: word.name)
def test_a_word_chooses_between_variants_of_rules_that_there_are(word):
    assert word.rules
    assert set(word.rules) - set(rules()) == set()


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_a_rule_is_decided_by_the_words_of_its_condition(rule):
    assert set(rule.when) <= {word.name for word in words_of(rule)}


@pytest.mark.parametrize(
    ("a", "b", "name"),
    [(a, b, word.name) for a, b in neighbours() for word in differing(a, b)],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_difference_between_neighbours_has_a_change(a, b, name):
    word = words()[name]
    between = changes_between(word, a, b)
    before, after = getattr(a, name), getattr(b, name)
    if order(a.level) > order(b.level) and not any(change.on for change in between):
        before, after = after, before  # of one series, but another level
    accounted = [change for change in between if explains(change, before, after)]

    assert accounted, f"{before} in {a.name}, {after} in {b.name}, and words.toml says not why"
    if word.each:
        assert {one for change in accounted for one in change.adds} == set(after) - set(before)
        assert {one for change in accounted for one in change.drops} == set(before) - set(after)
    else:
        assert between[-1] is accounted[-1]


@pytest.mark.parametrize("word", words().values(), ids=lambda word: word.name)
def test_changes_come_in_the_order_of_the_kernels_and_have_a_source_with_a_version(word):
    dated = [order(change.since) for change in word.changes if change.since and not change.on]

    assert dated == sorted(dated)
    for change in word.changes:
        assert COMMIT.search(change.commit) or VERSION.search(change.commit)


def test_the_kernels_come_in_their_order():
    names = [profile.name for profile in in_order()]
    some = ["2.6.14", "unpaged", "2.6.15-rc3", "2.6.15", "x86_64-5.10", "x86_64-6.1", "x86_64-7.3"]

    assert [name for name in names if name in some] == some
