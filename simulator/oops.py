# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said when the kernel itself dies, or never comes back?  (BUG(), oopses, loops without an end)

A call that ends so raises `Stopped`: who makes the calls says what became of it, and from there on the model is silent
(`Kernel.lost`), as nothing of what such a kernel does can be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

AFTERWARDS = "what a kernel does after an oops"
BUG = "Kernel BUG at"  # arch/x86_64/kernel/traps.c out_of_line_bug(), 2005: then file:line


class Stopped(Exception):
    """The call has no answer; `outcome` is `died` (the caller was killed, by `Task.death`) or `hangs`."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def oops(k: Kernel, task: Task, text: str) -> NoReturn:
    """A bad access by the kernel, in a system call that `task` makes: it is killed as it stands (no_context())."""
    k.log(text)
    _end(k, task, "SIGKILL")
    raise Stopped("died")


def bug(k: Kernel, task: Task, where: str, *, in_fault: bool = False) -> NoReturn:
    """BUG() at `where` (a file) in a system call, which has mmap_sem: do_exit() waits for it for ever.

    `in_fault`: in a page fault, which only reads under it: the process dies of SIGSEGV.
    """
    k.log(f"{BUG} {where}")
    _end(k, task, "SIGSEGV")
    raise Stopped("died" if in_fault else "hangs")


def loop(k: Kernel, task: Task) -> NoReturn:
    """A loop in the kernel that no signal ends."""
    _end(k, task, None)
    raise Stopped("hangs")


def _end(k: Kernel, task: Task, signal: str | None) -> None:
    k.lost = AFTERWARDS
    task.alive = False  # nothing of its memory is given back
    task.death = signal
