// SPDX-License-Identifier: GPL-2.0-or-later
/* How does the self-test run as the only process of a guest?
 * It loads /pfnlab.ko (its parameters: lab=NAME=VALUE;... of the command line), tries all, unloads
 * it, prints the kernel's log and taint, then PASSED or FAILED, and restarts the machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "see.h"

#define READ_ALL 3 /* syslog(2): SYSLOG_ACTION_READ_ALL */

static void set_up(void)
{
	int fd;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "");
	mount("proc", "/proc", "proc", 0, "");
	mount("sys", "/sys", "sysfs", 0, "");
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	/* For the node huge: hugepage_init() turns them off below 512 MiB of memory. */
	fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY);
	if (fd >= 0 && write(fd, "always", 6) != 6)
		printf("transparent huge pages: %s\n", strerror(errno));
	close(fd);
}

static ssize_t read_file(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = read(fd, text, room - 1);

	text[got > 0 ? got : 0] = 0;
	close(fd);
	return got;
}

static void load(void)
{
	char line[1024], *parameters, *at;
	int fd = open("/pfnlab.ko", O_RDONLY);

	read_file("/proc/cmdline", line, sizeof(line));
	parameters = strstr(line, "lab=");
	parameters = parameters ? strtok(parameters + 4, " \n") : NULL;
	for (at = parameters; at && *at; at++)
		if (*at == ';')
			*at = ' ';
	if (syscall(SYS_finit_module, fd, parameters ? parameters : "", 0)) {
		printf("load: %s\n", strerror(errno));
		bad = 1;
	}
	close(fd);
}

static int unload(void)
{
	return syscall(SYS_delete_module, "pfnlab", O_NONBLOCK) ? errno : 0;
}

static void check_unload(void)
{
	int error, fd = open("/dev/pfnlab/plain", O_RDONLY);
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	close(fd);
	if (at == MAP_FAILED || unload() == 0) {
		printf("a mapping does not keep the module\n");
		bad = 1;
		return;
	}
	munmap(at, 4096);
	error = unload();
	printf("unload: %s\n", error ? strerror(error) : "ok");
	bad |= error;
}

/* Lines of the log that are the driver's or a complaint. A page that did not come back is both. */
static void say_log(void)
{
	static const char *const words[] = { "pfnlab", "BUG", "WARNING", "RIP:", "Oops", "bad" };
	static char log[1 << 17];
	size_t i;
	char *at;
	int n = klogctl(READ_ALL, log, sizeof(log) - 1);

	log[n > 0 ? n : 0] = 0;
	for (at = strtok(log, "\n"); at; at = strtok(NULL, "\n")) {
		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (strstr(at, words[i])) {
				printf("klog: %s\n", at);
				break;
			}
		if (strstr(at, "pfnlab: page "))
			bad = 1;
	}
}

void as_init(void)
{
	char taint[32];

	set_up();
	load();
	try_all();
	check_unload();
	say_log();
	read_file("/proc/sys/kernel/tainted", taint, sizeof(taint));
	printf("taint: %s%s\n", taint, bad ? "FAILED" : "PASSED");
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);
}
