# SPDX-License-Identifier: GPL-2.0-or-later
"""What machine is this?  What run.json says of it: everything a reader of a report may ask for later.

The kernel's own words are taken from /proc and /sys; psutil gives what is the machine's (memory, cores, boot time).
It never supplies an observation.
"""

from __future__ import annotations

import gzip
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from hwtests.version import version

#: Configuration values that a rule, a gate of /dev/mem or a source of PFN mappings hangs on.
CONFIG = (
    "CONFIG_ARCH_HAS_PTE_SPECIAL",
    "CONFIG_DEBUG_INFO_BTF",
    "CONFIG_DEBUG_VM",
    "CONFIG_DEVMEM",
    "CONFIG_HAVE_IOREMAP_PROT",
    "CONFIG_IO_STRICT_DEVMEM",
    "CONFIG_KSM",
    "CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
    "CONFIG_MEM_SOFT_DIRTY",
    "CONFIG_PAGE_IDLE_FLAG",
    "CONFIG_PROC_PAGE_MONITOR",
    "CONFIG_STRICT_DEVMEM",
    "CONFIG_SWAP",
    "CONFIG_TRANSPARENT_HUGEPAGE",
    "CONFIG_X86_PAT",
)
SETTINGS = (
    "kernel/perf_event_paranoid",
    "kernel/yama/ptrace_scope",
    "kernel/kptr_restrict",
    "kernel/tainted",
    "vm/overcommit_memory",
    "vm/swappiness",
)
PACKAGES = ("cffi", "jinja2", "msgspec", "numpy", "psutil", "rich")


def inventory() -> dict[str, Any]:
    """The machine as it is now; what cannot be read is left out, with nothing put in its place."""
    name = platform.uname()
    memory = psutil.virtual_memory()
    return {
        "host": name.node,
        "kernel": {"release": name.release, "version": name.version, "machine": name.machine},
        "cmdline": _read("/proc/cmdline"),
        "lockdown": _read("/sys/kernel/security/lockdown"),
        "config": config(name.release),
        "settings": {key: value for key in SETTINGS if (value := _read(f"/proc/sys/{key}")) is not None},
        "cpu": {
            "model": _cpu(),
            "cores": psutil.cpu_count(logical=False),
            "threads": psutil.cpu_count(),
            "mitigations": mitigations(),
        },
        "memory_bytes": memory.total,
        "swap_bytes": psutil.swap_memory().total,
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "user": {"uid": os.geteuid(), "capabilities": _capabilities()},
        "python": sys.version.split()[0],
        "libc": " ".join(platform.libc_ver()),
        "pfnlab": version(),
        "packages": {package: found for package in PACKAGES if (found := _package(package))},
    }


def config(release: str) -> dict[str, str]:
    """The configuration values of CONFIG that the running kernel tells of; empty when it tells nothing."""
    text = ""
    try:
        text = gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    except OSError:
        text = _read(f"/boot/config-{release}") or ""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("# CONFIG_") and line.endswith(" is not set"):
            found[line[2:-11]] = "n"
        elif line.startswith("CONFIG_"):
            key, _, value = line.partition("=")
            found[key] = value
    return {key: found.get(key, "n") for key in CONFIG} if found else {}


def mitigations() -> dict[str, str]:
    """What the kernel says of each CPU vulnerability."""
    root = Path("/sys/devices/system/cpu/vulnerabilities")
    try:
        return {path.name: text for path in sorted(root.iterdir()) if (text := _read(path)) is not None}
    except OSError:
        return {}


def _cpu() -> str:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Processor", "cpu model"):
            return value.strip()
    return platform.processor() or platform.machine()


def _capabilities() -> str:
    for line in (_read("/proc/self/status") or "").splitlines():
        if line.startswith("CapEff:"):
            return "0x" + line.split()[1].lstrip("0").rjust(1, "0")
    return "unknown"


def _package(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _read(path: str | Path) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
