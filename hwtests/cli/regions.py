# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab regions`: what can be mapped, on the host or (`--on`) on another target."""

from argparse import Namespace
from typing import Any

from hwtests.cli.choose import expand_one
from hwtests.errors import UsageError
from hwtests.listing import print_rows
from hwtests.regions.traits import RegionTraits, load_traits
from hwtests.targets.base import Region, Target, TargetError
from hwtests.targets.registry import make_target


def main(arguments: Namespace) -> int:
    rows = _of(_target(arguments.on)) if arguments.on else _everywhere()
    print_rows(rows, ("name", "state", "summary"), arguments.json)
    return 0


def _target(name: str) -> Target:
    try:
        return make_target(expand_one(name))
    except TargetError as error:
        raise UsageError(str(error)) from None


def _of(target: Target) -> list[dict[str, Any]]:
    # Starts the target: only it can tell.
    with target:
        return [_row(region, target.name) for region in target.regions()]


def _everywhere() -> list[dict[str, Any]]:
    """Every kind that is known: what the host says of its own, and of the others what they need."""
    host = make_target("host")
    try:
        here = {row["name"]: row for row in _of(host)} if host.probe() is None else {}
    except TargetError:
        here = {}
    return [here.get(traits.kind) or _elsewhere(traits) for traits in load_traits().values()]


def _elsewhere(traits: RegionTraits) -> dict[str, Any]:
    return {
        "name": traits.kind,
        "summary": traits.summary,
        "usable": False,
        "target": "host",
        "state": "host: not usable",
        "needs": traits.needs,
        "found": "the host's own kernel",
        "cure": traits.cure or "run on a guest that has it: see `pfnlab regions --on TARGET`",
    }


def _row(region: Region, target: str) -> dict[str, Any]:
    usable = region.unusable is None
    state = f"{target}: {region.pages} pages" if usable else f"{target}: not usable"
    return {**region.as_dict(), "target": target, "state": state}
