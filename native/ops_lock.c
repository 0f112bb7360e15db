/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that lock a process's whole memory, and unlock it. */
#include "ops.h"
#include "own.h"

/* The agent's own mappings are unlocked again at once, so that VmLck speaks of the program's. What locking had them fill
 * was there before (own_find()). */
void op_mlockall(struct actor *a, const struct call *c, struct observation *o)
{
	(void)a;
	o->ret = SYS(mlockall, c->arg[0]);
	if (!failed(o->ret))
		own_unlock();
}

void op_munlockall(struct actor *a, const struct call *c, struct observation *o)
{
	(void)a, (void)c;
	o->ret = SYS(munlockall, 0);
}
