# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a machine say of itself in its files?  Texts and globs below one root, so that a test can bring its own."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from hwtests.kernels import config as kernel_config
from native.iomem import Span, parse_iomem


@dataclass(frozen=True)
class MachineFiles:
    """The files below `root` (a test's; else /). `config`: the kernel's, as far as it tells."""

    root: Path = Path("/")
    page_size: int = field(default_factory=lambda: os.sysconf("SC_PAGE_SIZE"))

    def text(self, path: str) -> str:
        """The file's text without the white space around it; "" when it cannot be read."""
        try:
            return self._at(path).read_text(errors="replace").strip()
        except OSError:
            return ""

    def number(self, path: str) -> int:
        """The number in a file of sysfs, decimal or with 0x; 0 when there is none."""
        try:
            return int(self.text(path), 0)
        except ValueError:
            return 0

    def glob(self, pattern: str) -> list[str]:
        """The paths that match, sorted; a path without wildcards is there or not."""
        found = sorted(self.root.glob(pattern.lstrip("/")))
        return ["/" + path.relative_to(self.root).as_posix() for path in found]

    def exists(self, path: str) -> bool:
        return self._at(path).exists()

    def real(self, path: str) -> Path:
        """Where the file is."""
        return self._at(path)

    @cached_property
    def iomem(self) -> list[Span]:
        """/proc/iomem; empty when this user may not see the addresses."""
        return parse_iomem(self.text("/proc/iomem"))

    @cached_property
    def cmdline(self) -> list[str]:
        return self.text("/proc/cmdline").split()

    @cached_property
    def config(self) -> dict[str, str]:
        if self.root != Path("/"):
            return kernel_config.parse(self.text("/proc/config"))
        return kernel_config.of_running_kernel(os.uname().release)

    @cached_property
    def modules(self) -> frozenset[str]:
        """Names of the modules that could be loaded (`-` as `_`)."""
        listed = self.text(f"/lib/modules/{os.uname().release}/modules.dep").splitlines()
        names = (line.partition(":")[0].rsplit("/", 1)[-1].partition(".ko")[0] for line in listed)
        return frozenset(name.replace("-", "_") for name in names)

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")
