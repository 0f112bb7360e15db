# SPDX-License-Identifier: GPL-2.0-or-later
"""Where is the agent's executable?  The one shipped beside this module, or one built from its sources with the compiler."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import platformdirs

HERE = Path(__file__).resolve().parent

SOURCES = (
    "text", "readers", "fault", "ops", "ops_mem", "ops_proc", "ops_view", "actor", "channel", "program", "keeper",
    "ram", "region", "klog", "hello", "guest", "agent",
)  # fmt: skip

WARNINGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror")
FREESTANDING = (
    "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie", "-static", "-nostdlib", "-nostartfiles",
    "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,norelro", "-s",
)  # fmt: skip

COMPILERS = {"x86_64": "gcc"}


class NoAgent(Exception):
    """There is no agent executable and none can be built; `needs`, `found` and `cure` say what a skip says."""

    def __init__(self, needs: str, found: str, cure: str) -> None:
        super().__init__(f"needs {needs}; found {found}; cure: {cure}")
        self.needs, self.found, self.cure = needs, found, cure


def cache_directory() -> Path:
    """PFNLAB_CACHE, or the user's cache directory."""
    named = os.environ.get("PFNLAB_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("pfnlab"))


def sources_hash() -> str:
    """16 hex digits that change with any source, header or compiler option of the agent."""
    digest = hashlib.sha256(repr((WARNINGS, FREESTANDING)).encode())
    for path in sorted([*HERE.glob("*.c"), *HERE.glob("*.h")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def agent_binary(arch: str = "x86_64") -> Path:
    """The agent's static executable for `arch`; NoAgent when there is none and no compiler."""
    shipped = HERE / f"agent-{arch}"
    if shipped.exists():
        return shipped
    built = cache_directory() / "agent" / f"{arch}-{sources_hash()}"
    if not built.exists():
        _build(arch, built)
    return built


def _build(arch: str, target: Path) -> None:
    name = COMPILERS.get(arch)
    if name is None:
        raise NoAgent(f"an agent for {arch}", f"agents for {', '.join(COMPILERS)} only", "run on one of those")
    compiler = shutil.which(name)
    if compiler is None:
        raise NoAgent(f"{name}, to build the agent for {arch}", "no such command", f"apt-get install {name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as scratch:
        output = Path(scratch) / "agent"
        sources = [str(HERE / f"{source}.c") for source in SOURCES]
        command = [compiler, *WARNINGS, *FREESTANDING, *sources, "-o", str(output)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            found = (done.stderr.strip().splitlines() or [f"{name} exits {done.returncode}"])[0]
            raise NoAgent(f"a {name} that builds the agent", found, f"run {name} --version; install gcc and linux-libc-dev")
        output.rename(target)  # at once, so that two sessions do not see half a file
