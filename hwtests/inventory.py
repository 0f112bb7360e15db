# SPDX-License-Identifier: GPL-2.0-or-later
"""What machine is this?  What run.json says of it: everything a reader of a report may ask for later.

The kernel's own words are taken from /proc and /sys; psutil gives what is the machine's (memory, cores, boot time).
It never supplies an observation. What identifies the machine or its users is left out unless it is asked for
(hwtests/private.py).
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

from hwtests.private import LEFT_OUT, public_cmdline
from hwtests.version import version
from native.iomem import Span, chain, parse_iomem

#: Configuration values that a rule, a gate of /dev/mem or a source of PFN mappings hangs on.
CONFIG = (
    "CONFIG_ARCH_HAS_PTE_SPECIAL",
    "CONFIG_DEBUG_INFO_BTF",
    "CONFIG_DEBUG_VM",
    "CONFIG_DEVMEM",
    "CONFIG_DMABUF_HEAPS_SYSTEM",
    "CONFIG_HAVE_IOREMAP_PROT",
    "CONFIG_HPET_MMAP",
    "CONFIG_IO_STRICT_DEVMEM",
    "CONFIG_IO_URING",
    "CONFIG_KSM",
    "CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
    "CONFIG_MEM_SOFT_DIRTY",
    "CONFIG_MODULES",
    "CONFIG_PACKET",
    "CONFIG_PAGE_IDLE_FLAG",
    "CONFIG_PERF_EVENTS",
    "CONFIG_PROC_PAGE_MONITOR",
    "CONFIG_STRICT_DEVMEM",
    "CONFIG_SWAP",
    "CONFIG_TRANSPARENT_HUGEPAGE",
    "CONFIG_UDMABUF",
    "CONFIG_UIO",
    "CONFIG_VFIO",
    "CONFIG_X86_PAT",
)
SETTINGS = (
    "kernel/io_uring_disabled",
    "kernel/perf_event_paranoid",
    "kernel/yama/ptrace_scope",
    "kernel/kptr_restrict",
    "kernel/tainted",
    "vm/overcommit_memory",
    "vm/swappiness",
)
PACKAGES = ("cffi", "jinja2", "msgspec", "numpy", "psutil", "rich")


def inventory(*, private: bool = False) -> dict[str, Any]:
    """The machine as it is now; what cannot be read is left out, with nothing put in its place.

    `private`: with the machine's name, and its kernel's command line to the letter.
    """
    name = platform.uname()
    memory = psutil.virtual_memory()
    return {
        "host": name.node if private else LEFT_OUT,
        "kernel": {"release": name.release, "version": name.version, "machine": name.machine},
        "cmdline": (_read("/proc/cmdline") or "") if private else public_cmdline(_read("/proc/cmdline") or ""),
        "lockdown": _read("/sys/kernel/security/lockdown"),
        "config": config(name.release),
        "settings": {key: value for key in SETTINGS if (value := _read(f"/proc/sys/{key}")) is not None},
        "cpu": {
            "model": _cpuinfo("model name", "Processor", "cpu model") or platform.processor() or platform.machine(),
            "microcode": _cpuinfo("microcode"),
            "cores": psutil.cpu_count(logical=False),
            "threads": psutil.cpu_count(),
            "mitigations": mitigations(),
        },
        "memory_bytes": memory.total,
        "swap_bytes": psutil.swap_memory().total,
        "page_size": os.sysconf("SC_PAGE_SIZE"),
        "lab_driver": lab_driver(),
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


def lab_driver(module: Path = Path("/sys/module/pfnlab")) -> dict[str, Any] | None:
    """The lab's driver where it is loaded: version, source's checksum, parameters."""
    if not module.is_dir():
        return None
    try:
        parameters = {path.name: _read(path) for path in sorted((module / "parameters").iterdir())}
    except OSError:
        parameters = {}
    return {"version": _read(module / "version"), "srcversion": _read(module / "srcversion"), "parameters": parameters}


def memory_around(start: int, end: int, text: str | None = None) -> list[str]:
    """The lines of /proc/iomem about the physical addresses `start` to `end` and beside them; root alone sees them."""
    spans = parse_iomem(_read("/proc/iomem") or "" if text is None else text)
    top = [span for span in spans if span.depth == 0]
    before = [span for span in top if span.end <= start][-1:]
    after = [span for span in top if span.start >= end][:1]
    inside = [span for span in top if span.meets(start, end)]
    shown = before + [span for first in inside for span in chain(spans, max(start, first.start), min(end, first.end))]
    return [_line(span) for span in shown + after]


def _line(span: Span) -> str:
    return f"{'  ' * span.depth}{span.start:08x}-{span.end - 1:08x} : {span.name}"


def _cpuinfo(*names: str) -> str | None:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in names:
            return value.strip()
    return None


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
