# SPDX-License-Identifier: GPL-2.0-or-later
"""What does /proc/PID tell of the mappings?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import task_mmu

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task


def smaps(k: Kernel, task: Task, start: int, end: int) -> list[dict[str, Any]]:
    """One dict a vma that intersects [start, end): start, end, perms, pgoff, the kB fields as printed, VmFlags."""
    k.rules.append("smaps.one-entry-a-vma")
    return [task_mmu.smaps_vma(k, task, vma) for vma in task.vmas_in(start, end)]


def maps(k: Kernel, task: Task, start: int, end: int) -> list[dict[str, Any]]:
    k.rules.append("maps.offset-is-pgoff")
    return [task_mmu.maps_line(vma) for vma in task.vmas_in(start, end)]


def pagemap(k: Kernel, task: Task, addr: int, length: int) -> list[tuple[frozenset[str], int | None]] | int:
    k.rules.append("pagemap.one-entry-a-page")
    return task_mmu.pagemap(k, task, addr, length)
