# SPDX-License-Identifier: GPL-2.0-or-later
"""Which call of the simulator is a numbered call, and what is said of it when the process is no more?"""

from __future__ import annotations

from hwtests.language.nodes import Call
from hwtests.language.verbs import ENDS
from simulator import Stopped

from . import beyond, mappings, memory, views
from .tables import NoProcessError, Obs, Process, Tables, Verb

# What may free a page that was a copy.
_UNMAPS = frozenset({
    "mmap", "map", "munmap", "mremap", "madvise", "exit", "process_madvise", "remap_file_pages", "read_zero",
    "coredump", "exec",
})  # fmt: skip

VERBS: dict[str, Verb] = {**mappings.VERBS, **memory.VERBS, **views.VERBS, **beyond.VERBS}


class Driver(Tables):
    """Executes calls on a simulated kernel."""

    def do(self, call: Call) -> Obs:
        """The observation of one call; `kernel.rules` and `kernel.unknown` speak of it afterwards."""
        kernel = self.kernel
        kernel.rules.clear()
        kernel.unknown = kernel.unknown_content = None
        kernel.stage = ""
        self.choice = {}
        if kernel.lost is not None:
            return {"ret": {"unknown": kernel.lost}}
        try:
            process = self.alive(call.proc) if call.proc >= 0 else None
            obs = VERBS[call.verb](self, process, call)
        except NoProcessError:
            return {"ret": "no-process"}
        except Stopped as stopped:
            return {"ret": "hangs"} if stopped.outcome == "hangs" else died(process)
        if self.content is not None and call.verb in _UNMAPS:
            self.content.forget_copies()
        if process is not None and not process.task.alive and call.verb not in ENDS:
            return died(process)
        if kernel.lost is not None:
            return {"ret": {"unknown": kernel.lost}}
        if kernel.unknown is not None:
            return {"ret": {"unknown": kernel.unknown}}
        return obs


def died(process: Process | None) -> Obs:
    """The caller was killed in this call."""
    return {"ret": "died", "signal": (process.task.death if process is not None else None) or "?"}
