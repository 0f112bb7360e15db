/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls in which the kernel itself loads or stores at a program's address. */
#include "ops.h"

void op_futex(struct actor *a, const struct call *c, struct observation *o)
{
	enum { WAIT = 0, WAKE = 1, PRIVATE = 128 }; /* private: 2.6.22 */
	int waiting = c->verb == VERB_FUTEX_WAIT;
	u64 at = op_address(a, op_self(a), c->arg[0], c->arg[1]);
	long key = c->arg[waiting ? 4 : 2] ? PRIVATE : 0;
	struct s_timespec none = {0, 0};

	if (waiting)
		o->ret = SYS(futex, at, WAIT | key, (u32)op_value(a, c->arg[2], c->arg[3]), &none);
	else
		o->ret = SYS(futex, at, WAKE | key, 1);
}

void op_read_zero(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);
	long fd = sys_open("/dev/zero", S_O_RDONLY);

	if (fd < 0) {
		o->ret = fd;
		o->stage = STAGE_OPEN;
		return;
	}
	o->ret = sys_read(fd, (void *)(uintptr_t)at, n);
	sys_close(fd);
}
