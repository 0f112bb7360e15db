# SPDX-License-Identifier: GPL-2.0-or-later
"""In which ways would programs touch a region?  In words: how it is opened and mapped, read, stored to, and what never.

From the region's traits and the numbered calls of the programs; nothing is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hwtests.language.compile import compile_program
from hwtests.language.nodes import Call, Program
from hwtests.language.settings import region_settings
from hwtests.plan import PAGE_SIZE
from hwtests.regions.traits import RegionTraits
from hwtests.targets.base import Region
from hwtests.touch import Access, many, touches

_BY_KERNEL = {
    "peekdata": "ptrace", "mem_read": "/proc/PID/mem", "vm_readv": "process_vm_readv", "write": "write(2)",
    "vmsplice": "vmsplice", "direct_write": "write(2) by O_DIRECT", "futex_wait": "futex(2)",
    "call": "calls of its code",
}  # fmt: skip


def planned_touch(region: Region, programs: Iterable[Program]) -> dict[str, str]:
    """`opened`, `mapped`, `read`, `stored` and `never`: a clause each."""
    traits = region.traits
    calls: list[Call] = []
    reached: list[Access] = []
    for program in programs:
        names = region_settings(program)
        pages = dict.fromkeys(names, region.pages)
        calls += compile_program(program, pages, PAGE_SIZE).calls
        for name in list(names)[:1]:  # the one that the program is about
            reached += touches(program, name, pages, PAGE_SIZE)
    pokes = sum(1 for call in calls if call.verb == "poke")
    return {
        "opened": _opened(traits),
        "mapped": _mapped(region, calls),
        "read": _read(reached),
        "stored": _stored(traits, reached, pokes),
        "never": _never(traits),
    }


def _opened(traits: RegionTraits) -> str:
    how = "read and write" if traits.stores and not traits.read_only else "read-only"
    made = {"premapped": "it is there in every process", "perf": "a perf event of one's own"}
    return made.get(traits.source) or f"{traits.path or traits.source}, {how}"


def _mapped(region: Region, calls: Iterable[Call]) -> str:
    ways = {
        f"{'shared' if call.args[3] & 1 else 'private'}{', writable' if call.args[2] & 2 else ''}"
        for call in calls
        if call.verb == "mmap" and call.args[0] != 0
    }
    ways |= {"as it comes" for call in calls if call.verb == "map"}
    return f"{region.pages} pages: {'; '.join(sorted(ways)) or 'not at all'}"


def _read(reached: Sequence[Access]) -> str:
    widths = sorted({one.width for one in reached if one.call.verb == "load"})
    said = [f"loads of {many(width) if width else 'a page'}" for width in widths]
    said += sorted({_BY_KERNEL[one.call.verb] for one in reached if one.call.verb in _BY_KERNEL})
    if any(one.stores and not one.mapped.shared for one in reached):
        said.append("whole pages by the kernel, where a private mapping is stored to")
    return ", ".join(said) or "nothing"


def _stored(traits: RegionTraits, reached: Sequence[Access], pokes: int) -> str:
    if not traits.stores:
        return "nothing"
    count = pokes + sum(1 for one in reached if one.stores and one.mapped.shared)
    filled = "all of it, before each program (fill); " if traits.view_stores else ""
    return f"{filled}by {count} operations of programs"


def _never(traits: RegionTraits) -> str:
    said = ["anything beyond the range"]
    if not traits.stores and not traits.own:
        said.append("a store to it (--allow-write was not given, or it is not to be had)")
    if not traits.page_reads:
        said.append("a read by the page or by the kernel (page-reads was not given)")
    if traits.widths != (1, 2, 4, 8):
        said.append(f"an access of another width than {' '.join(map(str, traits.widths))}")
    return "; ".join(said)
