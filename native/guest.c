/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does init have to do in a guest?  Mount what is read, find the channel that the command line names, power off. */
#include "agent.h"

enum { S_IFCHR_ = 0x2000, TCGETS_ = 0x5401, TCSETS_ = 0x5402, TCFLSH_ = 0x540b };

static void make_node(const char *name, size_t n, unsigned major, unsigned minor)
{
	char path[64] = "/dev/";

	if (n + 6 > sizeof(path))
		return;
	memcpy(path + 5, name, n);
	path[5 + n] = 0;
	ARCH_MKNOD(path, S_IFCHR_ | 0600, (long)(major << 8 | (minor & 0xff) | (minor & ~0xffU) << 12));
}

/* Before devtmpfs (2.6.32) nobody makes device nodes: the fixed ones, and the misc devices from /proc/misc. */
static void make_nodes(void)
{
	static char buf[4096];
	long n = read_file("/proc/misc", buf, sizeof(buf));
	u64 minor;

	make_node("mem", 3, 1, 1);
	make_node("zero", 4, 1, 5);
	make_node("kmsg", 4, 1, 11);
	make_node("ttyS0", 5, 4, 64);
	make_node("ttyS1", 5, 4, 65);
	for (long i = 0; i < n; i++) {
		long start, k;

		while (i < n && buf[i] == ' ')
			i++;
		k = (long)parse_dec(buf + i, (size_t)(n - i), &minor);
		start = i + k + 1;
		for (i = start; i < n && buf[i] != '\n'; i++)
			;
		if (k && start < i)
			make_node(buf + start, (size_t)(i - start), 10, (unsigned)minor);
	}
}

void guest_mount(void)
{
	static const char *const at[] = {"/proc", "/sys", "/dev"};

	for (int i = 0; i < 3; i++)
		ARCH_MKDIR(at[i], 0755);
	SYS(mount, "proc", "/proc", "proc", 0, 0);
	SYS(mount, "sysfs", "/sys", "sysfs", 0, 0);
	if (failed(SYS(mount, "devtmpfs", "/dev", "devtmpfs", 0, 0)))
		make_nodes();
}

/* The kernel's struct termios. */
struct termios_ { u32 iflag, oflag, cflag, lflag; u8 line, cc[19]; };

static void make_raw(long fd)
{
	enum { B115200_ = 0x1002, CS8_ = 0x30, CREAD_ = 0x80, CLOCAL_ = 0x800, VTIME_ = 5, VMIN_ = 6 };
	struct termios_ t;

	if (failed(SYS(ioctl, fd, TCGETS_, &t)))
		return;
	t.iflag = t.oflag = t.lflag = 0;
	t.cflag = B115200_ | CS8_ | CREAD_ | CLOCAL_;
	t.cc[VTIME_] = 0;
	t.cc[VMIN_] = 1;
	SYS(ioctl, fd, TCSETS_, &t);
	SYS(ioctl, fd, TCFLSH_, 2);
}

int guest_channel(void)
{
	static char cmdline[4096], path[64];
	static const char key[] = "pfnlab.channel=";
	long n = read_file("/proc/cmdline", cmdline, sizeof(cmdline)), fd = -1;

	memcpy(path, "/dev/ttyS0", 11);
	for (long i = 0; i < n; i++) {
		if (starts_with(cmdline + i, (size_t)(n - i), key)) {
			size_t k = 0;

			for (i += (long)sizeof(key) - 1; i < n && cmdline[i] > ' ' && k < sizeof(path) - 1; i++)
				path[k++] = cmdline[i];
			path[k] = 0;
		}
	}
	for (int tries = 0; tries < 500 && fd < 0; tries++) { /* a driver may come up after init */
		fd = sys_open(path, S_O_RDWR | S_O_NOCTTY);
		if (fd < 0)
			sys_sleep_us(20000);
	}
	if (fd >= 0)
		make_raw(fd);
	return (int)fd;
}

void guest_power_off(void)
{
	for (;;)
		SYS(reboot, 0xfee1dead, 672274793, 0x4321fedc, 0);
}
