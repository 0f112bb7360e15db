# SPDX-License-Identifier: GPL-2.0-or-later
"""Against what is a module for a kernel built?  The cached headers, the tree it was built in, or the machine's own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hwtests.kernels import headers
from hwtests.kernels.cache import Kernel
from hwtests.kernels.errors import KernelError
from hwtests.kernels.toolchain import Compiler

# By kbuild's word for an architecture, what its cross compiler's names begin with; and kbuild's words for a machine's.
_CROSS = {"x86": "x86_64-linux-gnu-", "arm": "arm-linux-gnueabihf-", "arm64": "aarch64-linux-gnu-"}
_OF_MACHINE = {"x86_64": ("x86", "x86_64", "i386"), "aarch64": ("arm64",)}


@dataclass(frozen=True, slots=True)
class Tree:
    """`folder` is what `make -C` is given, `identity` changes with the kernel; no compiler: as the tree says.
    `variables` are make's (`ARCH=arm`), where the tree has to be told."""

    folder: Path
    release: str
    identity: str
    compiler: Compiler | None
    variables: tuple[str, ...] = ()


def tree_of(kernel: Kernel) -> Tree:
    """Raises KernelError where nothing can be built for `kernel`, with the command that changes it."""
    if kernel.name.startswith("uml:"):
        raise KernelError(f"headers of {kernel.name}", "none for User-Mode Linux", "run it on qemu:6.1-amd64")
    if kernel.record is None:
        return _of_own_file(kernel)
    fetch = f"pfnlab kernels fetch {kernel.name}"
    found_headers = headers.cached_headers(kernel)
    if found_headers is None:
        raise KernelError(f"headers of {kernel.record.release}", "none in the cache", fetch)
    compiler = headers.fitting_compiler(found_headers)
    if compiler is None:
        wanted = f"a compiler that fits gcc-{found_headers.wanted.gcc}, which built {kernel.record.release}"
        raise KernelError(wanted, "none that does", fetch)
    return Tree(found_headers.folder, kernel.record.release, kernel.record.sha256, compiler)


def tree_of_release(release: str) -> Tree:
    """The machine's own headers of a kernel that is installed on it. Raises KernelError."""
    folder = Path("/lib/modules") / release / "build"
    if not (folder / "Makefile").exists():
        raise KernelError(f"headers of {release}", f"no {folder}", f"apt-get install linux-headers-{release}")
    return Tree(folder.resolve(), release, release, None)


def _of_own_file(kernel: Kernel) -> Tree:
    # A kernel where make left it, arch/x86/boot/bzImage, has the tree that it was built in above it.
    file = (kernel.folder / kernel.file).resolve()
    for folder in file.parents:
        release = folder / "include" / "config" / "kernel.release"
        if (folder / "Module.symvers").exists() and (folder / "Makefile").exists() and release.exists():
            stamp = file.stat()
            identity = f"{file} {stamp.st_mtime_ns} {stamp.st_size}"
            return Tree(folder, release.read_text().strip(), identity, None, _variables(folder / ".config"))
    if file.name.startswith("vmlinuz-"):
        return tree_of_release(file.name.removeprefix("vmlinuz-"))
    raise KernelError(
        f"the tree that {file.name} was built in",
        "no folder above it with Module.symvers and a Makefile",
        "name the kernel where make left it (arch/x86/boot/bzImage), after `make modules`",
    )


def _variables(config: Path) -> tuple[str, ...]:
    # What the kernel was made with and its tree does not remember: "# Linux/arm 6.1.0 Kernel Configuration".
    text = config.read_text(errors="replace") if config.exists() else ""
    match = re.search(r"^# Linux/(\w+) ", text, re.M)
    arch = match[1] if match else ""
    cross = _CROSS.get(arch, "") if arch not in _OF_MACHINE.get(os.uname().machine, (arch,)) else ""
    clang = ("LLVM=1",) if "\nCONFIG_CC_IS_CLANG=y" in text else ()
    said = {"ARCH": arch, "CROSS_COMPILE": cross}
    return (*(f"{key}={value}" for key, value in said.items() if value), *clang)
