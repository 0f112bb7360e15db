/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ops.h"

struct process *op_self(struct actor *a) { return &a->box->process[a->self]; }

u64 op_word(struct actor *a, u64 v)
{
	if ((unsigned long)v == v)
		return v;
	if ((s64)v == (s64)(long)v) {
		a->extended = 1;
		return (unsigned long)v;
	}
	a->unspeakable = 1;
	return (unsigned long)-4096L;
}

u64 op_address(struct actor *a, struct process *p, s64 base, s64 byte)
{
	if (base >= 0 && base < MAX_HANDLES)
		return op_word(a, (u64)p->handle_address[base] + (u64)byte);
	return op_word(a, (base == BASE_ARENA ? ARENA : 0) + (u64)byte);
}

u64 op_range_of(struct actor *a, struct process *p, const struct call *c, int i, u64 *address)
{
	s64 base = c->arg[i], length = c->arg[i + 2];

	*address = op_address(a, p, base, c->arg[i + 1]);
	if (length == LENGTH_ALL)
		return base >= 0 && base < MAX_HANDLES ? (u64)p->handle_length[base] : 0;
	return op_word(a, (u64)length);
}

u64 op_range(struct actor *a, const struct call *c, int i, u64 *address)
{
	return op_range_of(a, op_self(a), c, i, address);
}

struct region *op_region(struct actor *a, s64 id)
{
	return id >= 0 && id < MAX_REGIONS && a->region[id].kind ? &a->region[id] : NULL;
}

u64 op_value(struct actor *a, s64 kind, s64 v)
{
	if (kind == 0)
		return (u64)v;
	return v >= 0 && v < MAX_VALUES ? (u64)op_self(a)->value[v] : 0;
}

void op_set_value(struct process *p, const struct call *c, u64 v)
{
	if (c->result >= 0 && c->result < MAX_VALUES)
		p->value[c->result] = (s64)v;
}

void op_set_handle(struct actor *a, int slot, u64 address, u64 length, struct observation *o)
{
	if (slot < 0 || slot >= MAX_HANDLES)
		return;
	op_self(a)->handle_address[slot] = (s64)address;
	op_self(a)->handle_length[slot] = (s64)length;
	o->handle_address = (s64)address;
	o->handle_length = (s64)length;
}

struct process *op_target(struct actor *a, s64 slot, struct observation *o)
{
	if (slot >= 0 && slot < MAX_PROCESSES && a->box->process[slot].pid &&
	    !a->box->process[slot].gone)
		return &a->box->process[slot];
	o->stage = STAGE_NO_PROCESS;
	return NULL;
}

long op_pages(struct actor *a, const struct call *c, int i, u64 *start)
{
	u64 n = op_range(a, c, i, start), last = *start + (n ? n - 1 : 0);

	*start -= *start % a->page_size;
	return (long)((last - *start) / a->page_size + 1);
}

void op_refuse(struct observation *o, long why)
{
	o->stage = STAGE_REFUSED;
	o->ret = why;
}

static const struct { op_function *run; s8 address_at; s8 of; } ops[VERBS] = {
	/* address_at: the argument that is an address or range; of: the argument that names its process, -1: the caller */
	[VERB_OPEN] = {op_open, -1, -1}, [VERB_CLOSE] = {op_close, -1, -1}, [VERB_MMAP] = {op_mmap, -1, -1},
	[VERB_MAP] = {op_map, -1, -1}, [VERB_MUNMAP] = {op_munmap, 0, -1}, [VERB_MPROTECT] = {op_mprotect, 0, -1},
	[VERB_MREMAP] = {op_mremap, 0, -1}, [VERB_MADVISE] = {op_madvise, 0, -1}, [VERB_MLOCK] = {op_mlock, 0, -1},
	[VERB_MUNLOCK] = {op_munlock, 0, -1}, [VERB_MSYNC] = {op_msync, 0, -1}, [VERB_MINCORE] = {op_mincore, 0, -1},
	[VERB_FORK] = {op_fork, -1, -1}, [VERB_EXIT] = {op_exit, -1, -1}, [VERB_WAIT] = {op_wait, -1, -1},
	[VERB_LOAD] = {op_load, 0, -1}, [VERB_STORE] = {op_store, 0, -1},
	[VERB_PEEKDATA] = {op_ptrace, 1, 0}, [VERB_POKEDATA] = {op_ptrace, 1, 0},
	[VERB_MEM_READ] = {op_mem, 1, 0}, [VERB_MEM_WRITE] = {op_mem, 1, 0},
	[VERB_VM_READV] = {op_vm, 1, 0}, [VERB_VM_WRITEV] = {op_vm, 1, 0},
	[VERB_WRITE] = {op_write, 0, -1}, [VERB_READ] = {op_read, 0, -1},
	[VERB_SMAPS] = {op_vmas, 0, -1}, [VERB_MAPS] = {op_vmas, 0, -1}, [VERB_RSS] = {op_rss, -1, -1},
	[VERB_PAGEMAP] = {op_pagemap, 0, -1},
	[VERB_KPAGECOUNT] = {op_kpage, -1, -1}, [VERB_KPAGEFLAGS] = {op_kpage, -1, -1},
	[VERB_PTES] = {op_ptes, 0, -1}, [VERB_PAGE_STATE] = {op_page_state, -1, -1}, [VERB_VMA] = {op_vma, 0, -1},
	[VERB_VMSPLICE] = {op_vmsplice, 0, -1},
	[VERB_MLOCKALL] = {op_mlockall, -1, -1}, [VERB_MUNLOCKALL] = {op_munlockall, -1, -1}, [VERB_FSYNC] = {op_fsync, -1, -1},
	[VERB_PROCESS_MADVISE] = {op_process_madvise, 1, 0}, [VERB_MSEAL] = {op_mseal, 0, -1},
	[VERB_REMAP_FILE_PAGES] = {op_remap_file_pages, 0, -1}, [VERB_MBIND] = {op_mbind, 0, -1},
	[VERB_MOVE_PAGES] = {op_move_pages, 0, -1}, [VERB_FUTEX_WAIT] = {op_futex, 0, -1}, [VERB_FUTEX_WAKE] = {op_futex, 0, -1},
	[VERB_UFFD_REGISTER] = {op_uffd_register, 0, -1}, [VERB_CLEAR_REFS] = {op_clear_refs, -1, -1},
	[VERB_READ_ZERO] = {op_read_zero, 0, -1}, [VERB_PAGEMAP_SCAN] = {op_pagemap_scan, 0, -1},
	[VERB_ROLLUP] = {op_rollup, -1, -1}, [VERB_NUMA_MAPS] = {op_numa_maps, 0, -1},
	[VERB_COREDUMP] = {op_coredump, 0, -1}, [VERB_EXEC] = {op_exec, -1, -1},
	[VERB_CALL] = {op_call, 0, -1}, [VERB_DIRECT_WRITE] = {op_direct_write, 0, -1},
	[VERB_DIRECT_READ] = {op_direct_read, 0, -1},
};

/* The handle that a call's address is told relative to, as it is before the call. */
static void note_handle(struct actor *a, const struct call *c, struct observation *o)
{
	s64 of = ops[c->verb].of < 0 ? a->self : c->arg[ops[c->verb].of], base;

	if (ops[c->verb].address_at < 0 || of < 0 || of >= MAX_PROCESSES)
		return;
	base = c->arg[ops[c->verb].address_at];
	if (base < 0 || base >= MAX_HANDLES)
		return;
	o->handle_address = a->box->process[of].handle_address[base];
	o->handle_length = a->box->process[of].handle_length[base];
}

void ops_execute(struct actor *a)
{
	struct observation *o = &a->box->obs;
	const struct call *c = &a->box->call;

	memset(o, 0, offsetof(struct observation, payload));
	if (c->verb >= VERBS || !ops[c->verb].run) {
		op_refuse(o, -E_NOSYS);
		return;
	}
	note_handle(a, c, o);
	a->unspeakable = a->extended = 0;
	ops[c->verb].run(a, c, o);
	if (a->unspeakable)
		op_refuse(o, -E_OVERFLOW);
}

static int keep(struct mailbox *b)
{
	size_t n = log_size(b->obs.length);

	if (n > LOG_BYTES - b->log_bytes)
		return 0;
	memcpy(b->log + b->log_bytes, &b->obs, offsetof(struct observation, payload) + b->obs.length);
	b->log_bytes += (u32)n;
	b->kept++;
	return 1;
}

void ops_execute_run(struct actor *a)
{
	struct mailbox *b = a->box;

	ops_execute(a);
	while (a->forked < 0 && b->kept + 1 < b->run_calls && keep(b)) {
		b->call = b->run[b->kept];
		ops_execute(a);
	}
}
