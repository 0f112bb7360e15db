/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a process of a program execute another image and go on serving it?  The agent's own binary, anew: the mailbox is
 * a file that both have, and what else it must know is in it. */
#include "agent.h"
#include "fault.h"
#include "openers.h"
#include "own.h"

enum { PR_SET_NAME_ = 15, PR_GET_NAME_ = 16, MFD_NOEXEC_SEAL_ = 8 };

static s32 box_fd = -1;

static struct mailbox *map_box(void)
{
	long flags = box_fd < 0 ? S_MAP_SHARED | S_MAP_ANONYMOUS : S_MAP_SHARED;
	s64 p = sys_mmap(0, sizeof(struct mailbox), S_PROT_READ | S_PROT_WRITE, flags, box_fd, 0);

	return failed(p) ? NULL : (struct mailbox *)(uintptr_t)p;
}

/* memfd_create: 3.17; 6.3 complains of who does not say whether it shall be executed. */
struct mailbox *image_make_box(void)
{
	struct mailbox *box;
	long fd = SYS(memfd_create, "pfnlab", MFD_NOEXEC_SEAL_);

	if (fd == -E_INVAL)
		fd = SYS(memfd_create, "pfnlab", 0);
	if (fd >= 0 && sys_ftruncate(fd, sizeof(struct mailbox))) {
		sys_close(fd);
		fd = -1;
	}
	box_fd = fd < 0 ? -1 : (s32)fd;
	box = map_box();
	if (box)
		memset(box, 0, sizeof(*box));
	return box;
}

void op_exec(struct actor *a, const struct call *c, struct observation *o)
{
	struct handover *h = &a->box->handover;
	char argument[32] = "";
	struct text t = {argument, 0, sizeof(argument) - 1, 0};
	const char *argv[] = {"pfnlab-agent", argument, NULL}, *environment[] = {NULL};

	(void)c;
	if (box_fd < 0) {
		o->stage = STAGE_OPEN;
		o->ret = -E_NOSYS;
		return;
	}
	text_str(&t, "box=");
	text_num(&t, (u64)box_fd);
	argument[t.len] = 0;
	h->me = *a;
	h->reply = reply_pipe[1];
	for (int i = 0; i < MAX_PROCESSES; i++)
		h->command[i] = command_pipe[i][0];
	memcpy(h->region, a->region, sizeof(h->region));
	sys_prctl(PR_GET_NAME_, (long)(uintptr_t)h->name);
	o->ret = SYS(execve, "/proc/self/exe", argv, environment);
}

/* What exec leaves of a process's tables: places. */
static void forget(struct process *p)
{
	memset(p->value, 0, sizeof(p->value));
	for (int i = 0; i < MAX_FDS; i++) {
		if (p->fd[i] >= 0)
			sys_close(p->fd[i]);
		p->fd[i] = -1;
	}
}

void image_resume(s32 fd)
{
	static struct region regions[MAX_REGIONS];
	struct handover *h;

	box_fd = fd;
	me.box = map_box();
	if (!me.box)
		sys_exit(3);
	h = &me.box->handover;
	sys_prctl(PR_SET_NAME_, (long)(uintptr_t)h->name);
	memcpy(regions, h->region, sizeof(regions));
	h->me.box = me.box;
	h->me.region = regions;
	me = h->me;
	me.forked = -1;
	reply_pipe[0] = -1;
	reply_pipe[1] = h->reply;
	for (int i = 0; i < MAX_PROCESSES; i++) {
		command_pipe[i][0] = h->command[i];
		command_pipe[i][1] = -1;
	}
	pfn_fault_install();
	forget(&me.box->process[me.self]);
	own_find();
	me.box->obs.length = 0; /* own_find() has read there */
	actor_begin();
	actor_serve((u8)me.self);
}
