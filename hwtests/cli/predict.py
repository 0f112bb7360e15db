# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab predict`: what the specification allows one program to observe, as JSON lines."""

import sys
from argparse import Namespace

from hwtests.cli.programs_of import read_programs
from hwtests.errors import UsageError
from hwtests.regions.traits import load_traits
from hwtests.simulated import Prepared
from hwtests.trace import dump_trace
from simulator import load_profile, profile_names
from simulator.zoo import ZOO, zoo_names

NOT_HERE = 4


def main(arguments: Namespace) -> int:
    programs = read_programs([arguments.program])
    if len(programs) != 1:
        raise UsageError(f"{arguments.program}: expected one program, it means {len(programs)}")
    if arguments.profile not in (*profile_names(), *(ZOO + name for name in zoo_names())):
        raise UsageError(f"no profile {arguments.profile!r}, expected one of {', '.join(profile_names())}")
    profile = load_profile(arguments.profile)
    selected = programs[0]
    kinds = load_traits()
    if arguments.region and arguments.region not in kinds:
        raise UsageError(f"no kind of region {arguments.region!r}, expected one of {', '.join(kinds)}")
    prepared = Prepared(selected.name, selected.program)
    skip = None
    for traits in [kinds[arguments.region]] if arguments.region else kinds.values():
        bound = dict.fromkeys(prepared.pages, traits)
        unsuited = prepared.unmet(profile, bound)
        if unsuited is None:
            sys.stdout.write(dump_trace(prepared.simulate(profile, bound)))
            return 0
        skip = skip or unsuited
    assert skip is not None
    said = f"{selected.name}: needs {skip.needs}; found {skip.found}; cure: {skip.cure}"
    print(f"pfnlab: {said}", file=sys.stderr)
    return NOT_HERE
