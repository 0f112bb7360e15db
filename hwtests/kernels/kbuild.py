# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a module built for a kernel?  By that kernel's own kbuild, in a folder that is thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hwtests.kernels.errors import KernelError
from hwtests.kernels.toolchain import Compiler

_PROBE = """\
#include <linux/module.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
static int __init probe_init(void) { return 0; }
static void __exit probe_exit(void) { }
module_init(probe_init);
module_exit(probe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("does this compiler build modules for this kernel?");
"""

# What an outer make or a user's shell may have set, and kbuild would take for its own.
_MAKES_OWN = ("MAKE", "MFLAGS", "GNUMAKEFLAGS", "KBUILD", "ARCH", "CROSS_COMPILE", "LLVM")


@dataclass(frozen=True, slots=True)
class Built:
    """What make left: its exit status, all that it printed, and the modules (none if it failed), by file name."""

    status: int
    log: str
    modules: dict[str, bytes]

    @property
    def complaint(self) -> str:
        """The first line that says what is wrong."""
        lines = [line.strip() for line in self.log.splitlines() if line.strip()]
        for word in ("error:", "ERROR:", "not found", "***"):
            for line in lines:
                if word in line:
                    return line
        return lines[-1] if lines else f"make exits {self.status}"


def need_make() -> None:
    if shutil.which("make") is None:
        raise KernelError("make, to build a module", "none in PATH", "apt-get install make")


def build(tree: Path, sources: Path, compiler: Compiler | None, variables: tuple[str, ...] = ()) -> Built:
    """Build the folder `sources` (with a Kbuild or Makefile that sets obj-m) against `tree`, a kernel's headers.

    Nothing is written into either. Without a compiler kbuild takes what the tree says.
    """
    need_make()
    if any(character in str(tree.resolve()) for character in " :%"):
        raise KernelError(
            "a path that make can take", str(tree), "set PFNLAB_CACHE to a folder without blanks in its path"
        )
    with tempfile.TemporaryDirectory(prefix="pfnlab-module-") as name:
        work = Path(name, "src")
        shutil.copytree(sources, work, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*.cmd", ".tmp*"))
        command = ["make", "--no-print-directory", "-C", str(tree.resolve()), f"M={work}", *variables]
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "KBUILD"))
        }
        environment |= {"LC_ALL": "C", "TMPDIR": name}
        if compiler is not None:
            command += [f"CC={compiler.cc}", *([f"CROSS_COMPILE={compiler.prefix}"] if compiler.prefix else [])]
            if compiler.path is not None:
                environment["PATH"] = f"{compiler.path}:{environment.get('PATH', '/usr/bin:/bin')}"
        done = subprocess.run(
            [*command, "modules"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
        modules = {path.name: path.read_bytes() for path in sorted(work.rglob("*.ko"))} if not done.returncode else {}
        return Built(done.returncode, done.stdout.replace(f"{work}/", ""), modules)


def fits(tree: Path, compiler: Compiler) -> bool:
    """Whether the compiler builds a module of a few lines against `tree`."""
    with tempfile.TemporaryDirectory(prefix="pfnlab-probe-") as name:
        Path(name, "probe.c").write_text(_PROBE)
        Path(name, "Kbuild").write_text("obj-m := probe.o\n")
        return bool(build(tree, Path(name), compiler).modules)
