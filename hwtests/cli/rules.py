# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab rules`: the clauses of the specification."""

from argparse import Namespace

from hwtests.listing import print_rows
from hwtests.listing_rules import rule_rows
from hwtests.selection import catalogue


def main(arguments: Namespace) -> int:
    print_rows(rule_rows(catalogue()), ("id", "says"), arguments.json)
    return 0
