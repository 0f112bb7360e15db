# SPDX-License-Identifier: GPL-2.0-or-later
"""Which target does a name mean?  `sim`, `host`, `uml`, `uml:6.12`, `uml:/path/linux`, `uml:all`, `qemu:6.1-amd64`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hwtests.kernels.apt import own_codename
from hwtests.kernels.cache import cached
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import KNOWN
from hwtests.regions.traits import TraitsError
from hwtests.targets.base import Target, TargetError, Unusable


def known_targets() -> list[str]:
    """The names of all targets that can be named without a path, in the order of their listing."""
    return ["sim", "host", *(str(item.name) for item in KNOWN)]


def expand(name: str) -> list[str]:
    """The names that `name` stands for: `uml` is the machine's own suite's kernel, or else the newest cached; `uml:all`
    and `qemu:all` are all that are cached, or all that are known where none is."""
    kind, colon, rest = name.partition(":")
    names = [item for item in KNOWN if item.name.kind == kind]
    if not names or (colon and rest != "all"):
        return [name]
    here = [str(item.name) for item in names if cached(item.name)]
    if rest == "all":
        return here or [str(item.name) for item in names]
    own = [str(item.name) for item in names if item.suite == own_codename()]
    return [next((text for text in own if text in here), (here or own or [str(names[0].name)])[-1])]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of a target besides its name.

    `named`: files that are its regions (`host`, and in a `qemu` guest); `allow_write`: programs may store to them;
    `modules`: files of kernel modules that a `qemu` guest loads.
    """

    named: Sequence[str] = ()
    allow_write: bool = False
    modules: Sequence[str] = ()


def make_target(
    name: str, *, named: Sequence[str] = (), allow_write: bool = False, modules: Sequence[str] = ()
) -> Target:
    """The target `name` (one that `expand` gave), with the fields of `Wishes`.

    Nothing is started. Raises TargetError for a name that means nothing, or a region's name that cannot be read.
    """
    kind = name.partition(":")[0]
    maker = _MAKERS.get(kind)
    if maker is None or (kind == "host" and name != "host"):
        raise TargetError(f"unknown target {name!r}, expected one of {', '.join(known_targets())}, uml:PATH, qemu:PATH")
    try:
        return maker(name, Wishes(named, allow_write, modules))
    except (KernelError, TraitsError) as error:
        raise TargetError(str(error)) from None


def list_targets() -> list[dict[str, Any]]:
    """As `pfnlab targets --json` shows them: `name`, `usable`, and for what is not usable `needs`, `found`, `cure`."""
    rows: list[dict[str, Any]] = []
    for name in known_targets():
        found: Unusable | None = make_target(name).probe()
        row: dict[str, Any] = {"name": name, "usable": found is None}
        if found is not None:
            row |= {"needs": found.needs, "found": found.found, "cure": found.cure}
        rows.append(row)
    return rows


# The rooms behind a target are loaded when it is asked for: `pfnlab --help` needs none of them.


def _sim(name: str, wishes: Wishes) -> Target:
    from hwtests.targets.sim import SimTarget

    return SimTarget(name)


def _host(name: str, wishes: Wishes) -> Target:
    from hwtests.targets.host import HostTarget

    return HostTarget(wishes.named, allow_write=wishes.allow_write)


def _uml(name: str, wishes: Wishes) -> Target:
    from hwtests.targets.uml import uml_target

    return uml_target(name)


def _qemu(name: str, wishes: Wishes) -> Target:
    from hwtests.targets.qemu_name import qemu_target

    return qemu_target(name, modules=wishes.modules, named=wishes.named, allow_write=wishes.allow_write)


_MAKERS: dict[str, Callable[[str, Wishes], Target]] = {
    "sim": _sim,
    "host": _host,
    "uml": _uml,
    "qemu": _qemu,
}
