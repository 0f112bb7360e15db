# SPDX-License-Identifier: GPL-2.0-or-later
"""Did a kernel say on its console that it is broken?  Also outside of any program: at boot, between two, at the end."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

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
_INIT = "Attempted to kill init!"  # kernel/exit.c: the agent is init
_BEFORE, _AFTER = 5, 60  # lines that are kept around the first
_STAMP = re.compile(r"^\s*(?:\[\s*\d+\.\d+\]\s?)?(?:<\d>)?")  # printk.time, and the level that /dev/kmsg has


def crash_lines(console: str) -> list[str]:
    """The lines of a console from the first in which a kernel says that it is broken; empty when none does."""
    lines = console.splitlines()
    for number, line in enumerate(lines):
        if any(mark in line for mark in CRASH_MARKS):
            return lines[max(0, number - _BEFORE) : number + _AFTER]
    return []


def agent_died(console: str) -> bool:
    """Whether the kernel panicked only because its init, the agent, ended: then it is not the kernel that is broken."""
    marked = [line for line in console.splitlines() if any(mark in line for mark in CRASH_MARKS)]
    return bool(marked) and all(
        ("Kernel panic" in line and _INIT in line) or "end Kernel panic" in line for line in marked
    )


def complaints(console: str, judged: Iterable[str] = ()) -> list[str]:
    """The lines in which a kernel complains, without those that `judged` has: what programs' kernel logs held."""
    seen = Counter(_text(line) for line in judged)
    found: list[str] = []
    for line in console.splitlines():
        if seen[_text(line)] > 0:
            seen[_text(line)] -= 1
        elif _searched("complaint", line) and not _searched("allowed", line):
            found.append(line.strip())
    return found


def _text(line: str) -> str:
    return _STAMP.sub("", line).strip()


def _searched(kind: str, line: str) -> bool:
    return any(pattern.search(line) for pattern in _patterns(kind))


@cache
def _patterns(kind: str) -> tuple[re.Pattern[str], ...]:
    data = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return tuple(re.compile(entry["pattern"]) for entry in data.get(kind, ()))
