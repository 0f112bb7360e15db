/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a load or store survived that the kernel answers with SIGSEGV or SIGBUS? */
#ifndef PFN_FAULT_H
#define PFN_FAULT_H

#include "sys.h"

struct fault { s32 signal, code; u64 addr; };

/* Installs the handlers of SIGSEGV, SIGBUS and what code can raise in this process; a fault outside of an access ends the process. */
void pfn_fault_install(void);

/* Accesses; 0, or 1 with *f filled in. */
int pfn_load(u64 addr, unsigned width, u64 *v, struct fault *f);
int pfn_store(u64 addr, unsigned width, u64 v, struct fault *f);
/* A call of the code there, as a function of no arguments. */
int pfn_call(u64 addr, struct fault *f);
/* A write that changes nothing. */
int pfn_touch(u64 addr, struct fault *f);
/* A range, by words where they fit: copied out, or filled with one byte. */
int pfn_load_range(u64 addr, size_t n, void *out, struct fault *f);
int pfn_fill_range(u64 addr, size_t n, u8 byte, struct fault *f);

#endif
