# SPDX-License-Identifier: GPL-2.0-or-later
"""Against what is a module for a kernel built?  The cached headers, the tree it was built in, or the machine's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hwtests.kernels import headers
from hwtests.kernels.cache import Kernel
from hwtests.kernels.errors import KernelError
from hwtests.kernels.toolchain import Compiler


@dataclass(frozen=True, slots=True)
class Tree:
    """`folder` is what `make -C` is given, `identity` changes with the kernel; no compiler: as the tree says."""

    folder: Path
    release: str
    identity: str
    compiler: Compiler | None


def tree_of(kernel: Kernel) -> Tree:
    """Raises KernelError where nothing can be built for `kernel`, with the command that changes it."""
    if kernel.record is None:
        return _of_own_file(kernel)
    if kernel.name.startswith("uml:"):
        found = "Debian has none for User-Mode Linux"
        raise KernelError(f"headers of {kernel.record.release}", found, "run it on qemu:6.1-amd64")
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
            return Tree(folder, release.read_text().strip(), f"{file} {stamp.st_mtime_ns} {stamp.st_size}", None)
    if file.name.startswith("vmlinuz-"):
        return tree_of_release(file.name.removeprefix("vmlinuz-"))
    raise KernelError(
        f"the tree that {file.name} was built in",
        "no folder above it with Module.symvers and a Makefile",
        "name the kernel where make left it (arch/x86/boot/bzImage), after `make modules`",
    )
