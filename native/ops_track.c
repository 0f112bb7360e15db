/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls about what the kernel tracks of pages for those who watch them: userfaultfd, soft-dirty, PAGEMAP_SCAN. */
#include "ops.h"

static void not_there(struct observation *o, long why)
{
	o->ret = why;
	o->stage = STAGE_OPEN;
}

/* A userfaultfd that was asked for its API, or -errno. USER_MODE_ONLY (5.11) needs no privilege. */
static long open_uffd(void)
{
	enum { USER_MODE_ONLY = 1 };
	struct { u64 api, features, ioctls; } api = {0xaa, 0, 0};
	long fd = SYS(userfaultfd, USER_MODE_ONLY), ret; /* 4.3 */

	if (fd == -E_INVAL)
		fd = SYS(userfaultfd, 0);
	if (fd < 0)
		return fd;
	ret = SYS(ioctl, fd, 0xc018aa3fU /* UFFDIO_API */, &api);
	if (!failed(ret))
		return fd;
	sys_close(fd);
	return ret;
}

void op_uffd_register(struct actor *a, const struct call *c, struct observation *o)
{
	struct { u64 start, length, mode, ioctls; } wanted = {0, 0, (u64)c->arg[3], 0};
	long fd = open_uffd();

	if (fd < 0) {
		not_there(o, fd);
		return;
	}
	wanted.length = op_range(a, c, 0, &wanted.start);
	o->ret = SYS(ioctl, fd, 0xc020aa00U /* UFFDIO_REGISTER */, &wanted);
	sys_close(fd);
}

void op_clear_refs(struct actor *a, const struct call *c, struct observation *o)
{
	char digits[20];
	struct text t = {digits, 0, sizeof(digits), 0};
	long fd = sys_open("/proc/self/clear_refs", S_O_WRONLY);

	(void)a;
	if (fd < 0) {
		not_there(o, fd);
		return;
	}
	text_num(&t, (u64)c->arg[0]);
	o->ret = sys_write(fd, digits, t.len);
	o->ret = failed(o->ret) ? o->ret : 0;
	sys_close(fd);
}

/* include/uapi/linux/fs.h: struct pm_scan_arg, struct page_region */
struct scan { u64 size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, mask, anyof, returned; };
struct scanned { u64 start, end, categories; };

void op_pagemap_scan(struct actor *a, const struct call *c, struct observation *o)
{
	enum { EVERY_CATEGORY = 0x1ff, BEFORE_GUARD = 0xff }; /* PAGE_IS_GUARD: 6.15 */
	struct scan s = {.size = sizeof(s), .vec = (u64)(uintptr_t)o->payload, .vec_len = MAX_PAYLOAD / sizeof(struct scanned),
			 .returned = EVERY_CATEGORY};
	u64 n = op_range(a, c, 0, &s.start);
	long fd = sys_open("/proc/self/pagemap", S_O_RDONLY);

	if (fd < 0) {
		not_there(o, fd);
		return;
	}
	s.end = s.start + n;
	o->ret = SYS(ioctl, fd, 0xc0606610U /* PAGEMAP_SCAN: 6.7 */, &s);
	if (o->ret == -E_INVAL) {
		s.returned = BEFORE_GUARD;
		o->ret = SYS(ioctl, fd, 0xc0606610U, &s);
	}
	o->length = failed(o->ret) ? 0 : (u32)o->ret * sizeof(struct scanned);
	sys_close(fd);
}
