# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the cffi module `native._ops` offer, with static types, and what if it was not built?"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Protocol


class Ops(Protocol):
    """The C functions of readers.h and openers.h. Pointers are cffi's own; results are counts, addresses or -errno."""

    def pfn_read_vmas(self, pid: int, with_fields: int, start: int, end: int, out: Any, size: int) -> int: ...
    def pfn_read_pagemap(self, pid: int, start: int, pages: int, page_size: int, out: Any, stage: Any) -> int: ...
    def pfn_read_kpage(self, flags: int, pfns: Any, n: int, out: Any, stage: Any) -> int: ...
    def pfn_find_vma(self, name: bytes, start: Any, end: Any) -> int: ...
    def pfn_open_perf(self) -> int: ...
    def pfn_mmap(self, fd: int, offset: int, length: int, prot: int, flags: int) -> int: ...
    def pfn_munmap(self, address: int, length: int) -> int: ...
    def pfn_of_mapping(self, fd: int, offset: int, page_size: int) -> int: ...


class FFI(Protocol):
    """What is used of cffi's own FFI object."""

    def new(self, cdecl: str, init: Any = ...) -> Any: ...
    def cast(self, cdecl: str, source: Any) -> Any: ...
    def buffer(self, cdata: Any, size: int = ...) -> Any: ...
    def from_buffer(self, cdecl: str, python_buffer: Any) -> Any: ...


class NoInstrument(ImportError):
    """The C part of this package was not built when it was installed."""

    needs = "the C module native._ops"
    found = "not built"
    cure = "install gcc and python3-dev, then install pfnlab again (in a checkout: python -m native.build_cffi)"

    def __init__(self) -> None:
        super().__init__(f"needs {self.needs}; found {self.found}; cure: {self.cure}")


@cache
def load() -> tuple[Ops, FFI]:
    """(functions, ffi); NoInstrument when the module is not there."""
    try:
        module = importlib.import_module("native._ops")
    except ModuleNotFoundError:
        raise NoInstrument from None
    return module.lib, module.ffi
