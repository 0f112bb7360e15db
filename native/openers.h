/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a region opened that is not a file, and which page frame does a mapping start at? */
#ifndef PFN_OPENERS_H
#define PFN_OPENERS_H

#include "sys.h"

/* A perf event of this process that never fires (PERF_COUNT_SW_DUMMY): its descriptor, whose ring can be mapped, or -errno. */
long pfn_open_perf(void);

/* mmap(2) and munmap(2) as the kernel has them: address or -errno. */
s64 pfn_mmap(long fd, u64 offset, u64 length, long prot, long flags);
long pfn_munmap(u64 address, u64 length);

/* The pfn of the page at `offset` of fd, learnt from a private writable mapping of it; 0 when that says nothing. */
u64 pfn_of_mapping(long fd, u64 offset, u64 page_size);

#endif
