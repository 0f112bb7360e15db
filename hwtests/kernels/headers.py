# SPDX-License-Identifier: GPL-2.0-or-later
"""What is needed to build modules for a cached kernel?  Its headers, kbuild's tools, and a compiler that fits.

CACHE/kernels/qemu-6.12-amd64/headers/usr/{src,lib}: Debian's linux-headers-RELEASE, what it shares with other flavours,
and linux-kbuild for this machine; headers/tools.json: the compiler that was found to fit. All paths in it are relative.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from hwtests.kernels import kbuild
from hwtests.kernels.apt import Package, PrivateApt, need_apt
from hwtests.kernels.cache import Kernel, cache_folder, size_of
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import parse_name
from hwtests.kernels.packages import Say, dependencies, newest, unpack, with_dependencies
from hwtests.kernels.private_libs import gather, is_program, runs_here, wrap
from hwtests.kernels.toolchain import Compiler, Wanted, candidates, fetch_compiler

FOLDER = "headers"
_TOOLS = "tools.json"
# sign-file and extract-cert are the only ones to want OpenSSL, and no module is signed here.
_WITHOUT = re.compile(r"libssl.*|pahole|debconf.*|libgcc.*|gcc-.*|libcrypt.*|libc-gconv.*")
_NOT_USED = ("sign-file", "extract-cert")


class Moved(KernelError):
    """The suite has no headers for the cached kernel any more, only for a later version."""


@dataclass(frozen=True, slots=True)
class Headers:
    """`folder` is what `make -C` is given; `wanted` the compiler that the kernel was built with; `size` in bytes."""

    folder: Path
    wanted: Wanted
    packages: tuple[str, ...]
    size: int


def complete(kernel: Kernel) -> bool:
    """Whether the headers are in the cache, and a compiler that fits them is at hand."""
    found = cached_headers(kernel)
    return found is not None and fitting_compiler(found) is not None


def cached_headers(kernel: Kernel) -> Headers | None:
    """The headers of a kernel in the cache, or None when they were not fetched."""
    folder = kernel.folder / FOLDER
    try:
        said = json.loads((folder / _TOOLS).read_text())
        wanted = Wanted(**said["wanted"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return Headers(folder / "usr" / "src" / said["folder"], wanted, tuple(said["packages"]), said.get("size", 0))


def fitting_compiler(headers: Headers) -> Compiler | None:
    """The compiler at hand that fits, or None. One that did is remembered, until it changes."""
    memory = headers.folder.parents[2] / "compiler.json"
    try:
        remembered = str(json.loads(memory.read_text()))
    except (OSError, ValueError):
        remembered = ""
    at_hand: dict[str, Compiler] = {}
    for compiler in candidates(headers.wanted):
        key = f"{compiler.cc}: {compiler.version()}"
        if key == remembered:
            return compiler
        at_hand[key] = compiler
    for key, compiler in at_hand.items():
        if kbuild.fits(headers.folder, compiler):
            _remember(memory, key)
            return compiler
    return None


def fetch_headers(kernel: Kernel, say: Say) -> Headers:
    """The headers of a cached kernel, and a compiler that fits, fetched unless they are there. Raises KernelError."""
    need_apt()
    found = cached_headers(kernel) or _fetch(kernel, say)
    if fitting_compiler(found) is None:
        kbuild.need_make()
        fetch_compiler(found.wanted, say)
        if fitting_compiler(found) is None:
            cc = f"gcc-{found.wanted.gcc} of {found.wanted.suite}"
            raise KernelError(f"a compiler that builds modules for {kernel.name}", f"{cc} does not", "report this")
    return found


def _fetch(kernel: Kernel, say: Say) -> Headers:
    record = kernel.record
    if record is None:
        raise KernelError("a kernel from a package", str(kernel.folder), "name a kernel that `pfnlab kernels` lists")
    arch = parse_name(record.name).arch
    host = _machine()
    apt, own = (PrivateApt(cache_folder() / "apt", record.suite, one) for one in (arch, host))
    for one in (apt, own) if host != arch else (apt,):
        one.update()
    try:
        packages, tools, gcc = _packages(apt, own, record.release, record.version)
    except KernelError as error:
        raise Moved(error.needs, error.found, error.cure) from None
    with tempfile.TemporaryDirectory(prefix=".headers-", dir=kernel.folder) as work_name:
        new = Path(work_name, "new")
        unpack(apt, packages, new, say)
        unpack(own, tools, new, say)
        _make_movable(new)
        _make_runnable(own, new, Path(work_name, "libs"), [tool.name for tool in tools])
        said = {
            "folder": f"linux-headers-{record.release}",
            "wanted": asdict(Wanted(gcc, record.suite, arch, host)),
            "packages": [f"{package.name} {package.version}" for package in (*packages, *tools)],
            "size": size_of(new),
        }
        (new / _TOOLS).write_text(json.dumps(said, indent=1) + "\n")
        if (kernel.folder / FOLDER).exists():
            (kernel.folder / FOLDER).rename(Path(work_name, "old"))
        new.rename(kernel.folder / FOLDER)
    headers = cached_headers(kernel)
    assert headers is not None
    return headers


def _packages(apt: PrivateApt, own: PrivateApt, release: str, version: str) -> tuple[list[Package], list[Package], int]:
    # Headers of the flavour and what it shares; kbuild's tools, which run on this machine; the compiler's number.
    flavour = newest(apt, f"linux-headers-{release}", version)
    needed = dependencies(flavour)
    common = [newest(apt, name, version) for name in needed if name.startswith("linux-headers-")]
    tools: list[Package] = []
    for name in needed:
        if name.startswith("linux-kbuild-"):
            versions = own.versions([name]).get(name, [])
            # Of another architecture's archive only another build may be at hand; any of the series will do.
            tools += [item for item in versions if item.version == version][:1] or versions[:1]
    numbers = [int(match[1]) for name in needed if (match := re.search(r"gcc-(\d+)", name))]
    if not common or not tools or not numbers:
        found = flavour.depends or "no dependency"
        raise KernelError("headers that depend on linux-kbuild and a compiler", found, "report this")
    return [flavour, *common], tools, numbers[0]


def _make_movable(tree: Path) -> None:
    # Their Makefiles name each other by the place where they would be installed.
    for makefile in tree.glob("usr/src/linux-headers-*/Makefile"):
        text = makefile.read_text(errors="surrogateescape")
        if re.match(r"(KBUILD_OUTPUT *=.*\n)?include /usr/src/", text):
            makefile.write_text(text.replace("/usr/src/", "../"), errors="surrogateescape")
    # The kernel's types, for those of a module: would need pahole, and no kernel insists on them.
    for vmlinux in tree.glob("usr/src/linux-headers-*/vmlinux"):
        vmlinux.unlink()


def _make_runnable(apt: PrivateApt, tree: Path, work: Path, kbuilds: list[str]) -> None:
    programs = [path for path in tree.glob("usr/lib/linux-kbuild-*/**/*") if is_program(path)]
    foreign = [path for path in programs if path.name not in _NOT_USED and not runs_here(path)]
    if not foreign:
        return
    libraries = with_dependencies(apt, kbuilds, _WITHOUT)
    unpack(apt, [package for package in libraries if package.name not in kbuilds], work, lambda _text: None)
    gather(work, tree / "lib")
    for path in foreign:
        wrap(path, tree / "lib")


def _machine() -> str:
    done = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True)
    return done.stdout.strip() or "amd64"


def _remember(memory: Path, key: str) -> None:
    with contextlib.suppress(OSError):  # a cache that only others may write is no reason to fail
        with tempfile.NamedTemporaryFile("w", dir=memory.parent, prefix=".compiler-", delete=False) as part:
            part.write(json.dumps(key) + "\n")
        Path(part.name).chmod(0o644)
        Path(part.name).rename(memory)
