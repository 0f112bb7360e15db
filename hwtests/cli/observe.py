# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab observe`: one program on one target, its trace as JSON lines."""

import os
import sys
from argparse import Namespace

from hwtests.cli.choose import check_places, expand_one
from hwtests.cli.programs_of import read_programs
from hwtests.errors import LabError, UsageError
from hwtests.plan import Job, Selected, jobs_of
from hwtests.regions.named import is_named, region_name
from hwtests.run import place_of
from hwtests.targets.base import Target, TargetError
from hwtests.targets.registry import make_target
from hwtests.trace import dump_trace

NOT_HERE = 4


def main(arguments: Namespace) -> int:
    programs = read_programs([arguments.program])
    if len(programs) != 1:
        raise UsageError(f"{arguments.program}: expected one program, it means {len(programs)}")
    target = _target(arguments)
    if cause := target.probe():
        print(f"pfnlab: {target.name}: {cause}", file=sys.stderr)
        return NOT_HERE
    with target:
        job = _job(target, programs[0], arguments)
        if job.skip is not None:
            print(f"pfnlab: {programs[0].name}: {job.skip}", file=sys.stderr)
            return NOT_HERE
        trace = target.run(programs[0].program, job.binding, hazard=programs[0].hazard)
    sys.stdout.write(dump_trace(trace))
    return 0


def _target(arguments: Namespace) -> Target:
    name = expand_one(arguments.on or os.environ.get("PFNLAB_TARGET") or "sim")
    named = [arguments.region] if arguments.region and is_named(arguments.region) else []
    check_places([name], [arguments.region] if arguments.region else [], arguments.module)
    try:
        return make_target(name, named=named, allow_write=arguments.allow_write, modules=arguments.module)
    except TargetError as error:
        raise UsageError(str(error)) from None


def _job(target: Target, selected: Selected, arguments: Namespace) -> Job:
    """The job on the region asked for, else on the first region that suits the program."""
    regions = target.regions()
    place = place_of(target, target.inventory(), arguments.allow_hazard)
    jobs = jobs_of([selected], regions, place)
    if arguments.region:
        wanted = region_name(arguments.region)
        known = ", ".join(region.name for region in regions)
        jobs = [job for job in jobs if job.region in ("", wanted)]
        if not jobs:
            raise UsageError(f"{target.name} has no region {wanted!r}, expected one of {known}")
    if not jobs:
        raise LabError(f"{target.name} offers no region")
    return next((job for job in jobs if job.skip is None), jobs[0])
