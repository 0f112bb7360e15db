/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that make and change mappings. */
#include "ops.h"

/* Is there a path whose open(2) is this region's memory? */
static int named(const struct region *r) { return r->kind <= KIND_RAM || r->kind == KIND_LAB; }

void op_open(struct actor *a, const struct call *c, struct observation *o)
{
	struct region *r = op_region(a, c->arg[0]);

	if (!r || c->result < 0 || c->result >= MAX_FDS || !named(r)) {
		op_refuse(o, -E_INVAL);
		return;
	}
	if (r->flags & REGION_NEVER_STORE && (c->arg[1] & 3) != S_O_RDONLY) {
		op_refuse(o, -E_PERM);
		return;
	}
	o->ret = sys_open(r->path, (int)c->arg[1] | S_O_NOCTTY);
	op_self(a)->fd[c->result] = (s32)o->ret;
	op_self(a)->fd_region[c->result] = (s32)c->arg[0];
}

void op_close(struct actor *a, const struct call *c, struct observation *o)
{
	s64 slot = c->arg[0];

	o->ret = sys_close(slot >= 0 && slot < MAX_FDS ? op_self(a)->fd[slot] : -1);
	if (slot >= 0 && slot < MAX_FDS)
		op_self(a)->fd[slot] = -1;
}

enum { SOURCE_ANONYMOUS, SOURCE_REGION, SOURCE_FD };

void op_mmap(struct actor *a, const struct call *c, struct observation *o)
{
	s64 source = c->arg[0], id = c->arg[1], flags = c->arg[3];
	u64 place = op_address(a, op_self(a), c->arg[4], c->arg[5]), length = op_word(a, (u64)c->arg[6]), offset = (u64)c->arg[7];
	struct region *r = NULL;
	long fd = -1;

	if (source == SOURCE_ANONYMOUS) {
		flags |= S_MAP_ANONYMOUS;
	} else if (source == SOURCE_FD) {
		fd = id >= 0 && id < MAX_FDS ? op_self(a)->fd[id] : -1;
		r = id >= 0 && id < MAX_FDS ? op_region(a, op_self(a)->fd_region[id]) : NULL;
	} else if ((r = op_region(a, id)) && r->kind != KIND_PREMAPPED) {
		fd = r->fd;
	} else {
		op_refuse(o, -E_INVAL);
		return;
	}
	if (r) {
		offset += r->base;
		if (r->flags & REGION_NEVER_STORE && flags & S_MAP_SHARED && c->arg[2] & S_PROT_WRITE) {
			op_refuse(o, -E_PERM);
			return;
		}
	}
	if (a->unspeakable)
		return;
	o->ret = sys_mmap(place, length, (long)c->arg[2], (long)flags, fd, offset);
	op_set_handle(a, c->result, failed(o->ret) ? place : (u64)o->ret, length, o);
}

static s64 map_premapped(struct region *r, u64 place, u64 *length)
{
	u64 start, end;
	long ret = pfn_find_vma(r->path, &start, &end);

	if (ret)
		return ret;
	if (!*length || *length > end - start)
		*length = end - start;
	return sys_mremap(start, *length, *length, S_MREMAP_MAYMOVE | S_MREMAP_FIXED, place);
}

void op_map(struct actor *a, const struct call *c, struct observation *o)
{
	struct region *r = op_region(a, c->arg[0]);
	u64 place = op_address(a, op_self(a), c->arg[1], c->arg[2]), length = op_word(a, (u64)c->arg[3]);

	if (!r) {
		op_refuse(o, -E_INVAL);
		return;
	}
	if (r->kind == KIND_PREMAPPED) {
		o->ret = map_premapped(r, place, &length);
		if (o->ret == -E_NOENT)
			o->stage = STAGE_OPEN;
	} else {
		long prot = r->flags & REGION_MAP_READ ? S_PROT_READ : S_PROT_READ | S_PROT_WRITE;
		long flags = r->flags & REGION_MAP_PRIVATE ? S_MAP_PRIVATE : S_MAP_SHARED;

		if (r->flags & REGION_NEVER_STORE && prot & S_PROT_WRITE && flags == S_MAP_SHARED) {
			op_refuse(o, -E_PERM);
			return;
		}
		length = length ? length : r->pages * a->page_size;
		o->ret = sys_mmap(place, length, prot, flags | S_MAP_FIXED, r->fd, r->base);
		/* io_uring_mmu_get_unmapped_area() lets nobody choose the place (since 6.5, and in 6.1.y). */
		if (o->ret == -E_INVAL && r->kind == KIND_IO_URING)
			o->ret = sys_mmap(0, length, prot, flags, r->fd, r->base);
	}
	op_set_handle(a, c->result, failed(o->ret) ? place : (u64)o->ret, length, o);
}

void op_munmap(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);

	o->ret = sys_munmap(at, n);
}

void op_mprotect(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);

	o->ret = SYS(mprotect, at, n, c->arg[3]);
}

void op_mremap(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at), length = c->arg[3] == LENGTH_ALL ? n : op_word(a, (u64)c->arg[3]);
	u64 to = op_address(a, op_self(a), c->arg[5], c->arg[6]);
	s64 base = c->arg[0];
	int slot = c->result;

	o->ret = sys_mremap(at, n, length, (long)c->arg[4], to);
	if (slot < 0 && base >= 0 && base < MAX_HANDLES && at == (u64)op_self(a)->handle_address[base])
		slot = (int)base;
	if (!failed(o->ret))
		op_set_handle(a, slot, (u64)o->ret, length, o);
	else if (c->result >= 0)
		op_set_handle(a, slot, to, length, o);
}

void op_madvise(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);

	o->ret = SYS(madvise, at, n, c->arg[3]);
}

void op_mlock(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);

	o->ret = c->arg[3] ? SYS(mlock2, at, n, c->arg[3]) : SYS(mlock, at, n); /* mlock2: 4.4 */
}

void op_munlock(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);

	o->ret = SYS(munlock, at, n);
}

void op_msync(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);

	o->ret = SYS(msync, at, n, c->arg[3]);
}

void op_mincore(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at), pages = (n + a->page_size - 1) / a->page_size;

	if (pages > MAX_PAYLOAD) {
		op_refuse(o, -E_OVERFLOW);
		return;
	}
	o->ret = SYS(mincore, at, n, o->payload);
	o->length = failed(o->ret) ? 0 : (u32)pages;
}
