# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a region of a real machine?  One thing that could be mapped: what kind it is, where, and whether unasked."""

from __future__ import annotations

from dataclasses import dataclass

from hwtests.regions.traits import RegionTraits
from native.gate import GateClosed

#: Pages of a region that a run takes unless the user says otherwise: enough for every program of the catalogue.
PAGES = 16


@dataclass(frozen=True, slots=True)
class Found:
    """One region that a machine offers, or could offer.

    `name` is what `--region` takes. `base` is in bytes from where its file starts, `pages` how many of it a run takes
    (0: as many as there are), `size` how long it is in bytes (0: not known). `unasked`: a run without `--region` may
    use it. `closed`: the gate that is seen without opening anything.
    """

    name: str
    traits: RegionTraits
    path: str = ""
    base: int = 0
    pages: int = 0
    size: int = 0
    unasked: bool = False
    closed: GateClosed | None = None
