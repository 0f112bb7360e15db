# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the specification consist of?  One row a rule: its sentence, its source, its profiles, its programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwtests.language import parse_file
from hwtests.language.promise import version
from hwtests.language.settings import program_rules
from simulator import Profile, load_profile, profile_names
from simulator.catalogue import Change, Rule, rules
from simulator.history import Stretch, stretches, words_of


def rule_rows(programs: Mapping[str, Path]) -> list[dict[str, Any]]:
    """`id`, `says`, `function`, `commit`, `history`, `profiles`, `programs` (those that are about it) of every rule."""
    by_rule: dict[str, list[str]] = {}
    for name, path in programs.items():
        for rule in program_rules(parse_file(path)):
            by_rule.setdefault(rule, []).append(name)
    profiles = all_profiles()
    return [rule_row(rule, by_rule.get(rule.id, []), profiles) for rule in rules().values()]


def rule_row(rule: Rule, programs: list[str], profiles: list[Profile]) -> dict[str, Any]:
    """The row of one rule."""
    return {
        "id": rule.id,
        "says": rule.says,
        "function": rule.function,
        "commit": rule.commit,
        "history": [stretch_row(stretch) for word in words_of(rule) for stretch in stretches(word)],
        "profiles": [profile.name for profile in profiles if rule.holds_in(profile)],
        "programs": programs,
    }


def stretch_row(stretch: Stretch) -> dict[str, Any]:
    """One value of one word over the profiles `first` to `last`, and what made it so."""
    return {
        "word": stretch.word.name,
        "arch": stretch.arch,
        "first": stretch.first.name,
        "last": stretch.last.name,
        "value": stretch.value,
        "means": stretch.word.means(stretch.value),
        "changes": [change_row(change) for change in stretch.changes],
    }


def change_row(change: Change) -> dict[str, Any]:
    """One change of a word: since which version, on which architecture, by which commit."""
    return {"since": change.since, "on": change.on, "commit": change.commit}


def all_profiles() -> list[Profile]:
    """Every profile, the oldest kernel first."""
    return sorted(map(load_profile, profile_names()), key=lambda profile: (version(profile.release), profile.name))
