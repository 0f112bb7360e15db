/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What depends on the architecture?  System calls, the program's entry, the signal frame, and one access of one width.
 * Another architecture is another file with the same names. */
#ifndef PFN_ARCH_H
#define PFN_ARCH_H

#include <asm/unistd.h>

static inline long sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* The calls whose number or form differs between architectures. */
#define ARCH_OPEN(path, flags, mode) sys6(__NR_open, (long)(path), flags, mode, 0, 0, 0)
/* What the kernel maps into every process of pages that RSS counts, and mlockall() fills in; [vvar] has none here. */
#define ARCH_COUNTED_VMAS "[vdso]"
enum { ARCH_O_DIRECT = 0x4000, ARCH_O_DIRECTORY = 0x10000 };
#define ARCH_PIPE(fds) sys6(__NR_pipe, (long)(fds), 0, 0, 0, 0, 0)
#define ARCH_POLL(fds, n, ms) sys6(__NR_poll, (long)(fds), n, ms, 0, 0, 0)
#define ARCH_MMAP(addr, len, prot, flags, fd, off) sys6(__NR_mmap, addr, len, prot, flags, fd, (long)(off))
#define ARCH_PREAD(fd, buf, n, off) sys6(__NR_pread64, fd, (long)(buf), (long)(n), (long)(off), 0, 0)
#define ARCH_PWRITE(fd, buf, n, off) sys6(__NR_pwrite64, fd, (long)(buf), (long)(n), (long)(off), 0, 0)
#define ARCH_FTRUNCATE(fd, n) sys6(__NR_ftruncate, fd, (long)(n), 0, 0, 0, 0)
#define ARCH_MKNOD(path, mode, dev) sys6(__NR_mknod, (long)(path), mode, dev, 0, 0, 0)
#define ARCH_MKDIR(path, mode) sys6(__NR_mkdir, (long)(path), mode, 0, 0, 0, 0)
#define ARCH_GETUID() sys6(__NR_getuid, 0, 0, 0, 0, 0, 0)
#define ARCH_SETGROUPS(n, p) sys6(__NR_setgroups, n, (long)(p), 0, 0, 0, 0)
#define ARCH_SETRESGID(id) sys6(__NR_setresgid, (long)(id), (long)(id), (long)(id), 0, 0, 0)
#define ARCH_SETRESUID(id) sys6(__NR_setresuid, (long)(id), (long)(id), (long)(id), 0, 0, 0)
#define arch_lseek(fd, off, whence) sys6(__NR_lseek, fd, (long)(off), whence, 0, 0, 0)

/* x86-64 has no kernel-side return from a signal: SA_RESTORER is not optional. */
__attribute__((naked, unused)) static void arch_restorer(void)
{
	__asm__ volatile("mov %0, %%eax\n\tsyscall" : : "i"(__NR_rt_sigreturn));
}

/* One instruction of one width: a compiler may split a C access, and a sanitizer would look at it. */
static inline unsigned long long arch_load(unsigned long addr, unsigned width)
{
	unsigned long long v = 0;

	switch (width) {
	case 1: __asm__ volatile("movzbl (%1), %k0" : "=r"(v) : "r"(addr) : "memory"); break;
	case 2: __asm__ volatile("movzwl (%1), %k0" : "=r"(v) : "r"(addr) : "memory"); break;
	case 4: __asm__ volatile("movl (%1), %k0" : "=r"(v) : "r"(addr) : "memory"); break;
	default: __asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(addr) : "memory"); break;
	}
	return v;
}

static inline void arch_store(unsigned long addr, unsigned width, unsigned long long v)
{
	switch (width) {
	case 1: __asm__ volatile("movb %b0, (%1)" : : "q"(v), "r"(addr) : "memory"); break;
	case 2: __asm__ volatile("movw %w0, (%1)" : : "r"(v), "r"(addr) : "memory"); break;
	case 4: __asm__ volatile("movl %k0, (%1)" : : "r"(v), "r"(addr) : "memory"); break;
	default: __asm__ volatile("movq %0, (%1)" : : "r"(v), "r"(addr) : "memory"); break;
	}
}

/* Makes the page writable and there, whatever it holds and whoever else writes it. */
static inline void arch_touch(unsigned long addr)
{
	__asm__ volatile("lock orb $0, (%0)" : : "r"(addr) : "memory", "cc");
}

/* As a function of no arguments. Below the red zone; and with %rax 0, so that zeros, which are `add %al,(%rax)`, store nowhere. */
static inline void arch_call(unsigned long addr)
{
	__asm__ volatile("sub $128, %%rsp\n\txor %%eax, %%eax\n\tcall *%0\n\tadd $128, %%rsp"
			 : "+d"(addr)
			 :
			 : "rax", "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

/* argc, argv lie at the stack pointer; the stack is aligned for C before the call. */
#define ARCH_START                                              \
	__asm__(".globl _start\n_start:\n\t"                    \
		"xor %ebp, %ebp\n\tmov %rsp, %rdi\n\t"          \
		"and $-16, %rsp\n\tcall start_c\n\thlt\n")

#endif
