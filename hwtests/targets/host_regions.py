# SPDX-License-Identifier: GPL-2.0-or-later
"""Which regions does the host offer a run?  What was found there and what the user named, opened, or closed by a gate.

What a run may not touch unasked is listed and not opened. A file is first opened and mapped here, and read by nobody:
that names the gate which the agent's errno alone would not.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from hwtests.regions.discover import discover
from hwtests.regions.found import PAGES, Found
from hwtests.regions.machine import MachineFiles
from hwtests.regions.named import Named
from hwtests.regions.nodes import about_node
from hwtests.regions.probe import probe_file
from hwtests.regions.traits import SOURCES, RegionTraits, load_traits
from hwtests.targets.base import Region, Unusable
from hwtests.targets.everyones import EVERYONES, other_kernel
from hwtests.targets.execution import Execution, Offer
from hwtests.targets.regioncheck import check_regions
from native.gate import GateClosed
from native.wire import Kind

#: Sources that are a file, which can be opened and mapped without the agent.
_FILES = ("file", "devmem")
#: What forbids a source to a user: a setting rather than a file's mode.
_FORBIDDEN = {"perf": "sysctl", "io_uring": "sysctl"}


def open_regions(execution: Execution, named: Sequence[Named]) -> list[Region]:
    """Open what the user named and what may be used unasked; the rest is unusable with its cause."""
    regions = [_named(execution, one) for one in named]
    known = {region.name for region in regions}
    for found in discover(MachineFiles(), load_traits()):
        if found.traits.kind not in known:
            regions.append(_closed(found, execution.kernel.at, execution.kernel.arch) or _open(execution, found))
    return [_gated(region) for region in check_regions(execution, regions)]


def planned_regions(named: Sequence[Named], level: str, arch: str) -> list[Region]:
    """The same without opening or mapping anything: usable is what no gate is seen to be closed for."""
    regions = [_plan(one) for one in named]
    known = {region.name for region in regions}
    for found in discover(MachineFiles(), load_traits()):
        if found.traits.kind not in known:
            regions.append(
                _closed(found, level, arch) or Region(found.traits, _pages(found) or _size(found.path) or PAGES)
            )
    return regions


def because(traits: RegionTraits, gate: GateClosed) -> Unusable:
    """A closed gate as the cause why a region cannot be used."""
    needs = about_node(traits.path).get("needs") or traits.needs or traits.summary
    return Unusable(needs, f"{gate.gate}: {gate.found}", gate.cure, gate.gate)


def _closed(found: Found, level: str, arch: str) -> Region | None:
    traits = found.traits
    if found.closed is not None:
        return Region(traits, unusable=because(traits, found.closed))
    if cause := other_kernel(traits, level, arch):
        return Region(traits, unusable=Unusable(cause.needs, cause.found, cause.cure, "kernel"))
    if found.unasked:
        return None
    needs = f"to be named: {traits.summary}"
    cause = Unusable(needs, "pfnlab does not touch it unasked", f"--region {found.name}", "by name only")
    return Region(traits, unusable=cause)


def _gated(region: Region) -> Region:
    """The region with the name of its gate, where the agent has made it, or could not: its errno is the last word."""
    cause = region.unusable
    if cause is None or cause.gate or region.traits.source in _FILES:
        return region
    word = cause.found.rsplit(" ", 1)[-1]
    gate = {"ENOSYS": "kernel", "ENODEV": "kernel", "EINVAL": "kernel", "ENOENT": "device node", "EBUSY": "busy"}.get(
        word
    )
    if word in ("EPERM", "EACCES"):
        gate = _FORBIDDEN.get(region.traits.source, "permission")
    if gate is None:
        gate = "not as its traits say" if "VmFlags" in cause.found else "mmap"
    return replace(region, unusable=replace(cause, gate=gate))


def _open(execution: Execution, found: Found) -> Region:
    traits, pages = found.traits, _pages(found)
    if SOURCES[traits.source] not in set(Kind):
        cause = Unusable(traits.needs, f"an agent without regions of source {traits.source}", traits.cure)
        return Region(traits, unusable=cause)
    if traits.source in _FILES:
        length = max(pages, 1) * execution.hello.page_size
        gate = probe_file(traits, found.path, base=found.base, length=length)
        if gate is not None:
            return Region(traits, unusable=because(traits, gate))
    return _measured(execution, execution.open_region(Offer(traits, pages, found.base, found.path)))


def _named(execution: Execution, one: Named) -> Region:
    traits, page = one.traits, execution.hello.page_size
    length = one.length or page
    gate = probe_file(traits, one.path, base=one.offset, length=length, sync=one.sync)
    if gate is not None and traits.sharing == "both":
        private = replace(traits, sharing="private")
        if probe_file(private, one.path, base=one.offset, length=length, sync=one.sync) is None:
            cause = Unusable(
                "to know how the driver is mapped", str(gate.found), "add ,private: it takes that", gate.gate
            )
            return Region(traits, unusable=cause)
    if gate is not None:
        return Region(traits, unusable=because(traits, gate))
    pages = one.length // page
    offer = Offer(traits, pages, one.offset, one.path, sync=one.sync, never_store=not traits.stores)
    return _measured(execution, execution.open_region(offer))


def _measured(execution: Execution, region: Region) -> Region:
    if region.unusable is not None or region.pages:
        return region
    path = region.traits.path or region.name
    cause = Unusable(f"the length of {path}", "the file tells none", "add length=BYTES", "length")
    return execution.withdraw(region.name, cause)


def _plan(one: Named) -> Region:
    page = os.sysconf("SC_PAGE_SIZE")
    pages = one.length // page or max(_size(one.path) - one.offset // page, 0)
    if not pages:
        cause = Unusable(f"the length of {one.path}", "the file tells none", "add length=BYTES", "length")
        return Region(one.traits, unusable=cause)
    return Region(one.traits, pages)


def _pages(found: Found) -> int:
    return EVERYONES.get(found.traits.kind, found.pages)


def _size(path: str) -> int:
    # In pages, as the file tells.
    try:
        return -(-os.stat(path).st_size // os.sysconf("SC_PAGE_SIZE"))
    except OSError:
        return 0
