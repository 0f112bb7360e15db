/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches a program's processes: waits for their replies with the time limit in mind, sees them end, and ends them. */
#include "program.h"

enum { WATCH_MS = 4, REAP_MS = 3000 };

s64 deadline;

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

void controller_gone(void)
{
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (me.box->process[i].pid && !me.box->process[i].gone)
			sys_kill(me.box->process[i].pid, S_SIGKILL);
	agent_end();
}

/* Waits for the byte `wanted` on the reply pipe, or for the end of process p. */
enum outcome await(u8 wanted, s32 pid, s32 *status)
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
enum outcome await_fork(u8 parent, s32 parent_pid, u8 child, s32 *status)
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
enum outcome await_exit(s32 pid, s32 *status)
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

void open_pipes(u16 processes)
{
	for (int i = 0; i < MAX_PROCESSES; i++)
		command_pipe[i][0] = command_pipe[i][1] = -1;
	for (int i = 0; i < processes; i++)
		sys_pipe(command_pipe[i]);
	sys_pipe(reply_pipe);
}

void close_pipes(void)
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
s32 end_all(void)
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
			if (sys_wait4(pid, NULL, S_WNOHANG) == pid || state_of(pid, NULL) == 'X')
				me.box->process[i].pid = 0;
			else
				left = pid;
		}
		if (left)
			sys_sleep_us(20);
	} while (left && sys_now_ms() < until);
	return left;
}
