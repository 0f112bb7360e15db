/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is memory made that no path names?  Buffers and rings of the agent's own; every process of a program has them by fork. */
#include "agent.h"
#include "fault.h"
#include "kmod/pfnlab.h"
#include "openers.h"

/* The pfn of the first of `pages` pages at `offset` of fd, 0 where they are not consecutive frames or nothing tells:
 * pagemap tells of a shared mapping unless it is VM_PFNMAP, vm_pgoff of a private one if it was made by remap_pfn_range().
 * Of memory that is one allocation the first page's is enough. */
static u64 learn_pfn(long fd, u64 offset, u64 pages, int one_allocation)
{
	u64 length = pages * me.page_size, *entries = (u64 *)(void *)me.box->obs.payload, v, pfn = 0;
	s64 p = sys_mmap(0, length, S_PROT_READ, S_MAP_SHARED, fd, offset);
	long got = 0;
	struct fault f;
	int stage;

	if (!failed(p) && pages <= MAX_PAYLOAD / 8) {
		for (u64 i = 0; i < pages; i++)
			pfn_load((u64)p + i * me.page_size, 1, &v, &f);
		got = pfn_read_pagemap(0, (u64)p, (long)pages, me.page_size, entries, &stage);
		pfn = got > 0 ? pagemap_pfn(entries[0]) : 0;
		for (long i = 1; i < got; i++)
			pfn = pagemap_pfn(entries[i]) == pfn + (u64)i ? pfn : 0;
	}
	if (!failed(p))
		sys_munmap((u64)p, length);
	if (pfn)
		return pfn;
	pfn = pfn_of_mapping(fd, offset, me.page_size);
	for (u64 i = 1; i < pages && pfn && !one_allocation; i++)
		pfn = pfn_of_mapping(fd, offset + i * me.page_size, me.page_size) == pfn + i ? pfn : 0;
	return pfn;
}

/* include/uapi/linux/dma-heap.h: DMA_HEAP_IOCTL_ALLOC (5.6) */
static long make_dma_heap(struct region *r)
{
	struct { u64 length; u32 fd, fd_flags; u64 heap_flags; } wanted = {r->pages * me.page_size, 0, S_O_RDWR, 0};
	long heap = sys_open(r->path, S_O_RDONLY), ret;

	if (heap < 0)
		return heap;
	ret = SYS(ioctl, heap, 0xc0184800U, &wanted);
	sys_close(heap);
	if (failed(ret)) {
		r->fault_stage = REGION_ALLOCATE;
		return ret;
	}
	r->fd = (s32)wanted.fd;
	r->pfn = learn_pfn(r->fd, 0, r->pages, 0);
	return 0;
}

/* A memfd that is longer than the region: where in it do its pages lie on consecutive frames? Its first byte, or -1. The
 * allocator may hand frames out downwards, so a second look is at pages that were touched from the last to the first. */
static s64 find_run(long fd, u64 wanted, u64 pages, int down)
{
	u64 *entries = (u64 *)(void *)me.box->obs.payload, length = pages * me.page_size, run = 0;
	s64 p = sys_mmap(0, length, S_PROT_READ | S_PROT_WRITE, S_MAP_SHARED, fd, 0);
	long got, i;
	struct fault f;
	int stage;

	if (failed(p))
		return -1;
	for (u64 page = 0; page < pages; page++)
		pfn_store((u64)p + (down ? pages - 1 - page : page) * me.page_size, 1, 0, &f);
	got = pfn_read_pagemap(0, (u64)p, (long)pages, me.page_size, entries, &stage);
	for (i = 0; i < got && run < wanted; i++) {
		u64 pfn = pagemap_pfn(entries[i]);

		run = run && pfn == pagemap_pfn(entries[i - 1]) + 1 ? run + 1 : pfn != 0;
	}
	sys_munmap((u64)p, length);
	return run == wanted ? (i - (s64)wanted) * (s64)me.page_size : -1;
}

/* include/uapi/linux/udmabuf.h: UDMABUF_CREATE (4.20). The memfd itself is the view: reading it maps nothing. */
static long make_udmabuf(struct region *r)
{
	enum { MFD_ALLOW_SEALING_ = 2, F_ADD_SEALS_ = 1033, F_SEAL_SHRINK_ = 2, SPARE = 32, MOST = 4096 };
	struct { u32 memfd, flags; u64 offset, size; } wanted = {0, 0, 0, r->pages * me.page_size};
	u64 pages = r->pages * SPARE < MOST ? r->pages * SPARE : r->pages;
	long device = sys_open(r->path, S_O_RDWR), fd;
	s64 at = -1;

	if (device < 0)
		return device;
	r->fault_stage = REGION_ALLOCATE;
	fd = SYS(memfd_create, "pfnlab", MFD_ALLOW_SEALING_); /* 3.17 */
	if (failed(fd)) {
		sys_close(device);
		return fd;
	}
	for (int down = 0; down < 2 && at < 0; down++) {
		sys_ftruncate(fd, 0);
		sys_ftruncate(fd, pages * me.page_size);
		at = find_run(fd, r->pages, pages, down);
	}
	SYS(fcntl, fd, F_ADD_SEALS_, F_SEAL_SHRINK_);
	wanted.memfd = (u32)fd;
	wanted.offset = r->view_base = at < 0 ? 0 : (u64)at;
	r->fd = (s32)SYS(ioctl, device, 0x40187542U, &wanted);
	sys_close(device);
	if (r->fd < 0) {
		sys_close(fd);
		return r->fd;
	}
	r->view_fd = (s32)fd;
	r->pfn = learn_pfn(fd, r->view_base, r->pages, 0);
	return 0;
}

/* The array of submission entries: nobody submits them, so its memory is the program's to write. */
static long make_io_uring(struct region *r)
{
	enum { SQE_SIZE = 64 };
	struct { u32 entries, rest[29]; } params;
	u64 entries = r->pages * me.page_size / SQE_SIZE;

	memset(&params, 0, sizeof(params));
	r->fd = (s32)SYS(io_uring_setup, entries, &params); /* 5.1 */
	if (r->fd < 0)
		return r->fd;
	r->base = 0x10000000; /* IORING_OFF_SQES */
	r->pages = params.entries * SQE_SIZE / me.page_size; /* a power of two */
	r->pfn = learn_pfn(r->fd, r->base, r->pages, 1);
	return 0;
}

/* The ring of a packet socket that is bound to no protocol, so that no packet comes. Blocks of a page. */
static long packet_ring(u64 pages, u32 *stage)
{
	enum { AF_PACKET_ = 17, SOCK_RAW_ = 3, SOL_PACKET_ = 263, PACKET_RX_RING_ = 5, FRAME = 2048 };
	struct { u32 block_size, blocks, frame_size, frames; } ring = {
		(u32)me.page_size, (u32)pages, FRAME, (u32)(pages * me.page_size / FRAME)};
	long fd = SYS(socket, AF_PACKET_, SOCK_RAW_, 0), ret;

	if (fd < 0)
		return fd;
	ret = SYS(setsockopt, fd, SOL_PACKET_, PACKET_RX_RING_, &ring, sizeof(ring));
	if (!failed(ret))
		return fd;
	*stage = REGION_ALLOCATE;
	sys_close(fd);
	return ret;
}

/* Each page is an allocation of its own. What the kernel has free in single pages is in another ring meanwhile, and of a few
 * rings the one is kept whose frames are consecutive: then their pfn can be said. */
static long make_packet(struct region *r)
{
	enum { RINGS = 8, SCATTERED = 2048 };
	long taken = packet_ring(SCATTERED, &r->fault_stage), rings[RINGS];
	int n = 0, kept = 0;

	for (; n < RINGS && !r->pfn; n++) {
		rings[n] = packet_ring(r->pages, &r->fault_stage);
		if (rings[n] < 0)
			break;
		kept = n;
		r->pfn = learn_pfn(rings[n], 0, r->pages, 0);
	}
	for (int i = 0; i < n; i++)
		if (i != kept && rings[i] >= 0)
			sys_close(rings[i]);
	if (taken >= 0)
		sys_close(taken);
	r->fd = (s32)rings[kept];
	return r->fd < 0 ? r->fd : 0;
}

/* The driver tells where its region is; the path is opened already. */
static long ask_lab(struct region *r)
{
	struct pfnlab_info info;
	long ret = SYS(ioctl, r->fd, PFNLAB_IOC_INFO, &info);

	if (failed(ret))
		return ret;
	r->pfn = info.pfn + r->base / me.page_size;
	r->pages = r->pages ? r->pages : info.pages - r->base / me.page_size;
	return 0;
}

/* What is free as single pages is taken meanwhile: then consecutive frames come, and their pfn can be said. */
static long make_udmabuf_of_run(struct region *r)
{
	enum { SCATTERED = 8 << 20, MADV_NOHUGEPAGE_ = 15 };
	s64 taken = sys_mmap(0, SCATTERED, S_PROT_READ | S_PROT_WRITE, S_MAP_PRIVATE | S_MAP_ANONYMOUS, -1, 0);
	struct fault f;
	long ret;

	if (failed(taken))
		return make_udmabuf(r);
	SYS(madvise, taken, SCATTERED, MADV_NOHUGEPAGE_);
	for (u64 at = 0; at < SCATTERED; at += me.page_size)
		pfn_store((u64)taken + at, 1, 0, &f);
	ret = make_udmabuf(r);
	sys_munmap((u64)taken, SCATTERED);
	return ret;
}

long region_make(struct region *r)
{
	if (r->kind == KIND_LAB)
		return ask_lab(r);
	if (r->kind == KIND_VFIO)
		return region_vfio(r);
	if (!r->pages)
		return -E_INVAL;
	switch (r->kind) {
	case KIND_DMA_HEAP: return make_dma_heap(r);
	case KIND_UDMABUF: return make_udmabuf_of_run(r);
	case KIND_IO_URING: return make_io_uring(r);
	default: return make_packet(r);
	}
}
