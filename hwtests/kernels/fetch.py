# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a kernel come into the cache?  Found and checked by apt, unpacked without touching the system."""

from __future__ import annotations

import datetime
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from hwtests.kernels import glibc
from hwtests.kernels.apt import Package, PrivateApt, need_apt, own_codename
from hwtests.kernels.cache import Kernel, Record, cache_folder, cached, kernel_folder, write_record
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import KernelName, package_of, suites_for

Say = Callable[[str], None]

_IMAGES = ("boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz")


def fetch(name: KernelName, say: Say = lambda _text: None, *, again: bool = False) -> Kernel:
    """The kernel `name`, fetched unless it is in the cache (`again`: in any case).

    Raises KernelError when there is no apt, no network, no suite that carries it, or no way to start it here.
    """
    if not again and (kernel := cached(name)):
        return kernel
    need_apt()
    apt, package = _find(name, say)
    folder = kernel_folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as work_name:
        work = Path(work_name)
        new = work / "new"
        new.mkdir()
        if name.kind == "uml":
            release, libc = _uml(apt, package, work, new, say)
        else:
            package = _real_image(apt, package)
            release, libc = _image(apt, package, work, new, say), ""
        write_record(
            new,
            Record(
                name=str(name),
                package=package.name,
                version=package.version,
                suite=package.suite,
                sha256=package.sha256,
                size=package.size,
                date=datetime.datetime.now(datetime.UTC).date().isoformat(),
                release=release,
                libc=libc,
            ),
        )
        old = work / "old"
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    kernel = cached(name)
    if kernel is None:
        raise KernelError(f"{name} in the cache", f"nothing usable in {folder}", "check that folder's permissions")
    return kernel


def _find(name: KernelName, say: Say) -> tuple[PrivateApt, Package]:
    seen: list[str] = []
    failures: list[KernelError] = []
    for suite in suites_for(name, own_codename()):
        say(f"{name}: reading the index of {suite}")
        apt = PrivateApt(cache_folder() / "apt", suite, name.arch)
        try:
            apt.update()
        except KernelError as error:
            failures.append(error)
            seen.append(f"{suite}: not readable")
            continue
        versions = apt.versions(package_of(name))
        for package in versions:
            if re.match(rf"{re.escape(name.series)}(?!\d)", package.version):
                return apt, package
        seen += [f"{suite}: {package.version}" for package in versions[:1]]
    if failures and len(failures) == len(suites_for(name, own_codename())):
        raise failures[0]
    raise KernelError(
        f"package {package_of(name)} of kernel {name.series} in a suite of this machine's mirror",
        "; ".join(seen) or "no suite that has the package",
        "name a version that is there, or give a kernel's own file as uml:PATH",
    )


def _unpack(apt: PrivateApt, package: Package, work: Path, say: Say) -> Path:
    say(f"{package.name} {package.version}: downloading {package.size / 1e6:.1f} MB")
    deb = apt.download(package, work)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise KernelError(f"{package.name} as the signed index has it", f"sha256 {digest[:16]}…", "fetch it again")
    out = work / f"{package.name}.unpacked"
    done = subprocess.run(["dpkg-deb", "-x", str(deb), str(out)], capture_output=True, text=True)
    if done.returncode:
        raise KernelError(f"{package.name} to unpack", done.stderr.strip()[:200], "check the free space of the cache")
    deb.unlink()
    return out


def _uml(apt: PrivateApt, package: Package, work: Path, new: Path, say: Say) -> tuple[str, str]:
    tree = _unpack(apt, package, work, say)
    shutil.copy2(tree / "usr" / "bin" / "linux.uml", new / "linux")
    for config in (tree / "usr" / "share" / "doc" / package.name).glob("config*"):
        shutil.copy2(config, new / "config")
    libc_version = ""
    release = glibc.release_of(new, "linux")
    if release is None:
        libc = apt.versions("libc6")[0]
        libc_version = libc.version
        patchelf = glibc.find_patchelf(lambda name: _unpack(apt, apt.versions(name)[0], work, say))
        glibc.bring_libc(new, "linux", _unpack(apt, libc, work, say), patchelf)
        release = glibc.release_of(new, "linux")
    if release is None:
        found = f"{package.name} {package.version} does not"
        raise KernelError("a kernel that starts on this machine", found, "try another version")
    return release, libc_version


def _real_image(apt: PrivateApt, package: Package) -> Package:
    # linux-image-cloud-amd64 is a name for the newest; it depends on the package with the kernel, of the same version
    match = re.search(r"(linux-image-[^\s,]+)", package.depends)
    found = [item for item in apt.versions(match[1]) if item.version == package.version] if match else []
    if not found:
        found_depends = package.depends or "no dependency"
        raise KernelError(f"the package that {package.name} stands for", found_depends, "report this")
    return found[0]


def _image(apt: PrivateApt, package: Package, work: Path, new: Path, say: Say) -> str:
    trees = [_unpack(apt, package, work, say)]
    # Since 7.x the kernel, its modules and its configuration are packages of their own that this one depends on.
    for other in re.findall(r"(linux-(?:base|binary|modules)-\d[^\s,]*)", package.depends):
        trees += [_unpack(apt, item, work, say) for item in apt.versions(other) if item.version == package.version]
    images = [path for tree in trees for at in _IMAGES for path in tree.glob(at)]
    if not images:
        raise KernelError(f"a vmlinuz in {package.name}", "none", "report this with the suite's name")
    shutil.copy2(images[0], new / "vmlinuz")
    release = package.name.removeprefix("linux-image-").removesuffix("-unsigned")
    for tree in trees:
        for config in (*tree.glob(f"boot/config-{release}"), *tree.glob(f"usr/lib/modules/{release}/config")):
            shutil.copy2(config, new / "config")
    return release
