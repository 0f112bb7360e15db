# SPDX-License-Identifier: GPL-2.0-or-later
"""What is on the page of the rules?  Every rule, every word, every profile, from their own files: docs/rules.md.

`python -m hwtests.rules_page` writes it; a test holds it to what the files say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from hwtests.explaining import reasons, several
from hwtests.listing_profiles import profile_row
from hwtests.listing_rules import all_profiles, rule_rows, word_row
from hwtests.recorded_seen import read_seen
from hwtests.rules_coverage import profile_of
from hwtests.selection import catalogue
from simulator import Profile
from simulator.catalogue import spelled, words

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
PROGRAMS = 4  # that a row names; the rest is counted

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
# The rules

How PFN mappings behave, clause by clause: {rules} rules, {words} words in which kernels differ, {profiles} kernels.
Each rule names the function of the kernel that has it (in Debian 12's 6.1 where nothing else is said: see
[What is cited](citations.md)), the commit it comes from where one could be confirmed, the programs of the catalogue
that are about it, and the kernels whose recorded traces keep it. Every observation of a simulated trace names the rules
that it follows from.

    pfnlab explain cow.private-write-copies   # a rule with all its programs and its history, version by version
    pfnlab explain remap_pgoff                # a word; so of a profile, such as 6.12
    pfnlab rules --diff 6.1 6.12              # what differs between two kernels, by which commit, and what tells
    pfnlab rules --coverage                   # how far the rules are exercised, and seen to hold

The page is generated: `python -m hwtests.rules_page` writes it from `simulator/rules/`, `simulator/words.toml`,
`simulator/profiles/`, the catalogue and `hwtests/recorded/seen.json`.
"""

UNSEEN = """\
{seen} of {rules} rules were seen to hold on a real kernel. The rest, and those that no program is about; `pfnlab rules
--coverage` tells on which kernels each of them decides.
"""

WORDS = """\
A word of a profile chooses between the variants of its rules. `um` and `armv7l` are told where they differ from x86-64.
"""


def page() -> str:
    """The whole page."""
    rows = rule_rows(catalogue())
    parts = [
        HEAD.format(rules=len(rows), words=len(words()), profiles=len(all_profiles())),
        *_rules(rows),
        "## What was not seen\n",
        *_unseen(rows),
        "## Words\n",
        WORDS,
        *_words(),
        "## Kernels\n",
        "A profile is the values of all words. What it has of its own is told against the one that it is closest to.\n",
        *_profiles(),
    ]
    return "\n".join(parts)


def _rules(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    levels = {target: one["level"] for on in read_seen().values() for target, one in on.items()}
    traced = {profile_of(target, level).name for target, level in levels.items()}
    near = {profile.name: profile for profile in all_profiles() if profile.name in traced}
    for group, members in groupby(rows, key=lambda row: row["id"].partition(".")[0]):
        yield f"## {group}\n"
        yield _table(
            ("rule", "source", "words", "programs", "seen on"),
            (
                (
                    f"**{row['id']}**: {row['says']}",
                    "; ".join(filter(None, [row["function"], row["commit"]])),
                    ", ".join(dict.fromkeys(one["word"] for one in row["history"])),
                    several(row["programs"], PROGRAMS),
                    _kernels(row, near),
                )
                for row in members
            ),
        )


def _unseen(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield UNSEEN.format(seen=sum(1 for row in rows if row["seen"]), rules=len(rows))
    missing = [row for row in rows if not row["seen"] or not row["programs"]]
    yield _table(
        ("rule", "programs", "why"), ((row["id"], several(row["programs"], 2), row["unseen"]) for row in missing)
    )


def _kernels(row: Mapping[str, Any], near: Mapping[str, Profile]) -> str:
    # The profiles of the kernels on which a rule was seen; of all that there are traces of and that have it: "all".
    found = {profile_of(target, one["level"]).name for target, one in row["seen"].items()}
    having = {name for name in near if name in row["profiles"]}
    return "all" if having and having <= found else ", ".join(name for name in near if name in found)


def _words() -> Iterator[str]:
    def told(stretch: Mapping[str, Any]) -> str:
        where = stretch["first"] if stretch["first"] == stretch["last"] else f"{stretch['first']} to {stretch['last']}"
        value = stretch["value"]
        what = stretch["means"] or spelled(tuple(value) if isinstance(value, list) else value)
        return f"*{where}*: {what}" + (f" ({reasons(stretch['changes'])})" if stretch["changes"] else "")

    rows = map(word_row, words().values())
    yield _table(
        ("word", "source", "rules", "history"),
        (
            (
                f"**{row['word']}**: {row['says']}",
                row["function"],
                ", ".join(row["rules"]),
                "<br>".join(map(told, row["history"])),
            )
            for row in rows
        ),
    )


def _profiles() -> Iterator[str]:
    yield _table(
        ("profile", "level", "traces of", "differs"),
        (
            (
                f"**{row['name']}**: {row['is']}" + (f" Assumed: {row['assumed']}." if row["assumed"] else ""),
                row["level"],
                ", ".join(row["kernels"]),
                f"from {row['before']} in {', '.join(one['word'] for one in row['words'])}" if row["words"] else "",
            )
            for row in map(profile_row, all_profiles())
        ),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "".join("|" + "|".join(f" {cell} " if cell != "---" else cell for cell in line) + "|\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(PAGE)
