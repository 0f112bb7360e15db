# SPDX-License-Identifier: GPL-2.0-or-later
"""Is there an agent to run programs with?  Its file, or why there is none."""

from __future__ import annotations

from pathlib import Path

from hwtests.targets.base import Unusable
from native.agent import NoAgent, agent_binary


def find_agent(arch: str) -> Path | Unusable:
    """The agent's executable for `arch` (built when it has to be), or the cause why there is none."""
    try:
        return agent_binary(arch)
    except NoAgent as error:
        return Unusable(error.needs, error.found, error.cure)
    except OSError as error:
        found = f"{error.filename or 'the cache'}: {error.strerror or error}"
        return Unusable(f"a place for the agent for {arch}", found, "set PFNLAB_CACHE to a folder that can be written")
