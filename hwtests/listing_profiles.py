# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a profile?  Its kernel, where its observations come from, and in what it differs from the one before it."""

from __future__ import annotations

from importlib import resources
from typing import Any

from hwtests.listing_rules import values_row
from hwtests.recorded_seen import Table, read_seen
from hwtests.rules_coverage import profile_of
from simulator import Profile
from simulator.history import counterpart, differing, in_order


def profile_row(profile: Profile) -> dict[str, Any]:
    """`is`: what its file says above it; `kernels`: the targets whose traces are judged by it; `before`: the profile
    that it is told by, and the `words` in which it differs from that."""
    before = told_by(profile)
    return {
        "name": profile.name,
        "is": said(profile.name) or f"Linux {profile.release} on {profile.arch}.",
        "release": profile.release,
        "level": profile.level,
        "arch": profile.arch,
        "assumed": profile.assumed,
        "kernels": judged_by(profile, read_seen()),
        "before": before.name if before else "",
        "words": [values_row(word, before, profile) for word in differing(before, profile)] if before else [],
        "config": dict(profile.config),
    }


def told_by(profile: Profile) -> Profile | None:
    """The main architecture's profile for that of another one, else the kernel's before it."""
    if other := counterpart(profile):
        return other
    row = in_order(profile.arch)
    place = row.index(profile)
    return row[place - 1] if place else None


def judged_by(profile: Profile, seen: Table) -> list[str]:
    """The targets of which there are accepted traces that this profile speaks for."""
    levels = {target: one["level"] for on in seen.values() for target, one in on.items()}
    return sorted(target for target, level in levels.items() if profile_of(target, level) is profile)


def said(name: str) -> str:
    """The comment above the first entry of a profile's file."""
    text = resources.files("simulator").joinpath("profiles", f"{name}.toml").read_text("utf-8")
    lines = text.partition("\n")[2].splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    return " ".join(comment)
