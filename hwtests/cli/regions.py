# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab regions`: what can be mapped on the host or (`--on`) another target, and which gate the rest is behind."""

import json
import sys
from argparse import Namespace
from typing import Any

from hwtests.cli.choose import check_files, expand_one
from hwtests.errors import UsageError
from hwtests.listing_regions import regions_text
from hwtests.regions.named import is_named, region_name
from hwtests.targets.base import Region, Target, TargetError
from hwtests.targets.registry import make_target


def main(arguments: Namespace) -> int:
    target = _target(arguments)
    rows = [_row(region, target.name) for region in _regions(target)]
    if arguments.region:
        wanted = {region_name(text) for text in arguments.region}
        rows = [row for row in rows if row["name"] in wanted]
    if arguments.json:
        json.dump(rows, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print(regions_text(rows), end="")
    return 0


def _target(arguments: Namespace) -> Target:
    name = expand_one(arguments.on or "host")
    check_files([name], arguments.region, arguments.module)
    try:
        named = [region for region in arguments.region if is_named(region)]
        return make_target(name, named=named, modules=arguments.module)
    except TargetError as error:
        raise UsageError(str(error)) from None


def _regions(target: Target) -> list[Region]:
    # Starts the target: only it can tell. Of a host without an agent it is told what can be seen from outside.
    if target.name == "host" and target.probe() is not None:
        from hwtests.targets.host import HostTarget

        return target.planned()[1] if isinstance(target, HostTarget) else []
    try:
        with target:
            return target.regions()
    except TargetError as error:
        raise UsageError(str(error)) from None


def _row(region: Region, target: str) -> dict[str, Any]:
    usable = region.unusable is None
    state = f"{target}: {region.pages} pages" if usable else f"{target}: not usable"
    return {**region.as_dict(), "target": target, "state": state}
