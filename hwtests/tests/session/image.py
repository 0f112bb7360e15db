# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a guest boot from that is to run pfnlab itself?  This interpreter and this checkout, as an initramfs.

Two archives, one after the other, which the kernel unpacks as one (Documentation/driver-api/early-userspace): the
interpreter with its library and the packages that pfnlab needs, made once and kept in the cache; and the checkout.
Nothing is installed in the guest: a file has the path there that it has here, packages are in /site, the checkout in
/pfnlab. Byte code goes with each module, or an emulated CPU would spend its time compiling.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

from hwtests.kernels.cache import cache_folder
from hwtests.targets.initramfs import Entry, directory, file, newc, node
from native.agent import agent_binary

CHECKOUT = Path(__file__).resolve().parents[3]
ROOMS = ("hwtests", "native", "simulator")
PYTHON = Path(os.path.realpath(sys.executable))
SITE, HOME = PurePosixPath("/site"), PurePosixPath("/pfnlab")
_INIT = Path(__file__).with_name("init.py")
_UNUSED = {"pytest"}  # `pfnlab` runs without
_LIBRARY_LEFT_OUT = {
    "__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3",
    "ensurepip", "pydoc_data", "distutils", "venv", "idle_test",
}  # fmt: skip
_PACKAGES_LEFT_OUT = re.compile(r"(^|/)(__pycache__|tests?|f2py|docs?|include|distutils)/|\.(pyi|pxd|c|h|a|lib)$|^\.\.")
_CHECKOUT_LEFT_OUT = {"__pycache__", "tests", "golden", "recorded"}


def initramfs(extra: Iterable[Entry] = ()) -> bytes:
    """The archive; `extra` entries come last (modules of the lab's driver, say)."""
    entries = [*_nodes(), file("init", _init()), *_checkout(), *extra]
    return _base() + newc(_with_folders(entries))


def _nodes() -> list[Entry]:
    # Before devtmpfs is there the kernel wants a console.
    places = [directory(name) for name in ("dev", "proc", "sys", "lab", "run")]
    return [*places, directory("tmp", 0o1777), node("dev/console", 5, 1), node("dev/null", 1, 3, 0o666)]


def _init() -> bytes:
    # -E: nothing is set yet; -s: there is no home.
    return f"#!{PYTHON} -Es\n".encode() + _INIT.read_bytes()


def _base() -> bytes:
    """The interpreter, its library and the packages; from the cache if they are the same."""
    packages = list(_packages())
    names = [sys.version, str(PYTHON), sysconfig.get_path("stdlib"), Path(__file__).read_text()]
    names += [f"{package.metadata['Name']} {package.version}" for package in packages]
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    kept = cache_folder() / "session" / f"{platform.machine()}-{key}.cpio"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}")
        new.write_bytes(newc(_with_folders([*_interpreter(), *_site(packages)])))
        new.rename(kept)
    return kept.read_bytes()


def _interpreter() -> Iterator[Entry]:
    yield _as_here(PYTHON)
    library = Path(sysconfig.get_path("stdlib"))
    binaries = [PYTHON]
    for path in _files(library, _LIBRARY_LEFT_OUT):
        if path.relative_to(library).parts[0].startswith("config-") or path.name.startswith(("_test", "_tkinter")):
            continue
        if path.suffix == ".py":
            yield from _module(str(path), path.read_bytes())
        elif path.suffix == ".so":
            binaries.append(path)
            yield _as_here(path)
    for library_path in sorted(_linked(binaries)):
        yield file(library_path.lstrip("/"), Path(library_path).read_bytes())


def _linked(binaries: list[Path]) -> set[str]:
    """The shared libraries that these need, by the paths that the dynamic linker names, itself among them."""
    said = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False).stdout
    found = {line.split()[-2] for line in said.splitlines() if line.rstrip().endswith(")") and "/" in line}
    return {path for path in found if path.startswith("/")}


def _packages() -> Iterator[Distribution]:
    """What pyproject.toml names, and what that needs."""
    named = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted, seen = [_name_in(text) for text in named], set(_UNUSED)
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # what is for another version or system
        yield package
        requires = [text for text in package.requires or () if "extra ==" not in text]
        wanted += [_name_in(text) for text in requires]


def _name_in(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _site(packages: list[Distribution]) -> Iterator[Entry]:
    binaries: list[Path] = []
    for package in packages:
        for listed in sorted(package.files or ()):
            path = Path(str(package.locate_file(listed)))
            if _PACKAGES_LEFT_OUT.search(str(listed)) or not path.is_file():
                continue
            if path.suffix == ".py":
                yield from _module(f"{SITE}/{listed}", path.read_bytes())
                continue
            if ".so" in path.suffixes:
                binaries.append(path)
            yield file(f"{SITE}/{listed}".lstrip("/"), path.read_bytes())
    carried = {path.name for path in binaries}
    for library_path in sorted(_linked(binaries)):
        if PurePosixPath(library_path).name not in carried:
            yield file(library_path.lstrip("/"), Path(library_path).read_bytes())


def _checkout() -> Iterator[Entry]:
    for room in ROOMS:
        for path in _files(CHECKOUT / room, _CHECKOUT_LEFT_OUT):
            there = f"{HOME}/{path.relative_to(CHECKOUT)}"
            if path.suffix == ".py":
                yield from _module(there, path.read_bytes())
            else:
                yield file(there.lstrip("/"), path.read_bytes(), 0o644)
    agent = agent_binary(platform.machine())
    yield file(f"{HOME}/native/agent-{platform.machine()}".lstrip("/"), agent.read_bytes())


def _module(path: str, source: bytes) -> Iterator[Entry]:
    """A module and its byte code, which is never compared with the source: an archive has no times (PEP 552)."""
    yield file(path.lstrip("/"), source, 0o644)
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError:
        return  # a template of some package
    unchecked = (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    data = importlib.util.MAGIC_NUMBER + unchecked + marshal.dumps(code)
    yield file(importlib.util.cache_from_source(path).lstrip("/"), data, 0o644)


def _as_here(path: Path) -> Entry:
    return file(str(path).lstrip("/"), path.read_bytes())


def _files(folder: Path, left_out: set[str]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - left_out)
        for name in sorted(names):
            if (path := Path(root, name)).is_file():
                yield path


def _with_folders(entries: Iterable[Entry]) -> Iterator[Entry]:
    """A file's folders first: the kernel makes none by itself."""
    made: set[str] = set()
    for entry in entries:
        for parent in reversed(PurePosixPath(entry.path).parents[:-1]):
            if str(parent) not in made:
                made.add(str(parent))
                yield directory(str(parent))
        made.add(entry.path)
        yield entry
