# SPDX-License-Identifier: GPL-2.0-or-later
"""How is the cffi module `native._ops` built?  In API mode, from the sources that the agent is made of.

`python -m native.build_cffi` builds it beside its sources; an install does so by itself, if there is a compiler.
"""

from __future__ import annotations

import os

from cffi import FFI

SOURCES = ("text.c", "readers.c", "openers.c", "fault.c")

ffibuilder = FFI()
ffibuilder.cdef("""
long pfn_read_vmas(int pid, int with_fields, uint64_t start, uint64_t end, char *out, size_t size);
long pfn_read_pagemap(int pid, uint64_t start, long pages, uint64_t page_size, uint64_t *out, int *stage);
long pfn_read_kpage(int flags, const uint64_t *pfns, long n, uint64_t *out, int *stage);
long pfn_find_vma(const char *name, uint64_t *start, uint64_t *end);
long pfn_open_perf(void);
int64_t pfn_mmap(long fd, uint64_t offset, uint64_t length, long prot, long flags);
long pfn_munmap(uint64_t address, uint64_t length);
uint64_t pfn_of_mapping(long fd, uint64_t offset, uint64_t page_size);
""")
# Relative to where the build runs, the top of the distribution: setuptools refuses absolute paths.
ffibuilder.set_source(
    "native._ops",
    '#include "readers.h"\n#include "openers.h"\n',
    sources=[os.path.join("native", name) for name in SOURCES],
    include_dirs=["native"],
    define_macros=[("PFN_HOSTED", "1")],
    extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra"],
)

if __name__ == "__main__":
    ffibuilder.compile(verbose=True)
