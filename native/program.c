/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one program: starts its root processes, has each call executed, and sends what was observed. */
#include "program.h"

enum { START_MS = 5000 };

static u32 done_flags;

static int signal_of(s32 status) { return status & 0x7f; }

/* Has process `slot` execute box->call; what it did is in box->obs. */
static enum outcome tell_actor(int slot)
{
	struct process *p = &me.box->process[slot];
	struct observation *o = &me.box->obs;
	const struct call *c = &me.box->call;
	enum outcome outcome;
	s32 status = 0;

	memset(o, 0, offsetof(struct observation, payload));
	if (!p->pid || p->gone) {
		o->stage = STAGE_NO_PROCESS;
		return REPLIED;
	}
	sys_write(command_pipe[slot][1], "", 1);
	if (c->verb == VERB_FORK && c->result >= 0 && c->result < MAX_PROCESSES)
		outcome = await_fork((u8)slot, p->pid, (u8)c->result, &status);
	else if (c->verb == VERB_EXIT)
		outcome = await_exit(p->pid, &status);
	else
		outcome = await((u8)slot, p->pid, &status);
	if (outcome == DIED) {
		p->gone = 1;
		if (c->verb == VERB_EXIT && !signal_of(status))
			return REPLIED;
		memset(o, 0, offsetof(struct observation, payload));
		o->stage = STAGE_DIED;
		o->signal = signal_of(status);
	}
	return outcome;
}

static enum outcome call_actor(int slot)
{
	struct process *p = &me.box->process[slot];
	struct observation *o = &me.box->obs;
	enum outcome outcome;
	long why;

	if (me.box->call.verb != VERB_COREDUMP || !p->pid || p->gone)
		return tell_actor(slot);
	why = core_prepare();
	if (why) {
		memset(o, 0, offsetof(struct observation, payload));
		o->stage = STAGE_OPEN;
		o->ret = why;
		return REPLIED;
	}
	outcome = tell_actor(slot);
	if (outcome == DIED)
		core_observe(p, &me.box->call, o);
	core_restore();
	return outcome;
}

static enum outcome call_run(void)
{
	const struct call *c = &me.box->call;

	if (c->proc >= 0)
		return call_actor(c->proc);
	if (c->verb == VERB_PEEK || c->verb == VERB_POKE)
		call_view();
	else if (c->verb == VERB_RELEASE)
		call_release();
	else if ((c->verb == VERB_KPAGECOUNT || c->verb == VERB_KPAGEFLAGS || c->verb == VERB_PAGE_STATE) &&
		 c->arg[0] == OF_REGION)
		ops_execute(&me);
	else
		op_refuse(&me.box->obs, -E_INVAL);
	return REPLIED;
}

static void send_observation(u16 index, const struct observation *o)
{
	frame_begin(FROM_OBS);
	frame_u16(index);
	frame_u16(o->stage);
	frame_u64((u64)o->ret);
	frame_u32((u32)o->signal);
	frame_u32((u32)o->code);
	frame_u64(o->address);
	frame_u64((u64)o->handle_address);
	frame_u64((u64)o->handle_length);
	frame_add(o->payload, o->length);
	frame_end();
}

/* What the run has seen: the observations in the log, and that of its last call. How many calls that were. */
static u16 send_run(void)
{
	const struct mailbox *b = me.box;
	u16 n = 0;

	for (u32 at = 0; n < b->kept; n++) {
		const struct observation *o = (const struct observation *)(const void *)(b->log + at);

		send_observation(b->run[n].index, o);
		at += (u32)log_size(o->length);
	}
	send_observation(b->run[n].index, &b->obs);
	return (u16)(n + 1);
}

static int read_call(struct reader *r, u16 index, struct call *c)
{
	memset(c, 0, sizeof(*c));
	c->index = index;
	c->verb = read_u16(r);
	c->proc = (s16)read_u16(r);
	c->result = (s16)read_u16(r);
	c->n = read_u16(r);
	if (c->n > MAX_ARGS || c->proc >= MAX_PROCESSES || c->proc < -1)
		r->bad = 1;
	for (int i = 0; i < c->n && !r->bad; i++)
		c->arg[i] = (s64)read_u64(r);
	return !r->bad;
}

/* A process that others wait for, or that the agent does, is told of each call. */
static int alone(const struct call *c)
{
	return c->proc < 0 || c->verb == VERB_FORK || c->verb == VERB_EXIT || c->verb == VERB_COREDUMP ||
	       c->verb == VERB_EXEC;
}


/* Fills box->run with call `first` and those after it that the same process can go through by itself; 0 when malformed. */
static int read_run(struct reader r, u16 first, u16 calls, u32 most)
{
	struct mailbox *b = me.box;

	b->run_calls = b->kept = b->log_bytes = 0;
	for (u32 i = first; i < calls && b->run_calls < most; i++) {
		struct call *c = &b->run[b->run_calls];

		if (!read_call(&r, (u16)i, c))
			break; /* the run that begins with it says so */
		if (b->run_calls && (alone(c) || c->proc != b->run[0].proc))
			break;
		b->run_calls++;
		if (alone(c))
			break;
	}
	b->call = b->run[0];
	return b->run_calls > 0;
}

/* What a program that is still to be read asks for decides what its processes prepare: a baseline of counters costs a third
 * of a millisecond (on UML) a process. */
static void look_ahead(struct reader r, u16 processes, u16 calls)
{
	int disk = 0;

	me.counted = me.rolled = me.settled = 0;
	r.at += r.left < processes * 24u ? r.left : processes * 24u;
	r.left -= r.left < processes * 24u ? r.left : processes * 24u;
	for (u16 i = 0; i < calls && read_call(&r, i, &me.box->call); i++) {
		me.counted |= me.box->call.verb == VERB_RSS || me.box->call.verb == VERB_ROLLUP;
		me.rolled |= me.box->call.verb == VERB_ROLLUP;
		me.settled |= me.box->call.verb == VERB_RELEASE;
		disk |= me.box->call.verb == VERB_DIRECT_WRITE || me.box->call.verb == VERB_DIRECT_READ;
	}
	me.disk = disk ? (s32)direct_open(sys_getpid() == 1, temporary) : -1;
}

static int start_roots(struct reader *r, u16 processes)
{
	s32 status;

	for (int i = 0; i < processes; i++) {
		u16 parent = read_u16(r);
		struct options o;

		read_u16(r);
		o.uid = read_u32(r);
		o.dropped = read_u64(r);
		o.memlock = (s64)read_u64(r);
		if (parent != NO_PARENT)
			continue;
		if (failed(actor_start(i, &o)) ||
		    await((u8)(i | REPLY_READY), me.box->process[i].pid, &status) != REPLIED)
			return 0;
	}
	return 1;
}

static void send_done(u32 taint_before)
{
	static char klog[MAX_KLOG];
	long n = klog_read(klog, sizeof(klog));

	if (n < 0)
		done_flags |= DONE_NO_KLOG;
	if (ram_moved())
		done_flags |= DONE_REGION_MOVED;
	if (me.settled && ram_lost())
		done_flags |= DONE_REGION_LOST;
	frame_begin(FROM_DONE);
	frame_u32(done_flags);
	frame_u32(taint_before);
	frame_u32(taint_now());
	frame_u32(n < 0 ? 0 : (u32)n);
	frame_add(klog, n < 0 ? 0 : (size_t)n);
	frame_end();
}

void program_run(struct reader *r)
{
	u32 limit = read_u32(r), flags = read_u32(r), taint;
	u16 processes = read_u16(r), calls = read_u16(r);
	const char *why = NULL;
	s32 left;

	if (r->bad || processes > MAX_PROCESSES) {
		channel_lost("RUN: more processes than the agent has room for");
		return;
	}
	done_flags = 0;
	deadline = sys_now_ms() + START_MS;
	memset(me.box->process, 0, sizeof(me.box->process));
	for (int i = 0; i < MAX_PROCESSES; i++)
		memset(me.box->process[i].fd, 0xff, sizeof(me.box->process[i].fd));
	klog_start();
	taint = taint_now();
	open_pipes(processes);
	look_ahead(*r, processes, calls);
	if (!start_roots(r, processes))
		why = "RUN: a process of the program could not be started";
	sys_close(reply_pipe[1]);
	reply_pipe[1] = -1;
	deadline = sys_now_ms() + limit; /* the program's own time, whatever its start took */
	for (u16 i = 0, done; i < calls && !why; i += done) {
		/* Sent at once, each call is seen before the next one begins. */
		if (!read_run(*r, i, calls, flags & RUN_AT_ONCE ? 1 : RUN_CALLS)) {
			why = "RUN: malformed call";
			break;
		}
		if (done_flags & DONE_TIME_LIMIT) {
			memset(&me.box->obs, 0, offsetof(struct observation, payload));
			me.box->obs.stage = STAGE_NOT_RUN;
		} else if (call_run() == TIME_LIMIT) {
			done_flags |= DONE_TIME_LIMIT;
			end_all();
			memset(&me.box->obs, 0, offsetof(struct observation, payload));
			me.box->obs.stage = STAGE_NOT_RUN;
			me.box->obs.ret = 1;
		}
		done = send_run();
		for (u16 k = 0; k < done; k++)
			read_call(r, i, &me.box->call);
		if (flags & RUN_AT_ONCE)
			channel_flush();
	}
	left = end_all();
	close_pipes();
	if (me.disk >= 0)
		sys_close(me.disk);
	if (left)
		why = "RUN: a process of the program does not die";
	if (why)
		channel_lost(why);
	send_done(taint);
	channel_flush();
}
