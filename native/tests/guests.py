# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a test of this room boot a kernel, UML or QEMU's, with its own agent, and nothing else in between?"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.names import parse_name
from hwtests.targets.initramfs import agent_archive, directory, file
from native.agent import agent_binary
from native.channel import AgentLink, AgentLost, Channel

#: Per architecture: the agent's, the emulator, its machine, the device of the channel, the kernel's command line.
MACHINES = {
    "amd64": (
        "x86_64", "qemu-system-x86_64", ("-machine", "q35", "-cpu", "max"), ("-serial", "chardev:channel"),
        "console=ttyS0 pfnlab.channel=/dev/ttyS1",
    ),
    "armhf": (
        "armv7l", "qemu-system-arm", ("-machine", "virt,highmem=off", "-cpu", "cortex-a15"),
        ("-device", "pci-serial,chardev=channel"), "console=ttyAMA0 pfnlab.channel=/dev/ttyS0",
    ),
}  # fmt: skip


@contextlib.contextmanager
def guest(
    name: str, modules: Mapping[str, bytes] | None = None, *, cmdline: str = "", devices: Sequence[str] = ()
) -> Iterator[AgentLink]:
    """The kernel `name` with `modules` (file name -> content) in /modules, and its agent behind a serial line."""
    parsed = parse_name(name)
    machine = "x86_64" if parsed.kind == "uml" else MACHINES[parsed.arch][0]
    kernel = cached(parsed)
    emulator = None if parsed.kind == "uml" else MACHINES[parsed.arch][1]
    if kernel is None or (emulator and shutil.which(emulator) is None):
        pytest.skip(f"needs {name} and {emulator}; found neither or one; cure: pfnlab kernels fetch {name}")
    extra = [directory("modules"), *(file(f"modules/{each}", data) for each, data in (modules or {}).items())]
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory() as scratch, theirs:
        initrd, log = Path(scratch) / "initrd", Path(scratch) / "console"
        initrd.write_bytes(agent_archive(agent_binary(machine).read_bytes(), extra))
        image = kernel.folder / kernel.file
        start = _uml if emulator is None else _qemu
        command = start(parsed.arch, image, initrd, log, theirs.fileno(), cmdline, devices)
        with log.open("wb") as console:
            output = console if emulator is None else None
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=output, cwd=kernel.folder
            )
        theirs.close()
        link = AgentLink(Channel(ours.detach()))
        try:
            link.hello()
            yield link
        except AgentLost as lost:
            raise AssertionError(f"{lost.reason}\n{log.read_text(errors='replace')}") from lost
        finally:
            link.quit()
            link.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _qemu(
    arch: str, image: Path, initrd: Path, log: Path, channel: int, cmdline: str, devices: Sequence[str]
) -> list[str]:
    _, emulator, options, device, words = MACHINES[arch]
    return [
        emulator, "-nodefaults", "-no-user-config", "-no-reboot", *options, "-accel", "tcg", "-m", "256M",
        "-display", "none", "-kernel", str(image), "-initrd", str(initrd),
        "-append", f"{words} quiet panic=-1 {cmdline}",
        "-chardev", f"file,id=console,path={log}", "-serial", "chardev:console",
        "-chardev", f"socket,id=channel,fd={channel}", *device, *devices,
    ]  # fmt: skip


def _uml(
    arch: str, image: Path, initrd: Path, log: Path, channel: int, cmdline: str, devices: Sequence[str]
) -> list[str]:
    del arch, log
    return [
        f"./{image.name}", "mem=64M", f"initrd={initrd}", f"uml_dir={initrd.parent}", "con=null", "con0=null,fd:1",
        "ssl=null", f"ssl0=fd:{channel},fd:{channel}", "pfnlab.channel=/dev/ttyS0", "panic=-1", "quiet",
        *cmdline.split(), *devices,
    ]  # fmt: skip
