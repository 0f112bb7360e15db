# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a region what its traits say?  What /proc shows of it is compared with its file before any program runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hwtests.language.parser import parse
from hwtests.regions.traits import RegionTraits
from hwtests.targets.base import LIMIT, Region, TargetError, Unusable
from hwtests.targets.execution import Execution
from hwtests.targets.learning import learn

#: Flags that say whether a PFN mapping is one, and what its driver did to it. The rest is configuration or noise
#: (`sd`, `ar`, `nh`, `ac`), or follows from how /dev is mounted (`me`).
_REMAP = {"io", "pf", "de", "dd"}  # mm/memory.c remap_pfn_range_prepare_vma()


TOGETHER = 8  # regions that one program maps: fewer programs, and a boot is sooner ready

Seen = tuple[dict[str, Any], dict[str, Any]]  # what mmap said, and what smaps


def check_regions(execution: Execution, regions: Sequence[Region]) -> list[Region]:
    """The regions, those withdrawn with their cause that differ from their traits."""
    usable = [region for region in regions if region.unusable is None]
    checked: dict[str, Region] = {}
    for first in range(0, len(usable), TOGETHER):
        some = usable[first : first + TOGETHER]
        together = _mapped(execution, some)
        for number, region in enumerate(some):
            seen = together[number] if isinstance(together, list) else _alone(execution, region)
            checked[region.name] = _checked(execution, region, seen)
    return [checked.get(region.name, region) for region in regions]


def _alone(execution: Execution, region: Region) -> Seen | str:
    found = _mapped(execution, [region])
    return found if isinstance(found, str) else found[0]


def _mapped(execution: Execution, regions: Sequence[Region]) -> list[Seen] | str:
    """What mapping each of them says, or why that is not known."""
    names = [f"r{number}" for number in range(len(regions))]
    program = parse(_program(names, [region.traits for region in regions]), "region-check")
    binding = {name: region.name for name, region in zip(names, regions, strict=True)}
    try:
        trace = execution.run(program, binding, limit=LIMIT, hazard="none")
    except TargetError as error:
        return str(error)
    if len(trace.lines) != 2 * len(regions):
        return "mapping it does not end"
    seen = [line.obs for line in trace.lines]
    return list(zip(seen[::2], seen[1::2], strict=True))


def _checked(execution: Execution, region: Region, seen: Seen | str) -> Region:
    traits = region.traits
    if isinstance(seen, str):
        return execution.withdraw(region.name, Unusable(traits.needs, seen, traits.cure))
    mapped, smaps = seen
    if mapped["ret"] != "ok":
        cause = Unusable(traits.needs, f"mapping it fails: {mapped['ret']}", traits.cure)
        return execution.withdraw(region.name, cause)
    if traits.learn:
        region = learn(execution, region, smaps)
    if differences := compare(region.traits, smaps["vmas"]):
        found = "; ".join(differences)
        if region.traits.learn:
            cause = Unusable(
                "rule remap.flags: memory that a driver maps by pfn", found, "name a file whose driver does"
            )
        else:
            cause = Unusable(f"{region.traits.summary}, as its traits say", found, "report this difference")
        return execution.withdraw(region.name, cause)
    return region


def _program(names: Sequence[str], traits: Sequence[RegionTraits]) -> str:
    lines = ["pfn 1", *(f"region {name}" for name in names), "process p"]
    for name, one in zip(names, traits, strict=True):
        if one.premapped or one.source == "perf" or not one.fixed:
            mapping = f"map {name}"
        else:
            mapping = f"mmap {name} {'private' if one.sharing == 'private' else 'shared'} r"
        lines += [f"p: m{name} = {mapping}", f"p: smaps m{name}"]
    return "\n".join(lines) + "\n"


def _shared_read_only(traits: RegionTraits) -> bool:
    # mm/mmap.c do_mmap(): a shared mapping of a file that is open read-only loses VM_MAYWRITE, whatever its driver.
    return traits.read_only and traits.sharing != "private"


def compare(traits: RegionTraits, vmas: Sequence[dict[str, Any]]) -> list[str]:
    """What /proc shows of a mapping that the traits do not say, as clauses; `vmas` as in a smaps observation."""
    if len(vmas) != 1:
        return [f"/proc shows {len(vmas)} vmas for one mapping"]
    text = vmas[0].get("VmFlags")
    if text is None:  # before 3.8
        return []
    flags = set(text.split())
    wanted = set(traits.flags_add) | ({"pf"} if traits.pfnmap else set())
    if traits.pfnmap and traits.insert == "mmap":
        wanted |= _REMAP
    if traits.by in ("page", "mixed"):
        wanted |= {"mm"}  # mm/memory.c vm_insert_page(); a driver sets it before vmf_insert_mixed()
    wanted -= set(traits.flags_del)
    found = [f"VmFlags lacks {flag} ({text})" for flag in sorted(wanted - flags)]
    if not traits.pfnmap and "pf" in flags:
        found.append(f"VmFlags has pf ({text})")
    if ("mw" in flags) != (traits.maywrite and not _shared_read_only(traits)):
        found.append(f"VmFlags {'has' if 'mw' in flags else 'lacks'} mw ({text})")
    return found
