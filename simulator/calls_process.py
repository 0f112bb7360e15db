# SPDX-License-Identifier: GPL-2.0-or-later
"""How do processes come and go?"""

from __future__ import annotations

import errno
import signal as signals
from typing import TYPE_CHECKING

from simulator.fork import dup_mmap, exit_mm
from simulator.task import Task

if TYPE_CHECKING:
    from simulator.kernel import Kernel


def fork(k: Kernel, task: Task) -> Task | int:
    """The child, or -ENOMEM."""
    k.rules.append("fork.copies-address-space")
    k.pids += 1
    child = Task(k.pids, task.uid, task.drop_caps, task.memlock, task)
    child.fds = dict(task.fds)
    error = dup_mmap(k, task, child)
    if not error:
        k.tasks.append(child)
    return error or child


def exit(k: Kernel, task: Task, status: int) -> int:
    k.rules.append("exit.gives-all-back")
    exit_mm(k, task)
    k.tasks.remove(task)
    task.alive = False
    task.status = (status & 0xFF) << 8
    return 0


def kill(k: Kernel, task: Task, name: str) -> None:
    """The process dies of a signal."""
    exit_mm(k, task)
    k.tasks.remove(task)
    task.alive = False
    task.death = name
    task.status = int(getattr(signals, name))


def wait(k: Kernel, task: Task, child: Task) -> int:
    """wait4(child): its u32 status, or -ECHILD."""
    k.rules.append("wait.status")
    if child.parent is not task or child.reaped:
        return -errno.ECHILD
    if child.alive:
        k.unknown = "a wait for a process that goes on"
        return -errno.EINTR
    child.reaped = True
    return child.status
