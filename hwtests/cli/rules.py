# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab rules`: the clauses of the specification; between two kernels; and how far they are exercised and seen."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from difflib import get_close_matches
from typing import Any

from hwtests.errors import UsageError
from hwtests.explaining import branch_lines, coverage_lines, diff_lines
from hwtests.listing import print_rows
from hwtests.listing_rules import all_profiles, profile_called, rule_rows
from hwtests.listing_zoo import zoo_rows
from hwtests.selection import catalogue
from simulator import Profile


def main(arguments: Namespace) -> int:
    if arguments.branches and not arguments.coverage:
        raise UsageError("--branches says more of --coverage: expected both")
    if arguments.zoo:
        print_rows(zoo_rows(), ("name", "defect"), arguments.json)
        return 0
    if arguments.diff:
        a, b = map(_profile, arguments.diff)
        return _diff(a, b, arguments.json)
    if arguments.branches:
        return _branches(arguments.json)
    if arguments.coverage:
        return _coverage(arguments.json)
    print_rows(rule_rows(catalogue()), ("id", "says"), arguments.json)
    return 0


def _profile(name: str) -> Profile:
    found = profile_called(name)
    if found is None:
        names = [profile.name for profile in all_profiles()]
        near = get_close_matches(name, names, 1, 0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        raise UsageError(f"no profile {name!r}; {hint}")
    return found


def _diff(a: Profile, b: Profile, as_json: bool) -> int:
    from hwtests.rules_diff import diff_rows

    rows = diff_rows(a, b, catalogue())
    return _print({"a": a.name, "b": b.name, "differences": rows} if as_json else diff_lines(rows, a.name, b.name))


def _coverage(as_json: bool) -> int:
    from hwtests.recorded_seen import read_seen
    from hwtests.rules_coverage import coverage_rows, exercised, reached, totals

    seen = read_seen()
    rows = coverage_rows(exercised(catalogue()), seen, reached(seen))
    return _print({"rules": rows, "totals": totals(rows)} if as_json else coverage_lines(rows, totals(rows)))


def _branches(as_json: bool) -> int:
    from hwtests.rules_branches import branch_rows

    rows = branch_rows()
    return _print(rows if as_json else branch_lines(rows))


def _print(what: Any) -> int:
    if isinstance(what, list) and all(isinstance(line, str) for line in what):
        print("\n".join(what))
    else:
        json.dump(what, sys.stdout, indent=2, ensure_ascii=False)
        print()
    return 0
