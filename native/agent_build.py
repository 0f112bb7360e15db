# SPDX-License-Identifier: GPL-2.0-or-later
"""How is the agent built?  From the C files beside this one, static and without a C library.

Needs no other package: setup.py imports it too.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

SOURCES = (
    "text", "readers", "openers", "fault", "ops", "ops_mem", "ops_access", "ops_proc", "ops_view", "ops_lab",
    "ops_lock", "ops_change", "ops_numa", "ops_kernel", "ops_direct", "ops_track", "ops_end",
    "image", "own", "actor",
    "channel", "program", "watch", "view", "core",
    "keeper", "ram", "region", "makers", "vfio", "klog", "hello", "modules", "guest", "agent",
)  # fmt: skip

# Errors in a test only: the compiler of a user may know more of them.
WARNINGS = ("-std=gnu11", "-Wall", "-Wextra")
FREESTANDING = (
    "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie", "-static", "-nostdlib", "-nostartfiles",
    "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,norelro", "-s",
)  # fmt: skip

#: Each machine's compiler and its own options, by the name that `uname -m` has for it. ARM divides 64 bits by libgcc.
COMPILERS = {
    "x86_64": ("gcc", ("gcc", "linux-libc-dev"), ()),
    "armv7l": (
        "arm-linux-gnueabihf-gcc",
        ("gcc-arm-linux-gnueabihf", "linux-libc-dev-armhf-cross"),
        ("-marm", "-march=armv7-a+fp", "-lgcc"),
    ),
}


class NoAgent(Exception):
    """There is no agent executable and none can be built; `needs`, `found` and `cure` say what a skip says."""

    def __init__(self, needs: str, found: str, cure: str) -> None:
        super().__init__(f"needs {needs}; found {found}; cure: {cure}")
        self.needs, self.found, self.cure = needs, found, cure


def sources_hash() -> str:
    """16 hex digits that change with any source, header or compiler option of the agent."""
    digest = hashlib.sha256(repr((WARNINGS, FREESTANDING, COMPILERS)).encode())
    for path in [*(HERE / f"{source}.c" for source in SOURCES), *sorted(HERE.glob("*.h")), HERE / "kmod" / "pfnlab.h"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def build_agent(arch: str, target: Path) -> None:
    """Builds the agent for `arch` as `target`; NoAgent without a compiler for it."""
    if arch not in COMPILERS:
        raise NoAgent(f"an agent for {arch}", f"agents for {', '.join(COMPILERS)} only", "run on one of those")
    name, packages, options = COMPILERS[arch]
    compiler = shutil.which(name)
    if compiler is None:
        cure = f"apt-get install {packages[0]}"
        raise NoAgent(f"{name}, to build the agent for {arch}", "no such command", cure)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as scratch:
        output = Path(scratch) / "agent"
        sources = [str(HERE / f"{source}.c") for source in SOURCES]
        command = [compiler, *WARNINGS, *FREESTANDING, *sources, *options, "-o", str(output)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            found = (done.stderr.strip().splitlines() or [f"{name} exits {done.returncode}"])[0]
            if "No space left" in done.stderr:
                raise NoAgent("room for the agent", f"{target.parent}: no space left", "make room, or set PFNLAB_CACHE")
            cure = f"run {name} --version; install {' and '.join(packages)}"
            raise NoAgent(f"a {name} that builds the agent", found, cure)
        output.rename(target)  # at once, so that two sessions do not see half a file
