/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which page frames may a program see through /dev/mem?  Frames of the lab's own: pinned pages of a process that never
 * forks, consecutive, with guard frames before and after that are its own too. Runs in the region's keeper. */
#include "agent.h"
#include "own.h"

enum { GUARD = 4, LEAST = 4 << 20, MOST = 64 << 20, MADV_NOHUGEPAGE_ = 15, CHUNK = 512 };

struct frame_at { u64 pfn; u32 page, released; };
static u64 memory, first_pfn, frames;
static struct frame_at *found;

static int read_pfns(u64 page_size, u64 count)
{
	static u64 entries[CHUNK];
	int stage;

	for (u64 i = 0; i < count; i += CHUNK) {
		u64 n = count - i < CHUNK ? count - i : CHUNK;

		if (pfn_read_pagemap(0, memory + i * page_size, (long)n, page_size, entries, &stage) != (long)n)
			return -1;
		for (u64 k = 0; k < n; k++)
			found[i + k] = (struct frame_at){pagemap_pfn(entries[k]), (u32)(i + k), 0};
	}
	return 0;
}

static void sort(struct frame_at *a, u64 n)
{
	for (u64 gap = n / 2; gap; gap /= 2)
		for (u64 i = gap; i < n; i++)
			for (u64 k = i; k >= gap && a[k - gap].pfn > a[k].pfn; k -= gap) {
				struct frame_at t = a[k];

				a[k] = a[k - gap];
				a[k - gap] = t;
			}
}

/* Keeps in found[] the run of `wanted` consecutive frames. 0, or -1 when there is none. */
static int find_run(u64 count, u64 wanted)
{
	u64 run = 1;

	sort(found, count);
	for (u64 i = 1; i < count; i++) {
		run = found[i].pfn == found[i - 1].pfn + 1 && found[i - 1].pfn ? run + 1 : 1;
		if (run == wanted) {
			found += i + 1 - wanted;
			frames = wanted;
			first_pfn = found[0].pfn;
			return 0;
		}
	}
	return -1;
}

static u64 give_up(struct keeper_answer *answer, s64 ret, u32 stage)
{
	answer->ret = ret;
	answer->stage = stage;
	return 0;
}

u64 ram_allocate(u64 pages, u64 page_size, struct keeper_answer *answer)
{
	u64 wanted = pages + 2 * GUARD;

	for (u64 size = LEAST; size <= MOST; size *= 2) {
		u64 count = size / page_size;
		s64 p = sys_mmap(0, size, S_PROT_READ | S_PROT_WRITE, S_MAP_PRIVATE | S_MAP_ANONYMOUS, -1, 0);
		s64 table = sys_mmap(0, count * sizeof(*found), S_PROT_READ | S_PROT_WRITE,
				     S_MAP_PRIVATE | S_MAP_ANONYMOUS, -1, 0);
		long ret;

		if (failed(p) || failed(table))
			return give_up(answer, failed(p) ? p : table, REGION_ALLOCATE);
		memory = (u64)p;
		found = (struct frame_at *)(uintptr_t)table;
		SYS(madvise, memory, size, MADV_NOHUGEPAGE_); /* 2.6.38; where there is none, there are no huge pages */
		ret = SYS(mlock, memory, size);
		if (failed(ret))
			return give_up(answer, ret, REGION_ALLOCATE);
		for (u64 i = 0; i < count; i++)
			*(volatile u8 *)(uintptr_t)(memory + i * page_size) = 0;
		if (read_pfns(page_size, count))
			return give_up(answer, -E_ACCES, REGION_PAGEMAP);
		if (!find_run(count, wanted))
			return first_pfn + GUARD;
	}
	return give_up(answer, -E_NOMEM, REGION_NO_RUN);
}

long ram_still_there(void)
{
	static u64 entries[CHUNK];
	u64 low = found[0].page, high = low;
	int stage;

	for (u64 i = 1; i < frames; i++) {
		low = found[i].page < low ? found[i].page : low;
		high = found[i].page > high ? found[i].page : high;
	}
	if (high - low >= CHUNK) /* frames far apart in the mapping: page by page */
		low = high + 1;
	else if (pfn_read_pagemap(0, memory + low * me.page_size, (long)(high - low + 1), me.page_size, entries, &stage) !=
		 (long)(high - low + 1))
		return 1;
	for (u64 i = 0; i < frames; i++) {
		u64 page = found[i].page, *entry = &entries[low > high ? 0 : page - low];

		if (found[i].released)
			continue;
		if (low > high &&
		    pfn_read_pagemap(0, memory + page * me.page_size, 1, me.page_size, entry, &stage) != 1)
			return 1;
		if (pagemap_pfn(*entry) != found[i].pfn)
			return 1;
	}
	return 0;
}

/* The region's page that is not the kernel's again, or NULL. */
static struct frame_at *held(u64 page)
{
	return page + 2 * GUARD < frames && !found[GUARD + page].released ? &found[GUARD + page] : NULL;
}

int ram_holds(u64 page) { return held(page) != NULL; }

/* Unlocked first, which drains the batches that hold a reference of their own: what is unmapped then is free at once. */
long ram_release(u64 page)
{
	struct frame_at *f = held(page);
	u64 at = f ? memory + f->page * me.page_size : 0;
	long ret = f ? SYS(munlock, at, me.page_size) : -E_INVAL;

	if (!ret)
		ret = sys_munmap(at, me.page_size);
	if (!ret)
		f->released = 1;
	return ret;
}

/* Takes pages until one of them is the frame `f`, and moves that one to its place. */
static int reclaim(struct frame_at *f)
{
	enum { TRIES = 8192 };
	static u64 entries[CHUNK];
	u64 place = memory + f->page * me.page_size;
	s64 p = sys_mmap(0, TRIES * me.page_size, S_PROT_READ | S_PROT_WRITE, S_MAP_PRIVATE | S_MAP_ANONYMOUS, -1, 0);
	int stage, got = 0;

	if (failed(p))
		return 0;
	SYS(madvise, p, TRIES * me.page_size, MADV_NOHUGEPAGE_);
	for (u64 at = (u64)p; at < (u64)p + TRIES * me.page_size && !got; at += CHUNK * me.page_size) {
		for (u64 i = 0; i < CHUNK; i++)
			*(volatile u8 *)(uintptr_t)(at + i * me.page_size) = 0;
		if (pfn_read_pagemap(0, at, CHUNK, me.page_size, entries, &stage) != CHUNK)
			break;
		for (u64 i = 0; i < CHUNK; i++)
			if (pagemap_pfn(entries[i]) == f->pfn)
				got = sys_mremap(at + i * me.page_size, me.page_size, me.page_size,
						 S_MREMAP_MAYMOVE | S_MREMAP_FIXED, place) == (s64)place;
	}
	sys_munmap((u64)p, TRIES * me.page_size);
	if (got)
		got = !SYS(mlock, place, me.page_size);
	f->released = !got;
	return got;
}

long ram_reclaim(void)
{
	int all = 1;

	for (u64 i = 0; i < frames; i++)
		if (found[i].released)
			all &= reclaim(&found[i]);
	return all ? 0 : -E_NOMEM;
}

/* Whether any keeper of the lab's own RAM answers `what` with other than 0. */
static int any(enum keeper_what what)
{
	struct keeper_answer answer;
	int yes = 0;

	for (int i = 0; i < MAX_REGIONS; i++)
		if (me.region[i].kind == KIND_RAM)
			yes |= keeper_ask(&me.region[i], what, 0, 0, 0, &answer, NULL) || answer.ret;
	return yes;
}

int ram_moved(void) { return any(KEEPER_CHECK); }
int ram_lost(void) { return any(KEEPER_RECLAIM); }

/* In a guest only: who has the region mapped still sees the page, whoever has it next. */
void call_release(void)
{
	const struct call *c = &me.box->call;
	struct observation *o = &me.box->obs;
	struct region *r = op_region(&me, c->arg[0]);
	struct keeper_answer answer;

	memset(o, 0, offsetof(struct observation, payload));
	if (!r || r->kind != KIND_RAM || sys_getpid() != 1) {
		op_refuse(o, r && r->kind == KIND_RAM ? -E_PERM : -E_INVAL);
		return;
	}
	own_settle();
	if (keeper_ask(r, KEEPER_RELEASE, (u64)c->arg[1], 0, 0, &answer, NULL))
		op_refuse(o, -E_IO);
	else
		o->ret = answer.ret;
}
