# SPDX-License-Identifier: GPL-2.0-or-later
"""What could be mapped on this machine?  Every kind of region, each with where it is or which gate is closed.

Nothing is opened here. What a run may use unasked is memory that the agent allocates itself (a perf ring, a dma-buf, a
region of the lab's driver), what every process has, RAM that the command line took from the kernel, and BARs of known
harmless devices. All else is listed, and used when `--region` names it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from hwtests.regions.found import PAGES, Found
from hwtests.regions.machine import MachineFiles
from hwtests.regions.nodes import about_node, absent
from hwtests.regions.pci import bars
from hwtests.regions.physical import Range, ranges
from hwtests.regions.traits import RegionTraits
from native.gate import GateClosed

#: How many pages the agent allocates of kinds that it makes itself; 0: as many as there are.
ALLOCATED: Mapping[str, int] = {"perf": 9, "premapped": 0}


def discover(machine: MachineFiles, kinds: Mapping[str, RegionTraits]) -> list[Found]:
    """Every region that the machine offers or could offer, in the order in which runs prefer them."""
    found: list[Found] = []
    for traits in kinds.values():
        if traits.source == "past":
            continue
        about = about_node(traits.path)
        if traits.source == "ram" or about.get("kind", traits.kind) != traits.kind:
            found += _guests(traits, kinds[about["kind"]] if about.get("kind") in kinds else None)
            continue
        finder = about.get("finder") or ("node" if traits.path else "agent")
        found += _FINDERS[finder](machine, traits, kinds)
    return sorted(found, key=lambda one: (one.closed is not None, not one.unasked))


def not_ours(traits: RegionTraits, name: str) -> RegionTraits:
    """The traits of memory that is somebody's device: nothing is stored, nobody else is asked to look at it."""
    return replace(traits, kind=name, own=False, stores=False, view="none", view_stores=False)


def _guests(traits: RegionTraits, listed: RegionTraits | None) -> Iterator[Found]:
    # A kind whose file another kind stands for on a host: a guest alone has its other side.
    if traits.source in ("ram", "devmem") or listed is None:
        closed = GateClosed(errno.ENODEV, "guests only", "the host's own kernel", traits.cure)
        yield Found(traits.kind, traits, traits.path, closed=closed)


def _agents(machine: MachineFiles, traits: RegionTraits, kinds: Mapping[str, RegionTraits]) -> Iterator[Found]:
    # What the agent makes or has: it alone can tell.
    yield Found(traits.kind, traits, pages=ALLOCATED.get(traits.source, PAGES), unasked=True)


def _nodes(machine: MachineFiles, traits: RegionTraits, kinds: Mapping[str, RegionTraits]) -> Iterator[Found]:
    # Files by whose means the agent allocates, or that every user may map.
    paths = machine.glob(traits.path)
    for path in paths:
        name = traits.kind if len(paths) == 1 else f"{traits.kind}:{path.rsplit('/', 1)[1]}"
        pages = 0 if traits.source in ("file", "lab") else PAGES
        yield Found(name, replace(traits, kind=name), path, pages=pages, unasked=True)
    if not paths:
        yield Found(traits.kind, traits, traits.path, closed=absent(machine, traits))


def _devices(machine: MachineFiles, traits: RegionTraits, kinds: Mapping[str, RegionTraits]) -> Iterator[Found]:
    # Nodes of devices: the user has to name them.
    paths = machine.glob(traits.path)
    for path in paths:
        pages = 1 if traits.length == "region" else PAGES
        yield Found(path, not_ours(traits, path), path, pages=pages, size=pages * machine.page_size)
    if not paths:
        yield Found(traits.kind, traits, traits.path, closed=absent(machine, traits))


def _uio(machine: MachineFiles, traits: RegionTraits, kinds: Mapping[str, RegionTraits]) -> Iterator[Found]:
    # drivers/uio/uio.c uio_find_mem_index(): the offset, in pages, is the number of the map.
    maps = machine.glob("/sys/class/uio/uio*/maps/map*")
    for entry in maps:
        device, number = entry.split("/")[4], int(entry.rsplit("map", 1)[1])
        size = machine.number(f"{entry}/size")
        base, length = number * machine.page_size, size // machine.page_size * machine.page_size
        name = f"/dev/{device},offset={base:#x},length={length:#x}"
        path = f"/dev/{device}"
        summary = f"{traits.summary}: {machine.text(f'{entry}/name') or entry}"
        mine = replace(not_ours(traits, name), summary=summary)
        yield Found(name, mine, path, base, min(length // machine.page_size, PAGES), size)
    if not maps:
        yield Found(traits.kind, traits, traits.path, closed=absent(machine, traits))


def _framebuffers(machine: MachineFiles, traits: RegionTraits, kinds: Mapping[str, RegionTraits]) -> Iterator[Found]:
    paths = machine.glob("/dev/fb*")
    for path in paths:
        about = f"/sys/class/graphics/{path.rsplit('/', 1)[1]}"
        rows = int(machine.text(f"{about}/virtual_size").partition(",")[2] or 0)
        size = machine.number(f"{about}/stride") * rows
        name = f"{path},length={PAGES * machine.page_size:#x}"
        yield Found(name, not_ours(traits, name), path, pages=min(size // machine.page_size, PAGES), size=size)
    if not paths:
        yield Found(traits.kind, traits, traits.path, closed=absent(machine, traits))


def _pci(machine: MachineFiles, traits: RegionTraits, kinds: Mapping[str, RegionTraits]) -> Iterator[Found]:
    found = bars(machine, kinds)
    for one in found:
        yield replace(one, traits=not_ours(one.traits, one.name))
    if not found:
        yield Found(traits.kind, traits, traits.path, closed=absent(machine, traits))


def _physical(machine: MachineFiles, traits: RegionTraits, kinds: Mapping[str, RegionTraits]) -> Iterator[Found]:
    if not machine.exists("/dev/mem"):
        yield Found(traits.kind, traits, traits.path, closed=absent(machine, traits))
        return
    found = ranges(machine)
    for one in found:
        yield of_range(machine, traits, one)
    if not any(one.kind in ("hidden", "reserved") for one in found):
        seen = "no such range" if machine.iomem else "/proc/iomem hides its addresses from this user"
        cure = "boot with memmap=64K$ADDRESS or mem=SIZE" if machine.iomem else "run as root"
        yield Found(traits.kind, traits, traits.path, closed=GateClosed(errno.ENODEV, "device", seen, cure))


def of_range(machine: MachineFiles, traits: RegionTraits, one: Range) -> Found:
    """The region over physical addresses; only RAM that the command line took from the kernel is used unasked."""
    pages = min((one.end - one.start) // machine.page_size, PAGES)
    name = f"/dev/mem,offset={one.start:#x},length={pages * machine.page_size:#x}"
    mine = replace(not_ours(traits, name), summary=one.name)
    if one.kind == "mmio":
        mine = replace(mine, backing="mmio", stable=False)
    unasked = one.kind in ("hidden", "reserved")
    return Found(name, mine, "/dev/mem", one.start, pages, one.end - one.start, unasked)


Finder: TypeAlias = Callable[[MachineFiles, RegionTraits, Mapping[str, RegionTraits]], Iterator[Found]]
_FINDERS: Mapping[str, Finder] = {
    "agent": _agents, "device": _devices, "framebuffer": _framebuffers, "node": _nodes, "pci": _pci,
    "physical": _physical, "uio": _uio,
}  # fmt: skip
