/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process beside the programs that never forks: it has a region's view (a shared mapping), and for kind ram the pages
 * themselves. A program's processes must not inherit either, and an access that kills must not kill the agent. */
#include "agent.h"
#include "fault.h"

struct request { u32 what, width; u64 byte, value; };

static struct { s32 ask, answer, pid; } keepers[MAX_REGIONS];
static u64 view, view_pages;

static s64 map_view(const struct region *r)
{
	s64 p = sys_mmap(0, r->pages * me.page_size, S_PROT_READ | S_PROT_WRITE, S_MAP_SHARED, r->fd, r->base);

	if (failed(p))
		return p;
	view = (u64)p;
	view_pages = r->pages;
	return 0;
}

/* Pages that have a struct page count who maps them, and programs look at that: such a view is there only while it is used. */
static void unmap_view(const struct region *r)
{
	if (view && r->kind > KIND_PREMAPPED) {
		sys_munmap(view, view_pages * me.page_size);
		view = 0;
	}
}

static int all(long fd, void *p, size_t n, int writing)
{
	for (size_t done = 0; done < n;) {
		long k = writing ? sys_write(fd, (u8 *)p + done, n - done) : sys_read(fd, (u8 *)p + done, n - done);

		if (k <= 0 && k != -E_INTR)
			return -1;
		done += k > 0 ? (size_t)k : 0;
	}
	return 0;
}

static void fill(const struct request *q)
{
	struct fault f;

	for (u64 at = 0; at < view_pages * me.page_size; at += 8) {
		u64 word = fill_word(q->width, q->value, at / me.page_size, at % me.page_size);

		pfn_store(view + at, 8, word, &f);
	}
}

static void view_access(u32 kind, const struct request *q, struct keeper_answer *answer, u8 *bytes)
{
	size_t n = q->width ? q->width : me.page_size;
	struct fault f;
	int bad;

	if (!view || n > MAX_PAYLOAD || q->byte > view_pages * me.page_size - n) {
		answer->ret = -E_INVAL;
		return;
	}
	if (kind == KIND_RAM && q->what != KEEPER_PEEK && !ram_holds(q->byte / me.page_size)) { /* somebody else's now */
		answer->ret = -E_PERM;
		answer->stage = REGION_BAD;
		return;
	}
	if (q->what == KEEPER_PEEK)
		bad = q->width ? pfn_load(view + q->byte, q->width, (u64 *)(void *)bytes, &f)
			       : pfn_load_range(view + q->byte, n, bytes, &f);
	else
		bad = q->width ? pfn_store(view + q->byte, q->width, q->value, &f)
			       : pfn_fill_range(view + q->byte, n, (u8)q->value, &f);
	answer->ret = bad ? -E_FAULT : 0;
	answer->value = q->what == KEEPER_PEEK && !bad ? n : 0;
}

__attribute__((noreturn)) static void keep(struct region *r, s32 in, s32 out)
{
	u8 *bytes;
	struct keeper_answer answer = {0, 0, 0, 0};
	struct request q;
	s64 p;

	p = sys_mmap(0, MAX_PAYLOAD, S_PROT_READ | S_PROT_WRITE, S_MAP_PRIVATE | S_MAP_ANONYMOUS, -1, 0);
	if (failed(p))
		sys_exit(1);
	bytes = (u8 *)(uintptr_t)p;
	if (r->kind == KIND_RAM) {
		r->pfn = ram_allocate(r->pages, me.page_size, &answer);
		r->base = r->pfn * me.page_size;
	}
	if (!answer.ret && r->flags & REGION_VIEW_MAPPED) {
		answer.ret = map_view(r);
		answer.stage = REGION_MMAP;
		unmap_view(r);
	}
	answer.pfn = r->pfn;
	if (all(out, &answer, sizeof(answer), 1) || answer.ret)
		sys_exit(0);
	while (!all(in, &q, sizeof(q), 0)) {
		answer.ret = 0;
		answer.stage = 0;
		answer.value = 0;
		if (r->flags & REGION_VIEW_MAPPED && !view)
			map_view(r);
		switch (q.what) {
		case KEEPER_FILL:
			if (view)
				fill(&q);
			else
				answer.ret = -E_INVAL;
			break;
		case KEEPER_CHECK:
			answer.ret = r->kind == KIND_RAM ? ram_still_there() : 0;
			break;
		case KEEPER_RELEASE:
			answer.ret = q.byte % me.page_size ? -E_INVAL : ram_release(q.byte / me.page_size);
			break;
		case KEEPER_RECLAIM:
			answer.ret = ram_reclaim();
			break;
		default:
			view_access(r->kind, &q, &answer, bytes);
		}
		unmap_view(r);
		if (all(out, &answer, sizeof(answer), 1) || all(out, bytes, answer.value, 1))
			break;
	}
	sys_exit(0);
}

long keeper_start(struct region *r)
{
	int slot = (int)(r - me.region);
	s32 ask[2], tell[2];
	struct keeper_answer answer;
	long pid;

	if (failed(sys_pipe(ask)) || failed(sys_pipe(tell)))
		return -E_NOMEM;
	pid = sys_fork();
	if (pid == 0) {
		sys_prctl(1, S_SIGKILL); /* PR_SET_PDEATHSIG */
		channel_leave();
		keeper_close_all();
		sys_close(ask[1]);
		sys_close(tell[0]);
		keep(r, ask[0], tell[1]);
	}
	sys_close(ask[0]);
	sys_close(tell[1]);
	if (failed(pid)) {
		sys_close(ask[1]);
		sys_close(tell[0]);
		return pid;
	}
	keepers[slot].ask = ask[1];
	keepers[slot].answer = tell[0];
	keepers[slot].pid = (s32)pid;
	r->keeper = slot;
	if (all(tell[0], &answer, sizeof(answer), 0))
		answer = (struct keeper_answer){-E_IO, REGION_ALLOCATE, 0, 0};
	if (answer.ret) {
		keeper_stop(r);
		r->fault_stage = answer.stage;
		return answer.ret;
	}
	r->pfn = answer.pfn;
	if (r->kind == KIND_RAM)
		r->base = r->pfn * me.page_size;
	return 0;
}

int keeper_ask(struct region *r, int what, u64 byte, u32 width, u64 value, struct keeper_answer *answer, void *bytes)
{
	struct request q = {(u32)what, width, byte, value};

	if (r->keeper < 0 || all(keepers[r->keeper].ask, &q, sizeof(q), 1) ||
	    all(keepers[r->keeper].answer, answer, sizeof(*answer), 0))
		return -1;
	return answer->value && answer->value <= MAX_PAYLOAD ? all(keepers[r->keeper].answer, bytes, answer->value, 0) : 0;
}

void keeper_close_all(void)
{
	for (int i = 0; i < MAX_REGIONS; i++) {
		if (keepers[i].pid) {
			sys_close(keepers[i].ask);
			sys_close(keepers[i].answer);
		}
	}
}

void keeper_stop(struct region *r)
{
	if (!r->kind || r->keeper < 0)
		return;
	sys_close(keepers[r->keeper].ask);
	sys_close(keepers[r->keeper].answer);
	sys_kill(keepers[r->keeper].pid, S_SIGKILL);
	sys_wait4(keepers[r->keeper].pid, NULL, 0);
	keepers[r->keeper].pid = 0;
	r->keeper = -1;
}
