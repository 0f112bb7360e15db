/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls after which the process is not what it was: a core dump. */
#include "ops.h"

enum { RLIMIT_CORE_ = 4, SIGABRT_ = 6 };

/* The agent has made room for the core (core.c); here it is said what shall be in it. */
void op_coredump(struct actor *a, const struct call *c, struct observation *o)
{
	struct s_rlimit all = {~0UL, ~0UL};
	char digits[20];
	struct text t = {digits, 0, sizeof(digits), 0};
	long fd = sys_open("/proc/self/coredump_filter", S_O_WRONLY); /* 2.6.23 */

	(void)a;
	text_num(&t, (u64)c->arg[1]);
	o->ret = fd < 0 ? fd : sys_write(fd, digits, t.len);
	if (fd >= 0)
		sys_close(fd);
	if (!failed(o->ret))
		o->ret = SYS(setrlimit, RLIMIT_CORE_, &all);
	if (!failed(o->ret))
		o->ret = sys_kill(sys_getpid(), SIGABRT_);
	o->stage = STAGE_OPEN;
}
