# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab kernels`: kernels known and cached; `pfnlab kernels fetch NAME` brings one into the cache."""

import sys
from argparse import Namespace
from typing import Any

from hwtests.errors import UsageError
from hwtests.kernels.apt import own_codename
from hwtests.kernels.cache import cached
from hwtests.kernels.errors import KernelError
from hwtests.kernels.fetch import fetch
from hwtests.kernels.names import KNOWN, KernelName, parse_name
from hwtests.listing import print_rows


def main(arguments: Namespace) -> int:
    if arguments.action is None:
        print_rows(rows(), ("name", "state", "release", "package"), arguments.json)
        return 0
    if arguments.name is None:
        raise UsageError("kernels fetch: expected the name of a kernel, such as uml:6.12")
    for name in _named(arguments.name):
        kernel = fetch(name, lambda said: print(said, file=sys.stderr))
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
        "package": f"{record.package} {record.version} ({record.suite})",
        "sha256": record.sha256,
        "fetched": record.date,
        "folder": str(kernel.folder),
    }


def _named(text: str) -> list[KernelName]:
    # `uml` alone is the machine's own suite's: it runs here without another C library. `uml:all` is all that are known.
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
