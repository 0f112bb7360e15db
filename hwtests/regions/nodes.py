# SPDX-License-Identifier: GPL-2.0-or-later
"""What is known of a device's file?  devices/nodes.toml: its kind, how it is found, and why it may not be there."""

from __future__ import annotations

import errno
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from hwtests.regions.machine import MachineFiles
from hwtests.regions.traits import RegionTraits
from native.gate import GateClosed


def absent(machine: MachineFiles, traits: RegionTraits) -> GateClosed:
    """The gate that keeps `traits.path` away: a module that is not loaded, an option that is not set, or no device."""
    about = about_node(traits.path)
    found = f"no {traits.path}"
    module, option = about.get("module", ""), about.get("config", "")
    value = machine.config.get(option, "n") if machine.config else None
    if traits.path == "/dev/mem" and value != "y":
        return GateClosed(errno.ENOENT, "CONFIG_DEVMEM", found, "a kernel with CONFIG_DEVMEM=y")
    if module and module.replace("-", "_") in machine.modules:
        return GateClosed(errno.ENOENT, "module", found, f"modprobe {module}")
    if option and value == "n":
        return GateClosed(errno.ENOENT, "kernel", f"{found}: {option} is not set", f"a kernel with {option}")
    if module and not about.get("else"):
        return GateClosed(errno.ENOENT, "module", found, f"a kernel with {option or module}, and modprobe {module}")
    gate = "module" if module else "device"
    return GateClosed(errno.ENOENT, gate, found, about.get("else", "") or traits.cure or "a machine that has one")


def about_node(path: str) -> Mapping[str, str]:
    """What devices/nodes.toml says of a file, or of a pattern of files; empty when nothing."""
    return next((about for pattern, about in _nodes().items() if path == pattern or fnmatchcase(path, pattern)), {})


@cache
def _nodes() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "devices" / "nodes.toml").read_text(encoding="utf-8"))
