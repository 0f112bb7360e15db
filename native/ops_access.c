/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processor at a program's address: load, store, call. */
#include "fault.h"
#include "ops.h"

/* The address as the program counts: the last byte of memory is 0xffffffffffffffff, whatever the machine. */
static void observe_fault(const struct actor *a, const struct fault *f, struct observation *o)
{
	o->stage = STAGE_FAULT;
	o->signal = f->signal;
	o->code = f->code;
	o->address = a->extended ? (u64)(s64)(long)f->addr : f->addr;
}

static int width_is_one(s64 width) { return width == 1 || width == 2 || width == 4 || width == 8; }

void op_load(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at = op_address(a, op_self(a), c->arg[0], c->arg[1]), v = 0;
	s64 width = c->arg[2];
	struct fault f;
	int bad;

	if (width && !width_is_one(width)) {
		op_refuse(o, -E_INVAL);
		return;
	}
	bad = width ? pfn_load(at, (unsigned)width, &v, &f) : pfn_load_range(at, a->page_size, o->payload, &f);
	if (bad) {
		observe_fault(a, &f, o);
		return;
	}
	if (width)
		memcpy(o->payload, &v, 8);
	o->length = width ? (u32)width : (u32)a->page_size;
	memcpy(&v, o->payload, 8);
	op_set_value(op_self(a), c, v);
}

void op_store(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at = op_address(a, op_self(a), c->arg[0], c->arg[1]), v = op_value(a, c->arg[3], c->arg[4]);
	s64 width = c->arg[2];
	struct fault f;

	if (width && !width_is_one(width)) {
		op_refuse(o, -E_INVAL);
		return;
	}
	if (width ? pfn_store(at, (unsigned)width, v, &f) : pfn_fill_range(at, a->page_size, (u8)v, &f))
		observe_fault(a, &f, o);
}

void op_call(struct actor *a, const struct call *c, struct observation *o)
{
	struct fault f;

	if (pfn_call(op_address(a, op_self(a), c->arg[0], c->arg[1]), &f))
		observe_fault(a, &f, o);
}
