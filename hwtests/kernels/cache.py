# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernels are here already?  The cache: one folder a kernel, with a record of where it came from.

CACHE/kernels/uml-6.12/{linux, lib/, config, kernel.json}
CACHE/kernels/qemu-6.1-amd64/{vmlinuz, config, kernel.json, modules/, headers/}
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from hwtests.kernels import config as kernel_config
from hwtests.kernels.names import KernelName


@dataclass(frozen=True, slots=True)
class Record:
    """Provenance of a cached kernel, kept as kernel.json. `size` in bytes, `date` the day it was fetched (UTC)."""

    name: str
    package: str
    version: str
    suite: str
    sha256: str
    size: int
    date: str
    release: str
    libc: str = ""  # version of the libc6 that a UML kernel runs with, when not the machine's own


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel ready to be started. `file` is relative to `folder`, where it is to be started from."""

    name: str
    folder: Path
    file: str
    record: Record | None

    def config(self) -> dict[str, str]:
        """Its configuration as far as it is known from outside; empty when only the kernel itself could tell."""
        if self.record is None:
            file = self.folder / self.file
            return kernel_config.of_own_kernel(file) if file.exists() else {}
        for path in (self.folder / "config", self.folder / self.file):
            if path.exists() and (found := kernel_config.read(path)):
                return found
        return {}


def cache_folder() -> Path:
    """Where pfnlab keeps what it fetched: PFNLAB_CACHE, else the user's cache folder."""
    return Path(os.environ.get("PFNLAB_CACHE") or platformdirs.user_cache_dir("pfnlab"))


def kernel_folder(name: KernelName) -> Path:
    return cache_folder() / "kernels" / name.folder


def cached(name: KernelName) -> Kernel | None:
    """The kernel in the cache, or None. A folder without a readable record does not count: it was not finished."""
    folder = kernel_folder(name)
    try:
        record = Record(**json.loads((folder / "kernel.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    file = "linux" if name.kind == "uml" else "vmlinuz"
    return Kernel(str(name), folder, file, record) if (folder / file).exists() else None


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder of the cache."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def write_record(folder: Path, record: Record) -> None:
    (folder / "kernel.json").write_text(json.dumps(asdict(record), indent=1) + "\n")
