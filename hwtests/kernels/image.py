# SPDX-License-Identifier: GPL-2.0-or-later
"""What is taken out of a kernel's packages?  The kernel, its configuration, the modules that guests need."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from hwtests.kernels import glibc, guest_modules
from hwtests.kernels.apt import Package, PrivateApt
from hwtests.kernels.errors import KernelError
from hwtests.kernels.packages import Say, dependencies, newest, unpack

_IMAGES = ("boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz")  # the second since 7.x
_CONFIGS = ("boot/config-*", "usr/lib/modules/*/config")
# Since 7.x the kernel, its modules and its configuration are packages of their own that the image depends on.
_PARTS = re.compile(r"linux-(base|binary|modules)-\d.*")


def image_packages(apt: PrivateApt, package: Package) -> list[Package]:
    """The packages with the kernel that `package` (such as linux-image-cloud-amd64) stands for, the image first."""
    # It is a name for the newest; it depends on the package with the kernel, of the same version.
    names = [name for name in dependencies(package) if name.startswith("linux-image-")]
    if not names:
        found = package.depends or "no dependency"
        raise KernelError(f"the package that {package.name} stands for", found, "report this")
    image = newest(apt, names[0], package.version)
    parts = [name for name in dependencies(image) if _PARTS.fullmatch(name)]
    return [image, *(newest(apt, name, package.version) for name in parts)]


def take_image(tree: Path, image: Package, new: Path) -> str:
    """Copy out of `tree`, where all packages of an image are unpacked, into folder `new`; the kernel's release."""
    images = [path for at in _IMAGES for path in tree.glob(at)]
    if not images:
        raise KernelError(f"a vmlinuz in {image.name}", "none", "report this with the suite's name")
    shutil.copy2(images[0], new / "vmlinuz")
    for config in (path for at in _CONFIGS for path in tree.glob(at)):
        shutil.copy2(config, new / "config")
    guest_modules.keep(tree, new)
    return image.name.removeprefix("linux-image-").removesuffix("-unsigned")


def take_uml(apt: PrivateApt, package: Package, work: Path, new: Path, say: Say) -> tuple[str, str]:
    """Unpack package user-mode-linux into folder `new`: its release, and the version of the libc6 that it came with."""
    tree = work / "uml"
    unpack(apt, [package], tree, say)
    shutil.copy2(tree / "usr" / "bin" / "linux.uml", new / "linux")
    for config in (tree / "usr" / "share" / "doc" / package.name).glob("config*"):
        shutil.copy2(config, new / "config")
    libc_version = ""
    release = glibc.release_of(new, "linux")
    if release is None:
        libc = newest(apt, "libc6")
        libc_version = libc.version
        patchelf = glibc.find_patchelf(lambda name: _alone(apt, newest(apt, name), work, say))
        glibc.bring_libc(new, "linux", _alone(apt, libc, work, say), patchelf)
        release = glibc.release_of(new, "linux")
    if release is None:
        found = f"{package.name} {package.version} does not"
        raise KernelError("a kernel that starts on this machine", found, "try another version")
    return release, libc_version


def _alone(apt: PrivateApt, package: Package, work: Path, say: Say) -> Path:
    unpack(apt, [package], work / package.name, say)
    return work / package.name
