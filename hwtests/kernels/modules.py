# SPDX-License-Identifier: GPL-2.0-or-later
"""Where is the lab's driver for a kernel?  Built from native/kmod against that kernel's headers, once, in the cache.

CACHE/modules/6.1.0-56-cloud-amd64/kmod-HASH/{pfnlab.ko, log}: the hash is of the sources, of the kernel's package and
of the compiler. The same for any other folder of sources, by that folder's name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from hwtests.kernels import kbuild
from hwtests.kernels.build_tree import Tree, tree_of
from hwtests.kernels.cache import Kernel, cache_folder
from hwtests.kernels.errors import KernelError
from hwtests.kernels.guest_modules import loadable
from hwtests.private import public_path
from hwtests.targets.base import Unusable

LAB = Path(__file__).resolve().parents[2] / "native" / "kmod"
LAB_NAME = "pfnlab"
_KEPT = 8  # builds of a folder's earlier sources
_SOURCES = ("*.c", "*.h", "*.S", "Kbuild", "Makefile")


def lab_module(kernel: Kernel) -> Path | Unusable:
    """The lab's driver for `kernel`, built now unless it was; or why there is none. Nothing is fetched."""
    made = build_modules(kernel, LAB)
    return made if isinstance(made, Unusable) else next(path for path in made if path.stem == LAB_NAME)


def lab_modules(kernel: Kernel) -> list[Path] | Unusable:
    """The lab's driver, which comes first, and its helpers for `kernel`, with what they depend on, in loading order."""
    made = build_modules(kernel, LAB)
    if isinstance(made, Unusable):
        return made
    return loadable(kernel, sorted(made, key=lambda path: path.stem != LAB_NAME))


def build_module(kernel: Kernel, sources: Path) -> Path | Unusable:
    """The one module that folder `sources` (with a Kbuild or Makefile that sets obj-m) makes for `kernel`.

    Built against the kernel's headers unless the same sources were built for it before; or why it cannot be.
    """
    made = build_modules(kernel, sources)
    if isinstance(made, Unusable) or len(made) == 1:
        return made if isinstance(made, Unusable) else made[0]
    names = ", ".join(path.name for path in made)
    return Unusable(f"one module from {sources}", names, "let obj-m name one only")


def build_modules(kernel: Kernel, sources: Path) -> list[Path] | Unusable:
    """As `build_module`, but for a folder that makes any number of modules: all of them, by name."""
    try:
        return built(tree_of(kernel), sources)
    except KernelError as error:
        # It goes into results, which do not tell the user's home.
        return Unusable(public_path(error.needs), public_path(error.found), public_path(error.cure))


def built(tree: Tree, sources: Path) -> list[Path]:
    """The modules that `sources` makes against a tree of headers, by name. Raises KernelError."""
    files = sorted({path for pattern in _SOURCES for path in sources.rglob(pattern) if ".mod." not in path.name})
    if not any((sources / name).exists() for name in ("Kbuild", "Makefile")):
        raise KernelError("a module's sources", f"no Kbuild or Makefile in {sources}", "name another folder")
    folder = cache_folder() / "modules" / tree.release / f"{sources.resolve().name}-{_hash(tree, sources, files)}"
    if found := sorted(folder.glob("*.ko")):
        return found
    made = kbuild.build(tree.folder, sources, tree.compiler, tree.variables)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder.parent) as work_name:
        new = Path(work_name, "new")
        new.mkdir()
        (new / "log").write_text(made.log)
        for name, content in made.modules.items():
            (new / name).write_bytes(content)
        if found := sorted(folder.glob("*.ko")):  # another session was first
            return found
        with contextlib.suppress(OSError):
            folder.rename(Path(work_name, "old"))  # of a build that failed
        with contextlib.suppress(OSError):
            new.rename(folder)
    _forget_old(folder.parent, sources.resolve().name)
    if not made.modules:
        raise KernelError(
            f"{sources.name} to build for {tree.release}", made.complaint, f"mend it; {folder}/log has what make said"
        )
    return sorted(folder.glob("*.ko"))


def _forget_old(folder: Path, name: str) -> None:
    builds = [path for path in folder.glob(f"{name}-*") if re.fullmatch(r"-[0-9a-f]{16}", path.name[len(name) :])]
    dated = sorted((path.stat().st_mtime_ns, path) for path in builds if path.exists())
    for _, path in dated[:-_KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _hash(tree: Tree, sources: Path, files: list[Path]) -> str:
    digest = hashlib.sha256(f"{tree.identity}\0{tree.compiler and tree.compiler.version()}\0".encode())
    for path in files:
        digest.update(os.fsencode(path.relative_to(sources)) + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
