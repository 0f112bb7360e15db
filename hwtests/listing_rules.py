# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the specification consist of?  One row a rule, a word, a profile: all that `pfnlab explain` tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hwtests.language import parse_file
from hwtests.language.settings import program_rules
from hwtests.recorded_seen import Table, read_seen
from simulator import Profile, load_profile
from simulator.catalogue import Change, Rule, Word, rules
from simulator.history import Stretch, arches, in_order, stretches, words_of


def rule_rows(programs: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The row of every rule; `programs` are those of the catalogue."""
    by_rule = naming(programs)
    seen = read_seen()
    return [rule_row(rule, by_rule.get(rule.id, []), seen) for rule in rules().values()]


def naming(programs: Mapping[str, Path]) -> dict[str, list[str]]:
    """Rule -> the programs that are about it."""
    by_rule: dict[str, list[str]] = {}
    for name, path in programs.items():
        for rule in program_rules(parse_file(path)):
            by_rule.setdefault(rule, []).append(name)
    return by_rule


def rule_row(rule: Rule, programs: list[str], seen: Table) -> dict[str, Any]:
    """`history`: its words' values over the profiles; `profiles` that it holds in, and `others`; `programs` that are
    about it; `seen`: the targets whose recorded traces keep it."""
    return {
        "id": rule.id,
        "says": rule.says,
        "function": rule.function,
        "commit": rule.commit,
        "history": [stretch_row(stretch) for word in words_of(rule) for stretch in stretches(word)],
        "profiles": [profile.name for profile in all_profiles() if rule.holds_in(profile)],
        "others": [profile.name for profile in all_profiles() if not rule.holds_in(profile)],
        "programs": programs,
        "seen": seen.get(rule.id, {}),
        "unseen": rule.unseen,
    }


def word_row(word: Word) -> dict[str, Any]:
    """A word of the profiles: its values and their history."""
    return {
        "word": word.name,
        "says": word.says,
        "function": word.function,
        "rules": list(word.rules),
        "values": dict(word.values),
        "each": word.each,
        "history": [stretch_row(stretch) for stretch in stretches(word)],
    }


def stretch_row(stretch: Stretch) -> dict[str, Any]:
    """One value of one word over the profiles `first` to `last`, and what made it so."""
    return {
        "word": stretch.word.name,
        "says": stretch.word.says,
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


def values_row(word: Word, a: Profile, b: Profile) -> dict[str, Any]:
    """One word in which two profiles differ, with both values and what they mean."""
    first, second = getattr(a, word.name), getattr(b, word.name)
    return {
        "word": word.name,
        "says": word.says,
        "function": word.function,
        "rules": list(word.rules),
        "a": {"value": first, "means": word.means(first)},
        "b": {"value": second, "means": word.means(second)},
    }


def all_profiles() -> list[Profile]:
    """Every profile: of the main architecture the oldest kernel first, then of the others."""
    return [profile for arch in arches() for profile in in_order(arch)]


def profile_called(name: str) -> Profile | None:
    """The profile of that name, or of the main architecture's kernel `6.1`; a defect's as `zoo/NAME` or `NAME`."""
    from simulator.zoo import zoo_names

    named: Iterable[str] = [profile.name for profile in all_profiles()]
    for full in (name, f"x86_64-{name}", name.replace("um-", "uml-", 1)):
        if full in named:
            return load_profile(full)
    short = name.removeprefix("zoo/")
    return load_profile(f"zoo/{short}") if short in zoo_names() else None
