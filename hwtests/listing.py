# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a list of things printed?  As a table with, under what is not usable, its cause and cure; or as JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]


def print_rows(rows: Sequence[Row], columns: Sequence[str], as_json: bool) -> None:
    """Print rows to stdout: as JSON all they hold, as a table the columns named.

    A row with `needs` is one that cannot be used; `needs`, `found` and `cure` are then said under it.
    """
    if as_json:
        json.dump([dict(row) for row in rows], sys.stdout, indent=2, ensure_ascii=False)
        print()
        return
    width = shutil.get_terminal_size((100, 24)).columns
    sizes = [max((len(text(row.get(column))) for row in rows), default=0) for column in columns]
    for row in rows:
        cells = [text(row.get(column)).ljust(size) for column, size in zip(columns, sizes, strict=True)]
        line = "  ".join(cells).rstrip()
        hanging = " " * (sizes[0] + 2)
        print("\n".join(fold(line, "", hanging, width)))
        if row.get("needs"):
            print(
                "\n".join(fold(f"needs {row['needs']}; found {row.get('found', '')}", hanging, hanging + "  ", width))
            )
            print("\n".join(fold(f"cure: {row.get('cure', '')}", hanging, hanging + "  ", width)))


def fold(line: str, first: str, hanging: str, width: int) -> list[str]:
    """A line as lines of at most `width` columns; the white space of one that fits stays."""
    if len(first + line) <= width:
        return [first + line]
    return wrap(
        line,
        max(width, len(hanging) + 20),
        initial_indent=first,
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )


def text(value: Any) -> str:
    """A cell: a list as words, yes and no for truth, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return str(value)
