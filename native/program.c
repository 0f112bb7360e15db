/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one program: starts its root processes, tells each its calls, watches over time limit and deaths, ends all of it. */
#include "agent.h"

enum { WATCH_MS = 4, REAP_MS = 3000, START_MS = 5000 };
enum outcome { REPLIED, DIED, TIME_LIMIT };

static s64 deadline;
static u32 done_flags;

/* The state letter of /proc/PID/stat, 'X' when there is no such process; *status: the wait status, where it may be seen. */
static char state_of(s32 pid, s32 *status)
{
	static char buf[1024];
	char path[32];
	struct text t = {path, 0, sizeof(path) - 1, 0};
	size_t i, last = 0;
	u64 v = 0;
	long n;

	text_str(&t, "/proc/");
	text_num(&t, (u64)pid);
	text_str(&t, "/stat");
	path[t.len] = 0;
	n = read_file(path, buf, sizeof(buf));
	if (n <= 0)
		return 'X';
	for (i = 0; i < (size_t)n; i++)
		last = buf[i] == ')' ? i : last;
	if (status) { /* the last field is exit_code since 3.5 */
		for (i = (size_t)n; i > 0 && buf[i - 1] != ' '; i--)
			;
		parse_dec(buf + i, (size_t)n - i, &v);
		*status = (s32)v;
	}
	return last + 2 < (size_t)n ? buf[last + 2] : 'X';
}

static int ended(s32 pid, s32 *status)
{
	char state;
	s32 known = 0;

	/* The agent's own children tell their status, whatever /proc shows. */
	if (sys_wait4(pid, &known, S_WNOHANG) == pid) {
		if (status)
			*status = known;
		return 1;
	}
	state = state_of(pid, status);
	return state == 'Z' || state == 'X';
}

__attribute__((noreturn)) static void controller_gone(void)
{
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (me.box->process[i].pid && !me.box->process[i].gone)
			sys_kill(me.box->process[i].pid, S_SIGKILL);
	agent_end();
}

/* Waits for the byte `wanted` on the reply pipe, or for the end of process p. */
static enum outcome await(u8 wanted, s32 pid, s32 *status)
{
	struct s_pollfd p[2] = {{reply_pipe[0], S_POLLIN, 0}, {channel.in, S_POLLRDHUP, 0}};
	u8 byte;

	for (;;) {
		long n = sys_poll(p, 2, WATCH_MS);

		if (n > 0 && p[1].revents & (S_POLLHUP | S_POLLRDHUP | S_POLLERR))
			controller_gone();
		if (n > 0 && p[0].revents & S_POLLIN && sys_read(reply_pipe[0], &byte, 1) == 1) {
			if (byte == wanted)
				return REPLIED;
			continue;
		}
		if (ended(pid, status)) {
			/* It may have replied and then ended. */
			p[0].revents = 0;
			if (sys_poll(p, 1, 0) > 0 && sys_read(reply_pipe[0], &byte, 1) == 1 && byte == wanted)
				return REPLIED;
			return DIED;
		}
		if (sys_now_ms() >= deadline)
			return TIME_LIMIT;
	}
}

/* A forked process and its parent reply in any order; the next call waits until both are there. */
static enum outcome await_fork(u8 parent, s32 parent_pid, u8 child, s32 *status)
{
	struct s_pollfd p = {reply_pipe[0], S_POLLIN, 0};
	struct observation *o = &me.box->obs;
	int have_parent = 0, have_child = 0;
	u8 byte;

	while (!have_parent || !have_child) {
		long n = sys_poll(&p, 1, WATCH_MS);

		if (n > 0 && p.revents & S_POLLIN && sys_read(reply_pipe[0], &byte, 1) == 1) {
			have_parent |= byte == parent;
			have_child |= byte == (child | REPLY_READY);
			if (have_parent && (failed(o->ret) || o->stage))
				return REPLIED;
			continue;
		}
		if (channel_hung_up())
			controller_gone();
		if (!have_parent && ended(parent_pid, status))
			return DIED;
		if (have_parent && ended((s32)o->ret, NULL)) {
			me.box->process[child].gone = 1;
			return REPLIED;
		}
		if (sys_now_ms() >= deadline)
			return TIME_LIMIT;
	}
	return REPLIED;
}

/* The exit is over when the process is a zombie or gone: its memory is given back before that. */
static enum outcome await_exit(s32 pid, s32 *status)
{
	while (!ended(pid, status)) {
		if (channel_hung_up())
			controller_gone();
		if (sys_now_ms() >= deadline)
			return TIME_LIMIT;
		sys_sleep_us(50);
	}
	return DIED;
}

static int signal_of(s32 status) { return status & 0x7f; }

/* Has process `slot` execute box->call; what it did is in box->obs. */
static enum outcome call_actor(int slot)
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

/* peek and poke: the region's content, seen by nobody of the program. */
static void call_view(void)
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

static enum outcome call_run(void)
{
	const struct call *c = &me.box->call;

	if (c->proc >= 0)
		return call_actor(c->proc);
	if (c->verb == VERB_PEEK || c->verb == VERB_POKE)
		call_view();
	else if ((c->verb == VERB_KPAGECOUNT || c->verb == VERB_KPAGEFLAGS) && c->arg[0] == 0)
		ops_execute(&me);
	else
		op_refuse(&me.box->obs, -E_INVAL);
	return REPLIED;
}

static void send_observation(void)
{
	const struct observation *o = &me.box->obs;

	frame_begin(FROM_OBS);
	frame_u16(me.box->call.index);
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

static int read_call(struct reader *r, u16 index)
{
	struct call *c = &me.box->call;

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

static void open_pipes(u16 processes)
{
	for (int i = 0; i < MAX_PROCESSES; i++)
		command_pipe[i][0] = command_pipe[i][1] = -1;
	for (int i = 0; i < processes; i++)
		sys_pipe(command_pipe[i]);
	sys_pipe(reply_pipe);
}

static void close_pipes(void)
{
	for (int i = 0; i < MAX_PROCESSES; i++) {
		if (command_pipe[i][0] >= 0)
			sys_close(command_pipe[i][0]);
		if (command_pipe[i][1] >= 0)
			sys_close(command_pipe[i][1]);
	}
	sys_close(reply_pipe[0]);
	if (reply_pipe[1] >= 0)
		sys_close(reply_pipe[1]);
}

/* Kills and reaps every process of the program; 0, or the pid that does not go. */
static s32 end_all(void)
{
	s64 until = sys_now_ms() + REAP_MS;
	struct s_pollfd p = {reply_pipe[0], S_POLLIN, 0};
	u8 buf[64];
	s32 left;

	for (int i = 0; i < MAX_PROCESSES; i++)
		if (me.box->process[i].pid)
			sys_kill(me.box->process[i].pid, S_SIGKILL);
	/* Only actors have the writing end of the reply pipe: its hang-up is the end of the last of them. */
	while (sys_poll(&p, 1, REAP_MS) > 0 && p.revents & S_POLLIN && sys_read(reply_pipe[0], buf, sizeof(buf)) > 0)
		;
	do {
		left = 0;
		for (int i = 0; i < MAX_PROCESSES; i++) {
			s32 pid = me.box->process[i].pid;

			if (!pid)
				continue;
			sys_wait4(pid, NULL, S_WNOHANG);
			if (state_of(pid, NULL) == 'X')
				me.box->process[i].pid = 0;
			else
				left = pid;
		}
		if (left)
			sys_sleep_us(20);
	} while (left && sys_now_ms() < until);
	return left;
}

/* Whether a program that is still to be read asks for counters: only then is their baseline worth its third of a
 * millisecond (on UML) a process. */
static int has_rss(struct reader r, u16 processes, u16 calls)
{
	r.at += r.left < processes * 24u ? r.left : processes * 24u;
	r.left -= r.left < processes * 24u ? r.left : processes * 24u;
	for (u16 i = 0; i < calls && !r.bad; i++) {
		if (!read_call(&r, i) || me.box->call.verb == VERB_RSS)
			return 1;
	}
	return 0;
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
	klog_start();
	taint = taint_now();
	open_pipes(processes);
	me.counted = has_rss(*r, processes, calls);
	if (!start_roots(r, processes))
		why = "RUN: a process of the program could not be started";
	sys_close(reply_pipe[1]);
	reply_pipe[1] = -1;
	deadline = sys_now_ms() + limit; /* the program's own time, whatever its start took */
	for (u16 i = 0; i < calls && !why; i++) {
		if (!read_call(r, i)) {
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
		send_observation();
		if (flags & RUN_AT_ONCE)
			channel_flush();
	}
	left = end_all();
	close_pipes();
	if (left)
		why = "RUN: a process of the program does not die";
	if (why)
		channel_lost(why);
	send_done(taint);
	channel_flush();
}
