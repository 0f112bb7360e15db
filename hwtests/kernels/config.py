# SPDX-License-Identifier: GPL-2.0-or-later
"""How was a kernel configured?  The options that rules refer to, read from wherever the kernel tells them."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol


class _Unpacker(Protocol):
    def decompress(self, data: memoryview, /) -> bytes: ...


#: What a trace's header carries: an option that decides what some rule predicts, or that explains a refusal.
OPTIONS = (
    "CONFIG_64BIT",
    "CONFIG_ADVISE_SYSCALLS",
    "CONFIG_ARM_LPAE",
    "CONFIG_CHECKPOINT_RESTORE",
    "CONFIG_COREDUMP",
    "CONFIG_CORE_DUMP_DEFAULT_ELF_HEADERS",
    "CONFIG_DEBUG_VM",
    "CONFIG_DEVMEM",
    "CONFIG_DEVTMPFS",
    "CONFIG_ELF_CORE",
    "CONFIG_FUTEX",
    "CONFIG_HAVE_IOREMAP_PROT",
    "CONFIG_IO_STRICT_DEVMEM",
    "CONFIG_KSM",
    "CONFIG_LRU_GEN",
    "CONFIG_LRU_GEN_ENABLED",
    "CONFIG_MEMCG",
    "CONFIG_MEMORY_FAILURE",
    "CONFIG_MEM_SOFT_DIRTY",
    "CONFIG_MIGRATION",
    "CONFIG_MMAPPER",
    "CONFIG_MMU",
    "CONFIG_NUMA",
    "CONFIG_PAGE_IDLE_FLAG",
    "CONFIG_PER_VMA_LOCK",
    "CONFIG_PREEMPT_COUNT",
    "CONFIG_PROC_MEM_FORCE_PTRACE",
    "CONFIG_PROC_MEM_NO_FORCE",
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
_ZIMAGE = bytes.fromhex("18286f01")  # arch/arm/boot/compressed/head.S
# What a kernel's image is packed with (arch/*/boot/compressed/Makefile), as far as Python unpacks it.
_PACKED: tuple[tuple[bytes, Callable[[], _Unpacker]], ...] = (
    (b"\x1f\x8b\x08", lambda: zlib.decompressobj(16 + zlib.MAX_WBITS)),
    (b"\xfd7zXZ\0", lzma.LZMADecompressor),
)


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
    if data[:4] == b"\x7fELF" or b"HdrS" in data[:1024] or data[0x24:0x28] == _ZIMAGE:
        return parse(_ikconfig(data) or next(filter(None, map(_ikconfig, _unpacked(data))), ""))
    return parse(data.decode(errors="replace"))


def of_own_kernel(path: Path) -> dict[str, str]:
    """The configuration of a kernel that the user names by its file; empty when nothing tells it.

    What is inside it (IKCONFIG); else config-RELEASE beside vmlinuz-RELEASE; else .config at the top of the tree that
    it lies in, unless that was changed after the kernel was made.
    """
    if found := read(path):
        return found
    beside = path.with_name(path.name.replace("vmlinuz", "config", 1))
    tops = [folder / ".config" for folder in path.resolve().parents if (folder / "Module.symvers").exists()][:1]
    for file in ([beside] if beside != path else []) + tops:
        if file.is_file() and (file is beside or file.stat().st_mtime <= path.stat().st_mtime):
            return read(file)
    return {}


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
    if start < 0:
        return ""
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(kernel[start + len(_IKCONFIG) :]).decode()


def _unpacked(image: bytes) -> Iterator[bytes]:
    # The kernel proper lies packed somewhere in its image: every place that looks like a beginning is tried.
    for magic, unpacker in _PACKED:
        at = image.find(magic)
        while at >= 0:
            with contextlib.suppress(zlib.error, lzma.LZMAError):
                yield unpacker().decompress(memoryview(image)[at:])
            at = image.find(magic, at + 1)


def unpack(packed: bytes) -> str:
    """The text of a gzipped configuration (/proc/config.gz)."""
    return gzip.decompress(packed).decode(errors="replace")
