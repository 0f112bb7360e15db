/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does the kernel get called without a C library?  Raw system calls: they return the result or -errno, and what the
 * kernel said is what gets reported.  Only calls of Linux 2.6.14 are relied on; newer ones are marked. */
#ifndef PFN_SYS_H
#define PFN_SYS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include "arch_x86_64.h"
#elif defined(__arm__)
#include "arch_arm.h"
#else
#error "no arch_*.h for this architecture yet"
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

enum { E_PERM = 1, E_NOENT = 2, E_SRCH = 3, E_INTR = 4, E_IO = 5, E_BADF = 9, E_CHILD = 10, E_AGAIN = 11, E_NOMEM = 12,
       E_ACCES = 13, E_FAULT = 14, E_NODEV = 19, E_INVAL = 22, E_PIPE = 32, E_NOSYS = 38, E_NODATA = 61, E_OVERFLOW = 75,
       E_OPNOTSUPP = 95 };

enum { S_O_RDONLY = 0, S_O_WRONLY = 1, S_O_RDWR = 2, S_O_NOCTTY = 0x100, S_O_NONBLOCK = 0x800, S_O_SYNC = 0x101000 };
enum { S_PROT_READ = 1, S_PROT_WRITE = 2 };
enum { S_MAP_SHARED = 1, S_MAP_PRIVATE = 2, S_MAP_FIXED = 0x10, S_MAP_ANONYMOUS = 0x20 };
enum { S_MREMAP_MAYMOVE = 1, S_MREMAP_FIXED = 2 };
enum { S_SIGKILL = 9, S_SIGPIPE = 13, S_SIGCHLD = 17, S_SIGILL = 4, S_SIGTRAP = 5, S_SIGBUS = 7, S_SIGFPE = 8,
       S_SIGSEGV = 11 };
enum { S_POLLIN = 1, S_POLLERR = 8, S_POLLHUP = 16, S_POLLRDHUP = 0x2000 };
enum { S_WNOHANG = 1, S_WALL = 0x40000000 };
enum { S_SEEK_SET = 0, S_SEEK_END = 2 };

/* Calls that the headers may not have yet; since 5.1 a new call has the same number on every architecture. */
#ifndef __NR_pidfd_open
#define __NR_pidfd_open 434
#endif
#ifndef __NR_process_madvise
#define __NR_process_madvise 440
#endif
#ifndef __NR_mseal
#define __NR_mseal 462
#endif

struct s_pollfd { s32 fd; s16 events, revents; };
struct s_timespec { long sec, nsec; };
struct s_iovec { void *base; size_t len; };
struct s_rlimit { unsigned long cur, max; };
struct s_sigaction { void *handler; unsigned long flags; void (*restorer)(void); unsigned long mask[8 / sizeof(long)]; };
struct s_siginfo { s32 signo, err, code; union { void *addr; long pad[14]; } u; };

#define SYS(name, ...) SYS_(__NR_##name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYS_(n, a, b, c, d, e, f, ...) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* A failed call returns -4095..-1; addresses of the upper half are no errors. */
static inline int failed(s64 ret) { return (u64)ret >= (u64)-4095LL; }
/* An address that a call returns, -errno left alone: on 32 bits half of all addresses look negative. */
static inline s64 address(long ret) { return failed(ret) ? ret : (s64)(unsigned long)ret; }

static inline long sys_open(const char *path, int flags) { return ARCH_OPEN(path, flags, 0); }
static inline long sys_close(long fd) { return SYS(close, fd); }
static inline long sys_read(long fd, void *p, size_t n) { return SYS(read, fd, p, n); }
static inline long sys_write(long fd, const void *p, size_t n) { return SYS(write, fd, p, n); }
static inline long sys_pread(long fd, void *p, size_t n, u64 off) { return ARCH_PREAD(fd, p, n, off); }
static inline long sys_pwrite(long fd, const void *p, size_t n, u64 off) { return ARCH_PWRITE(fd, p, n, off); }
static inline s64 sys_lseek(long fd, s64 off, int whence) { return arch_lseek(fd, off, whence); }
static inline long sys_ftruncate(long fd, u64 n) { return ARCH_FTRUNCATE(fd, n); }
static inline long sys_pipe(s32 fds[2]) { return ARCH_PIPE(fds); }
static inline long sys_poll(struct s_pollfd *p, unsigned n, int ms) { return ARCH_POLL(p, n, ms); }
static inline long sys_munmap(u64 addr, u64 len) { return SYS(munmap, addr, len); }
static inline s64 sys_mmap(u64 addr, u64 len, long prot, long flags, long fd, u64 off)
{
	return address(ARCH_MMAP((long)addr, (long)len, prot, flags, fd, off));
}
static inline s64 sys_mremap(u64 addr, u64 len, u64 new_len, long flags, u64 to)
{
	return address(SYS(mremap, addr, len, new_len, flags, to));
}
static inline long sys_fork(void) { return SYS(clone, S_SIGCHLD, 0); }
static inline long sys_wait4(long pid, s32 *status, long options) { return SYS(wait4, pid, status, options, 0); }
static inline long sys_kill(long pid, int sig) { return SYS(kill, pid, sig); }
static inline long sys_getpid(void) { return SYS(getpid, 0); }
static inline long sys_prctl(long what, long arg) { return SYS(prctl, what, arg, 0, 0, 0); }
static inline long sys_ptrace(long what, long pid, u64 addr, u64 data) { return SYS(ptrace, what, pid, addr, data); }

static inline void sys_sleep_us(long us)
{
	struct s_timespec t = {us / 1000000, us % 1000000 * 1000};

	SYS(nanosleep, &t, 0);
}

static inline s64 sys_now_ms(void)
{
	struct s_timespec t = {0, 0};

	SYS(clock_gettime, 1, &t);
	return (s64)t.sec * 1000 + t.nsec / 1000000;
}

__attribute__((noreturn)) static inline void sys_exit(int status)
{
	for (;;)
		SYS(exit_group, status);
}

#endif
