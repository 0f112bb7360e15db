# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine made of a few files, for tests of what pfnlab finds on one."""

from pathlib import Path

from hwtests.regions.machine import MachineFiles

IOMEM = """\
00000000-00000fff : Reserved
00001000-0009fbff : System RAM
000f0000-000fffff : System ROM
00100000-0fffffff : System RAM
  01000000-02276f47 : Kernel code
10000000-1000ffff : Reserved
c0000000-febfffff : PCI Bus 0000:00
  fe000000-fe003fff : 0000:00:03.0
    fe000000-fe003fff : virtio-pci-modern
  fe010000-fe01ffff : 0000:00:04.0
  fe020000-fe020fff : 0000:00:05.0
fed00000-fed003ff : HPET 0
fed10000-fed1ffff : pnp 00:03
"""
CMDLINE = "console=ttyS0 mem=256M memmap=64K$0x10000000"


def machine(root: Path, files: dict[str, str | bytes]) -> MachineFiles:
    """A machine below `root` with these files, by their absolute paths."""
    for path, content in files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return MachineFiles(root, 4096)


def pci(slot: str, device: str, bar: int, line: str, command: int = 6) -> dict[str, str | bytes]:
    """The files of a PCI device `vendor:device` with one BAR; `line` is its line in `resource`."""
    folder = f"/sys/bus/pci/devices/{slot}"
    vendor, _, number = device.partition(":")
    return {
        f"{folder}/vendor": f"0x{vendor}\n",
        f"{folder}/device": f"0x{number}\n",
        f"{folder}/resource": "0x0 0x0 0x0\n" * bar + line + "\n",
        f"{folder}/config": bytes([0, 0, 0, 0, command, 0, 0, 0]),
        f"{folder}/resource{bar}": b"",
    }


PHYSICAL: dict[str, str | bytes] = {
    "/dev/mem": b"",
    "/proc/iomem": IOMEM,
    "/proc/cmdline": CMDLINE,
    "/sys/firmware/memmap/0/start": "0x100000",
    "/sys/firmware/memmap/0/end": "0x1fffffff",
    "/sys/firmware/memmap/0/type": "System RAM",
}
