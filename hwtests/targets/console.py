# SPDX-License-Identifier: GPL-2.0-or-later
"""Did a kernel say on its console that it is broken?"""

from __future__ import annotations

from collections.abc import Sequence

#: What kernels print when they oops, BUG or panic: lib/bug.c, kernel/panic.c, arch/*/mm/fault.c, arch/um/kernel/trap.c.
CRASH_MARKS: Sequence[str] = (
    "Kernel panic",
    "kernel BUG at",
    "BUG: ",
    "Oops",
    "general protection fault",
    "Unable to handle kernel",
    "Kernel mode fault",
    "segfault in kernel",
)
_BEFORE, _AFTER = 5, 60  # lines that are kept around the first


def crash_lines(console: str) -> list[str]:
    """The lines of a console from the first in which a kernel says that it is broken; empty when none does."""
    lines = console.splitlines()
    for number, line in enumerate(lines):
        if any(mark in line for mark in CRASH_MARKS):
            return lines[max(0, number - _BEFORE) : number + _AFTER]
    return []
