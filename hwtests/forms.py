# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a thing that a kernel (or the simulator) did written in a trace?

The normal forms of docs/internals.md, section 2, in one place: what a target saw and what the simulator allows are
written by the same functions, so that a difference between the two texts is a difference in what happened.
No function here knows a rule.
"""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import groupby
from typing import Any

MAX_RUNS = 16
_PHYSICAL = re.compile(r"\[mem 0x([0-9a-f]+)-0x([0-9a-f]+)\]")  # arch/x86/mm/pat/memtype.c

SEGV_CODES = {1: "SEGV_MAPERR", 2: "SEGV_ACCERR", 3: "SEGV_BNDERR", 4: "SEGV_PKUERR"}
BUS_CODES = {1: "BUS_ADRALN", 2: "BUS_ADRERR", 3: "BUS_OBJERR", 4: "BUS_MCEERR_AR", 5: "BUS_MCEERR_AO"}
OTHER_CODES = {0: "SI_USER", 0x80: "SI_KERNEL", -1: "SI_QUEUE", -6: "SI_TKILL"}

# Lines of smaps that depend on the page size or the build alone, not on what the program did.
LEFT_OUT = frozenset({"KernelPageSize", "MMUPageSize", "THPeligible", "ProtectionKey"})

# include/uapi/linux/kernel-page-flags.h and include/linux/kernel-page-flags.h, bit by bit.
KPAGEFLAGS = {
    0: "locked", 1: "error", 2: "referenced", 3: "uptodate", 4: "dirty", 5: "lru", 6: "active", 7: "slab",
    8: "writeback", 9: "reclaim", 10: "buddy", 11: "mmap", 12: "anon", 13: "swapcache", 14: "swapbacked",
    15: "compound_head", 16: "compound_tail", 17: "huge", 18: "unevictable", 19: "hwpoison", 20: "nopage",
    21: "ksm", 22: "thp", 23: "offline", 24: "zero_page", 25: "idle", 26: "pgtable", 32: "reserved", 33: "mlocked",
    34: "owner_2", 35: "private", 36: "private_2", 37: "owner_private", 38: "arch", 39: "uncached",
    40: "softdirty", 41: "arch_2", 42: "arch_3",
}  # fmt: skip

# Documentation/admin-guide/mm/pagemap.rst; bits 0-54 are the pfn.
PAGEMAP_FLAGS = {63: "present", 62: "swap", 61: "file", 56: "excl", 55: "soft-dirty"}
PAGEMAP_ORDER = tuple(PAGEMAP_FLAGS.values())
PAGEMAP_PFN = (1 << 55) - 1
NO_PFN = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class PfnNames:
    """Names for page frame numbers: `(region name, first pfn, pages)` of every region whose pfns are known."""

    regions: tuple[tuple[str, int, int], ...] = ()

    def name(self, pfn: int) -> str | None:
        """`dev[1]`, or None when no region has this pfn."""
        for region, first, pages in self.regions:
            if first <= pfn < first + pages:
                return f"{region}[{pfn - first}]"
        return None

    def offset(self, pgoff: int, page_size: int) -> str:
        """The offset column of a maps line, in bytes: a region's page when it is that page's pfn, else the number."""
        if pgoff % page_size == 0 and (name := self.name(pgoff // page_size)) is not None:
            return name
        return hex(pgoff)

    def log(self, line: str, page_size: int) -> str:
        """A line of the kernel's log, a range of a region's pages in it (`[mem 0x…-0x…]`, whole pages) by its name."""

        def named(match: re.Match[str]) -> str:
            start, end = int(match[1], 16), int(match[2], 16) + 1
            name, last = self.name(start // page_size), self.name((end - 1) // page_size)
            if name is None or last is None or start % page_size or end % page_size:
                return match[0]
            region, first = name[:-1].split("[")
            pages = (end - start) // page_size
            if last != f"{region}[{int(first) + pages - 1}]":
                return match[0]
            return f"[mem {name}]" if pages == 1 else f"[mem {region}[{first}:{int(first) + pages}]]"

        return _PHYSICAL.sub(named, line)


@cache
def errno_name(number: int) -> str:
    """`EFAULT` for 14 or -14, as the kernel calls it; a number the C library has no name for stays a number."""
    if abs(number) == errno.EOPNOTSUPP:  # ENOTSUP to the C library
        return "EOPNOTSUPP"
    return errno.errorcode.get(abs(number), f"errno {abs(number)}")


@cache
def signal_name(number: int) -> str:
    """`SIGSEGV` for 11."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@cache
def code_name(number: int, code: int) -> str:
    """si_code of a signal by name: `SEGV_ACCERR` for (SIGSEGV, 2)."""
    names = {signal.SIGSEGV: SEGV_CODES, signal.SIGBUS: BUS_CODES}.get(number, {})  # type: ignore[call-overload]
    return str(names.get(code) or OTHER_CODES.get(code) or code)


def status_text(status: int) -> str:
    """A wait status (waitpid(2)): `exit 0`, `signal SIGKILL`."""
    if status & 0x7F == 0:
        return f"exit {status >> 8 & 0xFF}"
    return f"signal {signal_name(status & 0x7F)}"


def value_text(data: bytes) -> str:
    """What was read: 1, 2, 4 or 8 bytes as one little-endian number, else runs of equal bytes, many runs as a hash."""
    if len(data) in (1, 2, 4, 8):
        return hex(int.from_bytes(data, "little"))
    if len(data) > MAX_RUNS and data.count(data[0]) == len(data):
        return f"{data[0]:#x}*{len(data)}"
    runs: list[str] = []
    for byte, group in groupby(data):
        if len(runs) == MAX_RUNS:
            return "sha256:" + sha256(data).hexdigest()[:16]
        count = len(list(group))
        runs.append(f"{byte:#x}" if count == 1 else f"{byte:#x}*{count}")
    return " ".join(runs)


def value_bytes(text: str, count: int) -> bytes | None:
    """The `count` bytes that `value_text` wrote as `text`; None when it is a hash, or of another length."""
    if text.startswith("sha256:"):
        return None
    if count in (1, 2, 4, 8):
        return int(text, 16).to_bytes(8, "little")[:count]
    runs = [run.partition("*") for run in text.split()]
    data = b"".join(bytes([int(byte, 16)]) * int(times or 1) for byte, _, times in runs)
    return data if len(data) == count else None


def address_text(name: str, offset: int, page_size: int) -> str:
    """An address as `offset` bytes from where mapping `name` starts: `m[4]`, `m[-1]+0xff8`."""
    page, byte = divmod(offset, page_size)
    return f"{name}[{page}]+{byte:#x}" if byte else f"{name}[{page}]"


def size_value(kb: int, page_size: int) -> int | str:
    """A size that /proc gives in kB: pages when it is a whole number of them, else `2kB`."""
    pages, rest = divmod(kb * 1024, page_size)
    return f"{kb}kB" if rest else pages


def vma_form(
    *, start: int, end: int, perms: str, offset: str, base: int, page_size: int,
    sizes: Mapping[str, int] | None = None, flags: Iterable[str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One vma of a smaps or maps observation.

    `start`, `end` and `base` (where the handle starts) are addresses in bytes; `offset` comes from `PfnNames.offset`;
    `sizes` are the lines of smaps in kB as printed; `flags` the two-letter VmFlags, None on kernels without that line.
    """
    form: dict[str, Any] = {
        "first": (start - base) // page_size,
        "pages": (end - start) // page_size,
        "perms": perms,
        "offset": offset,
    }
    if sizes is not None:
        for name, kb in sizes.items():
            if name not in LEFT_OUT:
                form[name] = size_value(kb, page_size)
    if flags is not None:
        form["VmFlags"] = " ".join(flags)
    return form


def mincore_text(vector: bytes) -> str:
    """One hex digit a page: `0110`."""
    return "".join(f"{byte & 0xF:x}" for byte in vector)


def pagemap_text(flags: Iterable[str], pfn: str | None) -> str:
    """One pagemap entry: `none`, `soft-dirty`, `present file dev[1]`.

    `pfn` is `dev[1]`, `anon`, `hidden`, or None (no page).
    """
    given = set(flags)
    words = [word for word in PAGEMAP_ORDER if word in given]
    if pfn is not None:
        words.append(pfn)
    return " ".join(words) or "none"


def pagemap_entry_text(entry: int, names: PfnNames) -> str:
    """One pagemap entry as the kernel wrote it. Pfn 0 of a present page is hidden: the reader lacked CAP_SYS_ADMIN."""
    flags = [word for bit, word in PAGEMAP_FLAGS.items() if entry >> bit & 1]
    if not entry >> 63 & 1:
        return pagemap_text(flags, None)
    pfn = entry & PAGEMAP_PFN
    return pagemap_text(flags, (names.name(pfn) or "anon") if pfn else "hidden")


def kpageflags_text(entry: int) -> str | None:
    """One word of /proc/kpageflags: `lru swapbacked`; None: no pfn was known. A set bit without a name is `bit57`."""
    if entry == NO_PFN:
        return None
    bits = [bit for bit in range(64) if entry >> bit & 1]
    return " ".join(KPAGEFLAGS.get(bit, f"bit{bit}") for bit in bits)


def kpageflags_words(words: Iterable[str]) -> str:
    """Page flags by name, in the order of their bits: `mmap anon`."""
    given = set(words)
    return " ".join(name for name in KPAGEFLAGS.values() if name in given)


def kpagecounts(entries: Sequence[int]) -> list[int | None]:
    """Words of /proc/kpagecount; None where no pfn was known."""
    return [None if entry == NO_PFN else entry for entry in entries]


# native/kmod/pfnlab.h. Present is not said: what is neither `none` nor `swap` is.
PTE_PRESENT, PTE_SWAP = 1, 64
PTE_BITS = {"write": 2, "dirty": 4, "young": 8, "special": 16, "huge": 32}
VMA_BITS = {
    name: 1 << bit
    for bit, name in enumerate((
        "read", "write", "exec", "shared", "mayread", "maywrite", "mayexec", "mayshare", "pfnmap", "mixedmap", "io",
        "dontcopy", "dontexpand", "dontdump",
    ))
}  # fmt: skip


def pte_text(pfn: str, flags: Iterable[str]) -> str:
    """One present pte: `dev[1] write special`; `pfn` is `dev[1]` or `anon`."""
    given = set(flags)
    return " ".join([pfn, *(word for word in PTE_BITS if word in given)])


def pte_entry_text(pfn: int, bits: int, names: PfnNames) -> str:
    """One pte as the lab's driver told of it; `none` for pte_none()."""
    if not bits:
        return "none"
    if bits & PTE_SWAP or not bits & PTE_PRESENT:
        return "swap"
    return pte_text(names.name(pfn) or "anon", [word for word, bit in PTE_BITS.items() if bits & bit])


def page_states(states: Sequence[tuple[Any, int, Any] | None]) -> dict[str, Any]:
    """What struct page says of some pages, (refcount, mapcount, flags) each; None: there is none."""
    fields = ("refcount", "mapcount", "flags")
    return {field: [None if one is None else one[at] for one in states] for at, field in enumerate(fields)}


def raw_vma_form(
    *, start: int, end: int, pgoff: str, flags: Iterable[str], base: int, page_size: int
) -> dict[str, Any]:
    """One vm_area_struct; addresses in bytes, `base` is where the handle starts, `pgoff` from `PfnNames.offset`."""
    given = set(flags)
    return {
        "first": (start - base) // page_size,
        "pages": (end - start) // page_size,
        "pgoff": pgoff,
        "flags": " ".join(name for name in VMA_BITS if name in given),
    }


def placed(returned: int, before: int | None, wanted: int | None) -> str:
    """Where mmap or mremap put it: `same` place as before, the `requested` one, or `elsewhere`."""
    if returned == before:
        return "same"
    return "requested" if returned == wanted else "elsewhere"
