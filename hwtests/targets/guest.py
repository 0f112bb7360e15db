# SPDX-License-Identifier: GPL-2.0-or-later
"""What do all guests have in common?  A boot, programs back to back, and a new boot after a death."""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hwtests.kernels.cache import Kernel
from hwtests.targets.agent import find_agent
from hwtests.targets.base import LIMIT, Region, TargetError, TargetLost, Unusable
from hwtests.targets.console import agent_died, complaints, crash_lines
from hwtests.targets.folder import choose_parent, complaint, guest_ids, make_folder
from hwtests.targets.modules import outcomes
from hwtests.targets.supervised import Supervised
from native.channel import AgentLink, AgentLost, Channel

if TYPE_CHECKING:
    from hwtests.language.nodes import Program
    from hwtests.targets.execution import Execution
    from hwtests.trace import End, Trace

# What runs programs is loaded once a kernel has been started: it boots meanwhile.

BOOT_LIMIT = 120.0  # seconds; five times what the slowest guest takes beside others on a busy machine
_UNKILLABLE = "does not die"  # native/program.c, of a process that SIGKILL does not end
_LAST_WORDS = 2.0  # seconds that a dying kernel gets to print why
_BROKEN = 1 << 5 | 1 << 7  # TAINT_BAD_PAGE, TAINT_DIE (include/linux/panic.h)
_POWER_OFF = 3.0  # seconds that a guest gets to end by itself


@dataclass
class Boot:
    """One running guest. `seconds`: from the start of its process to the agent's answer."""

    process: Supervised
    execution: Execution
    regions: list[Region] = field(default_factory=list)
    seconds: float = 0.0
    dirty: bool = False  # a program ran on it
    amid: bool = False  # one is on it
    judged: list[str] = field(default_factory=list)  # lines of the kernel's log that are in the trace of a program


class GuestTarget(ABC):
    """A kernel of the lab's own. Subclasses say how it is started and which regions it has."""

    own_kernel = True
    agent_arch = "x86_64"

    def __init__(self, name: str, kernel: Kernel | None, missing: Unusable | None = None) -> None:
        self.name = name
        self._kernel = kernel
        self._missing = missing
        self._boot: Boot | None = None
        self._regions: list[Region] = []
        self._about: dict[str, Any] = {}

    # What a subclass says.

    @abstractmethod
    def _start(self, folder: Path, agent: bytes, channel: socket.socket, ids: tuple[int, int]) -> Supervised:
        """Write what the guest needs into `folder` and start it with its end of the channel."""

    @abstractmethod
    def _offer(self, execution: Execution, folder: Path) -> list[Region]:
        """Open the guest's regions on its agent."""

    @abstractmethod
    def _complaint(self) -> Unusable | None:
        """What this kind of guest lacks on this machine, or None."""

    # The contract (hwtests/targets/base.py).

    def probe(self) -> Unusable | None:
        if self._missing or self._kernel is None:
            return self._missing
        if found := complaint(choose_parent()):
            cure = "set TMPDIR to a folder with room that allows exec and that anybody may enter"
            return Unusable("room for a guest's files", found, cure)
        if isinstance(agent := find_agent(self.agent_arch), Unusable):
            return agent
        return self._complaint()

    def open(self) -> None:
        if found := self.probe():
            raise TargetError(f"{self.name}: {found}")
        self._need_boot()

    def close(self) -> None:
        boot, self._boot = self._boot, None
        if boot is None:
            return
        boot.execution.link.quit()
        boot.process.ended(_POWER_OFF)
        console = boot.process.console()
        boot.execution.link.close()
        boot.process.end()
        # Of a guest that is taken away in the middle of a program, the last words are our doing.
        if boot.dirty and not boot.amid and (said := complaints(console, boot.judged)):
            why = f"{self.name}: the kernel complains, but while no program ran: {said[0]}"
            raise TargetLost("crash", why, console)

    def fresh(self) -> None:
        if self._boot is not None and self._boot.dirty:
            self.close()

    def inventory(self) -> dict[str, Any]:
        return dict(self._about)

    def regions(self) -> list[Region]:
        return list(self._regions)

    def run(self, program: Program, binding: Mapping[str, str], *, limit: float = LIMIT, hazard: str = "none") -> Trace:
        boot = self._need_boot()
        boot.dirty = boot.amid = True
        started = time.monotonic()
        try:
            trace = boot.execution.run(program, binding, limit=limit, hazard=hazard)
            boot.amid = False
            return self._looked_at(boot, trace)
        except AgentLost as lost:
            late = time.monotonic() - started >= limit
            return boot.execution.cut_off(program, binding, lost, self._autopsy(boot, lost, late))

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _looked_at(self, boot: Boot, trace: Trace) -> Trace:
        """The trace, and what became of the kernel meanwhile."""
        from hwtests.trace import End, Trace

        end = trace.end
        if end is None:
            return trace
        boot.judged += end.klog
        if late := boot.execution.late_taint:
            why = f"the kernel got tainted ({late:#x}) after the program before this one had ended"
            said = complaints(boot.process.console(), boot.judged)
            end = End(klog=end.klog, taint=end.taint, how="crash", why=why, console=said)
            boot.judged += said
        if (late | end.taint) & _BROKEN:
            self.close()  # it lives, but what it does from now on says nothing
        return Trace(trace.header, trace.lines, end)

    # Its life.

    def _need_boot(self) -> Boot:
        if self._boot is None:
            self._boot = self._new_boot()
        return self._boot

    def _new_boot(self) -> Boot:
        assert self._kernel is not None
        agent = find_agent(self.agent_arch)
        if isinstance(agent, Unusable):
            raise TargetError(f"{self.name}: {agent}")
        ids = guest_ids()
        try:
            folder = make_folder(*ids)
        except OSError as error:
            raise TargetError(f"{self.name}: {error.filename or 'the run folder'}: {error.strerror}") from None
        ours, theirs = socket.socketpair()
        started = time.monotonic()
        try:
            with theirs:
                process = self._start(folder, agent.read_bytes(), theirs, ids)
        except BaseException as error:
            ours.close()
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise TargetError(f"{self.name}: {error.filename or folder}: {error.strerror}") from None
            raise
        link = AgentLink(Channel(ours.detach()))
        from hwtests.targets.execution import Execution
        from hwtests.targets.regioncheck import check_regions

        try:
            hello = link.hello(BOOT_LIMIT, config=True)
            boot = Boot(process, Execution(self.name, link, hello, self._kernel.config()))
            boot.seconds = time.monotonic() - started
            self._regions = boot.regions = check_regions(boot.execution, self._offer(boot.execution, folder))
        except AgentLost as lost:
            process.ended(_LAST_WORDS)
            console = process.console()
            link.close()
            process.end()
            words = crash_lines(console)
            last = (console.strip().splitlines() or ["no word on its console"])[-1]
            raise TargetLost(
                "crash" if words else "error", f"{self.name}: the guest did not come up: {lost.reason}: {last}", console
            ) from None
        except BaseException:
            link.close()
            process.end()
            raise
        # What it says of itself before any program ran is told of the boot, and is no program's doing.
        boot.judged += (said := complaints(process.console(), []))
        self._about = self._inventory(boot, ids) | ({"boot_complaints": said} if said else {})
        return boot

    def _autopsy(self, boot: Boot, lost: AgentLost, late: bool) -> End:
        # The kernel went away under a program: what did it say? In any case the next program gets a new one.
        from hwtests.trace import End

        gone = boot.process.ended(0.0 if late else _LAST_WORDS)
        console = boot.process.console()
        self._boot = None
        boot.execution.link.close()
        boot.process.end()
        words = crash_lines(console)
        if words and agent_died(console):
            return End(klog=[], taint=0, how="lost", why=f"the agent died: {_why(words)}", console=words)
        if words:
            return End(klog=[], taint=0, how="crash", why=_why(words), console=words)
        tail = console.splitlines()[-20:]
        if gone:
            why = f"the kernel went without a word: {lost.reason}"
            return End(klog=[], taint=0, how="lost", why=why, console=tail)
        # It was there to the end: the program hung it, or it is the agent that failed.
        stuck = late or _UNKILLABLE in lost.reason
        return End(klog=[], taint=0, how="timeout" if stuck else "lost", why=lost.reason, console=tail)

    def _inventory(self, boot: Boot, ids: tuple[int, int]) -> dict[str, Any]:
        facts = boot.execution.hello.facts
        about: dict[str, Any] = {
            "kernel": {name: facts.get(name, "") for name in ("release", "version", "machine", "arch")},
            "cmdline": facts.get("cmdline", ""),
            "config": dict(boot.execution.config),
            "boot_seconds": round(boot.seconds, 3),
            "uid": boot.execution.hello.uid,
            "process_uid": ids[0],
            "modules": outcomes(boot.execution.hello.modules),
        }
        if self._kernel is not None and self._kernel.record is not None:
            record = self._kernel.record
            about["from"] = {name: getattr(record, name) for name in ("package", "version", "suite", "sha256", "date")}
        with contextlib.suppress(OSError):
            about["processes"] = len(boot.process.processes())
        return about


def _why(words: list[str]) -> str:
    return next((line.strip() for line in words if crash_lines(line)), words[0])
