# SPDX-License-Identifier: GPL-2.0-or-later
"""Which traces say nothing of the kernel, and why?  Those without the one thing that the program is about."""

from __future__ import annotations

from hwtests.asked import never, void
from hwtests.language.nodes import Op, Program
from hwtests.needs import DISK
from hwtests.targets.base import Unusable
from hwtests.trace import Trace


def silent(program: Program, trace: Trace, tries: int) -> Unusable | None:
    """The cause of a skip, where the kernel never chose what the program asks for in so many `tries`, or the host has
    no file that takes O_DIRECT; None for a trace that is to be judged."""
    if ask := void(program, trace):
        return never(ask, tries, trace.header.kernel.release)
    return no_disk(program, trace)


def no_disk(program: Program, trace: Trace) -> Unusable | None:
    """A host's file systems are as they are (a guest's disk is the lab's own: that it has none is no excuse)."""
    if trace.header.target != "host":
        return None
    verbs = {at.number: one.verb for at, one in program.statements() if isinstance(one, Op) and one.verb in DISK}
    for line in trace.lines:
        if line.line in verbs and line.obs.get("stage") == "open":
            return Unusable(
                f"a disk, for {verbs[line.line]}",
                f"no file here takes O_DIRECT: {line.obs['ret']}",
                "start from a folder of a file system that does (ext4, xfs), or say one with TMPDIR",
            )
    return None
