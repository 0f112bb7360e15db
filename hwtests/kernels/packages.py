# SPDX-License-Identifier: GPL-2.0-or-later
"""How do Debian packages become files in the cache?  Downloaded and checked by apt, unpacked, nothing installed."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hwtests.kernels.apt import Package, PrivateApt
from hwtests.kernels.errors import KernelError

Say = Callable[[str], None]


def newest(apt: PrivateApt, name: str, version: str | None = None) -> Package:
    """The newest version of package `name`, or the one asked for. Raises KernelError where the suite has none."""
    found = apt.versions([name]).get(name, [])
    for package in found:
        if version in (None, package.version):
            return package
    have = ", ".join(package.version for package in found) or "none"
    wanted = f"{name} {version}" if version else name
    raise KernelError(f"package {wanted} of {apt.suite}", have, "fetch the kernel again: the suite may have moved on")


def with_dependencies(apt: PrivateApt, names: Iterable[str], without: re.Pattern[str]) -> list[Package]:
    """The newest versions of packages `names` and all that they depend on, but for names that match `without`."""
    found: dict[str, Package] = {}
    asked: set[str] = set()
    wanted = {name for name in names if not without.fullmatch(name)}
    while wanted:
        asked |= wanted
        here = {name: versions[0] for name, versions in apt.versions(sorted(wanted)).items()}
        found |= here
        needed = {name for package in here.values() for name in dependencies(package)}
        wanted = {name for name in needed - asked if not without.fullmatch(name)}
    return [found[name] for name in sorted(found)]


def dependencies(package: Package) -> list[str]:
    """The names that the package depends on; of alternatives the first."""
    return [match[1] for item in package.depends.split(",") if (match := re.match(r"\s*([\w.+-]+)", item))]


def unpack(apt: PrivateApt, packages: Sequence[Package], into: Path, say: Say) -> None:
    """The files of `packages` in folder `into`, as if that were /. Raises KernelError."""
    into.mkdir(parents=True, exist_ok=True)
    others = f" and {len(packages) - 1} more" if len(packages) > 1 else ""
    size = megabytes(sum(package.size for package in packages))
    say(f"{packages[0].name} {packages[0].version}{others}: downloading {size}")
    for package, deb in zip(packages, apt.download(packages, into), strict=True):
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        if digest != package.sha256:
            raise KernelError(f"{package.name} as the signed index has it", f"sha256 {digest[:16]}…", "fetch it again")
        done = subprocess.run(["dpkg-deb", "-x", str(deb), str(into)], capture_output=True, text=True)
        deb.unlink()
        if done.returncode:
            said = done.stderr.strip()[:200]
            raise KernelError(f"{package.name} to unpack", said, "check the free space of the cache (PFNLAB_CACHE)")


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
