/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is one numbered call executed, in the process that makes it? */
#ifndef PFN_OPS_H
#define PFN_OPS_H

#include "readers.h"
#include "wire.h"

struct region {
	u32 kind, flags;
	u64 base, pages, pfn;   /* base: offset for mmap in bytes; pfn 0: not known */
	s32 fd;                 /* in this process, -1: none */
	s32 view_fd;            /* what read(2) and write(2) see its content by, from view_base on; -1: fd, from base on */
	u64 view_base;
	s32 keeper;             /* keeper's slot, -1: none */
	u32 fault_stage;        /* what failed, when it could not be opened */
	char path[128];
};

/* What a process has; shared memory, so that others can name its addresses. Copied by fork, as memory is. */
struct process {
	s32 pid;                /* 0: never forked */
	s32 gone;               /* set by the agent when it has seen the process end */
	s64 handle_address[MAX_HANDLES], handle_length[MAX_HANDLES];
	s64 value[MAX_VALUES];
	s32 fd[MAX_FDS], fd_region[MAX_FDS];
	s64 baseline[4];
};

struct call { u16 index, verb; s16 proc, result; u16 n; s64 arg[MAX_ARGS]; };

struct observation {
	u16 stage;
	s64 ret;
	s32 signal, code;
	u64 address;
	s64 handle_address, handle_length;
	u32 length;
	u8 payload[MAX_PAYLOAD] __attribute__((aligned(8)));
};

struct mailbox;
struct actor {
	struct mailbox *box;
	struct region *region;
	u64 page_size;
	int self;               /* process slot; -1: the agent itself */
	int counted;            /* the program asks for counters, so they need a baseline */
	int rolled;             /* likewise for smaps_rollup */
	int settled;            /* which page is given out next is the program's: what fork shares is copied at once */
	int unspeakable;        /* an address or length of the call has more bits than this machine's */
	int extended;           /* an address of the call counts from the end of memory: its upper half is all ones */
	s32 disk;               /* what takes O_DIRECT, or why there is nothing (-errno) */
	int forked;             /* set in the child of a fork: the slot that it is now */
};

/* What a process that executes the agent anew leaves to itself. */
struct handover {
	struct actor me;
	s32 command[MAX_PROCESSES], reply;
	char name[16];
	struct region region[MAX_REGIONS];
};

/* One call at a time, so one place for it and one for its observation. An actor goes through a run of its own calls by
 * itself: `call` is run[kept], and the observations of those before it are in `log`, wherever it may die. */
enum { RUN_CALLS = 32, LOG_BYTES = 16384 };
struct mailbox {
	struct call call;
	struct observation obs;
	struct process process[MAX_PROCESSES];
	u32 run_calls, kept, log_bytes;
	struct call run[RUN_CALLS];
	u8 log[LOG_BYTES] __attribute__((aligned(8))); /* of each: what is before the payload, and as much of that as there is */
	struct handover handover;
};

/* Executes box->call into box->obs. A call never fails: errors are observations. */
void ops_execute(struct actor *a);
/* Executes box->run from its first call, as far as `log` has room: the last observation is left in box->obs. */
void ops_execute_run(struct actor *a);
/* What an observation takes in the log. */
static inline size_t log_size(u32 length) { return (offsetof(struct observation, payload) + length + 7) & ~(size_t)7; }

/* Opens what takes O_DIRECT, for `disk`; `folder` may have a file, or NULL. */
long direct_open(int guest, const char *folder);

/* For the files of ops: */
typedef void op_function(struct actor *a, const struct call *c, struct observation *o);
op_function op_open, op_close, op_mmap, op_map, op_munmap, op_mprotect, op_mremap, op_madvise, op_mlock, op_munlock,
	op_msync, op_mincore, op_load, op_store, op_fork, op_exit, op_wait, op_ptrace, op_mem, op_vm, op_write, op_read,
	op_vmas, op_rss, op_pagemap, op_kpage, op_ptes, op_page_state, op_vma, op_vmsplice, op_mlockall, op_munlockall,
	op_fsync, op_process_madvise, op_mseal, op_remap_file_pages, op_mbind, op_move_pages, op_futex, op_uffd_register,
	op_clear_refs, op_read_zero, op_pagemap_scan, op_rollup, op_numa_maps,
	op_coredump, op_exec, op_call, op_direct_write, op_direct_read;

/* Whose pages kpagecount, kpageflags and page_state are asked about: arg[0]. */
enum { OF_REGION, OF_RANGE };

struct process *op_self(struct actor *a);
/* An address or length as the machine has it. What is too long becomes one that no mapping has, and the call is refused:
 * cut off, it would name memory that is not meant. */
u64 op_word(struct actor *a, u64 v);
u64 op_address(struct actor *a, struct process *p, s64 base, s64 byte);
/* A range of the call's arguments, from arg[i]: its length is returned. */
u64 op_range(struct actor *a, const struct call *c, int i, u64 *address);
u64 op_range_of(struct actor *a, struct process *p, const struct call *c, int i, u64 *address);
struct region *op_region(struct actor *a, s64 id); /* NULL: there is none of that number */
u64 op_value(struct actor *a, s64 kind, s64 v);
/* Sets the call's value slot, if it has one, in process p. */
void op_set_value(struct process *p, const struct call *c, u64 v);
void op_set_handle(struct actor *a, int slot, u64 address, u64 length, struct observation *o);
/* The process that an argument names; NULL, and the observation says so, when it is not there. */
struct process *op_target(struct actor *a, s64 slot, struct observation *o);
/* The bytes of the u64, repeated: what is written where a length is asked for. */
void op_repeat_value(u8 *to, u64 n, u64 v);
/* `ret` bytes are in the payload: the call's value slot becomes the first eight of them. */
void op_observe_bytes(struct actor *a, const struct call *c, struct observation *o);
void op_refuse(struct observation *o, long why);
/* The pages that a range of the call's arguments touches, from arg[i]; *start becomes the first one's start. */
long op_pages(struct actor *a, const struct call *c, int i, u64 *start);
/* Where the handle `slot` is now, a byte at least; 0, and refused, when there is no such slot. */
int op_handle_range(struct actor *a, s64 slot, u64 *start, u64 *end, struct observation *o);
void op_text(struct observation *o, long got);
void op_rollup_baseline(void);
long op_rss_now(struct actor *a, s64 out[4]);

#endif
