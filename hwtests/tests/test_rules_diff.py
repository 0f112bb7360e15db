# SPDX-License-Identifier: GPL-2.0-or-later
"""What differs between two kernels is told with its commit, and with the programs that show it."""

from __future__ import annotations

import json

import pytest

from hwtests.cli.main import main
from hwtests.listing_rules import profile_called
from hwtests.rules_diff import diff_rows
from hwtests.selection import catalogue
from simulator import load_profile

SOME = {name: path for name, path in catalogue().items() if name in ("smaps-misses-the-copy", "pgoff-is-pfn")}


def differences(a, b, programs=SOME):
    return {row.get("word"): row for row in diff_rows(load_profile(a), load_profile(b), programs)}


def test_a_program_tells_the_word_that_changes_its_trace():
    found = differences("x86_64-6.1", "x86_64-6.12")

    assert found["smaps_pfnmap"]["programs"] == ["smaps-misses-the-copy"]
    assert found["populate_hole"]["programs"] == []


def test_a_difference_has_both_values_and_the_commit_between():
    row = differences("x86_64-6.1", "x86_64-6.12", {})["smaps_pfnmap"]

    assert (row["a"]["value"], row["b"]["value"]) == ("skipped", "walked")
    assert [change["since"] for change in row["changes"]] == ["6.2"]
    assert "c31783eeae7b" in row["changes"][0]["commit"]


def test_an_architecture_differs_by_what_it_lacks():
    found = differences("x86_64-6.12", "uml-6.12", {})

    assert [change["on"] for change in found["raw_rule"]["changes"]] == ["um"]


def test_options_of_the_configuration_are_told_too():
    rows = diff_rows(load_profile("x86_64-6.12"), load_profile("uml-6.12"), {})

    assert {"config": "CONFIG_KSM", "a": "y", "b": "n"} in rows


def test_a_profile_does_not_differ_from_itself():
    assert differences("x86_64-6.1", "x86_64-6.1") == {}


@pytest.mark.parametrize(
    ("said", "name"), [("6.1", "x86_64-6.1"), ("um-6.1", "uml-6.1"), ("unpaged", "unpaged"), ("6.2", None)]
)
def test_a_profile_is_called_by_its_release_too(said, name):
    found = profile_called(said)

    assert (found and found.name) == name


@pytest.mark.slow
def test_the_command_tells_every_difference(capsys):
    assert main(["rules", "--diff", "6.1", "6.12"]) == 0
    text = capsys.readouterr().out

    assert text.startswith("x86_64-6.1 and x86_64-6.12 differ in")
    assert {"smaps_pfnmap", "rss_lag_pages"} <= set(text.splitlines())
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "c31783eeae7b" in text
    assert "smaps-misses-the-copy" in text


def test_differences_come_as_data_too(capsys, monkeypatch):
    monkeypatch.setattr("hwtests.cli.rules.catalogue", lambda: SOME)
    assert main(["rules", "--diff", "6.1", "6.12", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["a"], told["b"]) == ("x86_64-6.1", "x86_64-6.12")
    assert {"smaps_pfnmap", "rss_lag_pages"} <= {row.get("word") for row in told["differences"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rules", "--diff", "6.1", "6.99"], "no profile '6.99'"),
        (["rules", "--branches"], "--branches says more of --coverage"),
        (["rules", "--diff", "6.1", "6.12", "--coverage"], "not allowed with"),
        (["explain", "no-such-thing"], "no rule, word, profile or program"),
    ],
)
def test_what_is_not_known_is_wrong_usage(words, message, capsys):
    assert main(words) == 5
    assert message in capsys.readouterr().err
