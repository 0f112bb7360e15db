# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rules does the specification consist of, and which words choose between their variants?

`rules/*.toml` and `words.toml`; docs/internals.md section 6 says what each may hold.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from simulator.profile import Profile


@dataclass(frozen=True, slots=True)
class Rule:
    """One clause: `id`, one sentence, the kernel function, the commit ("" where none is known).

    `when`: the words of a profile under which it can decide anything; empty: in every profile.
    `unseen`: why no program is about it, or why no kernel in reach can be seen to keep it; else "".
    """

    id: str
    says: str
    function: str
    commit: str
    when: Mapping[str, Any]
    unseen: str

    def holds_in(self, profile: Profile) -> bool:
        for name, value in self.when.items():
            if getattr(profile, name) != (tuple(value) if isinstance(value, list) else value):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Change:
    """Why a kernel has another value of a word than the one before it (`since`), or than x86_64's has (`on`).

    `to`: the new value; of a list, `adds` and `drops` instead. `since`: the version that has it, "" where `on` says it
    all. `commit`: its commit, or what shows it and between which versions it lies.
    """

    to: Any
    adds: tuple[Any, ...]
    drops: tuple[Any, ...]
    since: str
    on: str
    commit: str


@dataclass(frozen=True, slots=True)
class Word:
    """One field of `Profile`: what it asks, where the kernel answers, the rules whose variants it chooses.

    `values`: a phrase for each value, by `spelled()`; of a list, `each` says what its elements are.
    """

    name: str
    says: str
    function: str
    rules: tuple[str, ...]
    values: Mapping[str, str]
    each: str
    changes: tuple[Change, ...]

    def means(self, value: Any) -> str:
        """The phrase for a value, "" for a list's or one that is not explained."""
        return self.values.get(spelled(value), "")


def spelled(value: Any) -> str:
    """A value of a word as TOML and tables have it: `true`, `63`, `cow`, `io pf`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return str(value)


@functools.cache
def rules() -> Mapping[str, Rule]:
    """Every rule by id, sorted; ValueError for one that is there twice, or that has too little or too much."""
    found: dict[str, Rule] = {}
    folder = resources.files("simulator").joinpath("rules")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        for id, data in tomllib.loads(entry.read_text("utf-8")).items():
            if id in found:
                raise ValueError(f"rules/{entry.name}: {id} is there twice")
            _check(f"rules/{entry.name}: {id}", data, {"says", "function"}, {"commit", "when", "unseen"})
            found[id] = Rule(
                id=id,
                says=data["says"],
                function=data["function"],
                commit=data.get("commit", ""),
                when=data.get("when", {}),
                unseen=data.get("unseen", ""),
            )
    return dict(sorted(found.items()))


@functools.cache
def words() -> Mapping[str, Word]:
    """Every word by name, in the order of the file; ValueError for one that has too little or too much."""
    text = resources.files("simulator").joinpath("words.toml").read_text("utf-8")
    return {name: _word(name, data) for name, data in tomllib.loads(text).items()}


def _word(name: str, data: Mapping[str, Any]) -> Word:
    _check(f"words.toml: {name}", data, {"says", "function", "rules"}, {"values", "each", "changes"})
    if ("values" in data) == ("each" in data):
        raise ValueError(f"words.toml: {name} has neither or both of `values` and `each`")
    return Word(
        name=name,
        says=data["says"],
        function=data["function"],
        rules=tuple(data["rules"]),
        values=data.get("values", {}),
        each=data.get("each", ""),
        changes=tuple(_change(name, change) for change in data.get("changes", [])),
    )


def _change(name: str, data: Mapping[str, Any]) -> Change:
    _check(f"words.toml: a change of {name}", data, {"commit"}, {"to", "adds", "drops", "in", "on"})
    if ("to" in data) == bool({"adds", "drops"} & data.keys()) or not {"in", "on"} & data.keys():
        raise ValueError(f"words.toml: a change of {name} wants `to`, or `adds` and `drops`; and `in` or `on`")
    return Change(
        to=tuple(data["to"]) if isinstance(data.get("to"), list) else data.get("to"),
        adds=tuple(data.get("adds", ())),
        drops=tuple(data.get("drops", ())),
        since=data.get("in", ""),
        on=data.get("on", ""),
        commit=data["commit"],
    )


def _check(what: str, data: Mapping[str, Any], needed: set[str], allowed: set[str]) -> None:
    if lacking := needed - data.keys():
        raise ValueError(f"{what} has no {', '.join(sorted(lacking))}")
    if unknown := data.keys() - needed - allowed:
        raise ValueError(f"{what} has an unknown {', '.join(sorted(unknown))}")
