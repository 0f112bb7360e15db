# SPDX-License-Identifier: GPL-2.0-or-later
"""Where is the lab's driver for a kernel?  Built from native/kmod against that kernel's headers, once, in the cache.

CACHE/modules/6.1.0-56-cloud-amd64/{pfnlab-HASH/pfnlab.ko, pfnlab-HASH/log}: the hash is of the sources, of the kernel's
version and of the compiler. The same for any other folder of sources.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from hwtests.kernels import kbuild
from hwtests.kernels.build_tree import Tree, tree_of
from hwtests.kernels.cache import Kernel, cache_folder
from hwtests.kernels.errors import KernelError
from hwtests.targets.base import Unusable

LAB = Path(__file__).resolve().parents[2] / "native" / "kmod"
_SOURCES = ("*.c", "*.h", "*.S", "Kbuild", "Makefile")


def lab_module(kernel: Kernel) -> Path | Unusable:
    """The lab's driver for `kernel`, built now unless it was; or why there is none. Nothing is fetched."""
    return build_module(kernel, LAB)


def build_module(kernel: Kernel, sources: Path) -> Path | Unusable:
    """The one module that folder `sources` (with a Kbuild or Makefile that sets obj-m) makes for `kernel`.

    Built against the kernel's headers unless the same sources were built for it before; or why it cannot be.
    """
    try:
        return built(tree_of(kernel), sources)
    except KernelError as error:
        return Unusable(error.needs, error.found, error.cure)


def built(tree: Tree, sources: Path) -> Path:
    """As `build_module`, against a tree of headers. Raises KernelError."""
    files = sorted({path for pattern in _SOURCES for path in sources.glob(pattern)})
    if not any(path.name in ("Kbuild", "Makefile") for path in files):
        raise KernelError(
            "a folder with a module's sources", f"no Kbuild or Makefile in {sources}", "name another folder"
        )
    folder = cache_folder() / "modules" / tree.release / f"{sources.resolve().name}-{_hash(tree, files)}"
    if found := list(folder.glob("*.ko")):
        return found[0]
    made = kbuild.build(tree.folder, sources, tree.compiler, tree.variables)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder.parent) as work_name:
        new = Path(work_name, "new")
        new.mkdir()
        (new / "log").write_text(made.log)
        for name, content in made.modules.items():
            (new / name).write_bytes(content)
        if folder.exists():
            shutil.move(folder, Path(work_name, "old"))
        try:
            new.rename(folder)
        except OSError:  # another session was first
            if not folder.is_dir():
                raise
    if len(made.modules) != 1:
        made_of = made.complaint if not made.modules else f"{len(made.modules)} modules"
        raise KernelError(f"one module of {sources} for {tree.release}", made_of, f"{folder}/log has what make said")
    return folder / next(iter(made.modules))


def _hash(tree: Tree, files: list[Path]) -> str:
    digest = hashlib.sha256(f"{tree.identity}\0{tree.compiler and tree.compiler.version()}\0".encode())
    for path in files:
        digest.update(os.fsencode(path.name) + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
