# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a driver that nobody wrote down do?  Learned from a few mappings that nobody touches.

Learned is what drivers may do either way: which sharing and offsets they take, with which errno they refuse, which
flags they add, what they make of vm_pgoff. Never learned is what none should do: a page too many, the wrong page, a
mapping without VM_IO. The traits then say what the kernel will make of it, and the promises of the catalogue say that
it is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hwtests.language.parser import parse
from hwtests.regions.traits import RegionTraits
from hwtests.targets.base import LIMIT, Region, TargetError
from hwtests.targets.execution import Execution

_REMAP = {"io", "pf", "de", "dd"}  # mm/memory.c remap_pfn_range_prepare_vma()
_DRIVERS = {"io", "dc", "de", "dd", "wf"}  # what a driver's mmap may add
_TOO_LONG = 100_000  # pages: more than any driver has of one device


def learn(execution: Execution, region: Region, smaps: Mapping[str, Any]) -> Region:
    """The region with what its driver was seen to do; `smaps` of a first mapping of it, readable only."""
    region = execution.learn(region.name, of_flags(region.traits, smaps["vmas"]))
    program = parse(_program(region), "region-learn")
    try:
        trace = execution.run(program, {"dev": region.name}, limit=LIMIT, hazard="none")
    except TargetError:
        return region
    said = {str(line.text).partition(" ")[0]: line.obs for line in trace.lines}
    answers = {name: str(obs["ret"]) for name, obs in said.items()}
    traits = replace(of_answers(region.traits, answers), backing=backing_of(region.traits, said.get("kpageflags", {})))
    return execution.learn(region.name, traits)


def of_flags(traits: RegionTraits, vmas: Sequence[Mapping[str, Any]]) -> RegionTraits:
    """The traits with what VmFlags says: is VM_MAYWRITE cleared, VM_MAYEXEC, which flags are there, pages or pfns?

    A vma without all the flags of remap_pfn_range() gets its ptes by faults, unless it may be expanded: who sets the
    flags for a fault handler sets that one. A vma with VM_MIXEDMAP that counts pages at once had them inserted by mmap.
    """
    flags = set(vmas[0].get("VmFlags", "").split()) if len(vmas) == 1 else set()
    if not flags:
        return traits
    traits = replace(
        traits,
        # mm/mmap.c do_mmap(): a shared mapping of a file that is open read-only loses VM_MAYWRITE, whatever its driver.
        maywrite="mw" in flags or (traits.read_only and traits.sharing != "private"),
        mayexec="me" in flags,
        flags_add=tuple(sorted(flags & _DRIVERS)),
    )
    if traits.sharing != "private" and "offset" in vmas[0]:
        # remap_pfn_range() writes the pfn there of what can be COWed; of a shared mapping the driver itself does.
        traits = replace(traits, pgoff="pfn" if str(vmas[0]["offset"]).endswith("]") else "zero")
    if "pf" in flags:
        at_mmap = flags >= _REMAP or not flags & {"de", "dd"}
        return replace(traits, insert="mmap" if at_mmap else "fault", flags_del=tuple(sorted(_REMAP - flags)))
    if "mm" in flags:
        pages = bool(vmas[0].get("Rss"))
        by, insert = ("page", "mmap") if pages else ("mixed", "fault")
        return replace(traits, pfnmap=False, by=by, insert=insert, backing="ram", flags_del=())
    return replace(traits, insert="fault")


def of_answers(traits: RegionTraits, said: Mapping[str, str]) -> RegionTraits:
    """The traits with what mmap answered: `private_`, `offset`, `longer` and `long` are each `ok` or an errno."""
    changes: dict[str, Any] = {}
    if traits.sharing == "both" and said.get("private_", "ok") != "ok":
        changes |= {"sharing": "shared", "sharing_errno": said["private_"]}
    if said.get("offset", "ok") != "ok":
        changes |= {"offset": "zero", "offset_errno": said["offset"]}
    # That a longer mapping is taken is not learned: a driver shall refuse it.
    refusal = said.get("longer", "ok") if said.get("offset") == "ok" else said.get("long", "ok")
    if refusal != "ok":
        changes |= {"length_errno": refusal}
    return replace(traits, **changes)


def backing_of(traits: RegionTraits, obs: Mapping[str, Any]) -> str:
    """Whether its pages have a struct page, from /proc/kpageflags of the first; as it was where root alone may ask."""
    flags = obs.get("flags") or [None]
    if obs.get("ret") != "ok":
        return traits.backing
    if flags[0] is None or "nopage" in flags[0].split():
        return "absent"
    return "reserved" if "reserved" in flags[0].split() else "ram"


def _program(region: Region) -> str:
    sharing = "private" if region.traits.sharing == "private" else "shared"
    lines = ["pfn 1", "region dev", "process p"]
    if region.traits.sharing == "both":
        lines += ["p: private_ = mmap dev private r"]
    if region.pages > 1:
        lines += [f"p: offset = mmap dev {sharing} r pages=1 offset=1"]
        if region.traits.length != "any":
            lines += [f"p: longer = mmap dev {sharing} r offset=1"]
    if region.traits.length != "any":
        lines += [f"p: long = mmap dev {sharing} r pages={_TOO_LONG}"]
    if region.pfn:
        lines += ["kpageflags dev[0]"]
    return "\n".join(lines) + "\n"
