# SPDX-License-Identifier: GPL-2.0-or-later
"""Which machine and kernel does `qemu:…` name?  `qemu:6.1-amd64` from the cache, `qemu:PATH[,arch=ARCH]` a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwtests.kernels.cache import Kernel, cached
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import parse_name
from hwtests.regions.machine import MachineFiles
from hwtests.regions.named import parse_named
from hwtests.targets.base import Unusable
from hwtests.targets.machine import MACHINES, PAGE
from hwtests.targets.modules import parse_module
from hwtests.targets.qemu import QemuTarget


def qemu_target(
    name: str, *, modules: Sequence[str] = (), named: Sequence[str] = (), allow_write: bool = False
) -> QemuTarget:
    """The target that `name` means. `modules`: files of modules; `named`: files of the guest that are its regions.

    Raises KernelError for a name that is none, TraitsError for a region's.
    """
    what = name.removeprefix("qemu:")
    found = _own(name, what) if "/" in what else _known(name)
    kernel, arch, missing = found
    return QemuTarget(
        name,
        kernel,
        missing,
        machine=MACHINES[arch],
        modules=[parse_module(module) for module in modules],
        named=[parse_named(text, PAGE, allow_write=allow_write, machine=_GUEST) for text in named],
    )


_GUEST = MachineFiles(Path("/nonexistent"))  # nothing of this machine says anything of a guest's files
_Found = tuple[Kernel | None, str, Unusable | None]


def _known(name: str) -> _Found:
    parsed = parse_name(name)
    if parsed.arch not in MACHINES:
        what = " or ".join(MACHINES)
        raise KernelError(f"a kernel for {what}", parsed.arch, f"name qemu:{parsed.series}-amd64")
    kernel = cached(parsed)
    if kernel is None:
        missing = Unusable(f"the kernel {name}", "none in the cache", f"pfnlab kernels fetch {name}")
        return None, parsed.arch, missing
    return kernel, parsed.arch, None


def _own(name: str, what: str) -> _Found:
    file, *options = what.split(",")
    stated = ""
    for option in options:
        key, equals, stated = option.partition("=")
        if key != "arch" or not equals or stated not in MACHINES:
            raise KernelError(f"qemu:PATH,arch={'|'.join(MACHINES)}", repr(name), "leave out what is behind the comma")
    path = Path(file).absolute()
    try:
        with open(path, "rb") as image:
            head = image.read(1024)
    except OSError as error:
        missing = Unusable("a kernel for QEMU to boot", f"{path}: {error.strerror}", "name the file of one")
        return None, stated or "amd64", missing
    arch = stated or arch_of_image(head)
    if arch is None:
        missing = Unusable(
            "a kernel that QEMU boots (a bzImage or an ARM zImage)",
            f"{path} is none",
            "name arch/x86/boot/bzImage or arch/arm/boot/zImage of your build, or state arch=",
        )
        return None, "amd64", missing
    return Kernel(name, path.parent, path.name, None), arch, None


def arch_of_image(head: bytes) -> str | None:
    """The architecture of a kernel's image, from its first KiB, in Debian's words; None where it is no such image.

    Documentation/arch/x86/boot.rst: the header's magic at 0x202; Documentation/arch/arm/booting.rst and
    arch/arm/boot/compressed/head.S: the zImage's magic at 0x24.
    """
    if head[0x202:0x206] == b"HdrS":
        return "amd64"
    if head[0x24:0x28] == bytes.fromhex("18286f01"):
        return "armhf"
    return None
