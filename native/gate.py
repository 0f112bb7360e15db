# SPDX-License-Identifier: GPL-2.0-or-later
"""Which gates can close between a program and a region?  The one list of their names, and what a closed one says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

#: Every gate that pfnlab can name, with the place that closes it. Whatever names a gate, and every test that asks for
#: one, takes the name from here.
GATES: Mapping[str, str] = MappingProxyType(
    {
        # Before anything can be opened.
        "CONFIG_DEVMEM": "the kernel has no /dev/mem (drivers/char/mem.c is built with CONFIG_DEVMEM)",
        "device node": "there is no such file",
        "module": "there is no such file, and the module that makes it is not loaded",
        "driver": "the node has no driver behind it (open: ENXIO, ENODEV)",
        "device": "the machine has no such device",
        # At open(2).
        "CAP_SYS_RAWIO": "drivers/char/mem.c open_port(): capable(CAP_SYS_RAWIO)",
        "lockdown": "security_locked_down(): LOCKDOWN_DEV_MEM at open, LOCKDOWN_PCI_ACCESS at mmap",
        "permission": "the file's mode, or a security module",
        "busy": "somebody else has it open (EBUSY)",
        "sysctl": "a setting in /proc/sys forbids it (perf_event_paranoid, io_uring_disabled)",
        # At mmap(2) of /dev/mem.
        "physical range": "mmap_mem(): the range wraps, or is wider than the CPU's physical addresses (EINVAL)",
        "STRICT_DEVMEM": "devmem_is_allowed(): the range is System RAM (EPERM)",
        "IO_STRICT_DEVMEM": "iomem_is_exclusive(): a driver claims the range (EPERM)",
        "memory type": "the range is mapped with another cache type already (x86: PAT; EAGAIN, EINVAL)",
        # At mmap(2) of a PCI BAR in sysfs.
        "BAR claimed": "pci_mmap_resource(): iomem_is_exclusive() of a BAR that a driver claims (EINVAL)",
        "BAR disabled": "the device does not decode memory: its command register says so",
        "BAR not mappable": "the BAR is of I/O ports, or smaller than a page",
        # At mmap(2) of any file.
        "mmap operation": "the file has no mmap (ENODEV)",
        "sharing or mode": "the driver, or the mode of the open file, refuses such a mapping (EACCES, EPERM)",
        "range or sharing": "the driver refuses this offset, length or sharing (EINVAL, ENXIO)",
        "locked memory": "RLIMIT_MEMLOCK (EAGAIN)",
        "open": "open(2) fails for another reason",
        "mmap": "mmap(2) fails for another reason",
        # After it: the lab's own.
        "kernel": "kernels of this release or configuration do not have it",
        "length": "the file does not tell how long it is",
        "not as its traits say": "what /proc shows of its mapping is not what was written down of its kind",
        "by name only": "pfnlab does not touch it unasked: reading it may have effects",
        "guests only": "pfnlab uses it in guests only",
    }
)

CAP_SYS_RAWIO = 17


class GateClosed(OSError):
    """A region is out of reach: the `gate` that closed, what was `found` there, the `cure`; the kernel's `errno`."""

    def __init__(self, number: int, gate: str, found: str, cure: str) -> None:
        if gate not in GATES:
            raise ValueError(f"no gate {gate!r}, expected one of {', '.join(GATES)}")
        super().__init__(number, f"{gate}: found {found}; cure: {cure}")
        self.gate, self.found, self.cure = gate, found, cure


@dataclass(frozen=True, slots=True)
class Machine:
    """What the kernel says of itself, as texts; "" where it says nothing."""

    iomem: str = ""
    lockdown: str = ""
    effective_caps: int = 0
    has_mem: bool = False  # the kernel has /dev/mem (drivers/char/mem.c chr_dev_init()), whether there is a node or not

    @classmethod
    def here(cls) -> Machine:
        status = text_of("/proc/self/status")
        caps = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
        return cls(
            text_of("/proc/iomem"),
            text_of("/sys/kernel/security/lockdown"),
            int(caps, 16),
            Path("/sys/class/mem/mem").exists(),
        )


def text_of(path: str) -> str:
    """A file of /proc or /sys; "" when it cannot be read."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def lockdown(number: int, machine: Machine) -> GateClosed | None:
    """The gate when the kernel is locked down, else None."""
    mode = machine.lockdown.partition("[")[2].partition("]")[0]
    if mode in ("", "none"):
        return None
    return GateClosed(number, "lockdown", f"lockdown={mode}", "boot with lockdown=none, or without Secure Boot")


def memory_type(number: int, address: int) -> GateClosed:
    """The gate that a conflict of cache types closes."""
    return GateClosed(
        number, "memory type", f"{address:#x} is mapped with another cache type (PAT)",
        "see /sys/kernel/debug/x86/pat_memtype_list; open with the other of O_SYNC and not",
    )  # fmt: skip
