# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab run`: programs on targets, judged, kept and summed up.

Here it is decided what runs where; the rest (hwtests/cli/running.py) is loaded while the first kernel comes up.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from hwtests.cli.choose import default_names, targets_of
from hwtests.cli.progress import progress
from hwtests.errors import UsageError
from hwtests.opening import Opening, first_own
from hwtests.private import here
from hwtests.regions.named import is_named
from hwtests.results import ResultsError, read_run
from hwtests.selection import select

_LISTS = ("programs", "on", "region", "module", "allow_hazard")


def main(arguments: Namespace) -> int:
    if arguments.resume:
        try:
            _take_from(arguments, Path(arguments.resume))
        except ResultsError as error:
            raise UsageError(str(error)) from None
    select(arguments.programs)  # a word that means nothing is said before anything starts
    shown = progress(arguments.quiet or arguments.json)
    opening: Opening | None = None
    try:
        names = arguments.on or default_names(shown.note, dry=arguments.dry_run)
        targets = targets_of(names, arguments.region, arguments.allow_write, arguments.module)
        opening = None if arguments.dry_run else first_own(targets)
        from hwtests.cli.running import go

        return go(arguments, names, targets, shown, opening)
    finally:
        if opening is not None:
            opening.give_up()
        shown.close()


def _take_from(arguments: Namespace, path: Path) -> None:
    """What a resumed run does is what it was asked for the first time."""
    if (
        arguments.programs
        or arguments.on
        or arguments.region
        or arguments.module
        or arguments.seed is not None
        or arguments.shuffle
    ):
        raise UsageError("--resume takes programs, targets, regions and seed from the run; expected none beside it")
    facts = read_run(path)
    request = facts.get("request", {})
    lists = [request.get(name, []) for name in _LISTS] if isinstance(request, dict) else [None]
    if not all(isinstance(words, list) and all(isinstance(word, str) for word in words) for words in lists):
        raise UsageError(f"{path / 'run.json'}: expected lists of words in its request: {', '.join(_LISTS)}")
    arguments.programs = [here(word) for word in request.get("programs", [])]
    arguments.on = request.get("on", [])
    arguments.region = request.get("region", [])
    arguments.module = [here(word) for word in request.get("module", [])]
    arguments.allow_hazard = request.get("allow_hazard", [])
    arguments.seed = facts.get("seed")
    # A file of the user's is written only if this command says so too.
    named = any(is_named(region) for region in arguments.region)
    if request.get("allow_write") and named and not arguments.allow_write:
        raise UsageError("the run to resume was allowed to write to a region: say --allow-write again")
