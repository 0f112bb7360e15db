# SPDX-License-Identifier: GPL-2.0-or-later
"""What does smaps_rollup sum up?  (fs/proc/task_mmu.c show_smaps_rollup)"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from simulator.task_mmu import PAGE_KB, smaps_vma

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task


def rollup(k: Kernel, task: Task) -> dict[str, int] | int:
    """smaps_rollup in pages: Rss, Anonymous, Locked, Swap: the sums over all vmas; or -errno."""
    k.stage = ""
    if not k.profile.smaps_rollup:
        k.rules.append("rollup.none")
        k.stage = "open"
        return -errno.ENOENT
    k.rules.append("smaps.rollup")
    sums = dict.fromkeys(("Rss", "Anonymous", "Locked", "Swap"), 0)
    for vma in task.vmas:
        entry = smaps_vma(k, task, vma)
        for name in sums:
            sums[name] += entry[name]
    return {name: size // PAGE_KB for name, size in sums.items()}
