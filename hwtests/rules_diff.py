# SPDX-License-Identifier: GPL-2.0-or-later
"""What differs between two kernels, by which commit, and which programs tell?

Two profiles differ in words. A program tells a word if the simulator's trace of it is another one when that word alone
has the other profile's value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hwtests.language import parse_file
from hwtests.language.settings import program_rules
from hwtests.listing_rules import change_row, values_row
from hwtests.on_sim import kinds
from hwtests.regions.traits import RegionTraits
from hwtests.simulated import Prepared
from hwtests.trace import Trace
from simulator import Profile
from simulator.catalogue import Word
from simulator.history import changes_between, differing

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Circumstance:
    """A program on one of the two kernels with regions of one kind, and what the simulator says there."""

    prepared: Prepared
    profile: Profile
    bound: Mapping[str, RegionTraits]
    seen: bytes
    rules: frozenset[str]
    alike: bool  # the other kernel's trace is the same

    def tells(self, word: Word, value: Any) -> bool:
        """Is the trace another one if this word alone has the other's value?"""
        if self.alike and not self.rules.intersection(word.rules):
            return False
        changed = dataclasses.replace(self.profile, **{word.name: value})
        return observed(self.prepared.simulate(changed, self.bound)) != self.seen


def diff_rows(a: Profile, b: Profile, programs: Mapping[str, Path]) -> list[dict[str, Any]]:
    """A row for each word in which `a` and `b` differ: listing_rules.values_row(), with the `changes` between
    them and the `programs` that tell, those about its rules first; then one for each configuration option."""
    words = differing(a, b)
    there = list(circumstances(a, b, programs)) if words else []
    return [word_row(word, a, b, there) for word in words] + config_rows(a, b)


def word_row(word: Word, a: Profile, b: Profile, there: Sequence[Circumstance]) -> dict[str, Any]:
    """The row of one word."""
    other = {a.name: getattr(b, word.name), b.name: getattr(a, word.name)}
    telling: dict[str, bool] = {}  # program -> is it about one of the word's rules?
    for one in there:
        if one.prepared.name not in telling and one.tells(word, other[one.profile.name]):
            telling[one.prepared.name] = bool(set(word.rules).intersection(program_rules(one.prepared.program)))
    return {
        **values_row(word, a, b),
        "changes": [change_row(change) for change in changes_between(word, a, b)],
        "programs": sorted(telling, key=lambda name: (not telling[name], name)),
    }


def config_rows(a: Profile, b: Profile) -> list[dict[str, Any]]:
    """The options in which the configurations differ that the profiles carry."""
    return [
        {"config": name, "a": a.config.get(name, "n"), "b": b.config.get(name, "n")}
        for name in sorted({*a.config, *b.config})
        if a.config.get(name, "n") != b.config.get(name, "n")
    ]


def circumstances(a: Profile, b: Profile, programs: Mapping[str, Path]) -> Iterator[Circumstance]:
    """Every program on either kernel, with the kinds of region that suit it."""
    for name, path in programs.items():
        prepared = Prepared(name, parse_file(path))
        traces = {
            (profile.name, kind): (profile, bound, prepared.simulate(profile, bound))
            for profile in (a, b)
            for kind, bound in suiting(prepared, profile)
        }
        for (on, kind), (profile, bound, trace) in traces.items():
            there = traces.get((b.name if on == a.name else a.name, kind))
            seen = observed(trace)
            rules = frozenset(rule for line in trace.lines for rule in line.rules)
            alike = there is None or observed(there[2]) == seen
            yield Circumstance(prepared, profile, bound, seen, rules, alike)


def suiting(prepared: Prepared, profile: Profile) -> Iterator[tuple[str, dict[str, RegionTraits]]]:
    """The kinds of region that a program is tried on, each with its name: the first that suits of those whose pages
    come to be mapped in one way; "" for a program of no region."""
    names = list(prepared.pages)
    ways: set[tuple[Any, ...]] = set()
    for traits in kinds(profile.level) if names else [None]:
        bound = {name: traits for name in names if traits is not None}
        way = (
            (traits.backing, traits.insert, traits.by, traits.writenotify, traits.has_file)
            if traits is not None
            else ()
        )
        if way not in ways and prepared.unmet(profile, bound) is None:
            ways.add(way)
            yield traits.kind if traits is not None else "", bound


def observed(trace: Trace) -> bytes:
    """All that the trace says was seen: the observations and the kernel's log."""
    return _encode([[line.obs for line in trace.lines], trace.end.klog if trace.end else []])
