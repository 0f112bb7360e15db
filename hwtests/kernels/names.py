# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernels does pfnlab know by name?  A kernel is named by what it is: `uml:6.12`, `qemu:6.1-amd64`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hwtests.kernels.errors import KernelError

_NAME = re.compile(r"(?P<kind>uml|qemu):(?P<series>\d+\.\d+)(?:-(?P<arch>[a-z0-9]+))?")


@dataclass(frozen=True, slots=True)
class KernelName:
    """`kind` is `uml` or `qemu`, `series` the first two numbers of the release, `arch` in Debian's words."""

    kind: str
    series: str
    arch: str = "amd64"

    def __str__(self) -> str:
        return f"{self.kind}:{self.series}" + (f"-{self.arch}" if self.kind == "qemu" else "")

    @property
    def folder(self) -> str:
        return str(self).replace(":", "-")


@dataclass(frozen=True, slots=True)
class Known:
    """A kernel that a Debian suite carries. The suite is a hint: the machine's own suites are asked first."""

    name: KernelName
    suite: str


KNOWN: tuple[Known, ...] = (
    Known(KernelName("uml", "5.10"), "bullseye"),
    Known(KernelName("uml", "6.1"), "bookworm"),
    Known(KernelName("uml", "6.12"), "trixie"),
    Known(KernelName("uml", "7.2"), "sid"),
    Known(KernelName("qemu", "5.10"), "bullseye"),
    Known(KernelName("qemu", "6.1"), "bookworm"),
    Known(KernelName("qemu", "6.12"), "trixie"),
    Known(KernelName("qemu", "7.2"), "sid"),
    Known(KernelName("qemu", "6.1", "armhf"), "bookworm"),
)

#: Debian's flavour of an architecture's kernel, where it is not the one made for virtual machines.
#: `armmp` is built without LPAE: two levels of page tables, and no bit in a pte for pte_special().
_FLAVOURS = {"armhf": "armmp", "i386": "686-pae"}

#: Debian's suites, oldest first: where a series that nobody listed is looked for.
SUITES = ("bullseye", "bookworm", "trixie", "forky", "sid")


def parse_name(text: str) -> KernelName:
    """The kernel that `text` names. Raises KernelError for a text that names none."""
    match = _NAME.fullmatch(text)
    if match is None:
        known = ", ".join(str(item.name) for item in KNOWN)
        raise KernelError("a kernel's name such as uml:6.12 or qemu:6.1-amd64", repr(text), f"one of {known}")
    if match["kind"] == "uml" and match["arch"] not in (None, "amd64"):
        raise KernelError("a User-Mode Linux kernel for amd64", repr(text), "leave the architecture out")
    return KernelName(match["kind"], match["series"], match["arch"] or "amd64")


def package_of(name: KernelName) -> str:
    """The Debian package that carries (uml) or depends on (qemu) the kernel."""
    if name.kind == "uml":
        return "user-mode-linux"
    return f"linux-image-{_FLAVOURS.get(name.arch, f'cloud-{name.arch}')}"


def suites_for(name: KernelName, own: str | None) -> list[str]:
    """Suites to ask, in order: the machine's own, the one the kernel is known from, then all others."""
    hints = [item.suite for item in KNOWN if item.name == name]
    return list(dict.fromkeys([*([own] if own else []), *hints, *SUITES]))
