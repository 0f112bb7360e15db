# SPDX-License-Identifier: GPL-2.0-or-later
"""How was a kernel configured?  The options that rules refer to, read from wherever the kernel tells them."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

#: What a trace's header carries: an option that decides what some rule predicts, or that explains a refusal.
OPTIONS = (
    "CONFIG_64BIT",
    "CONFIG_ARM_LPAE",
    "CONFIG_CHECKPOINT_RESTORE",
    "CONFIG_DEBUG_VM",
    "CONFIG_DEVMEM",
    "CONFIG_DEVTMPFS",
    "CONFIG_HAVE_IOREMAP_PROT",
    "CONFIG_IO_STRICT_DEVMEM",
    "CONFIG_KSM",
    "CONFIG_LRU_GEN",
    "CONFIG_LRU_GEN_ENABLED",
    "CONFIG_MEMCG",
    "CONFIG_MEMORY_FAILURE",
    "CONFIG_MEM_SOFT_DIRTY",
    "CONFIG_MMAPPER",
    "CONFIG_MMU",
    "CONFIG_NUMA",
    "CONFIG_PAGE_IDLE_FLAG",
    "CONFIG_PER_VMA_LOCK",
    "CONFIG_PREEMPT_COUNT",
    "CONFIG_PROC_PAGE_MONITOR",
    "CONFIG_SHMEM",
    "CONFIG_SMP",
    "CONFIG_STRICT_DEVMEM",
    "CONFIG_SWAP",
    "CONFIG_TRANSPARENT_HUGEPAGE",
    "CONFIG_USERFAULTFD",
    "CONFIG_X86_PAT",
    "CONFIG_ZSWAP",
)

_SET = re.compile(r"^(CONFIG_\w+)=(.*)$", re.M)
_IKCONFIG = b"IKCFG_ST"  # kernel/configs.c: the gzipped text follows this mark


def parse(text: str) -> dict[str, str]:
    """Every option that `text` (a .config) sets, by name; a string without its quotes. What is not set is absent."""
    return {name: value.strip('"') for name, value in _SET.findall(text)}


def matter(config: Mapping[str, str], options: Iterable[str] = OPTIONS) -> dict[str, str]:
    """Of a whole configuration the options that matter, in order; `n` for one that is not set."""
    return {name: config.get(name, "n") for name in options} if config else {}


def read(path: Path) -> dict[str, str]:
    """The configuration in file `path`: text, or gzipped text, or a kernel with IKCONFIG; empty when it has none."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        return parse(gzip.decompress(data).decode())
    if data[:4] == b"\x7fELF" or b"HdrS" in data[:1024]:
        return parse(_ikconfig(data))
    return parse(data.decode(errors="replace"))


def of_running_kernel(release: str) -> dict[str, str]:
    """The configuration of the kernel this runs on: /proc/config.gz, else /boot/config-RELEASE, else empty."""
    for path in (Path("/proc/config.gz"), Path(f"/boot/config-{release}")):
        try:
            return read(path)
        except OSError:
            continue
    return {}


def _ikconfig(kernel: bytes) -> str:
    start = kernel.find(_IKCONFIG)
    if start < 0:  # none, or in a part that is packed: a vmlinuz
        return ""
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(kernel[start + len(_IKCONFIG) :]).decode()


def unpack(packed: bytes) -> str:
    """The text of a gzipped configuration (/proc/config.gz)."""
    return gzip.decompress(packed).decode(errors="replace")
