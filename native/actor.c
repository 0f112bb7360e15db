/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of a program: each executes the calls that it is told of, one at a time, in the shared mailbox. */
#include "agent.h"
#include "openers.h"
#include "own.h"

enum { PR_SET_PDEATHSIG_ = 1, PR_SET_DUMPABLE_ = 4, PR_CAPBSET_DROP_ = 24 };
enum { RLIMIT_MEMLOCK_ = 8 };

struct actor me;
s32 command_pipe[MAX_PROCESSES][2], reply_pipe[2];

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

void actor_serve(u8 first)
{
	u8 byte;

	reply(first);
	for (;;) {
		if (sys_read(command_pipe[me.self][0], &byte, 1) != 1)
			sys_exit(0);
		me.forked = -1;
		ops_execute_run(&me);
		if (me.settled)
			own_settle();
		if (me.forked >= 0) {
			if (me.counted)
				own_touch();
			reply(me.self | REPLY_READY);
		} else {
			reply(me.self);
		}
	}
}

void actor_begin(void)
{
	for (int i = 0; i < MAX_REGIONS; i++)
		if (me.region[i].kind == KIND_PERF)
			me.region[i].fd = (s32)pfn_open_perf();
	if (me.settled)
		own_settle();
	if (me.counted) {
		own_touch();
		op_rss_now(&me, op_self(&me)->baseline);
		if (me.rolled)
			op_rollup_baseline();
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
	channel_leave();
	sys_close(reply_pipe[0]);
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (command_pipe[i][1] >= 0)
			sys_close(command_pipe[i][1]);
	keeper_close_all();
	become(o);
	sys_prctl(PR_SET_PDEATHSIG_, S_SIGKILL);
	actor_begin();
	actor_serve((u8)(slot | REPLY_READY));
}
