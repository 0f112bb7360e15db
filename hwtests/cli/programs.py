# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab programs`: the catalogue, or of it what could go and nothing would be lost."""

import sys
import time
from argparse import Namespace
from pathlib import Path

from hwtests.listing import print_rows
from hwtests.listing_programs import program_rows
from hwtests.selection import catalogue


def main(arguments: Namespace) -> int:
    programs = catalogue()
    if arguments.redundant:
        programs = _redundant(programs, arguments.jobs)
    print_rows(program_rows(programs), ("name", "hazard", "claim"), arguments.json)
    return 0


def _redundant(programs: dict[str, Path], jobs: int) -> dict[str, Path]:
    from hwtests.mutation.lab import Asked, Lab
    from hwtests.mutation.redundant import exercised, told_by_mutants

    started = time.monotonic()
    lab = Lab(Asked(), _say)
    candidates = set(programs) - set(exercised(lab))
    left = candidates - {program for program, _ in told_by_mutants(lab, candidates, jobs)}
    _say(f"{len(left)} of {len(programs)} programs are redundant; found in {time.monotonic() - started:.0f} s")
    return {name: path for name, path in programs.items() if name in left}


def _say(text: str) -> None:
    print(text, file=sys.stderr)
