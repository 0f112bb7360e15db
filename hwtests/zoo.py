# SPDX-License-Identifier: GPL-2.0-or-later
"""Is each known defect caught?  The program that a defect names, simulated on the faulty kernel and on the healthy one.

`python -m hwtests.zoo docs/zoo.md` writes the table of docs/zoo.md, between its markers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hwtests.language import parse_file
from hwtests.on_sim import kinds
from hwtests.promises import Kept, check_promises
from hwtests.regions.traits import RegionTraits
from hwtests.simulated import Prepared
from hwtests.trace import Trace
from simulator import Profile, load_profile
from simulator.catalogue import spelled
from simulator.zoo import Defect, defect, zoo_names

BEGIN, END = "<!-- zoo: generated -->\n", "\n<!-- zoo: end -->"


@dataclass(frozen=True, slots=True)
class Caught:
    """What became of a defect's program. `regions`: where it makes sense on the healthy kernel; `healthy`: the promises
    that break there; `faulty`: those that break on the faulty one, with the region."""

    defect: Defect
    regions: tuple[str, ...]
    healthy: tuple[tuple[str, Kept], ...]
    faulty: tuple[tuple[str, Kept], ...]

    @property
    def first(self) -> Kept:
        """The promise that gives it away."""
        return self.faulty[0][1]


def caught(name: str, programs: Mapping[str, Path]) -> Caught:
    """Simulate the program that the defect `name` names, on every kind of region that suits it. Raises KeyError."""
    one = defect(name)
    prepared = Prepared(one.program, parse_file(programs[one.program]))
    base = load_profile(one.base)
    bindings = [bound for bound in _bindings(prepared, base) if prepared.unmet(base, bound) is None]
    return Caught(
        one,
        tuple(next(iter(bound.values())).kind if bound else "" for bound in bindings),
        tuple(_broken(prepared, base, bindings)),
        tuple(_broken(prepared, one.profile, bindings)),
    )


def _bindings(prepared: Prepared, profile: Profile) -> Iterator[Mapping[str, RegionTraits]]:
    if not prepared.pages:
        yield {}
        return
    for traits in kinds(profile.level):
        yield dict.fromkeys(prepared.pages, traits)


def _broken(
    prepared: Prepared, profile: Profile, bindings: list[Mapping[str, RegionTraits]]
) -> Iterator[tuple[str, Kept]]:
    for bound in bindings:
        trace = prepared.simulate(profile, bound)
        region = next(iter(bound.values())).kind if bound else ""
        yield from ((region, kept) for kept in _promises(prepared, trace) if kept.held is False)


def _promises(prepared: Prepared, trace: Trace) -> list[Kept]:
    return list(check_promises(prepared.compiled, trace, "simulator"))


def table(programs: Mapping[str, Path]) -> str:
    """The table of docs/zoo.md: what is wrong, in which kernels, by which words, and which promise breaks."""
    rows = ["| defect | kernels | words | caught by | the promise that breaks |", "|---|---|---|---|---|"]
    for name in zoo_names():
        found = caught(name, programs)
        one, kept = found.defect, found.first
        words = ", ".join(f"`{word}` = `{spelled(value)}`" for word, value in one.words.items())
        what = f"line {kept.line}, `{kept.text}`: {kept.field}={kept.found} instead of {kept.promised}"
        cells = (f"**{name}**: {one.defect}", one.affected, f"{one.base} with {words}", f"`{one.program}`", what)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def filled(page: str, programs: Mapping[str, Path]) -> str:
    """The page with its table as it must be. Raises ValueError when a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("no markers for the table of defects")
    return before + begin + table(programs) + end + after


if __name__ == "__main__":
    from hwtests.selection import catalogue

    for argument in sys.argv[1:]:
        path = Path(argument)
        path.write_text(filled(path.read_text(encoding="utf-8"), catalogue()), encoding="utf-8")
