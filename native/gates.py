# SPDX-License-Identifier: GPL-2.0-or-later
"""Why may a region not be opened or mapped?  Which gate of the kernel closed, from the errno and from what /proc tells.

For /dev/mem the order is that of the kernel: open_port() (drivers/char/mem.c) asks for CAP_SYS_RAWIO and then for
lockdown, both EPERM; mmap_mem() checks the physical range (EINVAL), range_is_allowed() (EPERM: STRICT_DEVMEM for System
RAM, IO_STRICT_DEVMEM for what a driver claims), and then x86's memory types (EINVAL, EAGAIN).
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

CAP_SYS_RAWIO = 17


class GateClosed(OSError):
    """A region is out of reach: the `gate` that closed, what was `found` there, the `cure`; the kernel's `errno`."""

    def __init__(self, number: int, gate: str, found: str, cure: str) -> None:
        super().__init__(number, f"{gate}: found {found}; cure: {cure}")
        self.gate, self.found, self.cure = gate, found, cure


@dataclass(frozen=True, slots=True)
class Machine:
    """What the kernel says of itself, as texts; "" where it says nothing."""

    iomem: str = ""
    lockdown: str = ""
    effective_caps: int = 0

    @classmethod
    def here(cls) -> Machine:
        status = _text("/proc/self/status")
        caps = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
        return cls(_text("/proc/iomem"), _text("/sys/kernel/security/lockdown"), int(caps, 16))


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def closed_at_open(path: str, error: OSError, machine: Machine) -> GateClosed:
    """The gate that answered open(2) with this error."""
    number, name = _named(error)
    if number == errno.ENOENT:
        if path == "/dev/mem":
            return GateClosed(number, "CONFIG_DEVMEM", "no /dev/mem", "a kernel with CONFIG_DEVMEM=y")
        return GateClosed(number, "device node", f"no {path}", "load its driver, or name another region")
    if number == errno.EPERM and path == "/dev/mem":
        if not machine.effective_caps >> CAP_SYS_RAWIO & 1:
            return GateClosed(number, "CAP_SYS_RAWIO", "a process without it", "run as root with CAP_SYS_RAWIO")
        mode = _lockdown_mode(machine.lockdown)
        if mode not in ("", "none"):
            return GateClosed(number, "lockdown", f"lockdown={mode}", "boot with lockdown=none, or without Secure Boot")
    if number in (errno.EACCES, errno.EPERM):
        return GateClosed(
            number, "permission", f"{name} for uid {os.geteuid()}{_mode(path)}", "run as its owner, or as root"
        )
    if number in (errno.ENXIO, errno.ENODEV):
        return GateClosed(number, "driver", f"{name}: a node without a driver", "load its driver")
    return GateClosed(number, "open", f"{name}", "see open(2) and the driver")


def closed_at_map(
    path: str, error: OSError, machine: Machine, *, offset: int, length: int, shared: bool, write: bool
) -> GateClosed:
    """The gate that answered mmap(2) of a file that is open."""
    number, name = _named(error)
    if path == "/dev/mem":
        gate = _devmem_map(number, machine.iomem, offset, length)
        if gate is not None:
            return gate
    if number == errno.ENODEV:
        return GateClosed(number, "mmap operation", f"{path} has none", "name a device whose driver has mmap")
    if number in (errno.EACCES, errno.EPERM):
        what = f"{'shared' if shared else 'private'}, {'writable' if write else 'read-only'}"
        return GateClosed(
            number, "sharing or mode", f"{name} for a mapping that is {what}", "map it read-only, or private"
        )
    if number in (errno.EINVAL, errno.ENXIO):
        found = f"{name} at offset {offset:#x}, length {length:#x}, {'shared' if shared else 'private'}"
        return GateClosed(number, "range or sharing", found, "stay within the region; try shared=True")
    if number == errno.EAGAIN:
        return GateClosed(
            number, "locked memory", "more than RLIMIT_MEMLOCK allows", "ulimit -l unlimited, or fewer pages"
        )
    return GateClosed(number, "mmap", name, "see mmap(2) and the driver")


def _devmem_map(number: int, iomem: str, offset: int, length: int) -> GateClosed | None:
    if number == errno.EPERM:
        claim = claimed_by(iomem, offset, length)
        if claim == "System RAM":
            return GateClosed(
                number,
                "STRICT_DEVMEM",
                f"System RAM at {offset:#x}",
                "a range that is not RAM, or CONFIG_STRICT_DEVMEM=n",
            )
        if claim:
            return GateClosed(
                number,
                "IO_STRICT_DEVMEM",
                f"{offset:#x} claimed by {claim}",
                f"unbind {claim}, or boot with iomem=relaxed",
            )
        return GateClosed(
            number, "STRICT_DEVMEM", f"{offset:#x} refused; /proc/iomem does not say why", "boot with iomem=relaxed"
        )
    if number == errno.EAGAIN:
        return GateClosed(
            number, "memory type", f"{offset:#x} is mapped with another cache type (PAT)",
            "see /sys/kernel/debug/x86/pat_memtype_list; open with the other of O_SYNC and not",
        )  # fmt: skip
    if number == errno.EINVAL:
        return GateClosed(
            number,
            "physical range",
            f"{offset:#x}+{length:#x} is unaligned, or wider than the CPU's addresses",
            "another range",
        )
    return None


def claimed_by(iomem: str, offset: int, length: int) -> str:
    """The innermost claim in /proc/iomem that meets the range; "" for none (only root sees the addresses)."""
    best, depth = "", -1
    for line in iomem.splitlines():
        span, _, name = line.partition(" : ")
        first, _, last = span.strip().partition("-")
        level = len(line) - len(line.lstrip())
        try:
            low, high = int(first, 16), int(last, 16)
        except ValueError:
            continue
        if high and low < offset + length and high >= offset and level > depth:
            best, depth = name.strip(), level
    return best


def _named(error: OSError) -> tuple[int, str]:
    number = error.errno or 0
    return number, errno.errorcode.get(number, str(number))


def _lockdown_mode(text: str) -> str:
    return text.partition("[")[2].partition("]")[0]


def _mode(path: str) -> str:
    try:
        return f", mode {os.stat(path).st_mode & 0o777:04o}"
    except OSError:
        return ""
