# SPDX-License-Identifier: GPL-2.0-or-later
"""What does exec leave of a process's memory?  (fs/exec.c exec_mmap)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.fork import exit_mm

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task


def exec(k: Kernel, task: Task) -> int:
    """execve(2): the address space and the descriptors (close-on-exec) are gone; 0."""
    k.rules.append("exec.new-mm")
    exit_mm(k, task)
    task.fds.clear()
    task.stale = None
    task.last = None
    task.def_flags = 0
    return 0
