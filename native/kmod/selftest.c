// SPDX-License-Identifier: GPL-2.0-or-later
/* Does every node of the lab's driver do what README.md says, and is every page as it was
 * afterwards? Prints what it sees, one fact a line, and exits 1 if a page of a region is not as it
 * was before. As init of a guest it loads /pfnlab.ko first (parameters: lab=... of the command
 * line) and removes it at the end.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pfnlab.h"

#define PAGE 4096UL
#define MOST 16 /* pages of a region that are looked at */

static int ctl, bad;
static sigjmp_buf caught;

static void on_fault(int signal)
{
	siglongjmp(caught, signal);
}

static long ask(unsigned int command, unsigned long start, unsigned long end, void *out,
		unsigned long count)
{
	struct pfnlab_query query = { start, end, (uintptr_t)out, count };

	return ioctl(ctl, command, &query);
}

static void pages_of(const struct pfnlab_info *info, struct pfnlab_page *pages)
{
	unsigned long n = info->pages < MOST ? info->pages : MOST;

	if (ask(PFNLAB_IOC_PAGES, info->pfn, info->pfn + n, pages, MOST) != (long)n) {
		printf("  PAGES failed: %s\n", strerror(errno));
		bad = 1;
	}
}

static void say_pages(const char *when, const struct pfnlab_info *info)
{
	struct pfnlab_page pages[MOST] = { { 0, 0, 0 } };
	unsigned long i, j, n = info->pages < MOST ? info->pages : MOST;

	pages_of(info, pages);
	for (i = 0; i < n; i = j) {
		for (j = i + 1; j < n && !memcmp(&pages[i], &pages[j], sizeof(pages[i])); j++)
			;
		printf("  %s: pages %lu-%lu refcount %d mapcount %d flags %#llx\n", when, i, j - 1,
		       pages[i].refcount, pages[i].mapcount, (unsigned long long)pages[i].flags);
	}
}

static void say_mapping(const char *when, char *at, unsigned long n, const struct pfnlab_info *info)
{
	struct pfnlab_pte ptes[MOST];
	struct pfnlab_vma vmas[4];
	long i, j,
		got = ask(PFNLAB_IOC_PTES, (unsigned long)at, (unsigned long)at + n * PAGE, ptes,
			  MOST);

	if (got != (long)n) {
		printf("  PTES: %ld, %s\n", got, strerror(errno));
		bad = 1;
		return;
	}
	for (i = 0; i < got; i = j) {
		long step = i + 1 < got ? (long)(ptes[i + 1].pfn - ptes[i].pfn) : 1;

		for (j = i + 1; j < got && ptes[j].bits == ptes[i].bits &&
				(long)(ptes[j].pfn - ptes[j - 1].pfn) == step;
		     j++)
			;
		printf("  %s: ptes %ld-%ld region%+lld step %ld bits %#x%s\n", when, i, j - 1,
		       (long long)(ptes[i].pfn - info->pfn), j > i + 1 ? step : 0, ptes[i].bits,
		       ptes[i].pfn - info->pfn < info->pages ? ""
		       : ptes[i].bits			     ? " (elsewhere)"
							     : " (none)");
	}
	got = ask(PFNLAB_IOC_VMAS, (unsigned long)at, (unsigned long)at + n * PAGE, vmas, 4);
	for (i = 0; i < got; i++)
		printf("  %s: vma %llu pages pgoff %+lld flags %#llx\n", when,
		       (unsigned long long)(vmas[i].end - vmas[i].start) / PAGE,
		       (long long)(vmas[i].pgoff >= info->pfn ? vmas[i].pgoff - info->pfn
							      : vmas[i].pgoff),
		       (unsigned long long)vmas[i].flags);
}

/* Loads a byte of each page (value -1) or stores `value` there; returns how many of them faulted.
 */
static int touch(volatile char *at, unsigned long n, const int value)
{
	volatile unsigned long i;
	volatile int faults = 0;

	for (i = 0; i < n; i++) {
		if (sigsetjmp(caught, 1))
			faults++;
		else if (value < 0)
			(void)at[i * PAGE];
		else
			at[i * PAGE] = (char)value;
	}
	return faults;
}

static void try_mapping(int fd, const struct pfnlab_info *info, int sharing, int prot)
{
	const char *kind = sharing == MAP_SHARED ? "shared" : "private";
	unsigned long n = info->pages < MOST ? info->pages : MOST;
	char *at = mmap(NULL, n * PAGE, prot, sharing, fd, 0);
	struct iovec here, there;
	char buffer[8];
	long got;
	int status;
	pid_t child;

	if (at == MAP_FAILED) {
		printf(" %s: mmap: %s\n", kind, strerror(errno));
		return;
	}
	printf(" %s %s:\n", kind, prot & PROT_WRITE ? "rw" : "r");
	say_mapping("mapped", at, n, info);
	printf("  loads: %d of %lu faulted\n", touch(at, n, -1), n);
	say_mapping("loaded", at, n, info);
	if (prot & PROT_WRITE)
		printf("  stores: %d of 2 faulted\n", touch(at, 2, 0x5a));
	say_mapping("stored", at, n, info);
	say_pages("stored", info);
	here.iov_base = buffer;
	there.iov_base = at + 8 * PAGE;
	here.iov_len = there.iov_len = sizeof(buffer);
	got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	printf("  vm_readv of oneself: %ld %s\n", got, got < 0 ? strerror(errno) : "");
	status = open("/proc/self/mem", O_RDONLY);
	got = pread(status, buffer, sizeof(buffer), (off_t)(uintptr_t)at + 8 * PAGE);
	printf("  mem_read of oneself: %ld %s\n", got, got < 0 ? strerror(errno) : "");
	close(status);
	fflush(stdout);
	child = fork();
	if (child < 0)
		printf("  fork: %s\n", strerror(errno));
	if (!child) {
		if (prot & PROT_WRITE)
			touch(at, 3, 0x33);
		say_mapping("child", at, n, info);
		say_pages("child", info);
		fflush(stdout);
		_exit(0);
	}
	if (child > 0)
		waitpid(child, &status, 0);
	printf("  mprotect of the middle: %s\n",
	       mprotect(at + 4 * PAGE, PAGE, PROT_READ) ? strerror(errno) : "ok");
	printf("  mremap longer: %s\n",
	       mremap(at, n * PAGE, (n + 2) * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? strerror(errno)
										  : "ok");
	if (munmap(at, n * PAGE))
		printf("  munmap: %s\n", strerror(errno));
}

/* A mapping of 2 MiB and more: is it made of entries above the pte level? */
static void try_huge(int fd, const struct pfnlab_info *info)
{
	char *at = mmap(NULL, info->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED) {
		printf(" huge: mmap: %s\n", strerror(errno));
		return;
	}
	printf(" all of it:\n  loads: %d faulted\n", touch(at, info->pages, -1));
	say_mapping("loaded", at, MOST, info);
	touch(at, 1, 0x77);
	say_mapping("stored", at, MOST, info);
	say_pages("stored", info);
	printf("  munmap of page 3: %s\n", munmap(at + 3 * PAGE, PAGE) ? strerror(errno) : "ok");
	touch(at, 3, -1);
	say_mapping("split", at, MOST, info);
	munmap(at, info->pages * PAGE);
}

static void try_node(const char *name)
{
	struct pfnlab_page before[MOST], after[MOST];
	struct pfnlab_info info = { 0, 0 };
	char path[300], byte = 0x41;
	int fd;

	memset(before, 0, sizeof(before));
	memset(after, 0, sizeof(after));
	snprintf(path, sizeof(path), "/dev/pfnlab/%s", name);
	fd = open(path, O_RDWR);
	if (fd < 0 || ioctl(fd, PFNLAB_IOC_INFO, &info)) {
		printf("%s: %s\n", name, strerror(errno));
		bad = 1;
		return;
	}
	printf("%s: %llu pages\n", name, (unsigned long long)info.pages);
	say_pages("before", &info);
	pages_of(&info, before);
	try_mapping(fd, &info, MAP_SHARED, PROT_READ | PROT_WRITE);
	try_mapping(fd, &info, MAP_PRIVATE, PROT_READ | PROT_WRITE);
	try_mapping(fd, &info, MAP_SHARED, PROT_READ);
	if (info.pages > MOST)
		try_huge(fd, &info);
	printf(" offset 4, 12 pages: %s",
	       mmap(NULL, 12 * PAGE, 1, MAP_SHARED, fd, 4 * PAGE) == MAP_FAILED ? strerror(errno)
										: "ok");
	printf("; 13: %s",
	       mmap(NULL, (info.pages - 3) * PAGE, 1, MAP_SHARED, fd, 4 * PAGE) == MAP_FAILED
		       ? strerror(errno)
		       : "ok");
	printf("; one page too many: %s\n",
	       mmap(NULL, (info.pages + 1) * PAGE, 1, MAP_SHARED, fd, 0) == MAP_FAILED
		       ? strerror(errno)
		       : "ok");
	if (pwrite(fd, &byte, 1, 5) != 1 || pread(fd, &byte, 1, 5) != 1 || byte != 0x41 ||
	    pwrite(fd, &byte, 1, (off_t)(info.pages * PAGE)) == 1) {
		printf("  pread, pwrite of the content: wrong\n");
		bad = 1;
	}
	close(fd);
	fflush(stdout);
}

static void try_all(void)
{
	struct dirent **names;
	int i, n = scandir("/dev/pfnlab", &names, NULL, alphasort);

	ctl = open("/dev/pfnlab/ctl", O_RDONLY);
	if (ctl < 0) {
		printf("/dev/pfnlab/ctl: %s\n", strerror(errno));
		bad = 1;
		return;
	}
	for (i = 0; i < n; i++) {
		pid_t child;
		int status = 0;

		if (names[i]->d_name[0] == '.' || !strcmp(names[i]->d_name, "ctl"))
			continue;
		child = fork(); /* its exit unmaps what it left */
		if (!child) {
			try_node(names[i]->d_name);
			fflush(stdout);
			_exit(bad);
		}
		waitpid(child, &status, 0);
		if (status) {
			printf("%s: status %#x\n", names[i]->d_name, status);
			bad = 1;
		}
	}
	close(ctl);
}

static void as_init(void)
{
	char arguments[256] = "", line[1024] = "", *at;
	static char log[1 << 16];
	int fd, n;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("dev", "/dev", "devtmpfs", 0, "");
	mount("proc", "/proc", "proc", 0, "");
	mount("sys", "/sys", "sysfs", 0, "");
	fd = open("/dev/console", O_RDWR);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY);
	if (write(fd, "always", 6) !=
	    6) /* off by itself below 512 MiB of memory (hugepage_init()); for the node huge */
		printf("transparent huge pages: %s\n", strerror(errno));
	close(fd);
	fd = open("/proc/cmdline", O_RDONLY);
	if (read(fd, line, sizeof(line) - 1) > 0 && (at = strstr(line, "lab=")))
		sscanf(at + 4, "%255s", arguments);
	for (at = arguments; *at; at++)
		if (*at == ';')
			*at = ' ';
	fd = open("/pfnlab.ko", O_RDONLY);
	printf("load: %s\n", syscall(SYS_finit_module, fd, arguments, 0) ? strerror(errno) : "ok");
	fflush(stdout);
	close(fd);
	try_all();
	printf("unload: %s\n",
	       syscall(SYS_delete_module, "pfnlab", O_NONBLOCK) ? strerror(errno) : "ok");
	n = klogctl(3, log, sizeof(log) - 1);
	log[n > 0 ? n : 0] = 0;
	for (at = strtok(log, "\n"); at; at = strtok(NULL, "\n"))
		if (strstr(at, "pfnlab") || strstr(at, "BUG") || strstr(at, "WARN") ||
		    strstr(at, "RIP") || strstr(at, "Bad"))
			printf("klog: %s\n", at);
	fd = open("/proc/sys/kernel/tainted", O_RDONLY);
	memset(line, 0, sizeof(line));
	n = (int)read(fd, line, sizeof(line) - 1);
	printf("taint: %s%s\n", n > 0 ? line : "?\n", bad ? "FAILED" : "PASSED");
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT);
}

int main(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_fault;
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	if (getpid() == 1)
		as_init();
	try_all();
	return bad;
}
