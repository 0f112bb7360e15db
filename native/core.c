/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a core dump hold of a mapping?  In a guest, whose core_pattern is the lab's: the kernel writes the core to a file
 * of the initramfs, the agent takes from it what is asked for, and everything is as before. */
#include "program.h"

static const char pattern_file[] = "/proc/sys/kernel/core_pattern", folder[] = "/core", core[] = "/core/core";
static char pattern[256];
static long pattern_length;

static long set_pattern(const char *text, size_t n)
{
	long fd = sys_open(pattern_file, S_O_WRONLY), ret;

	if (fd < 0)
		return fd;
	ret = sys_write(fd, text, n);
	sys_close(fd);
	return failed(ret) ? ret : 0;
}

long core_prepare(void)
{
	if (sys_getpid() != 1)
		return -E_PERM;
	pattern_length = read_file(pattern_file, pattern, sizeof(pattern));
	if (pattern_length < 0)
		return pattern_length;
	ARCH_MKDIR(folder, 0777);
	SYS(chmod, folder, 0777); /* whoever the process is */
	return set_pattern(core, sizeof(core) - 1);
}

void core_restore(void)
{
	set_pattern(pattern, (size_t)pattern_length);
	SYS(unlink, core);
	SYS(rmdir, folder);
}

/* include/uapi/linux/elf.h: struct elf32_hdr and elf64_hdr, and the two orders of a program header */
struct head { u8 ident[16]; u16 type, machine; u32 version; unsigned long entry, phoff, shoff; u32 flags; u16 size, phsize, phnum; };
#if UINTPTR_MAX > 0xffffffffU
struct segment { u32 type, flags; unsigned long offset, vaddr, paddr, filesz, memsz, align; };
#else
struct segment { u32 type; unsigned long offset, vaddr, paddr, filesz, memsz; u32 flags; unsigned long align; };
#endif
struct told { u64 start, memsz, filesz, flags; };

/* Every PT_LOAD segment that intersects [start, end): first what it is, then, once all are told, what the core has of it. */
static long read_segments(long fd, u64 start, u64 end, struct observation *o)
{
	enum { PT_LOAD_ = 1 };
	struct head h;
	struct segment s;
	long n;

	if (sys_pread(fd, &h, sizeof(h), 0) != sizeof(h))
		return -E_IO;
	for (int bytes = 0; bytes < 2; bytes++) {
		for (u32 i = 0; i < h.phnum; i++) {
			if (sys_pread(fd, &s, sizeof(s), h.phoff + i * h.phsize) != sizeof(s))
				return -E_IO;
			if (s.type != PT_LOAD_ || s.vaddr >= end || (u64)s.vaddr + s.memsz <= start)
				continue;
			struct told t = {s.vaddr, s.memsz, s.filesz, s.flags};
			u64 size = bytes ? s.filesz : sizeof(t);

			if (size > MAX_PAYLOAD - o->length)
				return -E_OVERFLOW;
			if (!bytes)
				memcpy(o->payload + o->length, &t, sizeof(t));
			else if ((n = sys_pread(fd, o->payload + o->length, size, s.offset)) != (long)size)
				return failed(n) ? n : -E_IO;
			o->length += (u32)size;
		}
	}
	return 0;
}

void core_observe(const struct process *p, const struct call *c, struct observation *o)
{
	u64 start, length;
	long fd = sys_open(core, S_O_RDONLY), ret;

	if (c->arg[0] < 0 || c->arg[0] >= MAX_HANDLES) {
		op_refuse(o, -E_INVAL);
		return;
	}
	start = (u64)p->handle_address[c->arg[0]];
	length = (u64)p->handle_length[c->arg[0]];
	o->handle_address = (s64)start;
	o->handle_length = (s64)length;
	if (fd < 0) { /* it died, but left none: CONFIG_ELF_CORE */
		op_refuse(o, fd);
		return;
	}
	ret = read_segments(fd, start, start + (length ? length : 1), o);
	if (ret) {
		o->length = 0;
		op_refuse(o, ret);
	}
	sys_close(fd);
}
