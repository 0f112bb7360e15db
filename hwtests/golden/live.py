# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the golden programs, run on a live kernel, give the recorded traces again?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hwtests.golden.check import Checked, compiled
from hwtests.golden.compare import Difference, differences
from hwtests.golden.convert import REGION
from hwtests.golden.records import programs, records
from hwtests.targets.base import Target, TargetError
from hwtests.targets.registry import make_target

# golden kind of region -> the kinds of ours that are like it, in order of preference
KINDS = {"nopage": ("uml-iomem", "hidden"), "ram": ("uml-ram",)}


def golden_kernel(target: str) -> str:
    """`uml:6.1` -> `uml-6.1`, `qemu:6.1-amd64` -> `qemu-6.1`."""
    return target.replace(":", "-", 1).removesuffix("-amd64")


def live(name: str, ids: Collection[int] = ()) -> Iterator[Checked]:
    """Every record of the target's golden kernel beside what that kernel does now.

    Raises TargetError for a target that cannot be used, FileNotFoundError for one without golden records.
    """
    wanted = [record for record in records(golden_kernel(name)) if not ids or record.id in ids]
    with make_target(name) as target:
        kinds = _kinds(target)
        for record in wanted:
            if record.region not in kinds:
                continue
            converted, calls = compiled(record.id)
            trace = target.run(calls.program, {REGION: kinds[record.region]})
            if trace.end is None or trace.end.how != "done":
                how = trace.end.how if trace.end is not None else "cut off"
                yield Checked(record, (Difference(len(trace.lines), "program", "-", "end", "done", how),))
                continue
            observed = [line.obs for line in trace.lines]
            yield Checked(record, tuple(differences(programs()[record.id], record, converted, calls, observed)))


def _kinds(target: Target) -> dict[str, str]:
    usable = {region.name for region in target.regions() if region.unusable is None}
    kinds = {golden: next((kind for kind in ours if kind in usable), "") for golden, ours in KINDS.items()}
    found = {golden: kind for golden, kind in kinds.items() if kind}
    if not found:
        raise TargetError(f"{target.name}: no region that golden programs ran on, expected one of {KINDS}")
    return found
