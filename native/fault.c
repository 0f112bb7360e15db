/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"
#include "text.h"

enum { F_SA_SIGINFO = 4, F_SA_RESTORER = 0x04000000, F_SA_NODEFER = 0x40000000 };

static void *landing[5];
static volatile int armed;
static struct fault seen;

/* SA_NODEFER: the handler is left by a jump, so no signal mask has to be put back. */
static void on_fault(int signo, struct s_siginfo *info, void *context)
{
	(void)context;
	if (!armed)
		sys_exit(128 + signo);
	armed = 0;
	seen.signal = signo;
	seen.code = info->code;
	seen.addr = (u64)(uintptr_t)info->u.addr;
	__builtin_longjmp(landing, 1);
}

void pfn_fault_install(void)
{
	struct s_sigaction sa = {(void *)on_fault, F_SA_SIGINFO | F_SA_NODEFER | F_SA_RESTORER, arch_restorer, {0}};

	static const s8 signals[] = {S_SIGSEGV, S_SIGBUS, S_SIGILL, S_SIGTRAP, S_SIGFPE};

	for (size_t i = 0; i < sizeof(signals); i++)
		SYS(rt_sigaction, signals[i], &sa, 0, 8);
}

/* One function that accesses, so that the jump lands in a frame that is still there. */
enum access { LOAD, STORE, COPY, FILL, TOUCH, CALL };

__attribute__((noinline)) static int guarded(enum access what, u64 addr, size_t n, u64 *v, u8 *out, struct fault *f)
{
	volatile size_t done = 0;

	if (__builtin_setjmp(landing)) {
		*f = seen;
		return 1;
	}
	armed = 1;
	switch (what) {
	case LOAD:
		*v = arch_load((unsigned long)addr, (unsigned)n);
		break;
	case STORE:
		arch_store((unsigned long)addr, (unsigned)n, *v);
		break;
	case CALL:
		arch_call((unsigned long)addr);
		break;
	case TOUCH:
		arch_touch((unsigned long)addr);
		break;
	case COPY:
		while (done < n) {
			unsigned w = n - done >= 8 ? 8 : 1;
			u64 word = arch_load((unsigned long)addr + done, w);

			memcpy(out + done, &word, w);
			done = done + w;
		}
		break;
	case FILL:
		while (done < n) {
			unsigned w = n - done >= 8 ? 8 : 1;

			arch_store((unsigned long)addr + done, w, *v);
			done = done + w;
		}
		break;
	}
	armed = 0;
	return 0;
}

int pfn_load(u64 addr, unsigned width, u64 *v, struct fault *f) { return guarded(LOAD, addr, width, v, 0, f); }
int pfn_store(u64 addr, unsigned width, u64 v, struct fault *f) { return guarded(STORE, addr, width, &v, 0, f); }
int pfn_call(u64 addr, struct fault *f) { return guarded(CALL, addr, 0, 0, 0, f); }
int pfn_touch(u64 addr, struct fault *f) { return guarded(TOUCH, addr, 1, 0, 0, f); }
int pfn_load_range(u64 addr, size_t n, void *out, struct fault *f) { return guarded(COPY, addr, n, 0, out, f); }

int pfn_fill_range(u64 addr, size_t n, u8 byte, struct fault *f)
{
	u64 v = byte * 0x0101010101010101ULL;

	return guarded(FILL, addr, n, &v, 0, f);
}
