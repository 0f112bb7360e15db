# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a whole session of pfnlab tried?  In a QEMU guest that has Python and this checkout.

with SessionGuest(KERNEL, devices=…) as guest:
    done = guest.pfnlab("regions", "--json")
    guest.do("evaluate", source="answer = open('/proc/iomem').read()")
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hwtests.kernels.cache import Kernel, cached
from hwtests.kernels.names import parse_name
from hwtests.targets.base import Unusable
from hwtests.targets.folder import guest_ids, make_folder
from hwtests.targets.initramfs import Entry
from hwtests.targets.qemu import EMULATOR
from hwtests.targets.supervised import Supervised
from hwtests.tests.session.image import PYTHON, initramfs

MIB = 1 << 20
MEMORY = 640 * MIB
KERNEL = "qemu:6.1-amd64"  # of the machine's own suite
OPTIONS = "console=ttyS0 quiet panic=-1 reboot=t mitigations=off nokaslr rdinit=/init"
BOOT_LIMIT = 120.0


@dataclass(frozen=True, slots=True)
class Done:
    """A command's end: `status` None when it was killed at its time limit."""

    status: int | None
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class SessionFailed(AssertionError):
    """The guest did not do what it was asked to; the text says what it answered, and the end of its console."""


def missing(name: str = KERNEL) -> Unusable | None:
    """What is not here that a session in a guest needs, or None."""
    if shutil.which(EMULATOR) is None:
        return Unusable(f"QEMU ({EMULATOR})", "none in PATH", "apt-get install qemu-system-x86")
    if cached(parse_name(name)) is None:
        return Unusable(f"the kernel {name}", "none in the cache", f"pfnlab kernels fetch {name}")
    if shutil.which("ldd") is None:
        return Unusable("ldd, to find what the interpreter links", "none in PATH", "apt-get install libc-bin")
    return None


class SessionGuest:
    """A PC with one CPU and `memory` bytes of RAM, which is a file: `guest.folder / "ram"`.

    `append`: more of the kernel's command line. `devices`: more arguments of QEMU; `{folder}` in them is the run's
    folder. `files`: made there before, as (name, content). `entries`: more of the initramfs.
    """

    def __init__(
        self, name: str = KERNEL, *, append: str = "iomem=relaxed", devices: Sequence[str] = (),
        files: Iterable[tuple[str, bytes]] = (), entries: Iterable[Entry] = (), memory: int = MEMORY,
    ) -> None:  # fmt: skip
        kernel = cached(parse_name(name))
        assert kernel is not None, name
        self.seconds = 0.0  # from the start of QEMU to process 1
        ids = guest_ids()
        self.folder = make_folder(*ids)
        self._socket, theirs = socket.socketpair()
        try:
            with theirs:
                (self.folder / "initrd").write_bytes(initramfs(entries))
                for file_name, content in files:
                    (self.folder / file_name).write_bytes(content)
                if not (self.folder / "ram").exists():
                    with open(self.folder / "ram", "wb") as ram:
                        ram.truncate(memory)
                if os.geteuid() == 0:
                    for path in self.folder.iterdir():
                        os.chown(path, *ids)
                self._process = self._start(kernel, append, devices, theirs.fileno(), memory, ids)
        except BaseException:
            self._socket.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._channel = self._socket.makefile("rwb")
        self._boot()

    def _start(
        self, kernel: Kernel, append: str, devices: Sequence[str], fd: int, memory: int, ids: tuple[int, int]
    ) -> Supervised:
        command = [
            shutil.which(EMULATOR) or EMULATOR, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-machine", "q35,memory-backend=ram", "-accel", "tcg", "-cpu", "max", "-m", f"{memory // MIB}M",
            "-object", f"memory-backend-file,id=ram,size={memory},mem-path={self.folder}/ram,share=on",
            "-kernel", kernel.file, "-initrd", str(self.folder / "initrd"), "-append", f"{OPTIONS} {append}",
            "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
            "-chardev", f"socket,id=channel,fd={fd}", "-serial", "chardev:channel",
            *(argument.format(folder=self.folder) for argument in devices),
        ]  # fmt: skip
        environment = {"TMPDIR": str(self.folder), "HOME": str(self.folder), "PATH": os.environ.get("PATH", "/usr/bin")}
        return Supervised(command, self.folder, ids=ids, cwd=kernel.folder, pass_fds=[fd], environment=environment)

    def _boot(self) -> None:
        started = time.monotonic()
        try:
            self._answer(BOOT_LIMIT)
        except BaseException:
            self.close()
            raise
        self.seconds = time.monotonic() - started

    def do(self, what: str, limit: float = 180.0, **arguments: Any) -> Any:
        """Ask process 1 (session/init.py); its answer, or SessionFailed."""
        self._channel.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
        self._channel.flush()
        reply = self._answer(limit)
        if "error" in reply:
            raise SessionFailed(f"{what} {arguments}: {reply['error']}")
        return reply["answer"]

    def run(self, *command: str, **options: Any) -> Done:
        """A command to its end. Options as those of run() in session/init.py."""
        return Done(**self.do("run", limit=options.get("timeout", 120.0) + 60, argv=command, **options))

    def pfnlab(self, *arguments: str, **options: Any) -> Done:
        """`pfnlab ARGUMENTS` as root types it, or `uid=`."""
        return self.run(*pfnlab_command(*arguments), **options)

    def evaluate(self, source: str, **names: Any) -> Any:
        """What the Python statements of `source`, run by process 1, call `answer`."""
        return self.do("evaluate", source=source, **names)

    def read(self, path: str) -> str:
        return base64.b64decode(self.do("fetch", path=path)).decode(errors="replace")

    def console(self) -> str:
        return self._process.console()

    def close(self) -> None:
        """Power off, and leave nothing behind."""
        with contextlib.suppress(OSError):
            self._channel.write(b'{"do": "power_off"}\n')
            self._channel.flush()
            self._process.ended(5.0)
        with contextlib.suppress(OSError):
            self._channel.close()
        self._socket.close()
        self._process.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _answer(self, limit: float) -> Any:
        self._socket.settimeout(limit)
        try:
            line = self._channel.readline()
        except TimeoutError:
            line = b""
        if not line.endswith(b"\n"):
            raise SessionFailed(f"no answer within {limit:.0f} s; console:\n{self.console()[-2000:]}")
        return json.loads(line)


def pfnlab_command(*arguments: str) -> list[str]:
    return [str(PYTHON), "-m", "hwtests", *arguments]


def ram_view(folder: Path) -> Any:
    """The guest's RAM as it is now, as a numpy array of bytes."""
    import numpy as np

    return np.memmap(folder / "ram", dtype=np.uint8, mode="r")
