# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab explain`: a rule, a program, a profile, or a word that the profiles differ in."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hwtests.errors import UsageError
from hwtests.explaining import fact, fold, profile_lines, rule_lines, word_lines
from hwtests.language import ProgramError, parse_file
from hwtests.language.nodes import Program
from hwtests.language.printer import print_program
from hwtests.language.promise import promised
from hwtests.listing_profiles import profile_row
from hwtests.listing_programs import program_row
from hwtests.listing_rules import all_profiles, naming, profile_called, rule_row, word_row
from hwtests.listing_zoo import zoo_lines, zoo_row
from hwtests.recorded_seen import read_seen
from hwtests.selection import catalogue
from simulator.catalogue import rules, words
from simulator.zoo import ZOO, zoo_names


def main(arguments: Namespace) -> int:
    row, lines = _explained(arguments.name)
    if arguments.json:
        json.dump(row, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print("\n".join(lines))
    return 0


def _explained(name: str) -> tuple[dict[str, Any], list[str]]:
    programs = catalogue()
    if name in rules():
        row = rule_row(rules()[name], naming(programs).get(name, []), read_seen())
        return row, rule_lines(row)
    if name in words():
        row = word_row(words()[name])
        return row, word_lines(row)
    if name in programs or name.endswith(".pfn"):
        path = programs.get(name, Path(name))
        try:
            program = parse_file(path)
        except ProgramError as error:
            raise UsageError(str(error)) from None
        return program_row(path.stem, program), _program(path.stem, program)
    if name.removeprefix(ZOO) in zoo_names():
        row = zoo_row(name.removeprefix(ZOO))
        return row, zoo_lines(row)
    if profile := profile_called(name):
        row = profile_row(profile)
        return row, profile_lines(row)
    known = [*rules(), *words(), *programs, *(profile.name for profile in all_profiles()), *zoo_names()]
    near = get_close_matches(name, known, 1, 0.4)
    hint = f"did you mean {near[0]!r}?" if near else "see `pfnlab rules` and `pfnlab programs`"
    raise UsageError(f"no rule, word, profile or program {name!r}; {hint}")


def _program(name: str, program: Program) -> list[str]:
    row = program_row(name, program)
    lines = [name, *fold(row["claim"]), ""]
    for id in row["rules"]:
        if id in rules():
            rule = rules()[id]
            lines += fact("rule", f"{rule.id}: {rule.says}")
            lines += fact("source", rule.function)
            lines += fact("commit", rule.commit)
    lines += fact("hazard", row["hazard"])
    lines += fact("needs", " ".join(row["conditions"]))
    for line in program.lines:
        for promise in line.promises:
            lines += fact("promise", f"line {line.number}: {promised(promise)} ({promise.citation})")
    return [*lines, "", *print_program(program).rstrip("\n").splitlines()]
