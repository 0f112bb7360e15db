# SPDX-License-Identifier: GPL-2.0-or-later
"""How do programs of another Debian suite run here?  Through that suite's own loader and libraries, beside them.

A program becomes a script that starts it with the loader, by paths relative to itself: no root, no chroot, nothing
is changed in the program, and the folder may be moved as a whole.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from hwtests.kernels.errors import KernelError

LIBRARIES = "lib"
_LOADERS = ("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "ld-linux-armhf.so.3", "ld-linux.so.2")
_WRAPPER = """\
#!/bin/sh
here=${{0%/*}}
exec "$here/{lib}/{loader}" {argv0}--library-path "$here/{lib}" "$here/{program}" "$@"
"""


def is_program(path: Path) -> bool:
    """Whether `path` is an executable file that a loader starts (dynamically linked ELF)."""
    if path.is_symlink() or not path.is_file() or not os.access(path, os.X_OK):
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF" and b"/ld-linux" in file.read(4096)


def runs_here(program: Path) -> bool:
    """Whether the machine's own loader finds all libraries, in the versions asked for, of `program`."""
    done = subprocess.run(
        [str(program)],
        env={**os.environ, "LD_TRACE_LOADED_OBJECTS": "1", "LD_WARN": "1"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode == 0 and "not found" not in done.stdout + done.stderr


def gather(tree: Path, into: Path) -> None:
    """Copy the loader and the shared libraries of `tree`, unpacked packages, into folder `into`, side by side."""
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted(tree.rglob("*.so*")):
        # Where a loader looks: lib, lib64, lib/TRIPLE. Deeper are plug-ins.
        if re.fullmatch(r"(usr/)?lib(64)?(/[\w-]+-linux-gnu\w*)?", str(path.parent.relative_to(tree))):
            source = _inside(path, tree)
            if source.is_file() and not (into / path.name).exists():
                shutil.copy2(source, into / path.name)
    if _loader(into) is None:
        raise KernelError("a loader in the suite's libc6", "none", "report this with the suite's name")


def wrap(program: Path, libraries: Path) -> None:
    """Make `program` run with the loader and libraries in folder `libraries`."""
    loader = _loader(libraries)
    assert loader is not None
    said = subprocess.run([str(libraries / loader), "--help"], capture_output=True, text=True).stdout
    kept = program.with_name(f".{program.name}.elf")
    program.rename(kept)
    text = _WRAPPER.format(
        lib=os.path.relpath(libraries.resolve(), program.parent.resolve()),
        loader=loader,
        argv0='--argv0 "$0" ' if "--argv0" in said else "",  # a compiler finds its parts by it
        program=kept.name,
    )
    program.write_text(text)
    program.chmod(0o755)


def _loader(libraries: Path) -> str | None:
    return next((name for name in _LOADERS if (libraries / name).exists()), None)


def _inside(path: Path, tree: Path) -> Path:
    # A link of a package points to what will be there when it is installed: follow it within the tree.
    for _ in range(8):
        if not path.is_symlink():
            break
        to = os.readlink(path)
        path = tree / to.lstrip("/") if to.startswith("/") else path.parent / to
    return path
