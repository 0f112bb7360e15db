/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What depends on the architecture, on 32-bit ARM (EABI, ARMv7)?  The same names as in arch_x86_64.h. */
#ifndef PFN_ARCH_H
#define PFN_ARCH_H

#include <asm/unistd.h>

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;
	register long r4 __asm__("r4") = e;
	register long r5 __asm__("r5") = f;
	register long r7 __asm__("r7") = n;

	__asm__ volatile("svc 0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7) : "memory");
	return r0;
}

/* The calls whose number or form differs between architectures. A 64-bit argument takes two registers, the first one even. */
#define ARCH_PAIR(v) (long)(v), (long)((unsigned long long)(v) >> 32)
#define ARCH_OPEN(path, flags, mode) sys6(__NR_open, (long)(path), (flags) | 0x20000 /* O_LARGEFILE */, mode, 0, 0, 0)
/* What the kernel maps into every process of pages that RSS counts, and mlockall() fills in. */
#define ARCH_COUNTED_VMAS "[vdso]", "[vvar]", "[sigpage]"
enum { ARCH_O_DIRECT = 0x10000, ARCH_O_DIRECTORY = 0x4000 };
#define ARCH_PIPE(fds) sys6(__NR_pipe, (long)(fds), 0, 0, 0, 0, 0)
#define ARCH_POLL(fds, n, ms) sys6(__NR_poll, (long)(fds), n, ms, 0, 0, 0)
#define ARCH_PREAD(fd, buf, n, off) sys6(__NR_pread64, fd, (long)(buf), (long)(n), 0, ARCH_PAIR(off))
#define ARCH_PWRITE(fd, buf, n, off) sys6(__NR_pwrite64, fd, (long)(buf), (long)(n), 0, ARCH_PAIR(off))
#define ARCH_FTRUNCATE(fd, n) sys6(__NR_ftruncate64, fd, 0, ARCH_PAIR(n), 0, 0)
#define ARCH_MKNOD(path, mode, dev) sys6(__NR_mknod, (long)(path), mode, dev, 0, 0, 0)
#define ARCH_MKDIR(path, mode) sys6(__NR_mkdir, (long)(path), mode, 0, 0, 0, 0)
#define ARCH_GETUID() sys6(__NR_getuid32, 0, 0, 0, 0, 0, 0)
#define ARCH_SETGROUPS(n, p) sys6(__NR_setgroups32, n, (long)(p), 0, 0, 0, 0)
#define ARCH_SETRESGID(id) sys6(__NR_setresgid32, (long)(id), (long)(id), (long)(id), 0, 0, 0)
#define ARCH_SETRESUID(id) sys6(__NR_setresuid32, (long)(id), (long)(id), (long)(id), 0, 0, 0)

static inline long long arch_lseek(long fd, long long off, long whence)
{
	long long at = 0;
	long ret = sys6(__NR__llseek, fd, (long)(off >> 32), (long)off, (long)&at, whence, 0);

	return ret < 0 ? ret : at;
}

/* mmap2 counts the offset in units of 4096 bytes; what it cannot be told is refused as the kernel's mmap does elsewhere. */
static inline long arch_mmap(long addr, long len, long prot, long flags, long fd, unsigned long long off)
{
	if (off & 4095)
		return -22; /* EINVAL */
	if (off >> 44)
		return -75; /* EOVERFLOW */
	return sys6(__NR_mmap2, addr, len, prot, flags, fd, (long)(off >> 12));
}
#define ARCH_MMAP arch_mmap

__attribute__((naked, unused)) static void arch_restorer(void)
{
	__asm__ volatile("mov r7, %0\n\tsvc 0" : : "i"(__NR_rt_sigreturn));
}

/* One instruction of one width. An eight-byte one is a pair of registers: one instruction, two accesses of the bus. */
static inline unsigned long long arch_load(unsigned long addr, unsigned width)
{
	unsigned long long v = 0;
	unsigned long w;

	switch (width) {
	case 1: __asm__ volatile("ldrb %0, [%1]" : "=r"(w) : "r"(addr) : "memory"); v = w; break;
	case 2: __asm__ volatile("ldrh %0, [%1]" : "=r"(w) : "r"(addr) : "memory"); v = w; break;
	case 4: __asm__ volatile("ldr %0, [%1]" : "=r"(w) : "r"(addr) : "memory"); v = w; break;
	default: __asm__ volatile("ldrd %Q0, %R0, [%1]" : "=&r"(v) : "r"(addr) : "memory"); break;
	}
	return v;
}

static inline void arch_store(unsigned long addr, unsigned width, unsigned long long v)
{
	unsigned long w = (unsigned long)v;

	switch (width) {
	case 1: __asm__ volatile("strb %0, [%1]" : : "r"(w), "r"(addr) : "memory"); break;
	case 2: __asm__ volatile("strh %0, [%1]" : : "r"(w), "r"(addr) : "memory"); break;
	case 4: __asm__ volatile("str %0, [%1]" : : "r"(w), "r"(addr) : "memory"); break;
	default: __asm__ volatile("strd %Q0, %R0, [%1]" : : "r"(v), "r"(addr) : "memory"); break;
	}
}

/* Makes the page writable and there, whatever it holds and whoever else writes it. */
static inline void arch_touch(unsigned long addr)
{
	unsigned long byte, lost;

	__asm__ volatile("1:\tldrexb %0, [%2]\n\tstrexb %1, %0, [%2]\n\tteq %1, #0\n\tbne 1b"
			 : "=&r"(byte), "=&r"(lost)
			 : "r"(addr)
			 : "memory", "cc");
}

/* As a function of no arguments, in ARM state. What was stored there as data the kernel makes visible to the fetch when it maps
 * the page executable (__sync_icache_dcache()); a later store would need cacheflush(2), which touches pages. */
static inline void arch_call(unsigned long addr)
{
	__asm__ volatile("blx %0" : : "r"(addr) : "r0", "r1", "r2", "r3", "ip", "lr", "memory", "cc");
}

/* argc, argv lie at the stack pointer; the stack is aligned for C before the call. */
#define ARCH_START                                              \
	__asm__(".globl _start\n_start:\n\t"                    \
		"mov fp, #0\n\tmov r0, sp\n\t"                  \
		"bic sp, sp, #7\n\tbl start_c\n\tudf #0\n")

#endif
