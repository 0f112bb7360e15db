# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be measured of PFN mappings on this very machine, from Python?

    with map_region("/sys/kernel/btf/vmlinux", 4, shared=False) as region:
        region.array[1]                      # page 1, numpy uint8, no copy
        smaps(0, region.start, region.end)   # what /proc says of it

The C functions are those that the agent executes programs with. NoInstrument where they were not built.
"""

from __future__ import annotations

import errno
import mmap
import os
import threading
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from native.gates import GateClosed, Machine, closed_at_map, closed_at_open
from native.ops_lib import NoInstrument, load
from native.vmas import Vma, parse_vmas

__all__ = [
    "GateClosed", "NoInstrument", "Region", "Vma", "kpagecount", "kpageflags", "map_region", "maps", "pagemap",
    "perf_ring", "premapped", "smaps",
]  # fmt: skip

PAGE_SIZE = mmap.PAGESIZE
NO_PFN = np.uint64(0xFFFFFFFFFFFFFFFF)  # kpagecount, kpageflags: the kernel has nothing for this pfn

_READ, _WRITE, _EXEC, _SHARED, _PRIVATE = 1, 2, 4, 1, 2
_vmas_lock = threading.Lock()  # the reader of /proc/PID/maps has one buffer, and cffi lets other threads run


class Region:
    """A mapping as a numpy array. `start`, `end`: addresses. `pfn`: the first page's where it is told, else None.

    `array`: uint8, shape (pages, page size), a view without a copy; read-only if the mapping is. `close()` gives the
    mapping up; the kernel's ends when no array looks at it any more, so that no forgotten view touches unmapped memory.
    """

    def __init__(self, start: int, pages: int, *, writable: bool, pfn: int | None, unmap: bool) -> None:
        ops, ffi = load()
        self.start, self.end, self.pages, self.pfn = start, start + pages * PAGE_SIZE, pages, pfn
        buffer = ffi.buffer(ffi.cast("char *", start), pages * PAGE_SIZE)
        self._end = weakref.finalize(buffer, ops.pfn_munmap, start, pages * PAGE_SIZE) if unmap else None
        if self._end is not None:
            self._end.atexit = False  # an array may outlive the interpreter's own end
        array = np.frombuffer(buffer, dtype=np.uint8).reshape(pages, PAGE_SIZE)
        array.flags.writeable = writable
        self._array: npt.NDArray[np.uint8] | None = array

    @property
    def array(self) -> npt.NDArray[np.uint8]:
        if self._array is None:
            raise ValueError("the region is closed")
        return self._array

    @property
    def mapped(self) -> bool:
        """Whether the kernel's mapping is still there: an open region, or a closed one that an array still looks at."""
        return self._end is None or self._end.alive

    def close(self) -> None:
        self._array = None

    def __enter__(self) -> Region:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def map_region(
    path: str | os.PathLike[str],
    pages: int,
    *,
    offset: int = 0,
    shared: bool = True,
    prot: str = "r",
    sync: bool = False,
) -> Region:
    """Maps `pages` pages of a device or file from byte `offset` (for /dev/mem: a physical address).

    `prot`: letters of r, w, x. `sync`: open with O_SYNC, which asks for an uncached mapping. GateClosed names the gate
    of the kernel that refused, what was found there, and the cure.
    """
    if pages < 1:
        raise ValueError(f"pages is {pages}, expected at least 1")
    if not prot or set(prot) - set("rwx"):
        raise ValueError(f"prot is {prot!r}, expected letters of 'rwx'")
    ops, _ = load()
    name, write, length = os.fspath(path), "w" in prot, pages * PAGE_SIZE
    flags = (os.O_RDWR if write and shared else os.O_RDONLY) | os.O_CLOEXEC | (os.O_SYNC if sync else 0)
    try:
        fd = os.open(name, flags)
    except OSError as error:
        raise closed_at_open(name, error, Machine.here()) from None
    try:
        bits = _READ * ("r" in prot) | _WRITE * write | _EXEC * ("x" in prot)
        start = ops.pfn_mmap(fd, offset, length, bits, _SHARED if shared else _PRIVATE)
        if _failed(start):
            failure = OSError(-start, os.strerror(-start))
            raise closed_at_map(name, failure, Machine.here(), offset=offset, length=length, shared=shared, write=write)
        pfn = ops.pfn_of_mapping(fd, offset, PAGE_SIZE) or None
    finally:
        os.close(fd)
    return Region(start, pages, writable=write, pfn=pfn, unmap=True)


def perf_ring(pages: int = 2) -> Region:
    """The ring of a perf event of this process (1 + 2^n pages, shared, writable): since 6.14 a PFN mapping, for all.

    GateClosed says what refuses (kernel.perf_event_paranoid, RLIMIT_MEMLOCK).
    """
    ops, _ = load()
    fd = ops.pfn_open_perf()
    if fd < 0:
        raise GateClosed(-fd, "perf events", os.strerror(-fd), "sysctl kernel.perf_event_paranoid=2, or run as root")
    try:
        start = ops.pfn_mmap(fd, 0, pages * PAGE_SIZE, _READ | _WRITE, _SHARED)
    finally:
        os.close(fd)
    if _failed(start):
        raise GateClosed(
            -start, "perf ring", f"{os.strerror(-start)} for {pages} pages", "1 + 2^n pages; ulimit -l unlimited"
        )
    return Region(start, pages, writable=True, pfn=None, unmap=True)


def premapped(name: str = "[vvar]") -> Region:
    """A mapping that every process has from the start, by its name in /proc/self/maps; closing leaves it there."""
    ops, ffi = load()
    start, end = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    with _vmas_lock:
        ret = ops.pfn_find_vma(name.encode(), start, end)
    if ret:
        raise GateClosed(-ret, "vma", f"no {name} in /proc/self/maps", "an architecture with a vdso")
    return Region(start[0], (end[0] - start[0]) // PAGE_SIZE, writable=False, pfn=None, unmap=False)


def smaps(pid: int, start: int = 0, end: int = (1 << 64) - 1) -> list[Vma]:
    """The vmas of process `pid` (0: this one) that meet [start, end), with the fields of /proc/PID/smaps in kB."""
    return _vmas(pid, True, start, end)


def maps(pid: int, start: int = 0, end: int = (1 << 64) - 1) -> list[Vma]:
    """The same from /proc/PID/maps, without fields."""
    return _vmas(pid, False, start, end)


def pagemap(pid: int, start: int, pages: int) -> npt.NDArray[np.uint64]:
    """The entries of /proc/PID/pagemap of `pages` pages from address `start`, as the kernel gives them; shape (pages,).

    Bits 0-54 pfn (0 without CAP_SYS_ADMIN), 55 soft-dirty, 56 exclusive, 61 file or shared, 62 swap, 63 present.
    Fewer entries come back where the address space ends.
    """
    ops, ffi = load()
    out = np.zeros(pages, dtype=np.uint64)
    got = ops.pfn_read_pagemap(pid, start, pages, PAGE_SIZE, ffi.from_buffer("uint64_t *", out), ffi.new("int *"))
    return out[: _count(got, f"/proc/{pid or 'self'}/pagemap")]


def kpagecount(pfns: Sequence[int] | npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """How often each frame is mapped, from /proc/kpagecount; NO_PFN where there is no struct page. Needs root."""
    return _kpage(0, pfns)


def kpageflags(pfns: Sequence[int] | npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each frame's flags, from /proc/kpageflags (bits of kernel-page-flags.h); NO_PFN as above. Needs root."""
    return _kpage(1, pfns)


def _kpage(flags: int, pfns: Sequence[int] | npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    ops, ffi = load()
    wanted = np.ascontiguousarray(pfns, dtype=np.uint64)
    out = np.zeros(wanted.shape, dtype=np.uint64)
    pointers: tuple[Any, Any] = (ffi.from_buffer("uint64_t *", wanted), ffi.from_buffer("uint64_t *", out))
    got = ops.pfn_read_kpage(flags, pointers[0], wanted.size, pointers[1], ffi.new("int *"))
    _count(got, "/proc/kpageflags" if flags else "/proc/kpagecount")
    return out


def _vmas(pid: int, fields: bool, start: int, end: int) -> list[Vma]:
    ops, ffi = load()
    with _vmas_lock:
        for size in (1 << 16, 1 << 20, 1 << 24):
            text = bytearray(size)
            got = ops.pfn_read_vmas(pid, int(fields), start, end, ffi.from_buffer("char *", text), size)
            if got != -errno.EOVERFLOW:
                break
    return parse_vmas(
        text[: _count(got, f"/proc/{pid or 'self'}/{'smaps' if fields else 'maps'}")].decode(errors="replace")
    )


def _failed(ret: int) -> bool:
    return -4095 <= ret < 0


def _count(ret: int, path: str) -> int:
    if ret < 0:
        raise OSError(-ret, os.strerror(-ret), path)
    return ret
