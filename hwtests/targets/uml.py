# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a program run on a User-Mode Linux kernel?  In an ordinary process: `uml:6.12`, `uml:/path/linux`."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from hwtests.kernels import glibc
from hwtests.kernels.cache import Kernel, cached
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import parse_name
from hwtests.targets.base import Region, Unusable
from hwtests.targets.guest import GuestTarget
from hwtests.targets.initramfs import agent_archive
from hwtests.targets.supervised import Supervised

if TYPE_CHECKING:
    from hwtests.targets.execution import Execution

MEMORY = "64M"
PAGES = 16  # of a region
GUARD = 8  # pages of the iomem file before and after the region that is seen through /dev/mem
PAGE = 4096  # UML's, on x86-64
DISK = 1 << 16  # bytes of what takes O_DIRECT


class UmlTarget(GuestTarget):
    """User-Mode Linux. Its regions: a file of the run through the mapper driver and through /dev/mem, and RAM."""

    def _complaint(self) -> Unusable | None:
        assert self._kernel is not None
        if os.uname().machine != "x86_64":
            return Unusable("an x86-64 machine", os.uname().machine, "use QEMU")
        if glibc.release_of(self._kernel.folder, self._kernel.file) is None:
            path = self._kernel.folder / self._kernel.file
            found = f"{path} --version tells no kernel release"
            cure = f"pfnlab kernels fetch {self.name}" if self._kernel.record else "name the file of such a kernel"
            return Unusable("a User-Mode Linux kernel that starts here", found, cure)
        return None

    def _start(self, folder: Path, agent: bytes, channel: socket.socket, ids: tuple[int, int]) -> Supervised:
        assert self._kernel is not None
        (folder / "initrd").write_bytes(agent_archive(agent))
        iomem, disk = folder / "iomem", folder / "disk"
        for file, size in ((iomem, (PAGES + 2 * GUARD) * PAGE), (disk, DISK)):
            file.write_bytes(bytes(size))
            if os.geteuid() == 0:
                os.chown(file, *ids)
        fd = channel.fileno()
        command = [
            f"./{self._kernel.file}",
            f"mem={MEMORY}",
            f"initrd={folder / 'initrd'}",
            f"uml_dir={folder}",
            "umid=guest",
            f"iomem=mmapper,{iomem}",  # a kernel without the driver leaves it alone
            f"ubd0={disk}",
            "con=null",
            "con0=null,fd:1",
            "ssl=null",
            f"ssl0=fd:{fd},fd:{fd}",
            "pfnlab.channel=/dev/ttyS0",
            "panic=-1",
            "quiet",
            "loglevel=5",  # warnings too: the console is judged
        ]
        return Supervised(
            command, folder, ids=ids, cwd=self._kernel.folder, pass_fds=[fd],
            environment={"TMPDIR": str(folder), "HOME": str(folder), "PATH": os.environ.get("PATH", "/usr/bin")},
        )  # fmt: skip

    def _offer(self, execution: Execution, folder: Path) -> list[Region]:
        from hwtests.regions.traits import load_traits
        from hwtests.targets.execution import Offer
        from hwtests.targets.view import map_file

        traits = load_traits()
        file = map_file(folder / "iomem", (PAGES + 2 * GUARD) * PAGE)
        mapper = execution.open_region(Offer(traits["uml-mmapper"], PAGES + 2 * GUARD, view=file, around=file))
        if mapper.unusable or not mapper.pfn:
            cause = mapper.unusable or Unusable(
                traits["uml-iomem"].needs, "an address that no mapping shows", "report this"
            )
            iomem = Region(traits["uml-iomem"], unusable=cause)
        else:
            base = (mapper.pfn + GUARD) * PAGE
            view = file[GUARD * PAGE : -GUARD * PAGE]
            iomem = execution.open_region(Offer(traits["uml-iomem"], PAGES, base, view=view, around=file))
        ram = execution.open_region(Offer(traits["uml-ram"], PAGES))
        return [iomem, mapper, ram]


def uml_target(name: str) -> UmlTarget:
    """The target `uml:VERSION` (from the cache) or `uml:PATH`. Raises KernelError for a name that is neither."""
    what = name.removeprefix("uml:")
    if "/" in what:
        path = Path(what).absolute()
        if not os.access(path, os.X_OK) or not path.is_file():
            missing = Unusable("a User-Mode Linux kernel", f"{path}: no executable file", "name the file of one")
            return UmlTarget(name, None, missing)
        return UmlTarget(name, Kernel(name, path.parent, path.name, None))
    kernel = cached(parse_name(name))
    if kernel is None:
        return UmlTarget(
            name, None, Unusable(f"the kernel {name}", "none in the cache", f"pfnlab kernels fetch {name}")
        )
    return UmlTarget(name, kernel)


__all__ = ["KernelError", "UmlTarget", "uml_target"]
