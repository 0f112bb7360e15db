# SPDX-License-Identifier: GPL-2.0-or-later
"""In which order do the kernels come, and what differs between one and the next?

A rule has no history of its own: it is the values of the words that decide it, over the profiles.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from simulator.catalogue import Change, Rule, Word, words
from simulator.profile import Profile, load_profile, profile_names
from simulator.version import order

MAIN = "x86_64"  # the architecture that the others are told by


@functools.cache
def in_order(arch: str = MAIN) -> tuple[Profile, ...]:
    """The profiles of one architecture, the oldest kernel first."""
    of_arch = [profile for profile in map(load_profile, profile_names()) if profile.arch == arch]
    return tuple(sorted(of_arch, key=lambda profile: (order(profile.level), profile.name)))


@functools.cache
def arches() -> tuple[str, ...]:
    """Every architecture that a profile is of, the main one first."""
    return (MAIN, *sorted({load_profile(name).arch for name in profile_names()} - {MAIN}))


def counterpart(profile: Profile) -> Profile | None:
    """The main architecture's profile of the same release; None for one of its own, or where there is none."""
    if profile.arch == MAIN:
        return None
    return next((other for other in in_order() if other.release == profile.release), None)


def neighbours() -> Iterator[tuple[Profile, Profile]]:
    """Every profile with the one before it of its architecture, and with the main architecture's of its release."""
    for arch in arches():
        yield from pairwise(in_order(arch))
        for profile in in_order(arch):
            if other := counterpart(profile):
                yield other, profile


def differing(a: Profile, b: Profile) -> list[Word]:
    """The words whose values are not the same in both."""
    return [word for word in words().values() if getattr(a, word.name) != getattr(b, word.name)]


def changes_between(word: Word, a: Profile, b: Profile) -> list[Change]:
    """What changed a word between two profiles, in the order that it has in the file.

    Of one architecture: what lies after the older one's level and up to the newer one's. Of two: what the one that is
    not the main architecture has of its own, and what lies between the two levels.
    """
    first, last = sorted((order(a.level), order(b.level)))
    others = {profile.arch for profile in (a, b)} - {MAIN} if a.arch != b.arch else set()
    found = []
    for change in word.changes:
        dated = order(change.since) if change.since else ()
        if change.on in others:
            relevant = dated <= last
        else:
            relevant = bool(dated) and change.on in ("", a.arch) and first < dated <= last
        if relevant:
            found.append(change)
    return found


def explains(change: Change, a: Any, b: Any) -> bool:
    """Does a change lead to the value `b` (of a list: is it a part of the way from `a` to `b`)?"""
    if not change.adds and not change.drops:
        return bool(change.to == b)
    return set(change.adds) <= set(b) - set(a) and set(change.drops) <= set(a) - set(b)


def words_of(rule: Rule) -> list[Word]:
    """The words that decide a rule, in the order of the file."""
    return [word for word in words().values() if rule.id in word.rules]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Profiles of one architecture, one after the other, with the same value of a word, and what made it so."""

    word: Word
    arch: str
    first: Profile
    last: Profile
    value: Any
    changes: tuple[Change, ...]


def stretches(word: Word) -> list[Stretch]:
    """Every value of a word over the kernels: the main architecture's, then where the others differ from it."""
    found: list[Stretch] = []
    for arch in arches():
        before: Profile | None = None
        for profile in in_order(arch):
            value = getattr(profile, word.name)
            other = counterpart(profile)
            if other is not None and getattr(other, word.name) == value:
                before = None
                continue
            if before is not None and found and found[-1].last is before and found[-1].value == value:
                found[-1] = dataclasses.replace(found[-1], last=profile)
            else:
                found.append(Stretch(word, arch, profile, profile, value, _made(word, before or other, profile)))
            before = profile
    return found


def _made(word: Word, before: Profile | None, profile: Profile) -> tuple[Change, ...]:
    if before is None:
        return ()
    was, value = getattr(before, word.name), getattr(profile, word.name)
    between = changes_between(word, before, profile)
    return tuple([change for change in between if explains(change, was, value)] or between)
