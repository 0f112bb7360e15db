# SPDX-License-Identifier: GPL-2.0-or-later
"""Is every rule that the code names in the catalogue, and every one of the catalogue in the code?"""

import dataclasses
import re
from pathlib import Path

import pytest

from simulator.catalogue import rules
from simulator.profile import Profile, load_profile, profile_names

ROOM = Path(__file__).parent.parent
ID = re.compile(r'"([a-z][a-z-]*\.[a-z0-9-]+)"')


def named_in_code():
    return {id for path in ROOM.glob("*.py") if path.name != "catalogue.py" for id in ID.findall(path.read_text())}


def test_every_id_in_the_code_is_in_the_catalogue():
    assert named_in_code() - set(rules()) == set()


def test_every_rule_of_the_catalogue_is_in_the_code():
    assert set(rules()) - named_in_code() == set()


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_a_commit_is_cited_in_the_one_form(rule):
    assert rule.commit == "" or re.fullmatch(
        r'Linux kernel commit [0-9a-f]{10,12} \(".+"\) \(in v[\d.a-z-]+\)', rule.commit
    )


def test_conditions_speak_of_fields_of_a_profile():
    fields = {field.name for field in dataclasses.fields(Profile)}

    assert {name for rule in rules().values() for name in rule.when} - fields == set()


@pytest.mark.parametrize("rule", [rule for rule in rules().values() if rule.when], ids=lambda rule: rule.id)
def test_a_conditional_rule_holds_in_some_profile_and_not_in_all(rule):
    holds = {rule.holds_in(load_profile(name)) for name in profile_names()}

    assert holds == {True, False}
