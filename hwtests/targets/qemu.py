# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a program run on a distribution's kernel?  Under QEMU's software emulation: `qemu:6.1-amd64`."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from hwtests.kernels.cache import cached
from hwtests.kernels.names import parse_name
from hwtests.targets.base import Region, Unusable
from hwtests.targets.guest import GuestTarget
from hwtests.targets.initramfs import agent_archive
from hwtests.targets.supervised import Supervised

if TYPE_CHECKING:
    from hwtests.targets.execution import Execution

EMULATOR = "qemu-system-x86_64"
MIB = 1 << 20
RAM = 256 * MIB  # of the machine
SEEN = 128 * MIB  # of it, by the kernel: mem=
HIDDEN = 160 * MIB  # where the hidden region begins; QEMU puts the initramfs at the top of the RAM
PAGE = 4096
PAGES = 16  # of a region; the BAR has just these, so that a longer mapping is refused
GUARD = 8
SLOT = 5  # PCI device number of the ivshmem device
_BAR = f"/sys/bus/pci/devices/0000:00:{SLOT:02x}.0/resource2"


class QemuTarget(GuestTarget):
    """A PC with one CPU. Its regions: the BAR of an ivshmem device, and RAM above the kernel's mem= limit."""

    def _complaint(self) -> Unusable | None:
        if (arch := parse_name(self.name).arch) != "amd64":
            return Unusable("a kernel for amd64", arch, "name qemu:VERSION-amd64")
        if shutil.which(EMULATOR) is None:
            return Unusable(f"QEMU ({EMULATOR})", "none in PATH", "apt-get install qemu-system-x86")
        return None

    def _start(self, folder: Path, agent: bytes, channel: socket.socket, ids: tuple[int, int]) -> Supervised:
        assert self._kernel is not None
        (folder / "initrd").write_bytes(agent_archive(agent))
        for name, size in (("ram", RAM), ("bar", PAGES * PAGE)):
            with open(folder / name, "wb") as file:
                file.truncate(size)
            if os.geteuid() == 0:
                os.chown(folder / name, *ids)
        fd = channel.fileno()
        options = {
            "-machine": "q35,memory-backend=ram",
            "-accel": "tcg",
            "-cpu": "max",
            "-m": f"{RAM // MIB}M",
            "-display": "none",
            "-kernel": self._kernel.file,
            "-initrd": str(folder / "initrd"),
            "-append": f"console=ttyS0 pfnlab.channel=/dev/ttyS1 mem={SEEN // MIB}M quiet panic=-1 iomem=relaxed "
            "reboot=t mitigations=off nokaslr",
        }
        devices = [
            ("-object", f"memory-backend-file,id=ram,size={RAM},mem-path={folder}/ram,share=on"),
            ("-object", f"memory-backend-file,id=bar,size={PAGES * PAGE},mem-path={folder}/bar,share=on"),
            ("-device", f"ivshmem-plain,memdev=bar,addr={SLOT:#x}"),
            ("-chardev", "stdio,id=console,signal=off"),
            ("-serial", "chardev:console"),
            ("-chardev", f"socket,id=channel,fd={fd}"),
            ("-serial", "chardev:channel"),
        ]
        command = [shutil.which(EMULATOR) or EMULATOR, "-nodefaults", "-no-user-config", "-no-reboot"]
        for pair in (*options.items(), *devices):
            command += pair
        return Supervised(
            command, folder, ids=ids, cwd=self._kernel.folder, pass_fds=[fd],
            environment={"TMPDIR": str(folder), "HOME": str(folder), "PATH": os.environ.get("PATH", "/usr/bin")},
        )  # fmt: skip

    def _offer(self, execution: Execution, folder: Path) -> list[Region]:
        from hwtests.regions.traits import load_traits
        from hwtests.targets.execution import Offer
        from hwtests.targets.view import map_file

        traits = load_traits()
        ram = map_file(folder / "ram", RAM)
        size = PAGES * PAGE
        bar = execution.open_region(Offer(traits["bar"], PAGES, path=_BAR, view=map_file(folder / "bar", size)))
        around = ram[HIDDEN - GUARD * PAGE : HIDDEN + size + GUARD * PAGE]
        view = ram[HIDDEN : HIDDEN + size]
        hidden = execution.open_region(Offer(traits["hidden"], PAGES, HIDDEN, view=view, around=around))
        return [bar, hidden]


def qemu_target(name: str) -> QemuTarget:
    """The target `qemu:VERSION-ARCH`, from the cache. Raises KernelError for a name that is none."""
    kernel = cached(parse_name(name))
    if kernel is None:
        return QemuTarget(
            name, None, Unusable(f"the kernel {name}", "none in the cache", f"pfnlab kernels fetch {name}")
        )
    return QemuTarget(name, kernel)
