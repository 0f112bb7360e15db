/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that change mappings, or what is behind them, and are seldom made: another's advice, seals, pages out of order. */
#include "ops.h"

void op_fsync(struct actor *a, const struct call *c, struct observation *o)
{
	s64 slot = c->arg[0];

	o->ret = SYS(fsync, slot >= 0 && slot < MAX_FDS ? op_self(a)->fd[slot] : -1);
}

void op_process_madvise(struct actor *a, const struct call *c, struct observation *o)
{
	struct process *p = op_target(a, c->arg[0], o);
	u64 at, n;
	long fd;

	if (!p)
		return;
	n = op_range_of(a, p, c, 1, &at);
	fd = SYS(pidfd_open, p->pid, 0); /* 5.3; process_madvise: 5.10 */
	if (fd < 0) {
		o->ret = fd;
		return;
	}
	struct s_iovec there = {(void *)(uintptr_t)at, n};

	o->ret = SYS(process_madvise, fd, &there, 1, c->arg[4], 0);
	sys_close(fd);
}

void op_mseal(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);

	o->ret = SYS(mseal, at, n, 0); /* 6.10, 64 bits */
}

void op_remap_file_pages(struct actor *a, const struct call *c, struct observation *o)
{
	struct region *r = op_region(a, c->arg[3]);
	u64 at, n = op_range(a, c, 0, &at);

	if (!r || (u64)c->arg[4] % a->page_size) {
		op_refuse(o, -E_INVAL);
		return;
	}
	o->ret = SYS(remap_file_pages, at, n, 0, (r->base + (u64)c->arg[4]) / a->page_size, 0);
}
