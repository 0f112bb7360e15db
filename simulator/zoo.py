# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernels of this area's history had a known defect, and how does one show?

A defect (`profiles/zoo/*.toml`) is a healthy profile with a few words changed to what a faulty kernel did. It is there
to be caught: `program` names the program of the catalogue whose promise breaks on it. No kernel is ever taken for one.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from simulator.profile import Profile, load_profile

ZOO = "zoo/"


@dataclass(frozen=True, slots=True)
class Defect:
    """`defect`: what is wrong, with its commit or CVE. `affected`: the versions that have it.

    `program`: what catches it: a promise of it breaks. `base` is the healthy profile; `words` are those that differ
    from it, with the defect's values.
    """

    name: str
    base: str
    defect: str
    affected: str
    program: str
    words: Mapping[str, Any]

    @property
    def profile(self) -> Profile:
        return load_profile(ZOO + self.name)


@functools.cache
def zoo_names() -> tuple[str, ...]:
    """Names of the defects there are, sorted."""
    folder = resources.files("simulator").joinpath("profiles", "zoo")
    return tuple(sorted(entry.name[: -len(".toml")] for entry in folder.iterdir() if entry.name.endswith(".toml")))


@functools.cache
def defect(name: str) -> Defect:
    """The defect of that name; ValueError for an unknown one, or one that says nothing or changes nothing."""
    if name not in zoo_names():
        raise ValueError(f"no defect {name!r}; there are: {', '.join(zoo_names())}")
    text = resources.files("simulator").joinpath("profiles", "zoo", f"{name}.toml").read_text("utf-8")
    said = {key: str(tomllib.loads(text).get(key, "")) for key in ("inherits", "defect", "affected", "program")}
    if lacking := [key for key, value in said.items() if not value]:
        raise ValueError(f"defect {name}: {lacking[0]} is missing")
    base, faulty = load_profile(said["inherits"]), load_profile(ZOO + name)
    names = [field.name for field in dataclasses.fields(Profile) if field.name not in ("name", "assumed", "config")]
    words = {word: getattr(faulty, word) for word in names if getattr(faulty, word) != getattr(base, word)}
    if not words:
        raise ValueError(f"defect {name}: no word of it differs from {base.name}")
    return Defect(name, base.name, said["defect"], said["affected"], said["program"], words)
