# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a program run on the machine's own kernel?  By the agent as an ordinary process of this user.

Its regions are what hwtests/regions/discover.py finds, and files that the user named. Memory that is not the lab's own
is stored to only if the user allowed it; RAM found by pagemap exists in guests only.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping, Sequence
from typing import Any, Self

from hwtests.inventory import memory_around
from hwtests.kernels import config as kernel_config
from hwtests.language.nodes import Program
from hwtests.private import public_cmdline
from hwtests.regions.named import Named, parse_named
from hwtests.targets.agent import find_agent
from hwtests.targets.base import LIMIT, Region, TargetError, TargetLost, Unusable
from hwtests.targets.execution import Execution
from hwtests.targets.host_regions import open_regions, planned_regions
from hwtests.targets.level import level
from hwtests.trace import End, Trace
from native.actor import Actor
from native.channel import AgentLost

#: The lab's driver, where it is loaded: the file that its ioctls go to (native/kmod).
DRIVER = "/dev/pfnlab/ctl"


class HostTarget:
    """The kernel that pfnlab runs on. `named`: regions as the user named them (hwtests/regions/named.py)."""

    own_kernel = False

    def __init__(self, named: Sequence[str] = (), *, allow_write: bool = False) -> None:
        self.name = "host"
        page_size = os.sysconf("SC_PAGE_SIZE")
        self._named: list[Named] = [parse_named(text, page_size, allow_write=allow_write) for text in named]
        self._actor: Actor | None = None
        self._execution: Execution | None = None
        self._regions: list[Region] = []
        self._about: dict[str, Any] = {}

    def probe(self) -> Unusable | None:
        found = find_agent(os.uname().machine)
        return found if isinstance(found, Unusable) else None

    def open(self) -> None:
        self._need()

    def close(self) -> None:
        actor, self._actor, self._execution = self._actor, None, None
        if actor is not None:
            actor.close()

    def fresh(self) -> None:
        """Nothing: a host's kernel is what it is."""

    def inventory(self) -> dict[str, Any]:
        return dict(self._about)

    def regions(self) -> list[Region]:
        return list(self._regions)

    def planned(self) -> tuple[dict[str, Any], list[Region]]:
        """Inventory and regions for a plan, as far as they can be told without opening or mapping anything."""
        name = os.uname()
        config = kernel_config.matter(kernel_config.of_running_kernel(name.release))
        about = {
            "kernel": {"release": name.release, "version": name.version, "machine": name.machine, "arch": name.machine},
            "config": config,
            "uid": os.geteuid(),
            "modules": _modules(),
        }
        return about, planned_regions(self._named, level(name.release, name.version), name.machine)

    def run(self, program: Program, binding: Mapping[str, str], *, limit: float = LIMIT, hazard: str = "none") -> Trace:
        execution = self._need()
        try:
            return execution.run(program, binding, limit=limit, hazard=hazard)
        except AgentLost as lost:
            self.close()
            end = End(klog=[], taint=0, how="lost", why=f"the agent went away: {lost.reason}")
            return execution.cut_off(program, binding, lost, end)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _need(self) -> Execution:
        if self._execution is None:
            if found := self.probe():
                raise TargetError(f"host: {found}")
            try:
                self._actor = Actor()
                self._execution = self._prepared(self._actor)
            except AgentLost as lost:
                self.close()
                raise TargetLost("error", f"host: the agent does not start: {lost.reason}") from None
        return self._execution

    def _prepared(self, actor: Actor) -> Execution:
        config = kernel_config.of_running_kernel(os.uname().release)
        execution = Execution(self.name, actor, actor.hello_seen, config, _limits())
        self._regions = open_regions(execution, self._named)
        facts = actor.hello_seen.facts
        self._about = {
            "kernel": {name: facts.get(name, "") for name in ("release", "version", "machine", "arch")},
            "cmdline": public_cmdline(facts.get("cmdline", "")),
            "config": dict(execution.config),
            "uid": actor.hello_seen.uid,
            "modules": _modules(),
            "memory": self._memory(actor.hello_seen.page_size),
        }
        return execution

    def _memory(self, page: int) -> dict[str, list[str]]:
        # What lies around each region in the machine's memory, where that is known and may be told.
        around = {
            region.name: memory_around(region.pfn * page, (region.pfn + region.pages) * page)
            for region in self._regions
            if region.pfn
        }
        return {name: lines for name, lines in around.items() if lines}


def _modules() -> dict[str, str]:
    # The lab does not load its driver on a host: it uses the one that is there.
    return {"pfnlab": "ok"} if os.access(DRIVER, os.R_OK) else {}


def _limits() -> dict[str, int]:
    # As the agent inherits them; one without a limit is left out.
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return {} if soft == resource.RLIM_INFINITY else {"memlock": soft}
