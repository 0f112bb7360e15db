# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a kernel come into the cache?  Found and checked by apt, unpacked without touching the system."""

from __future__ import annotations

import datetime
import re
import tempfile
from pathlib import Path

from hwtests.kernels import guest_modules, headers, image
from hwtests.kernels.apt import Package, PrivateApt, need_apt, own_codename
from hwtests.kernels.cache import Kernel, Record, cache_folder, cached, kernel_folder, write_record
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import KernelName, package_of, suites_for
from hwtests.kernels.packages import Say, unpack


def fetch(name: KernelName, say: Say = lambda _text: None, *, with_headers: bool = True) -> Kernel:
    """The kernel `name`, fetched unless it is in the cache, and what modules for it are built with.

    What fails of the latter is said and leaves a kernel without the lab's driver. Raises KernelError when there is no
    apt, no network, no suite that carries the kernel, or no way to start it here.
    """
    kernel = cached(name)
    fresh = kernel is None or (name.kind == "qemu" and not guest_modules.up_to_date(kernel))
    if kernel is None or fresh:
        kernel = _fetch(name, say)
    if not with_headers or name.kind == "uml" or headers.complete(kernel):
        return kernel
    try:
        try:
            headers.fetch_headers(kernel, say)
        except headers.Moved:
            if fresh:
                raise
            kernel = _fetch(name, say)  # the suite has gone on to another version since
            headers.fetch_headers(kernel, say)
    except KernelError as error:
        say(f"{name}: no modules can be built for it: {error}")
    return kernel


def _fetch(name: KernelName, say: Say) -> Kernel:
    need_apt()
    apt, package = _find(name, say)
    folder = kernel_folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as work_name:
        work = Path(work_name)
        new = work / "new"
        new.mkdir()
        libc, packages = "", [package]
        if name.kind == "uml":
            release, libc = image.take_uml(apt, package, work, new, say)
        else:
            packages = image.image_packages(apt, package)
            unpack(apt, packages, work / "tree", say)
            release = image.take_image(work / "tree", packages[0], new)
        record = Record(
            name=str(name),
            package=packages[0].name,
            version=packages[0].version,
            suite=package.suite,
            sha256=packages[0].sha256,
            size=sum(item.size for item in packages),
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            release=release,
            libc=libc,
        )
        write_record(new, record)
        if folder.exists():
            folder.rename(work / "old")
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
        versions = apt.versions([package_of(name)]).get(package_of(name), [])
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
