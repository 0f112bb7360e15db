# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule, a word, a profile is told in 80 columns, with its source, history, programs and kernels it was seen on."""

from __future__ import annotations

import json

import pytest

from hwtests.cli.main import main
from hwtests.explaining import kernels, profile_lines, rule_lines, several, spans, word_lines
from hwtests.listing_profiles import profile_row
from hwtests.listing_rules import all_profiles, rule_row, word_row
from hwtests.recorded_seen import read_seen
from simulator.catalogue import rules, words

SEEN = read_seen()
RULE = "remap.pgoff-is-pfn"


def told(name, capsys):
    assert main(["explain", name]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_every_rule_is_told_in_eighty_columns(rule):
    assert all(len(line) <= 80 for line in rule_lines(rule_row(rule, ["a-program"], SEEN)))


@pytest.mark.parametrize("word", words().values(), ids=lambda word: word.name)
def test_every_word_is_told_in_eighty_columns(word):
    assert all(len(line) <= 80 for line in word_lines(word_row(word)))


@pytest.mark.parametrize("profile", all_profiles(), ids=lambda profile: profile.name)
def test_every_profile_is_told_in_eighty_columns(profile):
    lines = profile_lines(profile_row(profile))

    assert all(len(line) <= 80 for line in lines)
    assert f"  release   {profile.release}" in lines


@pytest.mark.slow
def test_a_rule_has_source_commit_history_programs_and_kernels(capsys):
    text = " ".join(told(RULE, capsys).split())

    assert "source mm/memory.c remap_pfn_range()" in text
    assert "commit Linux kernel commit 6aab341e0a28" in text
    assert "2.6.14 to unpaged: none" in text
    assert "cow mappings only" in text
    assert "pgoff-is-pfn" in text
    assert "uml 5.10.46" in text


@pytest.mark.slow
def test_a_rule_as_json_has_the_history_as_data(capsys):
    assert main(["explain", RULE, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)

    assert row["history"][0]["value"] == "never"
    assert row["history"][-1]["last"] == "x86_64-7.3"
    assert row["seen"]["uml:6.12"]["traces"] > 0


def test_a_word_has_its_values_and_their_history(capsys):
    text = " ".join(told("smaps_pfnmap", capsys).split())

    assert "values walked: it does" in text
    assert "x86_64-5.10 to x86_64-6.1: it does not" in text


def test_a_profile_has_what_it_differs_in_from_the_one_before(capsys):
    text = " ".join(told("6.12", capsys).split())

    assert "differs from x86_64-6.1 in:" in text
    assert "smaps_pfnmap: skipped" in text


def test_a_long_list_is_cut_and_counted():
    assert several(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert several(["a", "b", "c"], 2) == "a, b, c"


def test_lines_in_order_are_told_as_runs():
    assert spans([1, 3, 4, 5, 9]) == ["1", "3-5", "9"]


def test_kernels_are_told_by_how_they_were_run():
    seen = {
        "golden:2.6.14": {"release": "2.6.14", "level": "2.6.14"},
        "qemu:6.1-armhf": {"release": "6.1.0", "level": "6.1.176"},
        "host": {"release": "6.18.44", "level": ""},
    }

    assert kernels(seen) == "host 6.18.44; qemu 6.1.176-armhf; golden 2.6.14"
