// SPDX-License-Identifier: GPL-2.0-or-later
/* Does every node of the lab's driver do what README.md says, and is each page counted as before?
 * Prints what it sees, one fact a line; exits 1 if something is not as it has to be.
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
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "see.h"

static sigjmp_buf caught;

static void on_fault(int signal)
{
	siglongjmp(caught, signal);
}

static const char *done(int failed)
{
	return failed ? strerror(errno) : "ok";
}

/* Loads a byte of each page (value -1) or stores `value` there; returns how many faulted. */
static int touch(volatile char *at, unsigned long pages, const int value)
{
	volatile unsigned long i;
	volatile int faults = 0;

	for (i = 0; i < pages; i++) {
		if (sigsetjmp(caught, 1))
			faults++;
		else if (value < 0)
			(void)at[i * PAGE];
		else
			at[i * PAGE] = (char)value;
	}
	return faults;
}

/* Two ways to read one's own memory that do not go through the page tables of a load. */
static void read_otherwise(char *at)
{
	char buffer[8];
	struct iovec here = { buffer, sizeof(buffer) }, there = { at, sizeof(buffer) };
	int fd = open("/proc/self/mem", O_RDONLY);
	ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	printf("  process_vm_readv: %zd %s\n", got, done(got < 0));
	got = pread(fd, buffer, sizeof(buffer), (off_t)(unsigned long)at);
	printf("  /proc/self/mem: %zd %s\n", got, done(got < 0));
	close(fd);
}

static void try_fork(char *at, unsigned long pages, int prot, const struct pfnlab_info *info)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		if (prot & PROT_WRITE)
			touch(at, 3, 0x33);
		say_mapping("child", at, pages, info);
		say_pages("child", info);
		fflush(stdout);
		_exit(bad);
	}
	if (child < 0)
		printf("  fork: %s\n", strerror(errno));
	else if (waitpid(child, &status, 0) != child || status)
		bad = 1;
}

static void try_mapping(int fd, const struct pfnlab_info *info, int sharing, int prot)
{
	unsigned long pages = see_pages(info);
	char *at = mmap(NULL, pages * PAGE, prot, sharing, fd, 0);

	printf(" %s %s: %s\n", sharing == MAP_SHARED ? "shared" : "private",
	       prot & PROT_WRITE ? "rw" : "r", done(at == MAP_FAILED));
	if (at == MAP_FAILED)
		return;
	say_mapping("mapped", at, pages, info);
	printf("  loads: %d of %lu faulted\n", touch(at, pages, -1), pages);
	say_mapping("loaded", at, pages, info);
	if (prot & PROT_WRITE)
		printf("  stores: %d of 2 faulted\n", touch(at, 2, 0x5a));
	say_mapping("stored", at, pages, info);
	say_pages("stored", info);
	read_otherwise(at);
	try_fork(at, pages, prot, info);
	printf("  mprotect of a page: %s\n", done(mprotect(at + 4 * PAGE, PAGE, PROT_READ)));
	printf("  mremap, longer: %s\n", done(mremap(at, pages * PAGE, (pages + 2) * PAGE,
						     MREMAP_MAYMOVE) == MAP_FAILED));
	printf("  munmap: %s\n", done(munmap(at, pages * PAGE)));
}

/* A mapping of 2 MiB: is it made of entries above the pte level, and what splits them? */
static void try_huge(int fd, const struct pfnlab_info *info)
{
	size_t length = (size_t)info->pages * PAGE;
	char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	printf(" all of it: %s\n", done(at == MAP_FAILED));
	if (at == MAP_FAILED)
		return;
	touch(at, 1, -1);
	say_mapping("loaded", at, MOST, info);
	touch(at, 1, 0x77);
	say_mapping("stored", at, MOST, info);
	say_pages("stored", info);
	printf("  munmap of page 3: %s\n", done(munmap(at + 3 * PAGE, PAGE)));
	touch(at, 3, -1);
	say_mapping("split", at, MOST, info);
	munmap(at, length);
}

static void try_length(int fd, const char *what, unsigned long first, unsigned long pages)
{
	void *at = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)(first * PAGE));

	printf(" %s: %s\n", what, done(at == MAP_FAILED));
	if (at != MAP_FAILED)
		munmap(at, pages * PAGE);
}

static void try_content(int fd, const struct pfnlab_info *info)
{
	off_t after = (off_t)(info->pages * PAGE);
	char byte = 0x41;

	if (pwrite(fd, &byte, 1, after - 1) == 1 && pread(fd, &byte, 1, after - 1) == 1 &&
	    byte == 0x41 && pwrite(fd, &byte, 1, after) != 1 && !pread(fd, &byte, 1, after))
		return;
	printf(" pread, pwrite of the content: wrong\n");
	bad = 1;
}

static void try_node(const char *name)
{
	struct pfnlab_page before[MOST];
	struct pfnlab_info info = { 0, 0 };
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/dev/pfnlab/%s", name);
	fd = open(path, O_RDWR);
	if (fd < 0 || ioctl(fd, PFNLAB_IOC_INFO, &info)) {
		printf("%s: %s\n", name, strerror(errno));
		bad = 1;
		return;
	}
	printf("%s: %llu pages\n", name, (unsigned long long)info.pages);
	say_pages("before", &info);
	keep_counts(&info, before);
	try_mapping(fd, &info, MAP_SHARED, PROT_READ | PROT_WRITE);
	try_mapping(fd, &info, MAP_PRIVATE, PROT_READ | PROT_WRITE);
	try_mapping(fd, &info, MAP_SHARED, PROT_READ);
	if (info.pages > MOST)
		try_huge(fd, &info);
	try_length(fd, "to the end from page 4", 4, (unsigned long)info.pages - 4);
	try_length(fd, "a page more from page 4", 4, (unsigned long)info.pages - 3);
	try_length(fd, "a page more than all", 0, (unsigned long)info.pages + 1);
	try_content(fd, &info);
	compare_counts(&info, before);
	close(fd);
}

void try_all(void)
{
	struct dirent **names;
	int i, status, n = scandir("/dev/pfnlab", &names, NULL, alphasort);

	if (see_open() < 0) {
		printf("/dev/pfnlab/ctl: %s\n", strerror(errno));
		bad = 1;
		return;
	}
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] == '.' || !strcmp(names[i]->d_name, "ctl"))
			continue;
		fflush(stdout);
		if (!fork()) { /* for each a memory of its own */
			try_node(names[i]->d_name);
			fflush(stdout);
			_exit(bad);
		}
		wait(&status);
		if (status) {
			printf("%s: status %#x\n", names[i]->d_name, (unsigned int)status);
			bad = 1;
		}
	}
	see_close();
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
