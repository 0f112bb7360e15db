# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs may share a boot?  Harmless ones do, `taints` come after them, `leaks` and `may-oops` get one each.

A program that taints is seen by none that comes after it but its like; what leaks or may oops is seen by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

HAZARDS = ("none", "taints", "leaks", "may-oops")
_ALONE = ("leaks", "may-oops")


def schedule(programs: Iterable[T], hazard: Callable[[T], str], *, own_kernel: bool = True) -> list[list[T]]:
    """`programs` grouped by boot, in the order to run them in; within a group in the order given.

    `own_kernel` False (a host): one group, the hazardous ones last. Raises ValueError for a hazard that is none.
    """
    sorted_out: dict[str, list[T]] = {name: [] for name in HAZARDS}
    for program in programs:
        kind = hazard(program)
        if kind not in sorted_out:
            raise ValueError(f"hazard must be one of {', '.join(HAZARDS)}, got {kind!r}")
        sorted_out[kind].append(program)
    shared = sorted_out["none"] + sorted_out["taints"]
    alone = [program for kind in _ALONE for program in sorted_out[kind]]
    if not own_kernel:
        return [shared + alone] if shared or alone else []
    return ([shared] if shared else []) + [[program] for program in alone]
