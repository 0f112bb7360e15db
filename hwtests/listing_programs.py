# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the catalogue hold?  One row a program, from its text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwtests.language import parse_file
from hwtests.language.nodes import Op, Program
from hwtests.language.settings import program_hazard, program_needs, program_rules, region_settings
from hwtests.selection import theme_of


def program_rows(programs: Mapping[str, Path]) -> list[dict[str, Any]]:
    """`name`, `theme`, `claim`, `rules`, `hazard`, `conditions`, `regions`, `operations`, `promises`,
    `hash`, `file` of each program. Raises ProgramError for one that cannot be read."""
    return [program_row(name, parse_file(path)) for name, path in programs.items()]


def program_row(name: str, program: Program) -> dict[str, Any]:
    """The row of one program."""
    return {
        "name": name,
        "theme": theme_of(Path(program.path)),
        "claim": claim(program),
        "rules": list(program_rules(program)),
        "hazard": program_hazard(program),
        "conditions": list(program_needs(program)),
        "regions": list(region_settings(program)),
        "operations": sum(1 for _, statement in program.statements() if isinstance(statement, Op)),
        "promises": sum(len(line.promises) for line in program.lines),
        "hash": program.hash,
        "file": program.path,
    }


def claim(program: Program) -> str:
    """What the program claims: the comment lines before its first statement but `pfn 1`, as one text."""
    said: list[str] = []
    for line in program.lines[1:]:
        if line.comment is not None and line.comment.strip().startswith("SPDX-"):
            continue
        if line.statement is None and line.comment is not None:
            said.append(line.comment.strip())
        elif said or line.statement is not None:
            break
    return " ".join(said)
