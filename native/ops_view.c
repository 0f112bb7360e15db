/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that ask /proc: smaps, maps, rss, rollup, pagemap, kpagecount, kpageflags. */
#include "fault.h"
#include "ops.h"

int op_handle_range(struct actor *a, s64 slot, u64 *start, u64 *end, struct observation *o)
{
	u64 length;

	if (slot < 0 || slot >= MAX_HANDLES) {
		op_refuse(o, -E_INVAL);
		return 0;
	}
	length = (u64)op_self(a)->handle_length[slot];
	*start = (u64)op_self(a)->handle_address[slot];
	*end = *start + (length ? length : 1);
	return 1;
}

/* What reading a file of /proc into the payload gave: its length, or why it could not be opened. */
void op_text(struct observation *o, long got)
{
	o->ret = got;
	if (got == -E_OVERFLOW)
		o->stage = STAGE_REFUSED;
	else if (failed(got))
		o->stage = STAGE_OPEN;
	o->length = failed(got) ? 0 : (u32)got;
}

void op_vmas(struct actor *a, const struct call *c, struct observation *o)
{
	u64 start, end;

	if (!op_handle_range(a, c->arg[0], &start, &end, o))
		return;
	op_text(o, pfn_read_vmas(0, c->verb == VERB_SMAPS, start, end, (char *)o->payload, sizeof(o->payload)));
}

/* A page below the arena: mapped, touched and unmapped again before counters are read. Up to 6.1 a task keeps counts of
 * its own (SPLIT_RSS_COUNTING), which zap_pte_range() adds to the mm's: add_mm_rss_vec() calls sync_mm_rss(). */
static void sync_counters(u64 page_size)
{
	u64 at = BELOW_ARENA;
	struct fault f;

	if (failed(sys_mmap(at, page_size, S_PROT_READ | S_PROT_WRITE,
			    S_MAP_PRIVATE | S_MAP_ANONYMOUS | S_MAP_FIXED, -1, 0)))
		return;
	pfn_store(at, 1, 1, &f);
	sys_munmap(at, page_size);
}

/* anon, file, VmSize, VmLck in pages, as the kernel has them now. */
long op_rss_now(struct actor *a, s64 out[4])
{
	static char buf[4096];
	u64 size, resident, shared;
	long n;
	size_t i;

	sync_counters(a->page_size);
	n = read_file("/proc/self/statm", buf, sizeof(buf));
	if (n < 0)
		return n;
	i = parse_dec(buf, (size_t)n, &size) + 1;
	i += parse_dec(buf + i, (size_t)n - i, &resident) + 1;
	parse_dec(buf + i, (size_t)n - i, &shared);
	n = read_file("/proc/self/status", buf, sizeof(buf));
	if (n < 0)
		return n;
	s64 locked = find_field(buf, (size_t)n, "VmLck");

	out[0] = (s64)(resident - shared);
	out[1] = (s64)shared;
	out[2] = (s64)size;
	out[3] = locked < 0 ? 0 : locked * 1024 / (s64)a->page_size;
	return 0;
}

void op_rss(struct actor *a, const struct call *c, struct observation *o)
{
	s64 now[4];

	(void)c;
	o->ret = op_rss_now(a, now);
	if (failed(o->ret)) {
		o->stage = STAGE_OPEN;
		return;
	}
	for (int i = 0; i < 4; i++)
		now[i] -= op_self(a)->baseline[i];
	memcpy(o->payload, now, sizeof(now));
	o->length = sizeof(now);
}

static char rollup_then[2048];
static long rollup_length;

/* When rss's baseline is taken: with it, what is the agent's own can be told from what the program has. */
void op_rollup_baseline(void)
{
	long n = read_file("/proc/self/smaps_rollup", rollup_then, sizeof(rollup_then)); /* 4.14 */

	rollup_length = n < 0 ? 0 : n;
}

void op_rollup(struct actor *a, const struct call *c, struct observation *o)
{
	size_t then = (size_t)rollup_length;
	char *text = (char *)o->payload;
	long n;

	(void)a, (void)c;
	memcpy(text, rollup_then, then);
	text[then] = 0;
	n = read_file("/proc/self/smaps_rollup", text + then + 1, MAX_PAYLOAD - then - 1);
	op_text(o, failed(n) ? n : (long)then + 1 + n);
}

void op_pagemap(struct actor *a, const struct call *c, struct observation *o)
{
	u64 start;
	long pages = op_pages(a, c, 0, &start);
	int stage;

	if (pages > MAX_PAYLOAD / 8) {
		op_refuse(o, -E_OVERFLOW);
		return;
	}
	o->ret = pfn_read_pagemap(0, start, pages, a->page_size, (u64 *)(void *)o->payload, &stage);
	o->stage = stage ? STAGE_OPEN : STAGE_CALL;
	o->length = failed(o->ret) ? 0 : (u32)o->ret * 8;
}

void op_kpage(struct actor *a, const struct call *c, struct observation *o)
{
	static u64 pfns[512];
	u64 start;
	long pages, got;
	int stage = 0;

	pages = c->arg[0] == OF_RANGE ? op_pages(a, c, 1, &start) : c->arg[3];
	if (pages < 0 || pages > 512) {
		op_refuse(o, -E_OVERFLOW);
		return;
	}
	if (c->arg[0] == OF_RANGE) {
		got = pfn_read_pagemap(0, start, pages, a->page_size, pfns, &stage);
		for (long i = 0; i < pages; i++)
			pfns[i] = i < got ? pagemap_pfn(pfns[i]) : 0;
		if (failed(got)) {
			o->ret = got;
			o->stage = STAGE_OPEN;
			return;
		}
	} else if (c->arg[1] >= 0 && c->arg[1] < MAX_REGIONS && a->region[c->arg[1]].kind) {
		for (long i = 0; i < pages; i++)
			pfns[i] = a->region[c->arg[1]].pfn ? a->region[c->arg[1]].pfn + (u64)(c->arg[2] + i) : 0;
	} else {
		op_refuse(o, -E_INVAL);
		return;
	}
	o->ret = pfn_read_kpage(c->verb == VERB_KPAGEFLAGS, pfns, pages, (u64 *)(void *)o->payload, &stage);
	o->stage = stage ? STAGE_OPEN : STAGE_CALL;
	o->length = failed(o->ret) ? 0 : (u32)pages * 8;
}
