# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a program run on a real machine's kernel?  Under QEMU's software emulation: `qemu:6.1-amd64`."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hwtests.kernels.cache import Kernel
from hwtests.kernels.errors import KernelError
from hwtests.targets.base import Region, TargetError, Unusable
from hwtests.targets.guest import GuestTarget
from hwtests.targets.initramfs import agent_archive
from hwtests.targets.machine import (
    DISK_ARGS,
    DISK_MODULE,
    GUARD,
    MACHINES,
    MIB,
    PAGE,
    PAGES,
    VIRTIO_MODULES,
    VIRTIO_PORT,
    Machine,
)  # fmt: skip
from hwtests.targets.modules import LAB, GuestModule, module_entries, outcomes
from hwtests.targets.supervised import Supervised

if TYPE_CHECKING:
    from hwtests.regions.named import Named
    from hwtests.targets.execution import Execution

EMULATOR = MACHINES["amd64"].emulator


class QemuTarget(GuestTarget):
    """A machine of `hwtests/targets/machine.py` with a kernel of its architecture.

    Its regions: BARs of QEMU's devices, RAM above the kernel's mem= limit, what every kernel may have, and `named`:
    files of the guest that the user named. `modules`: the user's, loaded after the lab's driver.
    """

    def __init__(
        self,
        name: str,
        kernel: Kernel | None,
        missing: Unusable | None = None,
        *,
        machine: Machine = MACHINES["amd64"],
        modules: Sequence[GuestModule] = (),
        named: Sequence[Named] = (),
    ) -> None:
        super().__init__(name, kernel, missing)
        self.machine = machine
        self.agent_arch = machine.agent
        self.cost = machine.cost
        self._users = tuple(modules)
        self._named = tuple(named)
        self._lab: Unusable | None = None

    def _complaint(self) -> Unusable | None:
        if shutil.which(self.machine.emulator) is None:
            cure = f"apt-get install {self.machine.package}"
            return Unusable(f"QEMU ({self.machine.emulator})", "none in PATH", cure)
        return None

    def _start(self, folder: Path, agent: bytes, channel: socket.socket, ids: tuple[int, int]) -> Supervised:
        assert self._kernel is not None
        channel_modules = _own_modules(self._kernel, VIRTIO_MODULES)
        disk_modules = _own_modules(self._kernel, (DISK_MODULE,), DISK_ARGS)
        machine = self.machine if channel_modules is None else self.machine.with_virtio()
        modules = [*(channel_modules or ()), *(disk_modules or ()), *self._modules()]
        (folder / "initrd").write_bytes(agent_archive(agent, module_entries(modules)))
        files = {"ram": self.machine.ram, **dict.fromkeys(_SHARED, PAGES * PAGE)}
        for name, size in files.items():
            with open(folder / name, "wb") as file:
                file.truncate(size)
            if os.geteuid() == 0:
                os.chown(folder / name, *ids)
        fd = channel.fileno()
        command = [shutil.which(self.machine.emulator) or self.machine.emulator]
        command += arguments(machine, folder, self._kernel.file, fd)
        return Supervised(
            command, folder, ids=ids, cwd=self._kernel.folder, pass_fds=[fd],
            environment={"TMPDIR": str(folder), "HOME": str(folder), "PATH": os.environ.get("PATH", "/usr/bin")},
        )  # fmt: skip

    def _modules(self) -> list[GuestModule]:
        # The lab's driver, unless the user brings one, and then the user's own.
        assert self._kernel is not None
        absent = f"absent={self.machine.base + self.machine.absent:#x} absent_pages={PAGES}"
        users = [GuestModule(one.path, absent) if one.name == LAB and not one.args else one for one in self._users]
        self._lab = None
        if any(one.name == LAB for one in users):
            return users
        from hwtests.kernels.modules import lab_modules

        found = lab_modules(self._kernel)
        if isinstance(found, Unusable):
            self._lab = found
            return users
        theirs = {one.name: one for one in users}
        own = [theirs.get(path.stem) or GuestModule(path, absent if path.stem == LAB else "") for path in found]
        return [*own, *(one for one in users if one not in own)]

    def _loaded(self, told: Mapping[str, int]) -> None:
        """What the user brought must have loaded; of the lab's driver it is said why it did not."""
        said = outcomes(told)
        for module in self._users:
            if (how := said.get(module.name, "not tried")) != "ok":
                why = f"module {module.path} does not load into this kernel: {how}"
                raise TargetError(f"{self.name}: {why}; the console (dmesg) says more; build it for this kernel")
        if self._lab is None and (how := said.get(LAB, "not tried")) != "ok":
            self._lab = Unusable("the lab's driver in the guest", f"loading it: {how}", "report this")

    def _offer(self, execution: Execution, folder: Path) -> list[Region]:
        from hwtests.regions.traits import load_traits
        from hwtests.targets.everyones import open_everyones, open_named, open_uio
        from hwtests.targets.execution import Offer
        from hwtests.targets.view import map_file

        self._loaded(execution.hello.modules)
        known = load_traits()
        bars = [
            execution.open_region(
                Offer(
                    known[name],
                    pages,
                    path=self.machine.resource(name),
                    view=map_file(folder / name, PAGES * PAGE) if name in _SHARED else None,
                )
            )
            for name, (_, pages) in DEVICES.items()
            if name in known
        ]
        ram = map_file(folder / "ram", self.machine.ram)
        start, size = self.machine.hidden, PAGES * PAGE
        around = ram[start - GUARD * PAGE : start + size + GUARD * PAGE]
        hidden = execution.open_region(
            Offer(known["hidden"], PAGES, self.machine.base + start, view=ram[start : start + size], around=around)
        )
        named = open_named(execution, self._named)
        return [
            *named,
            *bars[:1],
            hidden,
            *bars[1:],
            *open_everyones(execution, self._lab),
            open_uio(execution, self._lab),
        ]


def _own_modules(kernel: Kernel, names: Sequence[str], args: str = "") -> list[GuestModule] | None:
    """The modules `names` of `kernel` and what they need, with `args` for each; None where it has not even the drivers.

    A virtio-serial port is what the channel is faster by, a disk what some programs ask for: a guest does without.
    """
    from hwtests.kernels.guest_modules import modules_of

    try:
        return [GuestModule(path, args) for path in modules_of(kernel, names)]
    except KernelError:
        return None


#: The devices whose BARs are regions, by the region's name: what QEMU calls them, and the pages of the BAR.
DEVICES = {
    "bar": ("ivshmem-plain,memdev=bar", PAGES),
    "bar-wc": ("ivshmem-plain,memdev=bar-wc", PAGES),
    "mmio-testdev": ("pci-testdev", 1),
}
_SHARED = (
    "bar",
    "bar-wc",
)  # the BAR is a file of the run, with just these pages: a longer mapping is refused


def arguments(machine: Machine, folder: Path, kernel: str, channel: int) -> list[str]:
    """QEMU's, for a guest whose files are in `folder`; `channel` is the descriptor of its agent's line."""
    options = {
        **machine.options,
        "-accel": "tcg",
        "-m": f"{machine.ram // MIB}M",
        "-display": "none",
        "-kernel": kernel,
        "-initrd": str(folder / "initrd"),
        "-append": machine.command_line(),
    }
    pairs = [("-object", _memory(folder, "ram", machine.ram))]
    pairs += [("-object", _memory(folder, name, PAGES * PAGE)) for name in _SHARED]
    pairs += [("-device", f"{device},addr={machine.slots[name]:#x}") for name, (device, _) in DEVICES.items()]
    pairs += [("-chardev", "stdio,id=console,signal=off"), ("-serial", "chardev:console")]
    pairs += [("-chardev", f"socket,id=channel,fd={channel}")]
    if machine.serial == VIRTIO_PORT:
        pairs += [("-device", "virtio-serial-pci,addr=0x9")]
    pairs += [("-device", f"{machine.serial},chardev=channel") if machine.serial else ("-serial", "chardev:channel")]
    fixed = ["-nodefaults", "-no-user-config", "-no-reboot"]
    return [*fixed, *(word for pair in (*options.items(), *pairs) for word in pair)]


def _memory(folder: Path, name: str, size: int) -> str:
    return f"memory-backend-file,id={name},size={size},mem-path={folder}/{name},share=on"
