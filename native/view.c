/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peek and poke: the region's content, seen by nobody of the program; by the controller, or by the agent (region.c). */
#include "program.h"

static void call_outside(struct region *r, int write, u64 byte, u32 width, u64 value)
{
	struct observation *o = &me.box->obs;
	struct frame f;
	struct reader answer;

	frame_begin(FROM_OUTSIDE);
	frame_u16(me.box->call.index);
	frame_u32((u32)(r - me.region));
	frame_u64(byte);
	frame_u32(width);
	frame_u32((u32)write);
	frame_u64(value);
	frame_end();
	if (channel_receive(&f, 1))
		controller_gone();
	if (f.type != TO_OUTSIDE || f.length < 8 || f.length - 8 > MAX_PAYLOAD) {
		op_refuse(o, -E_INVAL);
		return;
	}
	answer = (struct reader){f.payload, f.length, 0};
	o->ret = (s64)read_u64(&answer);
	o->length = (u32)answer.left;
	read_bytes(&answer, o->payload, answer.left);
}

void call_view(void)
{
	const struct call *c = &me.box->call;
	struct observation *o = &me.box->obs;
	struct process *first = &me.box->process[0];
	int write = c->verb == VERB_POKE;
	struct region *r;
	u64 v = 0;

	memset(o, 0, offsetof(struct observation, payload));
	if (c->arg[0] < 0 || c->arg[0] >= MAX_REGIONS || !me.region[c->arg[0]].kind) {
		op_refuse(o, -E_INVAL);
		return;
	}
	r = &me.region[c->arg[0]];
	if (write) {
		v = (u64)c->arg[4];
		if (c->arg[3])
			v = v < MAX_VALUES ? (u64)first->value[v] : 0;
		if (r->flags & REGION_NEVER_STORE) {
			op_refuse(o, -E_PERM);
			return;
		}
	}
	if (r->flags & REGION_VIEW_OUTSIDE)
		call_outside(r, write, (u64)c->arg[1], (u32)c->arg[2], v);
	else
		region_view(r, write, (u64)c->arg[1], (u32)c->arg[2], v, o);
	if (!write && !o->stage && !failed(o->ret)) {
		v = 0;
		memcpy(&v, o->payload, o->length < 8 ? o->length : 8);
		op_set_value(first, c, v);
	}
}
