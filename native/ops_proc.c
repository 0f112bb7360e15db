/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of one process about another: fork, exit, wait, ptrace, /proc/PID/mem, process_vm_*; and the kernel as reader. */
#include "ops.h"

enum { P_PEEKDATA = 2, P_POKEDATA = 5, P_ATTACH = 16, P_DETACH = 17 };

void op_fork(struct actor *a, const struct call *c, struct observation *o)
{
	struct process *child;
	long pid;

	if (c->result < 0 || c->result >= MAX_PROCESSES || (a->box->process[c->result].pid && !a->box->process[c->result].gone)) {
		op_refuse(o, -E_INVAL);
		return;
	}
	child = &a->box->process[c->result];
	memcpy(child, op_self(a), sizeof(*child));
	child->pid = child->gone = 0;
	pid = sys_fork();
	if (pid == 0) {
		a->self = a->forked = c->result;
		return;
	}
	o->ret = pid;
	if (!failed(pid))
		child->pid = (s32)pid;
}

void op_exit(struct actor *a, const struct call *c, struct observation *o)
{
	(void)a, (void)o;
	sys_exit((int)c->arg[0]);
}

void op_wait(struct actor *a, const struct call *c, struct observation *o)
{
	s64 slot = c->arg[0];
	s32 status = 0;

	/* An ended process can still be waited for, so its pid is looked at although it is gone. */
	if (slot < 0 || slot >= MAX_PROCESSES || !a->box->process[slot].pid) {
		o->stage = STAGE_NO_PROCESS;
		return;
	}
	o->ret = sys_wait4(a->box->process[slot].pid, &status, 0);
	if (failed(o->ret))
		return;
	memcpy(o->payload, &status, 4);
	o->length = 4;
}

void op_ptrace(struct actor *a, const struct call *c, struct observation *o)
{
	struct process *p = op_target(a, c->arg[0], o);
	s32 status = 0;
	unsigned long word = 0;
	u64 at, value;

	if (!p)
		return;
	at = op_address(a, p, c->arg[1], c->arg[2]);
	o->ret = sys_ptrace(P_ATTACH, p->pid, 0, 0);
	if (failed(o->ret)) {
		o->stage = STAGE_OPEN;
		return;
	}
	sys_wait4(p->pid, &status, S_WALL);
	value = op_value(a, c->arg[3], c->arg[4]);
	/* Eight bytes: on a 32-bit machine two words, the second only if the first went well, as access_process_vm() goes on. */
	for (size_t i = 0; i < 8 / sizeof(long) && !failed(o->ret); i++) {
		memcpy(&word, (u8 *)&value + i * sizeof(long), sizeof(long));
		o->ret = c->verb == VERB_POKEDATA
				 ? sys_ptrace(P_POKEDATA, p->pid, at + i * sizeof(long), word)
				 : sys_ptrace(P_PEEKDATA, p->pid, at + i * sizeof(long), (u64)(uintptr_t)&word);
		memcpy((u8 *)&value + i * sizeof(long), &word, sizeof(long));
	}
	sys_ptrace(P_DETACH, p->pid, 0, 0);
	if (c->verb == VERB_PEEKDATA && !failed(o->ret)) {
		memcpy(o->payload, &value, 8);
		o->length = 8;
		op_set_value(op_self(a), c, value);
	}
}

static int fits(u64 n, struct observation *o)
{
	if (n <= MAX_PAYLOAD)
		return 1;
	op_refuse(o, -E_OVERFLOW);
	return 0;
}

void op_repeat_value(u8 *to, u64 n, u64 v)
{
	for (u64 i = 0; i < n; i++)
		to[i] = (u8)(v >> i % 8 * 8);
}

void op_observe_bytes(struct actor *a, const struct call *c, struct observation *o)
{
	u64 v = 0;

	if (failed(o->ret))
		return;
	o->length = (u32)o->ret;
	memcpy(&v, o->payload, o->length < 8 ? o->length : 8);
	op_set_value(op_self(a), c, v);
}

void op_mem(struct actor *a, const struct call *c, struct observation *o)
{
	struct process *p = op_target(a, c->arg[0], o);
	int writing = c->verb == VERB_MEM_WRITE;
	char path[32];
	struct text t = {path, 0, sizeof(path) - 1, 0};
	u64 at, n = (u64)c->arg[3];
	long fd;

	if (!p || !fits(n, o))
		return;
	at = op_address(a, p, c->arg[1], c->arg[2]);
	text_str(&t, "/proc/");
	text_num(&t, (u64)p->pid);
	text_str(&t, "/mem");
	path[t.len] = 0;
	fd = sys_open(path, writing ? S_O_RDWR : S_O_RDONLY);
	if (fd < 0) {
		o->stage = STAGE_OPEN;
		o->ret = fd;
		return;
	}
	if (writing) {
		op_repeat_value(o->payload, n, op_value(a, c->arg[4], c->arg[5]));
		o->ret = sys_pwrite(fd, o->payload, n, at);
	} else {
		o->ret = sys_pread(fd, o->payload, n, at);
		op_observe_bytes(a, c, o);
	}
	sys_close(fd);
}

void op_vm(struct actor *a, const struct call *c, struct observation *o)
{
	struct process *p = op_target(a, c->arg[0], o);
	u64 n = (u64)c->arg[3];

	if (!p || !fits(n, o))
		return;
	struct s_iovec here = {o->payload, n};
	struct s_iovec there = {(void *)(uintptr_t)op_address(a, p, c->arg[1], c->arg[2]), n};

	if (c->verb == VERB_VM_WRITEV) { /* process_vm_*: 3.2 */
		op_repeat_value(o->payload, n, op_value(a, c->arg[4], c->arg[5]));
		o->ret = SYS(process_vm_writev, p->pid, &here, 1, &there, 1, 0);
	} else {
		o->ret = SYS(process_vm_readv, p->pid, &here, 1, &there, 1, 0);
		op_observe_bytes(a, c, o);
	}
}

/* A pipe that never blocks: what does not fit is a short count, not a program that hangs. */
static int open_pipe(s32 fds[2], struct observation *o)
{
	enum { F_SETFL = 4 };

	o->ret = sys_pipe(fds);
	if (failed(o->ret)) {
		op_refuse(o, o->ret);
		return 0;
	}
	SYS(fcntl, fds[0], F_SETFL, S_O_NONBLOCK);
	SYS(fcntl, fds[1], F_SETFL, S_O_NONBLOCK);
	return 1;
}

void op_write(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);
	s32 fds[2];
	long got, sum = 0;

	if (!fits(n, o) || !open_pipe(fds, o))
		return;
	o->ret = sys_write(fds[1], (void *)(uintptr_t)at, n);
	while (!failed(o->ret) && sum < o->ret && (got = sys_read(fds[0], o->payload + sum, (size_t)(o->ret - sum))) > 0)
		sum += got;
	op_observe_bytes(a, c, o);
	sys_close(fds[0]);
	sys_close(fds[1]);
}

/* The pipe gets the pages themselves, so get_user_pages() is what decides; a page a call, so that one which it refuses does
 * not hide those before it. */
void op_vmsplice(struct actor *a, const struct call *c, struct observation *o)
{
	enum { SPLICE_F_NONBLOCK_ = 2 };
	u64 at, n = op_range(a, c, 0, &at), sum = 0;
	s32 fds[2];
	long ret = 0;

	if (!fits(n, o) || !open_pipe(fds, o))
		return;
	while (sum < n) {
		u64 left = a->page_size - (at + sum) % a->page_size;
		struct s_iovec v = {(void *)(uintptr_t)(at + sum), left < n - sum ? left : n - sum};

		ret = SYS(vmsplice, fds[1], &v, 1, SPLICE_F_NONBLOCK_); /* 2.6.17 */
		if (!failed(ret) && ret)
			ret = sys_read(fds[0], o->payload + sum, (size_t)ret);
		if (failed(ret) || !ret)
			break;
		sum += (u64)ret;
	}
	o->ret = sum ? (s64)sum : ret;
	op_observe_bytes(a, c, o);
	sys_close(fds[0]);
	sys_close(fds[1]);
}

void op_read(struct actor *a, const struct call *c, struct observation *o)
{
	u64 at, n = op_range(a, c, 0, &at);
	s32 fds[2];

	if (!fits(n, o) || !open_pipe(fds, o))
		return;
	op_repeat_value(o->payload, n, op_value(a, c->arg[3], c->arg[4]));
	sys_write(fds[1], o->payload, n);
	o->ret = sys_read(fds[0], (void *)(uintptr_t)at, n);
	sys_close(fds[0]);
	sys_close(fds[1]);
}
