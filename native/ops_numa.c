/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that ask on which node pages are, and that want them elsewhere. */
#include "ops.h"

void op_mbind(struct actor *a, const struct call *c, struct observation *o)
{
	enum { DEFAULT = 0, LOCAL = 4 };
	u64 at, n = op_range(a, c, 0, &at);
	unsigned long node0 = 1;
	int none = c->arg[3] == DEFAULT || c->arg[3] == LOCAL;

	o->ret = SYS(mbind, at, n, c->arg[3], none ? NULL : &node0, none ? 0 : 8 * sizeof(node0), c->arg[4]);
}

void op_move_pages(struct actor *a, const struct call *c, struct observation *o)
{
	enum { MOST = 512, MOVE = 2, SELF = 0 };
	static unsigned long page[MOST];
	static s32 node[MOST], status[MOST];
	u64 start;
	long pages = op_pages(a, c, 0, &start);

	if (pages < 0 || pages > MOST) {
		op_refuse(o, -E_OVERFLOW);
		return;
	}
	for (long i = 0; i < pages; i++) {
		page[i] = (unsigned long)(start + (u64)i * a->page_size);
		node[i] = (s32)c->arg[3];
		status[i] = 0;
	}
	o->ret = SYS(move_pages, SELF, pages, page, c->arg[3] < 0 ? NULL : node, status, MOVE); /* 2.6.18 */
	if (failed(o->ret))
		return;
	o->length = (u32)pages * sizeof(*status);
	memcpy(o->payload, status, o->length);
}

void op_numa_maps(struct actor *a, const struct call *c, struct observation *o)
{
	u64 start, end;

	if (!op_handle_range(a, c->arg[0], &start, &end, o))
		return;
	op_text(o, pfn_read_numa_maps(start, end, (char *)o->payload, sizeof(o->payload)));
}
