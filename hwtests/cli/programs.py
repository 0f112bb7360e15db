# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab programs`: the catalogue."""

from argparse import Namespace

from hwtests.listing import print_rows
from hwtests.listing_programs import program_rows
from hwtests.selection import catalogue


def main(arguments: Namespace) -> int:
    print_rows(program_rows(catalogue()), ("name", "hazard", "claim"), arguments.json)
    return 0
