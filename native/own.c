/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which memory of a program's process is the agent's own?  All of it is there before counters are read, and never locked,
 * so that what changes is the program's. */
#include "agent.h"
#include "fault.h"
#include "own.h"

enum { OWN_RANGES = 16 };

extern char __executable_start[], end[];
static struct { u64 from, to; int written; } own[OWN_RANGES];
static int own_count;

/* A page of bss that was never written would be the zero page, which RSS does not count until it is written; what fork
 * hands on of anonymous memory is what was written. */
static void add(u64 from, u64 to, int writable)
{
	struct fault f;

	if (own_count == OWN_RANGES)
		return;
	own[own_count].from = from;
	own[own_count].to = to;
	own[own_count++].written = writable;
	for (; writable && from < to; from += me.page_size)
		pfn_touch(from, &f);
}

static void add_vmas(u64 from, u64 to)
{
	char *text = (char *)me.box->obs.payload;
	long n = pfn_read_vmas(0, 0, from, to, text, MAX_PAYLOAD);

	for (long i = 0; i < n; i++) {
		size_t perms;

		if ((!i || text[i - 1] == '\n') && (perms = pfn_vma_line(text + i, (size_t)(n - i), &from, &to)))
			add(from, to, text[i + (long)perms + 1] == 'w');
	}
}

void own_find(void)
{
	static const char *const kernels[] = {ARCH_COUNTED_VMAS};
	u64 box = (u64)(uintptr_t)me.box, here = (u64)(uintptr_t)&box, from, to;

	own_count = 0;
	add_vmas((u64)(uintptr_t)__executable_start, (u64)(uintptr_t)end);
	add_vmas(here, here + 1);
	add(box, (box + sizeof(*me.box) + me.page_size - 1) / me.page_size * me.page_size, 0);
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++)
		if (!pfn_find_vma(kernels[i], &from, &to))
			add(from, to, 0);
}

static void be_there(u64 from, u64 to)
{
	enum { MADV_POPULATE_READ_ = 22 }; /* 5.14: one call; before, a fault a page */
	struct fault f;
	u64 v;

	if (SYS(madvise, from, to - from, MADV_POPULATE_READ_) == 0)
		return;
	for (; from < to; from += me.page_size)
		pfn_load(from, 1, &v, &f);
}

void own_touch(void)
{
	for (int i = 0; i < own_count; i++)
		if (!own[i].written)
			be_there(own[i].from, own[i].to);
}

void own_settle(void)
{
	struct fault f;

	for (int i = 0; i < own_count; i++)
		for (u64 at = own[i].from; own[i].written && at < own[i].to; at += me.page_size)
			pfn_touch(at, &f);
}

void own_unlock(void)
{
	for (int i = 0; i < own_count; i++)
		SYS(munlock, own[i].from, own[i].to - own[i].from);
}
