# SPDX-License-Identifier: GPL-2.0-or-later
"""Which region of a real kernel is like the one that a test of the simulator asks for?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hwtests.targets.execution import Execution, Opened
from simulator import Region

#: Fields that say what a page is and how its pte comes to be: the real region must be the same in these.
ALWAYS = (
    "backing", "insert", "by", "order", "mapped", "chunk_pages", "offset", "access", "writenotify", "may_split",
    "has_file", "flags_add", "flags_del", "maywrite", "cache",
)  # fmt: skip
#: Fields that no test can see the difference of.
NEVER = ("name", "pages", "start", "default_sharing", "default_prot", "read_only", "mapcount")
PLAIN = Region("plain", 1)


def _value(of: object, name: str) -> object:
    value = getattr(of, name, None)
    return tuple(value) if isinstance(value, list) else value


class Refused(Exception):
    """There is no such region here; the text says what was asked for."""


def find(execution: Execution, region: Region, taken: Sequence[str]) -> Opened:
    """A usable region of the target with the traits of `region`; Refused when there is none.

    Who does not say what is behind the region takes pages with a struct page too, where there are no others.
    """
    asked = {
        field.name: getattr(region, field.name)
        for field in dataclasses.fields(Region)
        if field.name not in NEVER
        and (field.name in ALWAYS or getattr(region, field.name) != getattr(PLAIN, field.name))
    }
    # Who asks how something is refused asks that it is.
    refusing = [name.removesuffix("_errno") for name in asked if name.endswith("_errno")]
    asked |= {name: getattr(region, name) for name in refusing if hasattr(region, name)}
    usable = [
        opened for opened in execution.opened.values()
        if opened.region.unusable is None and opened.region.pages >= region.pages and opened.region.name not in taken
    ]  # fmt: skip
    for wanted in (asked, asked if region.backing != PLAIN.backing else asked.keys() - {"backing"}):
        for opened in usable:
            if all(_value(opened.region.traits, name) == _value(region, name) for name in wanted):
                return opened
    unusual = [f"{name}={value}" for name, value in asked.items() if value != getattr(PLAIN, name)]
    raise Refused(f"no region here with {', '.join(unusual) or 'the ordinary traits'}")
