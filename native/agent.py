# SPDX-License-Identifier: GPL-2.0-or-later
"""Where is the agent's executable?  Shipped beside this module, or built from its sources into the cache."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from native.agent_build import HERE, NoAgent, build_agent, sources_hash

__all__ = ["NoAgent", "agent_binary", "cache_directory"]


def cache_directory() -> Path:
    """PFNLAB_CACHE, or the user's cache directory."""
    named = os.environ.get("PFNLAB_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("pfnlab"))


def agent_binary(arch: str = "x86_64") -> Path:
    """The agent's static executable for `arch`; NoAgent when there is none and no compiler."""
    shipped = HERE / f"agent-{arch}"
    if shipped.exists():
        return shipped
    built = cache_directory() / "agent" / f"{arch}-{sources_hash()}"
    if not built.exists():
        build_agent(arch, built)
    return built
