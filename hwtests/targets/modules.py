# SPDX-License-Identifier: GPL-2.0-or-later
"""Which modules does a guest load, with which parameters, and what became of them?  docs/internals.md, "The wire"."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwtests.targets.base import TargetError
from hwtests.targets.initramfs import Entry, directory, file

LAB = "pfnlab"  # the lab's own driver, as a module is named


@dataclass(frozen=True, slots=True)
class GuestModule:
    """A module for a guest: its file (`NAME.ko`) and what is written behind its name at insmod."""

    path: Path
    args: str = ""

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".ko")


def parse_module(text: str) -> GuestModule:
    """The module that a user names: `FILE.ko[,NAME=VALUE…]`."""
    path, *args = text.split(",")
    return GuestModule(Path(path).absolute(), " ".join(args))


def module_entries(modules: Sequence[GuestModule]) -> list[Entry]:
    """The entries of an initramfs, so named that the agent loads the modules in this order. Raises TargetError."""
    if not modules:
        return []
    entries = [directory("modules")]
    for number, module in enumerate(modules):
        inside = f"modules/{number:02}-{module.name}.ko"
        try:
            entries.append(file(inside, module.path.read_bytes(), 0o644))
        except OSError as error:
            raise TargetError(f"module {module.path}: {error.strerror}") from None
        if module.args:
            entries.append(file(f"{inside}.args", module.args.encode(), 0o644))
    return entries


def outcomes(told: Mapping[str, int]) -> dict[str, str]:
    """What became of each module, by its own name: `ok`, or the errno. `told`: as the agent says it (Hello.modules)."""
    return {
        name.partition("-")[2].removesuffix(".ko"): "ok" if not ret else errno.errorcode.get(-ret, str(ret))
        for name, ret in told.items()
    }
