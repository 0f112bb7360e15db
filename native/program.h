/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts that run one program share: program.c the calls, watch.c its processes, view.c the regions' content. */
#ifndef PFN_PROGRAM_H
#define PFN_PROGRAM_H

#include "agent.h"

enum outcome { REPLIED, DIED, TIME_LIMIT };

extern s64 deadline; /* of what is being waited for, in milliseconds of the monotonic clock */

/* Waits for the byte `wanted` on the reply pipe, or for the end of process pid. */
enum outcome await(u8 wanted, s32 pid, s32 *status);
enum outcome await_fork(u8 parent, s32 parent_pid, u8 child, s32 *status);
enum outcome await_exit(s32 pid, s32 *status);
void open_pipes(u16 processes);
void close_pipes(void);
/* Kills and reaps every process of the program; 0, or the pid that does not go. */
s32 end_all(void);
__attribute__((noreturn)) void controller_gone(void);

void call_view(void);

/* core.c: around a call that dumps core. 0, or -errno where there is none to be had. */
long core_prepare(void);
void core_observe(const struct process *p, const struct call *c, struct observation *o);
void core_restore(void);

#endif
