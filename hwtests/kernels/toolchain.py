# SPDX-License-Identifier: GPL-2.0-or-later
"""Which compiler builds modules for a kernel?  One of the machine that fits, else that of the kernel's suite.

A compiler fits if it builds a module of a few lines: a configuration names options that only its own compiler knows
(6.12 built by gcc 14 has -fmin-function-alignment, which gcc 12 refuses). CACHE/tools/trixie-gcc-14-amd64/usr/… is
a suite's compiler with its assembler and linker and the libraries of their own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hwtests.kernels.apt import PrivateApt
from hwtests.kernels.cache import cache_folder
from hwtests.kernels.errors import KernelError
from hwtests.kernels.packages import Say, unpack, with_dependencies
from hwtests.kernels.private_libs import LIBRARIES, gather, is_program, wrap

#: Of Debian's architectures of kernels, the compiler's name for them.
TRIPLES = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "armhf": "arm-linux-gnueabihf"}

# What a compiler depends on but a kernel's module does not need: what user programs are linked with.
_WITHOUT = re.compile(
    r"lib(asan|lsan|tsan|hwasan|ubsan|gomp|itm|atomic|quadmath|cc1|gprofng|crypt|stdc\+\+)[-\d.].*"
    r"|libc6-dev.*|libc6-\w+-cross|libgcc-s1-\w+-cross|linux-libc-dev.*|libc-gconv.*|debconf.*|gcc-\d+.*-base|dpkg"
    r"|install-info|libgcc1"
)
_BINUTILS = ("ar", "as", "ld", "ld.bfd", "nm", "objcopy", "objdump", "readelf", "strip")
_DONE = "usr/.whole"


@dataclass(frozen=True, slots=True)
class Compiler:
    """`cc` is a command, or a path for a private one; `prefix` what binutils' names begin with; `path` a folder that
    has to come first in PATH, or none."""

    cc: str
    prefix: str
    path: Path | None = None

    def version(self) -> str:
        """The first line of what `--version` prints; empty when it does not start."""
        try:
            done = subprocess.run([self.cc, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        except OSError:
            return ""
        return done.stdout.partition("\n")[0] if done.returncode == 0 else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The compiler that a kernel was built with: gcc's first number, the suite, architectures of kernel and machine."""

    gcc: int
    suite: str
    arch: str
    host: str

    @property
    def prefix(self) -> str:
        return "" if self.arch == self.host else f"{TRIPLES.get(self.arch, self.arch)}-"

    @property
    def folder(self) -> Path:
        cross = "" if self.arch == self.host else f"-{self.arch}"
        return cache_folder() / "tools" / f"{self.suite}-gcc-{self.gcc}-{self.host}{cross}"

    @property
    def packages(self) -> tuple[str, str]:
        """Debian's packages of the compiler and of its binutils."""
        cross = "" if self.arch == self.host else f"-{TRIPLES.get(self.arch, self.arch)}"
        return f"gcc-{self.gcc}{cross}", f"binutils{cross}"


def candidates(wanted: Wanted) -> Iterator[Compiler]:
    """The compilers at hand that might fit, in the order in which they are tried; none is asked for its version."""
    for name in (f"{wanted.prefix}gcc-{wanted.gcc}", f"{wanted.prefix}gcc"):
        if shutil.which(name):
            yield Compiler(name, wanted.prefix)
    if (private := cached_compiler(wanted)) is not None:
        yield private


def cached_compiler(wanted: Wanted) -> Compiler | None:
    """The suite's own compiler, where it has been fetched."""
    if not (wanted.folder / _DONE).exists():
        return None
    programs = wanted.folder / "usr" / "bin"
    return Compiler(str(programs / f"{wanted.prefix}gcc-{wanted.gcc}"), wanted.prefix, programs)


def fetch_compiler(wanted: Wanted, say: Say) -> Compiler:
    """The suite's own compiler in the cache, fetched unless it is there. Raises KernelError."""
    if (found := cached_compiler(wanted)) is not None:
        return found
    apt = PrivateApt(cache_folder() / "apt", wanted.suite, wanted.host)
    apt.update()
    packages = sorted(
        with_dependencies(apt, wanted.packages, _WITHOUT), key=lambda item: item.name != wanted.packages[0]
    )
    if not {package.name for package in packages}.issuperset(wanted.packages):
        raise KernelError(f"{wanted.packages[0]} of {wanted.suite}", "no such package", "apt-get install a fitting gcc")
    say(f"no compiler here fits, so that of {wanted.suite} and the libraries that it runs with:")
    wanted.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=wanted.folder.parent) as work_name:
        tree, new = Path(work_name, "tree"), Path(work_name, "new")
        unpack(apt, packages, tree, say)
        _take(tree, new, wanted)
        (new / _DONE).touch()
        if wanted.folder.exists():
            wanted.folder.rename(Path(work_name, "old"))
        new.rename(wanted.folder)
    found = cached_compiler(wanted)
    if found is None or not found.version():
        raise KernelError(f"gcc-{wanted.gcc} of {wanted.suite} that starts here", "it does not", "report this")
    return found


def _take(tree: Path, new: Path, wanted: Wanted) -> None:
    # The driver finds its parts by their place relative to its own: so all stay where they were.
    triple = TRIPLES.get(wanted.arch, wanted.arch)
    programs = new / "usr" / "bin"
    programs.mkdir(parents=True)
    gather(tree, new / "usr" / LIBRARIES / "private")
    names = {f"{wanted.prefix}{tool}": f"{triple}-{tool}" for tool in (f"gcc-{wanted.gcc}", *_BINUTILS)}
    for short, long in names.items():
        file = next(path for path in (tree / "usr/bin" / long, tree / "usr/bin" / short) if path.exists())
        shutil.copy2(file, programs / short)
        if long != short:
            (programs / long).symlink_to(short)
    if wanted.prefix:  # where a cross compiler looks for its assembler
        (new / "usr" / triple).mkdir()
        (new / "usr" / triple / "bin").mkdir()
        for tool in ("as", "ld"):
            (new / "usr" / triple / "bin" / tool).symlink_to(f"../../bin/{wanted.prefix}{tool}")
    for where in ("lib", "libexec"):
        for folder in (tree / "usr" / where).glob(f"gcc*/{triple}/{wanted.gcc}"):
            target = new / folder.relative_to(tree)
            target.mkdir(parents=True)
            for part in ("cc1", "collect2"):
                if (folder / part).exists():
                    shutil.copy2(folder / part, target / part)
            if (folder / "include").is_dir():
                shutil.copytree(folder / "include", target / "include")
    for path in [path for path in new.rglob("*") if is_program(path)]:
        if path.parent.name != "private":
            wrap(path, new / "usr" / LIBRARIES / "private")
