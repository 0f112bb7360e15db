# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab targets`: what can execute programs."""

from argparse import Namespace

from hwtests.listing import print_rows
from hwtests.targets.registry import list_targets


def main(arguments: Namespace) -> int:
    rows = [{**row, "state": "usable" if row["usable"] else "not usable"} for row in list_targets()]
    print_rows(rows, ("name", "state"), arguments.json)
    return 0
