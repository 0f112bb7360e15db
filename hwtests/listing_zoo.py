# SPDX-License-Identifier: GPL-2.0-or-later
"""Which known defects are there?  One row each: what is wrong, in which kernels, by which words, what catches it."""

from __future__ import annotations

from typing import Any

from hwtests.explaining import fact, fold
from simulator import load_profile
from simulator.catalogue import spelled, words
from simulator.zoo import defect, zoo_names


def zoo_rows() -> list[dict[str, Any]]:
    """`name`, `defect`, `affected`, `base`, `words` and `program` of every defect."""
    return [zoo_row(name) for name in zoo_names()]


def zoo_row(name: str) -> dict[str, Any]:
    """The row of one defect. Raises ValueError."""
    one = defect(name)
    base = load_profile(one.base)
    changed = {
        word: {"value": spelled(value), "means": words()[word].means(value), "healthy": spelled(getattr(base, word))}
        for word, value in one.words.items()
    }
    return {
        "name": name,
        "defect": one.defect,
        "affected": one.affected,
        "base": one.base,
        "words": changed,
        "program": one.program,
    }


def zoo_lines(row: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [f"zoo/{row['name']}", *fold(row["defect"]), ""]
    lines += fact("kernels", row["affected"])
    lines += fact("healthy", row["base"])
    for word, its in row["words"].items():
        says = f": {its['means']}" if its["means"] else ""
        lines += fact("word", f"{word} = {its['value']} instead of {its['healthy']}{says}")
    return lines + fact("program", f"{row['program']}: a promise of it breaks")
