# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a kernel that is a program start on this machine?  If its C library is newer than ours, bring that one along.

A User-Mode Linux kernel is linked against libc.so.6 alone. Its interpreter and search path are written as paths
relative to its own folder, from which it is started: so a user who cannot enter the cache by its path can run it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from hwtests.kernels.errors import KernelError

_RELEASE = re.compile(r"\d+\.\d+\S*")  # and nothing else, as `linux --version` prints it
_LIBRARY = "lib"
_LOADER = "ld-linux-x86-64.so.2"


def release_of(folder: Path, file: str) -> str | None:
    """What `FILE --version` prints (a kernel release), or None when it does not start here."""
    try:
        done = subprocess.run(
            [f"./{file}", "--version"], cwd=folder, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stdout.strip()
    return said if done.returncode == 0 and _RELEASE.fullmatch(said) else None


def find_patchelf(fetch: Callable[[str], Path]) -> str:
    """The path of patchelf: the machine's, or that of a package unpacked by `fetch(package)` -> folder."""
    found = shutil.which("patchelf")
    if found:
        return found
    try:
        path = fetch("patchelf") / "usr" / "bin" / "patchelf"
        if subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return str(path)
    except (KernelError, OSError):
        pass
    raise KernelError("patchelf, for a kernel built for a newer C library", "none in PATH", "apt-get install patchelf")


def bring_libc(folder: Path, file: str, libc: Path, patchelf: str) -> None:
    """Make `folder/file` run with the C library of the unpacked package `libc`, copied into `folder/lib`."""
    libraries = [path for path in sorted(libc.rglob("libc.so.6")) if (path.parent / _LOADER).exists()]
    if not libraries:
        raise KernelError(
            "a C library in the suite's libc6", f"none in {libc.name}", "report this with the suite's name"
        )
    target = folder / _LIBRARY
    target.mkdir(exist_ok=True)
    source = libraries[0].parent
    for name in (_LOADER, "libc.so.6"):
        shutil.copy2((source / name).resolve(), target / name)
    command = [patchelf, "--set-interpreter", f"{_LIBRARY}/{_LOADER}", "--set-rpath", _LIBRARY, str(folder / file)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise KernelError("patchelf to accept the kernel", done.stderr.strip()[:200], "try a newer patchelf")
