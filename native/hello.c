/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HELLO frame: which kernel is this, and what does it let this user do? */
#include "agent.h"

struct uname { char field[6][65]; };

static void line(const char *key, const char *value, size_t n)
{
	frame_add(key, strlen(key));
	frame_add("=", 1);
	frame_add(value, n);
	frame_add("\n", 1);
}

static void file_line(const char *key, const char *path)
{
	char buf[2048];
	long n = read_file(path, buf, sizeof(buf));

	while (n > 0 && buf[n - 1] == '\n')
		n--;
	if (n > 0)
		line(key, buf, (size_t)n);
}

/* UML's uname names the host's machine; its processor names UML. */
static int is_uml(void)
{
	static char buf[1024];
	long n = read_file("/proc/cpuinfo", buf, sizeof(buf));

	for (long i = 0; i < n; i++)
		if (starts_with(buf + i, (size_t)(n - i), "User Mode Linux"))
			return 1;
	return 0;
}

static u64 capabilities(void)
{
	u32 header[2] = {0x20080522, 0}, data[6] = {0};

	if (SYS(capget, header, data) == -E_INVAL)
		SYS(capget, header, data);
	return data[0] | (u64)data[3] << 32;
}

void hello(u32 wanted)
{
	static const char *const names[] = {"sysname", "nodename", "release", "version", "machine"};
	static char packed[4096];
	struct uname u;
	long fd, n;

	memset(&u, 0, sizeof(u));
	SYS(uname, &u);
	frame_begin(FROM_HELLO);
	frame_u32(WIRE_PROTOCOL);
	frame_u32((u32)me.page_size);
	frame_u32((u32)ARCH_GETUID());
	frame_u32((u32)sys_getpid());
	frame_u64(capabilities());
	for (int i = 2; i < 5; i++)
		line(names[i], u.field[i], strlen(u.field[i]));
	if (is_uml())
		line("arch", "um", 2);
	else
		line("arch", u.field[4], strlen(u.field[4]));
	line("arena", ARENA_TEXT, strlen(ARENA_TEXT));
	file_line("cmdline", "/proc/cmdline");
	file_line("tainted", "/proc/sys/kernel/tainted");
	frame_add(modules_told(), strlen(modules_told()));
	/* Packed, as the kernel has it: whoever asks can unpack it. A NUL ends the lines. */
	fd = wanted & 1 ? sys_open("/proc/config.gz", S_O_RDONLY) : -1;
	if (fd >= 0) {
		frame_add("", 1);
		while ((n = sys_read(fd, packed, sizeof(packed))) > 0)
			frame_add(packed, (size_t)n);
		sys_close(fd);
	}
	frame_end();
}
