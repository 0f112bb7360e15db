/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of a program: each executes the calls that it is told of, one at a time, in the shared mailbox. */
#include "agent.h"
#include "fault.h"
#include "openers.h"

enum { PR_SET_PDEATHSIG_ = 1, PR_SET_DUMPABLE_ = 4, PR_CAPBSET_DROP_ = 24 };
enum { RLIMIT_MEMLOCK_ = 8, STACK_TOUCHED = 65536, OWN_RANGES = 16 };

struct actor me;
s32 command_pipe[MAX_PROCESSES][2], reply_pipe[2];

extern char __executable_start[], end[];
static struct { u64 from, to; } own[OWN_RANGES];
static int own_count;

/* The executable's vmas, from maps. A page of bss that was never written would be the zero page, which RSS does not count
 * until it is written: the writable pages and the stack are written here, once, and fork hands them on. */
void actor_find_own_pages(void)
{
	volatile u8 stack[STACK_TOUCHED];
	char *text = (char *)me.box->obs.payload;
	long n = pfn_read_vmas(0, 0, (u64)(uintptr_t)__executable_start, (u64)(uintptr_t)end, text, MAX_PAYLOAD);
	struct fault f;
	u64 from, to;

	for (long i = 0; i < n && own_count < OWN_RANGES; i++) {
		size_t perms;

		if ((i && text[i - 1] != '\n') || !(perms = pfn_vma_line(text + i, (size_t)(n - i), &from, &to)))
			continue;
		if (text[i + (long)perms + 1] != 'w')
			own[own_count].from = from, own[own_count++].to = to;
		for (; text[i + (long)perms + 1] == 'w' && from < to; from += me.page_size)
			pfn_touch(from, &f);
	}
	for (size_t i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 1;
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

/* fork copies the page-table entries of anonymous memory, but not those of the executable's text and of shared memory.
 * With these there, what RSS gains from here on is the program's. */
static void touch_own_pages(void)
{
	for (int i = 0; i < own_count; i++)
		be_there(own[i].from, own[i].to);
	be_there((u64)(uintptr_t)me.box, ((u64)(uintptr_t)(me.box + 1) + me.page_size - 1) / me.page_size * me.page_size);
}

struct cap_data { u32 effective, permitted, inheritable; };

static void drop_capabilities(u64 dropped)
{
	u32 header[2] = {0x20080522, 0}; /* version 3: 2.6.26; a kernel that does not know it names its own */
	struct cap_data data[2] = {{0, 0, 0}, {0, 0, 0}};

	for (int cap = 0; cap < 64; cap++)
		if (dropped >> cap & 1)
			sys_prctl(PR_CAPBSET_DROP_, cap);
	if (SYS(capget, header, data) == -E_INVAL)
		SYS(capget, header, data);
	for (int i = 0; i < 2; i++) {
		u32 keep = ~(u32)(dropped >> 32 * i);

		data[i].effective &= keep;
		data[i].permitted &= keep;
		data[i].inheritable &= keep;
	}
	SYS(capset, header, data);
}

static void become(const struct options *o)
{
	if (o->memlock >= 0) {
		unsigned long most = (u64)o->memlock > ~0UL ? ~0UL : (unsigned long)o->memlock;
		struct s_rlimit limit = {most, most};

		SYS(setrlimit, RLIMIT_MEMLOCK_, &limit);
	}
	if (o->dropped)
		drop_capabilities(o->dropped);
	if (o->uid != UID_UNCHANGED) {
		ARCH_SETGROUPS(0, 0);
		ARCH_SETRESGID(o->uid);
		ARCH_SETRESUID(o->uid);
		sys_prctl(PR_SET_DUMPABLE_, 1); /* or its own /proc files would belong to root */
	}
}

static void reply(int byte)
{
	u8 b = (u8)byte;

	if (sys_write(reply_pipe[1], &b, 1) != 1)
		sys_exit(0);
}

__attribute__((noreturn)) static void serve(void)
{
	u8 byte;

	reply(me.self | REPLY_READY);
	for (;;) {
		if (sys_read(command_pipe[me.self][0], &byte, 1) != 1)
			sys_exit(0);
		me.forked = -1;
		ops_execute_run(&me);
		if (me.forked >= 0) {
			if (me.counted)
				touch_own_pages();
			reply(me.self | REPLY_READY);
		} else {
			reply(me.self);
		}
	}
}

long actor_start(int slot, const struct options *o)
{
	struct process *p = &me.box->process[slot];
	long pid = sys_fork();

	if (pid) {
		if (!failed(pid))
			p->pid = (s32)pid;
		return pid;
	}
	me.self = slot;
	p->pid = (s32)sys_getpid();
	sys_close(channel.in);
	sys_close(channel.out);
	sys_close(reply_pipe[0]);
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (command_pipe[i][1] >= 0)
			sys_close(command_pipe[i][1]);
	keeper_close_all();
	become(o);
	sys_prctl(PR_SET_PDEATHSIG_, S_SIGKILL);
	for (int i = 0; i < MAX_REGIONS; i++)
		if (me.region[i].kind == KIND_PERF)
			me.region[i].fd = (s32)pfn_open_perf();
	if (me.counted) {
		touch_own_pages();
		op_rss_now(&me, p->baseline);
	}
	serve();
}
