# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rules does the specification consist of, and where does each come from?  (`rules/*.toml`)"""

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
    """One clause: `id`, one sentence, the kernel function, the commit ("" where none is known), its history.

    `when`: the words of a profile under which it can decide anything; empty: in every profile.
    """

    id: str
    says: str
    function: str
    commit: str
    history: str
    when: Mapping[str, Any]

    def holds_in(self, profile: Profile) -> bool:
        for name, value in self.when.items():
            if getattr(profile, name) != (tuple(value) if isinstance(value, list) else value):
                return False
        return True


@functools.cache
def rules() -> Mapping[str, Rule]:
    """Every rule by id, sorted; ValueError for one that is there twice or lacks its sentence or function."""
    found: dict[str, Rule] = {}
    folder = resources.files("simulator").joinpath("rules")
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        for id, data in tomllib.loads(entry.read_text("utf-8")).items():
            if id in found or "says" not in data or "function" not in data:
                raise ValueError(f"rules/{entry.name}: {id} is there twice, or has no `says` or `function`")
            found[id] = Rule(
                id=id,
                says=data["says"],
                function=data["function"],
                commit=data.get("commit", ""),
                history=data.get("history", ""),
                when=data.get("when", {}),
            )
    return dict(sorted(found.items()))
