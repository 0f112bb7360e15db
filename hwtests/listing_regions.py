# SPDX-License-Identifier: GPL-2.0-or-later
"""How are regions listed?  First the usable, then those that must be named, then each closed gate with its cure."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from hwtests.listing import fold

Row: TypeAlias = Mapping[str, Any]
WIDTH = 80
BY_NAME = "by name only"


def regions_text(rows: Sequence[Row]) -> str:
    """A table of rows as `pfnlab regions --json` has them, at most 80 columns wide."""
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    lines: list[str] = []
    usable = [row for row in rows if row["usable"]]
    named = [row for row in rows if row.get("gate") == BY_NAME]
    closed = [row for row in rows if not row["usable"] and row not in named]
    if usable:
        lines.append("usable")
        names = max(len(row["name"]) for row in usable)
        for row in usable:
            pages = f"{row['pages']} page" + ("s" if row["pages"] != 1 else "")
            lines += fold(f"{row['name']:{names}}  {pages:>10}  {row['summary']}", "  ", " " * 6, width)
    if named:
        lines += ["", "not touched unless --region names it"]
        for row in named:
            lines += fold(row["name"], "  ", " " * 6, width)
            lines += fold(str(row["summary"]), " " * 6, " " * 6, width)
    if closed:
        lines += ["", "closed"]
        for group in _alike(closed):
            lines += _gate(group, width)
    return "\n".join(lines).lstrip("\n") + "\n"


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    # What one cure opens is said once.
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.get("gate", "") or row["name"], row["cure"]), []).append(row)
    return list(groups.values())


def _gate(group: Sequence[Row], width: int) -> list[str]:
    first = group[0]
    gate, indent = first.get("gate", ""), " " * 6
    lines = fold(f"{', '.join(row['name'] for row in group)}", "  ", "  ", width)
    found = str(first["found"]).removeprefix(f"{gate}: ")
    more = f", and {len(group) - 1} more like it" if len(group) > 1 else ""
    lines += fold(f"needs {first['needs']}", indent, indent + "  ", width)
    lines += fold(f"{f'gate {gate}: ' if gate else 'found '}{found}{more}", indent, indent + "  ", width)
    return lines + fold(f"cure: {first['cure']}", indent, indent + "  ", width)
