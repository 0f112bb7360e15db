# SPDX-License-Identifier: GPL-2.0-or-later
"""Why may a region not be opened or mapped?  Which gate of the kernel closed, from the errno and from what /proc tells.

For /dev/mem the order is that of the kernel: open_port() (drivers/char/mem.c) asks for CAP_SYS_RAWIO and then for
lockdown, both EPERM; mmap_mem() checks the physical range (EINVAL), range_is_allowed() (EPERM: STRICT_DEVMEM for System
RAM, IO_STRICT_DEVMEM for what a driver claims), and then x86's memory types (EINVAL, EAGAIN).
"""

from __future__ import annotations

import errno
import os

from native.gate import CAP_SYS_RAWIO, GateClosed, Machine, lockdown, memory_type
from native.gates_bar import bar_map, is_bar, read_bar
from native.iomem import chain, in_system_ram, parse_iomem

__all__ = ["CAP_SYS_RAWIO", "GateClosed", "Machine", "closed_at_map", "closed_at_open"]


def closed_at_open(path: str, error: OSError, machine: Machine) -> GateClosed:
    """The gate that answered open(2) with this error."""
    number, name = _named(error)
    if number == errno.ENOENT:
        if path == "/dev/mem" and not machine.has_mem:
            return GateClosed(number, "CONFIG_DEVMEM", "no /dev/mem", "a kernel with CONFIG_DEVMEM=y")
        if path == "/dev/mem":
            return GateClosed(number, "device node", "no /dev/mem, though the kernel has it", "mknod /dev/mem c 1 1")
        return GateClosed(number, "device node", f"no {path}", "load its driver, or name another region")
    if number == errno.EPERM and path == "/dev/mem":
        if not machine.effective_caps >> CAP_SYS_RAWIO & 1:
            return GateClosed(number, "CAP_SYS_RAWIO", "a process without it", "run as root with CAP_SYS_RAWIO")
        if gate := lockdown(number, machine):
            return gate
    if number in (errno.EACCES, errno.EPERM):
        return GateClosed(
            number, "permission", f"{name} for uid {os.geteuid()}{_mode(path)}", "run as its owner, or as root"
        )
    if number in (errno.ENXIO, errno.ENODEV):
        return GateClosed(number, "driver", f"{name}: a node without a driver", "load its driver")
    if number == errno.EBUSY:
        return GateClosed(number, "busy", f"{name}: somebody else has {path} open", "end what uses it")
    return GateClosed(number, "open", f"{name}", "see open(2) and the driver")


def closed_at_map(
    path: str, error: OSError, machine: Machine, *, offset: int, length: int, shared: bool, write: bool
) -> GateClosed:
    """The gate that answered mmap(2) of a file that is open."""
    number, name = _named(error)
    gate = None
    if path == "/dev/mem":
        gate = _devmem_map(number, machine.iomem, offset, length)
    elif is_bar(path):
        gate = bar_map(number, machine, read_bar(path), offset, length)
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
        return GateClosed(number, "range or sharing", found, "stay within the region; try the other sharing")
    if number == errno.EAGAIN:
        return GateClosed(
            number, "locked memory", "more than RLIMIT_MEMLOCK allows", "ulimit -l unlimited, or fewer pages"
        )
    return GateClosed(number, "mmap", name, "see mmap(2) and the driver")


def _devmem_map(number: int, iomem: str, offset: int, length: int) -> GateClosed | None:
    # In the order of mmap_mem(); range_is_allowed() looks at the pages one by one.
    if number == errno.EPERM:
        spans = parse_iomem(iomem)
        claims = chain(spans, offset, offset + length)
        ram = in_system_ram(spans, offset, offset + length)
        if ram is not None and (not claims or claims[0].start >= ram.start):
            found = f"{ram.name} at {max(offset, ram.start):#x}"
            return GateClosed(
                number, "STRICT_DEVMEM", found, "a range that is not RAM, or a kernel with CONFIG_STRICT_DEVMEM=n"
            )
        if claims:
            return GateClosed(
                number,
                "IO_STRICT_DEVMEM",
                f"{offset:#x} claimed by {claims[-1].name}",
                f"unbind {claims[-1].name}, or boot with iomem=relaxed",
            )
        return GateClosed(
            number, "STRICT_DEVMEM", f"{offset:#x} refused; /proc/iomem does not say why", "boot with iomem=relaxed"
        )
    if number == errno.EAGAIN:
        return memory_type(number, offset)
    if number == errno.EINVAL:
        return GateClosed(
            number,
            "physical range",
            f"{offset:#x}+{length:#x} is unaligned, or wider than the CPU's addresses",
            "another range",
        )
    return None


def _named(error: OSError) -> tuple[int, str]:
    number = error.errno or 0
    return number, errno.errorcode.get(number, str(number))


def _mode(path: str) -> str:
    try:
        return f", mode {os.stat(path).st_mode & 0o777:04o}"
    except OSError:
        return ""
