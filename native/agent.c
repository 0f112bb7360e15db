/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent: executes programs on the kernel it runs on, for a controller at the other end of a byte stream.
 * On a host `agent fd=3`; in a guest it is init, and its channel is what pfnlab.channel= names on the command line. */
#include "agent.h"
#include "fault.h"
#include "own.h"

enum { PR_SET_CHILD_SUBREAPER_ = 36, AT_PAGESZ_ = 6 };

const char *temporary;

/* The environment lies behind the arguments. */
static void find_temporary(char **environment)
{
	static const char name[] = "TMPDIR=";

	for (; *environment; environment++)
		if (starts_with(*environment, strlen(*environment), name))
			temporary = *environment + sizeof(name) - 1;
}

static u64 page_size(void)
{
	unsigned long auxv[64];
	long n = read_file("/proc/self/auxv", (char *)auxv, sizeof(auxv));

	for (long i = 0; i + 1 < n / (long)sizeof(long); i += 2)
		if (auxv[i] == AT_PAGESZ_)
			return auxv[i + 1];
	return 4096;
}

void agent_end(void)
{
	for (int i = 0; i < MAX_REGIONS; i++)
		keeper_stop(&me.region[i]);
	if (sys_getpid() == 1)
		guest_power_off();
	sys_exit(0);
}

static void prepare(void)
{
	static struct region regions[MAX_REGIONS];
	struct s_sigaction ignore = {(void *)1, 0x04000000, arch_restorer, {0}};

	SYS(rt_sigaction, S_SIGPIPE, &ignore, 0, 8);
	sys_prctl(PR_SET_CHILD_SUBREAPER_, 1); /* 3.4; init is one anyway */
	pfn_fault_install();
	me.page_size = page_size();
	me.region = regions;
	me.self = me.forked = -1;
	me.box = image_make_box();
	if (!me.box)
		sys_exit(3);
	own_find();
}

__attribute__((noreturn)) static void serve_controller(void)
{
	struct frame f;

	frame_begin(FROM_READY);
	frame_end();
	while (!channel_receive(&f, 0)) {
		struct reader r = {f.payload, f.length, 0};

		switch (f.type) {
		case TO_HELLO: hello(f.length >= 4 ? read_u32(&r) : 0); break;
		case TO_REGION: region_open(&r); break;
		case TO_FILL: region_fill(&r); break;
		case TO_RUN: program_run(&r); break;
		case TO_QUIT: agent_end();
		default: channel_lost("unknown frame");
		}
	}
	agent_end();
}

int main(int argc, char **argv)
{
	u64 fd = 0;

	if (sys_getpid() == 1) {
		guest_mount();
		modules_load(); /* the channel may need one */
		channel.in = channel.out = guest_channel();
		if (channel.in < 0)
			guest_power_off();
	} else if (argc == 2 && starts_with(argv[1], strlen(argv[1]), "box=") &&
		   parse_dec(argv[1] + 4, strlen(argv[1]) - 4, &fd)) {
		image_resume((s32)fd);
	} else {
		if (argc != 2 || !starts_with(argv[1], strlen(argv[1]), "fd=") ||
		    !parse_dec(argv[1] + 3, strlen(argv[1]) - 3, &fd)) {
			static const char usage[] = "usage: agent fd=N (as init: pfnlab.channel=DEVICE)\n";

			sys_write(2, usage, sizeof(usage) - 1);
			sys_exit(2);
		}
		channel.in = channel.out = (s32)fd;
	}
	find_temporary(argv + argc + 1);
	prepare();
	serve_controller();
}

#ifndef PFN_HOSTED
ARCH_START;
__attribute__((noreturn, used)) void start_c(long *sp);
void start_c(long *sp) { sys_exit(main((int)sp[0], (char **)(sp + 1))); }
#endif
