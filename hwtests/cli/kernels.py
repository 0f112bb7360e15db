# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab kernels`: kernels known and cached; `pfnlab kernels fetch NAME` brings one into the cache."""

import sys
from argparse import Namespace
from typing import Any

from hwtests.errors import UsageError
from hwtests.kernels import headers
from hwtests.kernels.apt import own_codename
from hwtests.kernels.build_tree import tree_of
from hwtests.kernels.cache import Kernel, cached, size_of
from hwtests.kernels.errors import KernelError
from hwtests.kernels.fetch import fetch
from hwtests.kernels.names import KNOWN, KernelName, parse_name
from hwtests.kernels.packages import megabytes
from hwtests.listing import print_rows


def main(arguments: Namespace) -> int:
    if arguments.action is None:
        shown = rows() if arguments.json else [_shown(row) for row in rows()]
        print_rows(shown, ("name", "state", "release", "size", "driver", "package"), arguments.json)
        return 0
    for name in dict.fromkeys(name for text in arguments.names for name in _named(text)):
        kernel = fetch(name, lambda said: print(said, file=sys.stderr), with_headers=arguments.headers)
        release = kernel.record.release if kernel.record else "of an unknown release"
        print(f"{kernel.name}: {release} in {kernel.folder}")
    return 0


def rows() -> list[dict[str, Any]]:
    """One row a kernel that can be had by name."""
    return [_row(known.name, known.suite) for known in KNOWN]


def _row(name: KernelName, suite: str) -> dict[str, Any]:
    kernel = cached(name)
    row: dict[str, Any] = {"name": str(name), "suite": suite}
    if kernel is None or kernel.record is None:
        cure = f"pfnlab kernels fetch {name}"
        return {**row, "state": "fetchable", "needs": f"{name} in the cache", "found": "it is not there", "cure": cure}
    record = kernel.record
    return {
        **row,
        "state": "cached",
        "release": record.release,
        "size": _size(kernel),
        "driver": _driver(kernel),
        "package": f"{record.package} {record.version} ({record.suite})",
        "sha256": record.sha256,
        "fetched": record.date,
        "folder": str(kernel.folder),
    }


def _size(kernel: Kernel) -> int:
    # Headers are some ten thousand files: they were counted when they were fetched.
    found = headers.cached_headers(kernel)
    own = [path for path in kernel.folder.iterdir() if path.name != headers.FOLDER]
    return sum(size_of(path) if path.is_dir() else path.stat().st_size for path in own) + (found.size if found else 0)


def _driver(kernel: Kernel) -> dict[str, Any]:
    # Whether the lab's driver can be built for it: by which compiler, or what is missing.
    try:
        tree = tree_of(kernel)
    except KernelError as error:
        return {"usable": False, "needs": error.needs, "found": error.found, "cure": error.cure}
    return {"usable": True, "compiler": tree.compiler.version() if tree.compiler else None}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    # The row as people read it. That User-Mode Linux has no driver is nothing to cure.
    driver = row.get("driver")
    if driver is None:
        return row
    shown = {**row, "size": megabytes(row["size"]), "driver": "driver" if driver["usable"] else "no driver"}
    if not driver["usable"] and not row["name"].startswith("uml:"):
        shown |= {**driver, "driver": "no driver", "needs": f"{driver['needs']}, for the lab's driver"}
    return shown


def _named(text: str) -> list[KernelName]:
    # `uml` alone is the machine's own suite's: it runs here without another C library. `uml:all` is all that are known.
    if text == "all":
        return [item.name for item in KNOWN]
    kind, _, rest = text.partition(":")
    known = [item for item in KNOWN if item.name.kind == kind]
    if known and rest == "all":
        return [item.name for item in known]
    if known and not rest:
        own = own_codename()
        return [item.name for item in known if item.suite == own] or [known[0].name]
    try:
        return [parse_name(text)]
    except KernelError as error:
        raise UsageError(str(error)) from None
