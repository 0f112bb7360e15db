# SPDX-License-Identifier: GPL-2.0-or-later
"""What if a kernel's word were another's?  Every word of the profiles with every value that some profile gives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from hwtests.mutation.mutant import PROFILES, Key, Mutant
from simulator import Profile, load_profile, profile_names

#: Names and measures, which choose no variant of a rule.
NO_WORDS = frozenset({"name", "release", "level", "arch", "config", "assumed", "word", "arena", "task_size"})


def word_mutants() -> Iterator[Mutant]:
    """One mutant a word and pair of values: all profiles that have the first get the second."""
    profiles = [load_profile(name) for name in profile_names()]
    for field in dataclasses.fields(Profile):
        if field.name in NO_WORDS:
            continue
        values: list[Any] = []
        for profile in profiles:
            if (value := getattr(profile, field.name)) not in values:
                values.append(value)
        for before in values:
            for after in values:
                if before is not after:
                    key = Key(PROFILES, field.name, repr(before), repr(after), 1)
                    yield Mutant(key, "word", 0, change=(before, after))
