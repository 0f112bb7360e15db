# SPDX-License-Identifier: GPL-2.0-or-later
"""What machine does QEMU make for a kernel?  One for every architecture, as data: memory, devices, command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

MIB = 1 << 20
PAGE = 4096
PAGES = 16  # of a region of the lab's own
SLOTS: Mapping[str, int] = {"bar": 5, "bar-wc": 6, "mmio-testdev": 7}  # PCI device numbers, by the region's name
VIRTIO_PORT = "virtserialport"
#: What a kernel needs for it, where it is not built in.
VIRTIO_MODULES = ("virtio_pci", "virtio_console")
#: A disk for O_DIRECT: in the guest's own memory, of 64 KiB, with nothing of the host behind it.
DISK_MODULE, DISK_ARGS = "brd", "rd_nr=1 rd_size=64"
GUARD = 8  # pages before and after the hidden region that are the lab's too


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine of one CPU. Sizes and offsets in bytes; `hidden` and `absent` count from the start of its RAM.

    arch, agent: its name in Debian's words, and in the agent's. package: what brings `emulator`.
    options: QEMU's, by name. ram: how much there is; base: its physical address; seen: what the kernel may use of it
        (mem=). hidden: where the region of that name begins; absent, absent_size: what the lab's driver may have.
    cost: how long a run takes, a User-Mode Linux kernel's being 1: the slowest targets are started first.
    console, channel: the device files. serial: QEMU's device for the channel, if not the second port.
    words: the kernel's command line, besides what all have. slots: PCI device number of each of `DEVICES`.
    """

    arch: str
    agent: str
    emulator: str
    package: str
    options: Mapping[str, str]
    cost: float = 4.0
    base: int = 0
    ram: int = 256 * MIB
    seen: int = 128 * MIB
    hidden: int = 160 * MIB
    absent: int = 192 * MIB
    absent_size: int = 4 * MIB
    console: str = "ttyS0"
    channel: str = "/dev/ttyS1"
    serial: str = ""
    words: str = ""
    slots: Mapping[str, int] = field(default_factory=lambda: SLOTS)

    def resource(self, name: str) -> str:
        """The file of sysfs that is the BAR of region `name`."""
        return f"/sys/bus/pci/devices/0000:00:{self.slots[name]:02x}.0/{_RESOURCES[name]}"

    def with_virtio(self) -> Machine:
        """The same machine, its agent behind a virtio-serial port: four times as fast as a serial line's registers."""
        return replace(self, channel="/dev/vport0p1", serial=VIRTIO_PORT)

    def command_line(self) -> str:
        """What its kernel is told."""
        return (
            f"console={self.console} pfnlab.channel={self.channel} mem={self.seen // MIB}M "
            f"quiet loglevel=5 panic=-1 iomem=relaxed {self.words}"
        ).rstrip()


_RESOURCES = {"bar": "resource2", "bar-wc": "resource2_wc", "mmio-testdev": "resource0"}
#: QEMU puts the initramfs at the top of a PC's RAM; on ARM it lies 128 MiB from the RAM's start, so more of it is seen.
MACHINES: Mapping[str, Machine] = {
    "amd64": Machine(
        arch="amd64",
        agent="x86_64",
        emulator="qemu-system-x86_64",
        package="qemu-system-x86",
        options={"-machine": "q35,memory-backend=ram", "-cpu": "max"},
        words="reboot=t mitigations=off nokaslr",
    ),
    "armhf": Machine(
        arch="armhf",
        agent="armv7l",
        emulator="qemu-system-arm",
        package="qemu-system-arm",
        options={"-machine": "virt,highmem=off,memory-backend=ram", "-cpu": "cortex-a15"},
        cost=6.0,
        base=0x40000000,
        ram=512 * MIB,
        seen=256 * MIB,
        hidden=320 * MIB,
        absent=384 * MIB,
        console="ttyAMA0",
        channel="/dev/ttyS0",
        serial="pci-serial",
    ),
}
