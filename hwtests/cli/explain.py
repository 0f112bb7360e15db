# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab explain`: one rule with its source and history, or one program with what it claims and promises."""

from __future__ import annotations

from argparse import Namespace
from difflib import get_close_matches
from pathlib import Path
from textwrap import wrap
from typing import Any

from hwtests.errors import UsageError
from hwtests.language import ProgramError, parse_file
from hwtests.language.nodes import Program
from hwtests.language.printer import print_program
from hwtests.language.promise import promised
from hwtests.listing_programs import program_row
from hwtests.listing_rules import all_profiles, rule_rows
from hwtests.selection import catalogue
from simulator.catalogue import rules, spelled, words

WIDTH = 80


def main(arguments: Namespace) -> int:
    programs = catalogue()
    name = arguments.name
    if name in rules():
        row = next(row for row in rule_rows(programs) if row["id"] == name)
        print("\n".join(_rule(row, programs)))
    elif name in programs or name.endswith(".pfn"):
        path = programs.get(name, Path(name))
        try:
            print("\n".join(_program(path.stem, parse_file(path))))
        except ProgramError as error:
            raise UsageError(str(error)) from None
    else:
        near = get_close_matches(name, [*rules(), *programs], 1, 0.4)
        hint = f"did you mean {near[0]!r}?" if near else "see `pfnlab rules` and `pfnlab programs`"
        raise UsageError(f"no rule or program {name!r}; {hint}")
    return 0


def _rule(row: dict[str, Any], programs: dict[str, Path]) -> list[str]:
    lines = [row["id"], *_fold(row["says"]), ""]
    lines += _fact("source", row["function"])
    lines += _fact("commit", row["commit"])
    lines += _history(row["history"])
    lines += _fact("holds in", " ".join(row["profiles"]) or "no profile")
    others = [profile.name for profile in all_profiles() if profile.name not in row["profiles"]]
    lines += _fact("not in", " ".join(others))
    lines += _fact("programs", ", ".join(row["programs"]) or "none is about it alone")
    return lines


def _history(stretches: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for name in dict.fromkeys(row["word"] for row in stretches):
        lines += _fact("word", f"{name}: {words()[name].says}")
        for row in stretches:
            if row["word"] == name:
                lines += _item(_stretch(row))
    return lines


def _stretch(row: dict[str, Any]) -> str:
    where = row["first"] if row["first"] == row["last"] else f"{row['first']} to {row['last']}"
    why = "; ".join(
        f"since {change['since']}: {change['commit']}" if change["since"] else change["commit"]
        for change in row["changes"]
    )
    return f"{where}: {row['means'] or spelled(row['value'])}" + (f". {why}" if why else "")


def _program(name: str, program: Program) -> list[str]:
    row = program_row(name, program)
    lines = [name, *_fold(row["claim"]), ""]
    for rule in (rules()[id] for id in row["rules"] if id in rules()):
        lines += _fact("rule", f"{rule.id}: {rule.says}")
        lines += _fact("source", rule.function)
        lines += _fact("commit", rule.commit)
    lines += _fact("hazard", row["hazard"])
    lines += _fact("needs", " ".join(row["conditions"]))
    for line in program.lines:
        for promise in line.promises:
            lines += _fact("promise", f"line {line.number}: {promised(promise)} ({promise.citation})")
    return [*lines, "", *print_program(program).rstrip("\n").splitlines()]


def _fact(name: str, text: str) -> list[str]:
    if not text:
        return []
    return wrap(text, WIDTH, initial_indent=f"  {name:10}", subsequent_indent=" " * 12, break_on_hyphens=False)


def _item(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=" " * 12, subsequent_indent=" " * 14, break_on_hyphens=False)


def _fold(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
