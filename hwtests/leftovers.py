# SPDX-License-Identifier: GPL-2.0-or-later
"""What would a program leave in a host's kernel that outlives its processes, though it does no harm to a guest?

A record of a cache type. On x86 up to 6.15 remap_pfn_range() over the whole of a vma reserves one for the range
(arch/x86/mm/pat/memtype.c reserve_pfn_range(), for what is no System RAM), and unmapping gives it back. When the vma
was split, the parts are given back one by one, but memtype_erase() (memtype_interval.c) knows the whole range and an
end of it only: what came before the last part stays reserved until the next boot, and the kernel says "freeing invalid
memtype". A driver that later wants the same addresses with another cache type is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hwtests.language.conditions import Condition, parse_condition
from hwtests.language.nodes import Program
from hwtests.language.promise import version
from hwtests.language.settings import program_needs
from hwtests.trace import Kernel

VM_PAT_GONE = "6.16"  # the tracking follows the vma's life since then, not its parts


class Traits(Protocol):
    """What is asked of a region: hwtests/regions/traits.py, RegionTraits."""

    @property
    def kind(self) -> str: ...
    def holds(self, trait: str, /) -> bool: ...


def memtype_left(program: Program, regions: Mapping[str, Traits], kernel: Kernel) -> str | None:
    """What `program` leaves reserved on this kernel, for people; None for nothing."""
    if kernel.arch != "x86_64" or version(kernel.at) >= version(VM_PAT_GONE):
        return None
    splits = {condition.region for condition in map(parse_condition, program_needs(program))
              if isinstance(condition, Condition) and condition.key == "split"}  # fmt: skip
    for name, traits in regions.items():
        if name in splits and traits.holds("no-struct-page"):
            return f"{traits.kind} is split: before {VM_PAT_GONE} the cache type of its first part stays reserved"
    return None
