# SPDX-License-Identifier: GPL-2.0-or-later
"""What did the commit change, hunk by hunk, and what does a program see of it?  Makes docs/commit.md.

The words are in commit.toml; the traces are the simulator's, of the commit's parent and of the commit.
`python -m hwtests.commit_page` writes the page anew.
"""

from __future__ import annotations

import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

from hwtests.language import parse_file
from hwtests.regions.traits import RegionTraits, load_traits
from hwtests.report.text import fields
from hwtests.selection import catalogue
from hwtests.simulated import Prepared
from hwtests.trace import Line, Trace
from simulator import load_profile

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "commit.md"
BEFORE, AFTER = "unpaged", "2.6.15-rc3"
WIDTH = 100
OPERATION = 28  # columns of the operation; the rest is halved


@dataclass(frozen=True, slots=True)
class Seen:
    """A program that tells the commit from its parent, and the kind of region that it is shown on."""

    program: str
    region: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change: where, what changed in it, the words of the profiles that say so, what programs see of it, and, where
    they see nothing, why."""

    file: str
    function: str
    changed: str
    words: tuple[str, ...]
    seen: tuple[Seen, ...]
    unseen: str


@dataclass(frozen=True, slots=True)
class Words:
    """The page's words: what stands above and below the hunks, and these."""

    above: str
    below: str
    hunks: tuple[Hunk, ...]


@cache
def words(path: Path = HERE / "commit.toml") -> Words:
    """Reads commit.toml."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    hunks = tuple(
        Hunk(
            one["file"],
            one["function"],
            one["changed"],
            tuple(one.get("words", ())),
            tuple(Seen(program, region) for program, region in one.get("seen", {}).items()),
            one.get("unseen", ""),
        )
        for one in data["hunk"]
    )
    return Words(data["above"], data["below"], hunks)


def prepared(name: str) -> Prepared:
    """A program of the catalogue by name."""
    return Prepared(name, parse_file(catalogue()[name]))


def traces(seen: Seen) -> tuple[Trace, Trace]:
    """What the simulator says of a program before the commit and after it. Raises ValueError: it does not run there."""
    program = prepared(seen.program)
    found = []
    for name in (BEFORE, AFTER):
        profile = load_profile(name)
        bound: Mapping[str, RegionTraits] = {one: load_traits()[seen.region] for one in program.pages}
        if unmet := program.unmet(profile, bound):
            raise ValueError(f"{seen.program} on {seen.region}, {name}: needs {unmet.needs}, found {unmet.found}")
        found.append(program.simulate(profile, bound))
    return found[0], found[1]


def page() -> str:
    """The whole page."""
    said = words()
    out = ["<!-- SPDX-License-Identifier: GPL-2.0-or-later -->", "", *_wrapped(said.above), ""]
    for hunk in said.hunks:
        out += _hunk(hunk)
    links = dict.fromkeys(seen.program for hunk in said.hunks for seen in hunk.seen)
    return "\n".join([*out, *_wrapped(said.below), "", *_links(links)]) + "\n"


def _links(names: Iterable[str]) -> Iterator[str]:
    # Where the programs are; a destination may stand on a line of its own.
    for name in names:
        path = catalogue()[name]
        yield from (f"[`{name}`]:", f"../hwtests/catalogue/{path.parent.name}/{path.name}")


def _hunk(hunk: Hunk) -> Iterator[str]:
    yield f"## `{hunk.function}`, {hunk.file}"
    yield ""
    yield from _wrapped(hunk.changed)
    yield ""
    if hunk.words:
        yield from _wrapped(f"*In the profiles:* {', '.join(f'`{word}`' for word in hunk.words)}.")
        yield ""
    for seen in hunk.seen:
        yield from _program(seen)
    if hunk.unseen:
        yield from _wrapped(f"*Not to be seen:* {hunk.unseen}")
        yield ""


def _wrapped(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ""
        if paragraph.startswith(("#", "    ")):
            yield from paragraph.splitlines()
        else:
            indent = "  " if paragraph.startswith("- ") else ""
            yield from textwrap.wrap(
                paragraph, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )


def _program(seen: Seen) -> Iterator[str]:
    path = catalogue()[seen.program]
    on = f", on `{seen.region}`" if seen.region else ""
    yield from _wrapped(f"[`{seen.program}`]{on}: {_about(path)}")
    yield ""
    before, after = traces(seen)
    yield "```"
    yield from _row("", BEFORE, AFTER)
    for left, right in zip(before.lines, after.lines, strict=True):
        yield from _row(_operation(left), _said(left), _said(right))
    for line in dict.fromkeys((*_klog(before), *_klog(after))):
        yield from _row("kernel log", line if line in _klog(before) else "", line if line in _klog(after) else "")
    yield "```"
    yield ""


def _about(path: Path) -> str:
    # The program's own first words: the comment between its licence and its first statement.
    lines = path.read_text(encoding="utf-8").splitlines()[2:]
    said = []
    for line in lines:
        if not line.startswith("# "):
            break
        said.append(line[2:])
    return " ".join(said)


def _operation(line: Line) -> str:
    return line.text if line.process is None else f"{line.process}: {line.text}"


def _said(line: Line) -> str:
    return ", ".join(fields(line.obs))


def _klog(trace: Trace) -> list[str]:
    return trace.end.klog if trace.end is not None else []


def _row(operation: str, left: str, right: str) -> Iterator[str]:
    half = (WIDTH - OPERATION - 2) // 2
    mark = "" if left == right else "*"
    cells = [
        textwrap.wrap(text, width) for text, width in ((operation, OPERATION), (left, half - 2), (right, half - 2))
    ]
    for number, (first, second, third) in enumerate(zip_longest(*cells, fillvalue="")):
        star = mark if number == 0 else ""
        yield f"{first:{OPERATION}} {second:{half - 1}} {star:1} {third}".rstrip()


def main() -> int:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
