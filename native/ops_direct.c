/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that read and write past the page cache: get_user_pages() of a program's memory, on behalf of a disk. */
#include "ops.h"

enum { O_TMPFILE_ = 0x400000 };

static long take(const char *path, int flags)
{
	return ARCH_OPEN(path, flags | S_O_RDWR | ARCH_O_DIRECT, 0600);
}

/* Memory that is a file system takes O_DIRECT too (since 6.6), but copies. */
static int in_memory(long fd)
{
	enum { TMPFS = 0x01021994, RAMFS = (int)0x858458f6 };
	union { long type; u8 room[256]; } fs = {0};

	return failed(SYS(fstatfs, fd, &fs)) || (s32)fs.type == TMPFS || (s32)fs.type == RAMFS;
}

/* A file of no name, which is gone when it is closed. O_TMPFILE: 3.11 */
static long take_file(const char *folder)
{
	long fd = take(folder, O_TMPFILE_ | ARCH_O_DIRECTORY);

	if (fd < 0 || !in_memory(fd))
		return fd;
	sys_close(fd);
	return -E_OPNOTSUPP;
}

/* In a guest the disk that it was given; on a host nothing but a file of the lab's own. */
long direct_open(int guest, const char *folder)
{
	static const char *const disks[] = {"/dev/ubda", "/dev/ram0"}, *const folders[] = {".", "/var/tmp", "/tmp"};
	long fd = -E_OPNOTSUPP;

	if (!guest && folder)
		fd = take_file(folder);
	for (size_t i = 0; fd < 0 && guest && i < sizeof(disks) / sizeof(*disks); i++)
		fd = take(disks[i], 0);
	for (size_t i = 0; fd < 0 && !guest && i < sizeof(folders) / sizeof(*folders); i++)
		fd = take_file(folders[i]);
	return fd;
}

/* Memory for what the disk shall have, or has: aligned as it wants, and there for one call only. 0, and refused, if none. */
static u8 *buffer(u64 n, struct observation *o)
{
	s64 p = sys_mmap(0, n, S_PROT_READ | S_PROT_WRITE, S_MAP_PRIVATE | S_MAP_ANONYMOUS, -1, 0);

	if (!failed(p))
		return (u8 *)(uintptr_t)p;
	op_refuse(o, p);
	return NULL;
}

/* The length that a disk can transfer and that a call asks for; 0, and the observation says why, when there is no disk. */
static int ready(struct actor *a, u64 n, struct observation *o)
{
	if (n > MAX_PAYLOAD) {
		op_refuse(o, -E_OVERFLOW);
		return 0;
	}
	if (a->disk >= 0)
		return 1;
	o->ret = a->disk;
	o->stage = STAGE_OPEN;
	return 0;
}

void op_direct_write(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);
	u8 *b;

	if (a->unspeakable || !ready(a, n, o) || !(b = buffer(MAX_PAYLOAD, o)))
		return;
	sys_pwrite(a->disk, b, MAX_PAYLOAD, 0); /* nothing of the last call, and no hole */
	o->ret = sys_pwrite(a->disk, (void *)(uintptr_t)at, n, 0);
	if (!failed(o->ret) && sys_pread(a->disk, b, MAX_PAYLOAD, 0) != MAX_PAYLOAD)
		op_refuse(o, -E_IO);
	else if (!failed(o->ret))
		memcpy(o->payload, b, (size_t)o->ret);
	sys_munmap((u64)(uintptr_t)b, MAX_PAYLOAD);
	op_observe_bytes(a, c, o);
}

void op_direct_read(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);
	u8 *b;

	if (a->unspeakable || !ready(a, n, o) || !(b = buffer(MAX_PAYLOAD, o)))
		return;
	op_repeat_value(b, MAX_PAYLOAD, op_value(a, c->arg[3], c->arg[4]));
	if (sys_pwrite(a->disk, b, MAX_PAYLOAD, 0) != MAX_PAYLOAD)
		op_refuse(o, -E_IO);
	else
		o->ret = sys_pread(a->disk, (void *)(uintptr_t)at, n, 0);
	sys_munmap((u64)(uintptr_t)b, MAX_PAYLOAD);
}
