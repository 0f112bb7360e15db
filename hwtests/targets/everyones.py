# SPDX-License-Identifier: GPL-2.0-or-later
"""Which regions may a kernel have, whatever machine it is on?  Its own, a PC's, those of the lab's driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwtests.language.promise import version
from hwtests.regions.named import Named
from hwtests.regions.traits import RegionTraits, load_traits
from hwtests.targets.base import Region, Unusable
from hwtests.targets.execution import Execution, Offer
from hwtests.targets.modules import outcomes

#: Kinds, in the order in which they are to be preferred, and how many pages are asked for; 0: as many as there are.
EVERYONES: Mapping[str, int] = {
    "udmabuf": 16,
    "dma-heap-pages": 16,
    "dma-heap-chunk": 16,
    "dma-heap-chunks": 17,  # of 2^4 and 2^0: drivers/dma-buf/heaps/system_heap.c takes the largest order that fits
    "io-uring-pfn": 16,
    "io-uring-pages": 16,
    "packet": 16,
    "perf": 9,  # one page of the kernel's and 2^3 of data: perf_event_open(2)
    "btf": 0,
    "hpet": 1,
    "vvar": 0,
}
UIO, UIO_PAGES = "pfnlab_uio", 16  # native/kmod/pfnlab_uio.c
LAB = "lab"  # the source of a region of the lab's driver


def open_everyones(execution: Execution, lab: Unusable | None) -> list[Region]:
    """Open them on the agent; those that this kernel has not are unusable. `lab`: why its driver is not there."""
    known = load_traits()
    wanted = [(known[kind], pages) for kind, pages in EVERYONES.items() if kind in known]
    wanted += [(traits, 0) for traits in known.values() if traits.source == LAB]
    return [_opened(execution, traits, pages, lab if traits.source == LAB else None) for traits, pages in wanted]


def open_named(execution: Execution, named: Sequence[Named]) -> list[Region]:
    """Open the regions that the user named on the agent."""
    page = execution.hello.page_size
    offers = [
        Offer(one.traits, one.length // page, one.offset, one.path, sync=one.sync, never_store=not one.traits.stores)
        for one in named
    ]
    return [_with_pages(execution, execution.open_region(offer), "add length=BYTES") for offer in offers]


def open_uio(execution: Execution, lab: Unusable | None) -> Region:
    """Open the lab's UIO device on the agent of a guest. Only there is /dev/uio0 known to be the lab's."""
    traits = load_traits()["lab-uio"]
    told = outcomes(execution.hello.modules).get(UIO, "not tried")
    if lab is None and told != "ok":
        lab = Unusable(traits.needs, f"loading {UIO}: {told}", traits.cure)
    return _opened(execution, traits, UIO_PAGES, lab)


def _opened(execution: Execution, traits: RegionTraits, pages: int, cause: Unusable | None) -> Region:
    cause = cause or other_kernel(traits, execution.kernel.at, execution.kernel.arch)
    if cause is not None:
        return Region(traits, unusable=cause)
    region = _with_pages(execution, execution.open_region(Offer(traits, pages)), traits.cure)
    if region.unusable is None and traits.source == "dma-heap" and traits.view != "none" and not region.pfn:
        # system_heap.c alloc_largest_available() makes do with smaller orders where memory is in pieces.
        cause = Unusable("a DMA buffer of consecutive frames", "its frames are scattered", "free memory, or reboot")
        return execution.withdraw(region.name, cause)
    return region


def _with_pages(execution: Execution, region: Region, cure: str) -> Region:
    if region.unusable is not None or region.pages:
        return region
    path = region.traits.path
    return execution.withdraw(region.name, Unusable(f"the length of {path}", "the file tells none", cure))


def other_kernel(traits: RegionTraits, level: str, arch: str) -> Unusable | None:
    """The cause when a kernel of this stable level and architecture has no such region: traits since, before, arch."""
    if traits.arch and arch not in traits.arch:
        return Unusable(f"{traits.needs} (on {', '.join(traits.arch)})", f"architecture {arch}", traits.cure)
    early = traits.since and version(level) < version(traits.since)
    late = traits.before and version(level) >= version(traits.before)
    if not early and not late:
        return None
    span = f"since {traits.since}" if early else f"before {traits.before}"
    return Unusable(f"{traits.needs} ({span})", f"kernel {level}", traits.cure)
