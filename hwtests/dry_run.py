# SPDX-License-Identifier: GPL-2.0-or-later
"""What would a run do?  Which programs on which regions, and what would be stored where; nothing is run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from hwtests.language.nodes import Line, Op
from hwtests.language.printer import print_operation
from hwtests.language.settings import region_settings
from hwtests.needs import STORES
from hwtests.plan import Job, gathered, jobs_of
from hwtests.run import Request, place_of
from hwtests.targets.base import Region, Target, TargetError, Unusable


def show(request: Request, targets: Sequence[Target | str], as_json: bool) -> int:
    """Print the plan: a table for people or an array of objects. A target is started to see its regions."""
    rows: list[dict[str, Any]] = []
    for target in targets:
        rows += _on_sim(request) if isinstance(target, str) else _on_target(request, target)
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows)
    return 0


def _on_sim(request: Request) -> list[dict[str, Any]]:
    return [{"name": one.name, "target": "sim", "region": "", "runs": True, "stores": []} for one in request.programs]


def _on_target(request: Request, target: Target) -> list[dict[str, Any]]:
    if cause := target.probe():
        return [_refused(one.name, target.name, cause) for one in request.programs]
    try:
        with target:
            place = place_of(target, target.inventory(), request.allowed_hazards)
            wanted = [one for one in target.regions() if not request.regions or one.name in request.regions]
            jobs = jobs_of(request.programs, wanted, place)
            if not request.regions:
                jobs = gathered(jobs, wanted)
    except TargetError as error:
        cause = Unusable(f"{target.name} to start", str(error), "see `pfnlab targets`")
        return [_refused(one.name, target.name, cause) for one in request.programs]
    regions = {region.name: region for region in wanted}
    return [_row(job, target.name, regions) for job in jobs]


def _row(job: Job, target: str, regions: dict[str, Region]) -> dict[str, Any]:
    row = {"name": job.selected.name, "target": target, "region": job.region, "runs": job.skip is None}
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
    row = {"name": name, "target": target, "region": "", "runs": False, "stores": []}
    return {**row, "needs": cause.needs, "found": cause.found, "cure": cause.cure}


def _print(rows: Sequence[dict[str, Any]]) -> None:
    for target in dict.fromkeys(row["target"] for row in rows):
        for region in dict.fromkeys(row["region"] for row in rows if row["target"] == target):
            here = [row for row in rows if (row["target"], row["region"]) == (target, region)]
            runs = [row for row in here if row["runs"]]
            storing = sum(1 for row in runs if row["stores"])
            where = f"{target} {region}".strip()
            print(f"{where}: {len(runs)} would run, {storing} of them store; {len(here) - len(runs)} would be skipped")
            for row in runs:
                stores = f": {', '.join(row['stores'])}" if row["stores"] else ""
                print(f"  {row['name']}{stores}")
            causes = Counter(
                (row["needs"], row.get("found", ""), row.get("cure", "")) for row in here if not row["runs"]
            )
            for (needs, found, cure), count in causes.most_common():
                print(f"  skip {count}: needs {needs}; found {found}; cure: {cure}")
