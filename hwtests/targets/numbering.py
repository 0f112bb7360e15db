# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of an agent's regions are those of a program?  The agent has many open; a program counts its own from 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hwtests.language.nodes import Call, Compiled

#: verb -> the argument that is a region's number (docs/internals.md, "Numbered calls")
_REGION_ARGUMENT = {"open": 0, "map": 0, "peek": 0, "poke": 0, "release": 0, "remap_file_pages": 3}


def renumbered(compiled: Compiled, ids: Sequence[int]) -> Compiled:
    """The calls with the agent's numbers of regions: region slot i of the program is the agent's `ids[i]`."""
    if list(ids) == list(range(len(ids))):
        return compiled
    return replace(compiled, calls=tuple(_call(call, ids) for call in compiled.calls))


def _call(call: Call, ids: Sequence[int]) -> Call:
    at = _REGION_ARGUMENT.get(call.verb)
    of_region = call.verb == "mmap" and call.args[0] == 1
    by_region = call.verb in ("kpagecount", "kpageflags", "page_state") and call.args[0] == 0
    if of_region or by_region:
        at = 1
    if at is None:
        return call
    return replace(call, args=(*call.args[:at], ids[call.args[at]], *call.args[at + 1 :]))
