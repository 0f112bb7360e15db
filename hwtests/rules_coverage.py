# SPDX-License-Identifier: GPL-2.0-or-later
"""How far is the specification exercised, and how far was it seen to hold on real kernels?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hwtests.language import parse_file
from hwtests.on_sim import Shown, circumstances
from hwtests.recorded_seen import Table, rules_of
from hwtests.simulated import Prepared
from simulator import Profile, profile_for
from simulator.catalogue import rules
from simulator.history import MAIN, in_order, order


def exercised(programs: Mapping[str, Path]) -> dict[str, list[str]]:
    """Rule -> the programs whose simulated trace cites it, on some profile and region."""
    found: dict[str, list[str]] = {}
    for name, path in programs.items():
        cited: set[str] = set()
        prepared = Prepared(name, parse_file(path))
        for profile, bound in circumstances(prepared, Shown(), ()):
            cited |= rules_of(prepared.simulate(profile, bound))
        for rule in cited:
            found.setdefault(rule, []).append(name)
    return found


def coverage_rows(by: Mapping[str, list[str]], seen: Table, reach: Iterable[Profile]) -> list[dict[str, Any]]:
    """A row for each rule: `programs` that exercise it, `kernels` that were seen to keep it, whether it can decide
    anything `in_reach` (profiles of kernels that can be had), and `unseen`, why it was not seen."""
    in_reach = list(reach)
    return [
        {
            "id": rule.id,
            "programs": by.get(rule.id, []),
            "kernels": sorted(seen.get(rule.id, {})),
            "in_reach": any(rule.holds_in(profile) for profile in in_reach),
            "unseen": rule.unseen,
        }
        for rule in rules().values()
    ]


def reached(seen: Table) -> list[Profile]:
    """The profiles of the kernels that there is a trace of."""
    kernels = {(target, entry["level"]) for on in seen.values() for target, entry in on.items()}
    found = {profile.name: profile for profile in (profile_of(*kernel) for kernel in kernels)}
    return sorted(found.values(), key=lambda profile: (order(profile.level), profile.name))


def profile_of(target: str, level: str) -> Profile:
    """The profile of a target's kernel, by its architecture and level."""
    arch = "um" if "uml" in target else "armv7l" if target.endswith("armhf") else MAIN
    exact = [profile for profile in in_order(arch) if profile.level == level]
    return exact[0] if exact else profile_for(level, arch)[0]


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many rules there are, are exercised, hold on a kernel in reach, and were seen on one."""
    in_reach = [row for row in rows if row["in_reach"]]
    return {
        "rules": len(rows),
        "exercised": sum(1 for row in rows if row["programs"]),
        "in_reach": len(in_reach),
        "seen": sum(1 for row in in_reach if row["kernels"]),
    }
