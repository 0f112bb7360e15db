# SPDX-License-Identifier: GPL-2.0-or-later
"""Which modules of its own does a guest's kernel need, and in which order are they loaded?

CACHE/kernels/qemu-6.1-amd64/modules/{NAME.ko…, modules.builtin}: those of `WANTED` that the package has, and what they
depend on. Names are written as the kernel writes them, with `_`.
"""

from __future__ import annotations

import gzip
import lzma
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hwtests.kernels.cache import Kernel
from hwtests.kernels.errors import KernelError

#: The channel of a guest's agent, the drivers behind regions, and a disk. What the kernel has built in is no file.
WANTED = (
    "virtio_pci", "virtio_mmio", "virtio_console",
    "uio", "uio_pci_generic", "udmabuf",
    "vfio", "vfio_iommu_type1", "vfio_pci",
    "bochs_drm", "bochs",
    "brd",
)  # fmt: skip

FOLDER = "modules"
SOUGHT = "sought"  # what WANTED was when they were kept
BUILT_IN = "modules.builtin"  # one path a line, as kbuild writes it
_UNPACK = {".ko": lambda data: data, ".xz": lzma.decompress, ".gz": gzip.decompress}


def keep(tree: Path, new: Path) -> None:
    """Copy out of `tree`, an unpacked package, what guests need into folder `new`/modules, unpacked."""
    target = new / FOLDER
    target.mkdir()
    (target / SOUGHT).write_text(_sought())
    for path in tree.rglob(BUILT_IN):
        shutil.copy2(path, target / BUILT_IN)
    files = {_name(path): path for path in tree.rglob("*.ko*") if path.suffix in _UNPACK}
    wanted = [name for name in WANTED if name in files]
    while wanted:
        name = wanted.pop()
        kept = target / f"{name}.ko"
        if not kept.exists():
            kept.write_bytes(_UNPACK[files[name].suffix](files[name].read_bytes()))
            wanted += [other for other in depends(kept) if other in files]


def up_to_date(kernel: Kernel) -> bool:
    """Whether all that guests need was looked for when the kernel was fetched."""
    kept = kernel.folder / FOLDER / SOUGHT
    return kept.exists() and kept.read_text() == _sought()


def _sought() -> str:
    return "".join(f"{name}\n" for name in WANTED)


def modules_of(kernel: Kernel, names: Iterable[str]) -> list[Path]:
    """The files of modules `names` and of all that they depend on, in the order in which they can be loaded.

    Nothing for a module that the kernel has built in. Raises KernelError for one that it has in no way.
    """
    built_in = built_in_modules(kernel.folder / FOLDER / BUILT_IN)
    files = _kept(kernel)
    order: dict[Path, None] = {}
    for name in names:
        if name in built_in:
            continue
        if name not in files:
            raise KernelError(f"module {name} of {kernel.name}", *_why_not(kernel, name))
        order |= dict.fromkeys(loadable(kernel, [files[name]]))
    return list(order)


def loadable(kernel: Kernel, modules: Iterable[Path]) -> list[Path]:
    """`modules`, files of whatever origin, and the kernel's own that they depend on, in an order to load them in."""
    own = list(modules)
    files = _kept(kernel) | {_name(path): path for path in own}
    needs = {name: depends(path) for name, path in files.items()}
    return list(dict.fromkeys(files[name] for path in own for name in in_order(_name(path), needs)))


def _kept(kernel: Kernel) -> dict[str, Path]:
    # Of a kernel that the user named by its file nothing is kept.
    if kernel.record is None:
        return {}
    return {path.stem: path for path in (kernel.folder / FOLDER).glob("*.ko")}


def in_order(name: str, needs: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """`name` after all that it needs, each after what it needs itself. What `needs` does not have is built in."""
    for other in needs[name]:
        if other in needs:
            yield from in_order(other, needs)
    yield name


def depends(module: Path) -> list[str]:
    """The names of the modules that a module's file says it depends on (its .modinfo, `depends=`)."""
    return [name.replace("-", "_") for name in modinfo(module, "depends").split(",") if name]


def modinfo(module: Path, key: str) -> str:
    """What a module's .modinfo says of `key`; empty when nothing."""
    match = re.search(rb"\0" + key.encode() + rb"=([^\0]*)\0", module.read_bytes())
    return match[1].decode(errors="replace") if match else ""


def built_in_modules(path: Path) -> frozenset[str]:
    """The names in a modules.builtin; empty where there is no such file."""
    if not path.exists():
        return frozenset()
    return frozenset(_name(Path(line)) for line in path.read_text().splitlines())


def _name(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def _why_not(kernel: Kernel, name: str) -> tuple[str, str]:
    if kernel.record is None:
        return "a kernel's file without modules", f"build {name} into the kernel"
    if not (kernel.folder / FOLDER).exists():
        return "no modules in the cache", f"pfnlab kernels fetch {kernel.name}"
    if name in WANTED and not up_to_date(kernel):
        return "not looked for when the kernel was fetched", f"pfnlab kernels fetch {kernel.name}"
    if name not in WANTED:
        return "only what guests need is kept", f"build {name} from its sources (`pfnlab kernels` says with what)"
    return f"{kernel.record.package} is built without it", "name another kernel"
