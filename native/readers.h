/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does /proc say of mappings and page frames?  Used by the agent's calls and by the cffi instrument alike. */
#ifndef PFN_READERS_H
#define PFN_READERS_H

#include "text.h"

/* Copies to `out` the entries of /proc/PID/{maps,smaps} (pid 0: self) whose vma intersects [start, end).
 * Returns the length or -errno; -E_OVERFLOW when `size` is too small. */
long pfn_read_vmas(int pid, int with_fields, u64 start, u64 end, char *out, size_t size);

/* Likewise the lines of /proc/self/numa_maps of the vmas that start in [start, end). */
long pfn_read_numa_maps(u64 start, u64 end, char *out, size_t size);

/* One u64 of /proc/PID/pagemap for each of `pages` pages from address `start`.  Returns the count read or -errno;
 * *stage is 1 when the open failed. */
long pfn_read_pagemap(int pid, u64 start, long pages, u64 page_size, u64 *out, int *stage);

/* One u64 of /proc/kpagecount (flags = 0) or /proc/kpageflags for each of n pfns; all ones where the kernel has none.
 * Returns n or -errno; *stage is 1 when the open failed. */
long pfn_read_kpage(int flags, const u64 *pfns, long n, u64 *out, int *stage);

/* `00400000-0040b000 r-xp 00002000 08:01 123   name`: is it the first line of a vma, and of which?  The start of its
 * permissions is returned, 0 when it is another line. */
size_t pfn_vma_line(const char *s, size_t n, u64 *start, u64 *end);

/* The first vma of this process outside the arena whose name is `name` (`[vvar]`): its start and end. 0 or -E_NOENT. */
long pfn_find_vma(const char *name, u64 *start, u64 *end);

/* The offset field of the vma of this process that starts at `start`. 0 or -errno. */
long pfn_vma_offset(u64 start, u64 *offset);

/* The pfn of a pagemap entry, 0 when there is none or it is hidden. */
static inline u64 pagemap_pfn(u64 entry) { return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0; }

#endif
