/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames REGION and FILL: opens a region, learns its pfn, and gives access to its content from outside of programs. */
#include "agent.h"
#include "openers.h"

static void answer_region(s64 ret, u32 stage, const struct region *r)
{
	frame_begin(FROM_REGION);
	frame_u32((u32)ret);
	frame_u32(ret ? stage : REGION_FINE);
	frame_u64(r ? r->pfn : 0);
	frame_u64(r ? r->pages : 0);
	frame_end();
}

static long open_path(struct region *r)
{
	int read_only = (r->flags & (REGION_READ_ONLY | REGION_NEVER_STORE)) != 0;

	r->fd = (s32)sys_open(r->path, (read_only ? S_O_RDONLY : S_O_RDWR) | (r->flags & REGION_SYNC ? S_O_SYNC : 0) |
					       S_O_NOCTTY);
	return r->fd < 0 ? r->fd : 0;
}

/* A device of a guest that no driver has claimed: where no firmware did it (QEMU's virt machine), nobody has it decode its
 * memory until its `enable` says 1 (drivers/pci/pci-sysfs.c). Its BARs are the lab's: elsewhere it is left as it is. */
static void enable_device(const struct region *r)
{
	static const char folder[] = "/sys/bus/pci/devices/";
	char path[sizeof(r->path) + 8];
	struct text t = {path, 0, sizeof(path) - 1, 0};
	size_t end = strlen(r->path);
	long fd;

	if (sys_getpid() != 1 || !starts_with(r->path, end, folder))
		return;
	while (r->path[end - 1] != '/')
		end--;
	text_add(&t, r->path, end);
	text_str(&t, "enable");
	path[t.len] = 0;
	fd = sys_open(path, S_O_WRONLY);
	if (fd < 0)
		return;
	sys_write(fd, "1", 1);
	sys_close(fd);
}

static long open_region(struct region *r)
{
	u64 start, end;
	long ret = 0;

	r->fault_stage = REGION_OPEN;
	if (r->kind == KIND_PERF)
		return 0; /* each process that starts a program opens its own */
	if (r->kind == KIND_PREMAPPED) {
		r->fault_stage = REGION_NOT_FOUND;
		ret = pfn_find_vma(r->path, &start, &end);
		if (!ret)
			r->pages = (end - start) / me.page_size;
		return ret;
	}
	if (r->kind == KIND_FILE)
		enable_device(r);
	if (r->kind <= KIND_RAM || r->kind == KIND_LAB)
		ret = open_path(r);
	if (!ret && r->kind > KIND_PREMAPPED)
		ret = region_make(r);
	if (ret)
		return ret;
	if (r->kind == KIND_FILE) {
		s64 size = r->pages ? 0 : sys_lseek(r->fd, 0, S_SEEK_END);

		if (!r->pages && size > (s64)r->base)
			r->pages = ((u64)size - r->base + me.page_size - 1) / me.page_size;
		r->pfn = pfn_of_mapping(r->fd, r->base, me.page_size);
	} else if (r->kind == KIND_DEVMEM) {
		r->pfn = r->base / me.page_size;
	}
	if (r->kind != KIND_RAM && !(r->flags & REGION_VIEW_MAPPED))
		return 0;
	r->fault_stage = REGION_FORK;
	return keeper_start(r);
}

static void close_region(struct region *r)
{
	if (r->fd >= 0)
		sys_close(r->fd);
	if (r->view_fd >= 0)
		sys_close(r->view_fd);
	r->kind = 0;
}

void region_open(struct reader *in)
{
	u32 id = read_u32(in), kind = read_u32(in);
	struct region *r;
	long ret;

	if (in->bad || id >= MAX_REGIONS || kind < KIND_FILE || kind > KIND_VFIO) {
		answer_region(-E_INVAL, REGION_BAD, NULL);
		return;
	}
	r = &me.region[id];
	keeper_stop(r);
	if (r->kind)
		close_region(r);
	memset(r, 0, sizeof(*r));
	r->fd = r->view_fd = r->keeper = -1;
	r->flags = read_u32(in);
	r->base = read_u64(in);
	r->pages = read_u64(in);
	if (in->bad || in->left >= sizeof(r->path)) {
		answer_region(-E_INVAL, REGION_BAD, NULL);
		return;
	}
	read_bytes(in, r->path, in->left);
	r->kind = kind;
	ret = open_region(r);
	answer_region(ret, r->fault_stage, r);
	if (ret)
		close_region(r);
}

static s32 content_fd(const struct region *r) { return r->view_fd >= 0 ? r->view_fd : r->fd; }
static u64 content_at(const struct region *r) { return r->view_fd >= 0 ? r->view_base : r->base; }

/* Page by page: a region may be longer than any buffer. */
static long fill_by_write(struct region *r, u32 mode, u64 value)
{
	u64 *words = (u64 *)(void *)me.box->obs.payload;

	if (me.page_size > MAX_PAYLOAD)
		return -E_INVAL;
	for (u64 page = 0; page < r->pages; page++) {
		long n;

		for (u64 i = 0; i < me.page_size / 8; i++)
			words[i] = fill_word(mode, value, page, i * 8);
		n = sys_pwrite(content_fd(r), words, me.page_size, content_at(r) + page * me.page_size);
		if (n != (long)me.page_size)
			return failed(n) ? n : -E_IO;
	}
	return 0;
}

void region_fill(struct reader *in)
{
	u32 id = read_u32(in), mode = read_u32(in);
	u64 value = read_u64(in);
	struct keeper_answer answer = {-E_INVAL, 0, 0, 0};

	if (!in->bad && id < MAX_REGIONS && me.region[id].kind) {
		if (me.region[id].flags & REGION_NEVER_STORE)
			answer.ret = -E_PERM;
		else if (me.region[id].flags & REGION_VIEW_WRITE)
			answer.ret = fill_by_write(&me.region[id], mode, value);
		else if (keeper_ask(&me.region[id], KEEPER_FILL, 0, mode, value, &answer, NULL))
			answer.ret = -E_IO;
	}
	frame_begin(FROM_FILL);
	frame_u32((u32)answer.ret);
	frame_end();
}

int region_view(struct region *r, int write, u64 byte, u32 width, u64 value, struct observation *o)
{
	struct keeper_answer answer;
	size_t n = width ? width : me.page_size;

	if (r->flags & REGION_VIEW_MAPPED) {
		if (keeper_ask(r, write ? KEEPER_POKE : KEEPER_PEEK, byte, width, value, &answer, o->payload)) {
			op_refuse(o, -E_IO);
			return -1;
		}
		o->ret = answer.ret;
		o->length = (u32)answer.value;
		if (answer.stage)
			op_refuse(o, answer.ret);
	} else if (r->flags & REGION_VIEW_READ && !write && n <= MAX_PAYLOAD) {
		o->ret = sys_pread(content_fd(r), o->payload, n, content_at(r) + byte);
		o->length = failed(o->ret) ? 0 : (u32)o->ret;
		o->ret = failed(o->ret) ? o->ret : 0;
	} else if (r->flags & REGION_VIEW_WRITE && write && n <= MAX_PAYLOAD) {
		if (width)
			memcpy(o->payload, &value, 8);
		else
			memset(o->payload, (int)(value & 0xff), n);
		o->ret = sys_pwrite(content_fd(r), o->payload, n, content_at(r) + byte);
		o->ret = o->ret == (s64)n ? 0 : failed(o->ret) ? o->ret : -E_IO;
	} else {
		op_refuse(o, -E_PERM);
	}
	return 0;
}
