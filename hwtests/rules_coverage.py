# SPDX-License-Identifier: GPL-2.0-or-later
"""How far is the specification exercised, and how far was it seen to hold on real kernels?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwtests.language import parse_file
from hwtests.on_sim import Shown, circumstances
from hwtests.recorded_seen import GOLDEN, Table, rules_of
from hwtests.simulated import Prepared
from simulator import Profile, profile_for
from simulator.catalogue import rules
from simulator.history import MAIN, in_order
from simulator.version import order


@dataclass
class Exercised:
    """Which programs have a simulated trace that cites a rule, and on which profiles."""

    programs: list[str] = field(default_factory=list)
    profiles: set[str] = field(default_factory=set)


def exercised(programs: Mapping[str, Path]) -> dict[str, Exercised]:
    """What the programs exercise, rule by rule, on every profile and region that they make sense with."""
    found: dict[str, Exercised] = {}
    for name, path in programs.items():
        prepared = Prepared(name, parse_file(path))
        for profile, bound in circumstances(prepared, Shown(), ()):
            for rule in rules_of(prepared.simulate(profile, bound)):
                one = found.setdefault(rule, Exercised())
                one.profiles.add(profile.name)
                if name not in one.programs[-1:]:
                    one.programs.append(name)
    return found


def coverage_rows(by: Mapping[str, Exercised], seen: Table, reach: Iterable[Profile]) -> list[dict[str, Any]]:
    """A row for each rule: `programs` that exercise it, `profiles` on which they do; `kernels` that were seen to keep
    it; whether it is exercised `in_reach`, on the profile of a kernel that can be had; `unseen`, why none was."""
    near = {profile.name for profile in reach}
    rows = []
    for rule in rules().values():
        one = by.get(rule.id, Exercised())
        rows.append(
            {
                "id": rule.id,
                "programs": one.programs,
                "profiles": sorted(one.profiles),
                "kernels": sorted(seen.get(rule.id, {})),
                "in_reach": bool(near & one.profiles),
                "unseen": rule.unseen or ("" if near & one.profiles else _beyond(one)),
            }
        )
    return rows


def _beyond(one: Exercised) -> str:
    return (
        f"it decides on {', '.join(sorted(one.profiles))} only, and no such kernel is in reach" if one.profiles else ""
    )


def reached(seen: Table) -> list[Profile]:
    """The profiles of the kernels in reach: those that ran the catalogue (golden records are of others too)."""
    kernels = {
        (target, entry["level"])
        for on in seen.values()
        for target, entry in on.items()
        if not target.startswith(GOLDEN)
    }
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
