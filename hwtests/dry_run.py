# SPDX-License-Identifier: GPL-2.0-or-later
"""What would a run do?  Which regions it would open and map, read and store to, and which programs; nothing is run.

Of the host nothing is opened or mapped to find that out (what its driver makes of a mapping is known only then, so a
program may yet be skipped for it); a guest is the lab's own and is started.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from hwtests.language.nodes import Line, Op
from hwtests.language.printer import print_operation
from hwtests.language.settings import region_settings
from hwtests.needs import STORES
from hwtests.plan import Job, gathered, jobs_of
from hwtests.planned_touch import planned_touch
from hwtests.run import Request, place_of
from hwtests.targets.base import Region, Target, TargetError, Unusable

WIDTH = 80


def show(request: Request, targets: Sequence[Target | str], as_json: bool) -> int:
    """Print the plan: for people, or an array of objects, of regions (`kind` is `region`) and of programs."""
    rows: list[dict[str, Any]] = []
    for target in targets:
        rows += _on_sim(request) if isinstance(target, str) else _on_target(request, target)
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows)
    return 0


def _on_sim(request: Request) -> list[dict[str, Any]]:
    return [
        {"kind": "program", "name": one.name, "target": "sim", "region": "", "runs": True, "stores": []}
        for one in request.programs
    ]


def _on_target(request: Request, target: Target) -> list[dict[str, Any]]:
    if cause := target.probe():
        return [_refused(one.name, target.name, cause) for one in request.programs]
    try:
        about, offered = _seen(target)
    except TargetError as error:
        cause = Unusable(f"{target.name} to start", str(error), "see `pfnlab targets`")
        return [_refused(one.name, target.name, cause) for one in request.programs]
    place = place_of(target, about, request.allowed_hazards)
    wanted = [one for one in offered if not request.regions or one.name in request.regions]
    jobs = jobs_of(request.programs, wanted, place)
    if not request.regions:
        jobs = gathered(jobs, wanted)
    regions = {region.name: region for region in wanted}
    touched = [_region(target.name, region, jobs) for region in wanted if region.unusable is None]
    return touched + [_row(job, target.name, regions) for job in jobs]


def _seen(target: Target) -> tuple[Mapping[str, Any], Sequence[Region]]:
    # Inventory and regions; of the host without opening any.
    from hwtests.targets.host import HostTarget

    if isinstance(target, HostTarget):
        return target.planned()
    with target:
        return target.inventory(), target.regions()


def _region(target: str, region: Region, jobs: Sequence[Job]) -> dict[str, Any]:
    mine = [job.selected.program for job in jobs if job.skip is None and job.region == region.name]
    touch = planned_touch(region, mine)
    return {"kind": "region", "name": region.name, "target": target, "programs": len(mine), **touch}


def _row(job: Job, target: str, regions: dict[str, Region]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": "program", "name": job.selected.name, "target": target, "region": job.region, "runs": job.skip is None
    }  # fmt: skip
    if job.skip is not None:
        return {**row, "stores": [], "needs": job.skip.needs, "found": job.skip.found, "cure": job.skip.cure}
    return {**row, "stores": _stores(job, regions)}


def _stores(job: Job, regions: dict[str, Region]) -> list[str]:
    """What the program changes of the regions, as it stands in its text; a store to a private mapping is among it."""
    open_to = [name for name, kind in job.binding.items() if regions[kind].traits.stores]
    if not open_to:
        return []
    filled = [
        f"fill {name} with {_fill(settings.fill)}"
        for name, settings in region_settings(job.selected.program).items()
        if settings.fill is not None and name in open_to
    ]
    return filled + [f"line {line.number}: {print_operation(op)}" for line, op in _operations(job)]


def _fill(fill: int | str) -> str:
    return fill if isinstance(fill, str) else hex(fill)


def _operations(job: Job) -> list[tuple[Line, Op]]:
    return [
        (line, statement)
        for line, statement in job.selected.program.statements()
        if isinstance(statement, Op) and (statement.verb in STORES or statement.verb == "poke")
    ]


def _refused(name: str, target: str, cause: Unusable) -> dict[str, Any]:
    row = {"kind": "program", "name": name, "target": target, "region": "", "runs": False, "stores": []}
    return {**row, "needs": cause.needs, "found": cause.found, "cure": cause.cure}


def _print(rows: Sequence[dict[str, Any]]) -> None:
    programs = [row for row in rows if row["kind"] == "program"]
    for target in dict.fromkeys(row["target"] for row in rows):
        for region in dict.fromkeys(row["region"] for row in programs if row["target"] == target):
            here = [row for row in programs if (row["target"], row["region"]) == (target, region)]
            runs = [row for row in here if row["runs"]]
            storing = sum(1 for row in runs if row["stores"])
            where = f"{target} {region}".strip()
            print(f"{where}: {len(runs)} would run, {storing} of them store; {len(here) - len(runs)} would be skipped")
            _print_touch([row for row in rows if row["kind"] == "region" and row["name"] == region])
            for row in runs:
                stores = f": {', '.join(row['stores'])}" if row["stores"] else ""
                print(f"  {row['name']}{stores}")
            causes = Counter(
                (row["needs"], row.get("found", ""), row.get("cure", "")) for row in here if not row["runs"]
            )
            for (needs, found, cure), count in causes.most_common():
                print(f"  skip {count}: needs {needs}; found {found}; cure: {cure}")


def _print_touch(regions: Sequence[dict[str, Any]]) -> None:
    for row in regions[:1]:
        for what in ("opened", "mapped", "read", "stored", "never"):
            line = f"{what}: {row[what]}"
            print(
                "\n".join(wrap(line, WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False))
            )
