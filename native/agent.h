/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do the parts of the agent fit together? */
#ifndef PFN_AGENT_H
#define PFN_AGENT_H

#include "ops.h"

/* channel.c: frames over one descriptor (or two). */
struct channel { s32 in, out; };
struct frame { u32 length, type; u8 *payload; };
extern struct channel channel;
/* Waits for a frame; 0, or -1 at the end of the stream. The payload is valid until the next call with the same `inner`:
 * 1 for an answer that is awaited while another frame is still being read. */
int channel_receive(struct frame *f, int inner);
/* A frame made piece by piece; sent when the next one would not fit, or by channel_flush(). */
void frame_begin(u32 type);
void frame_add(const void *p, size_t n);
void frame_end(void);
void channel_flush(void);
void channel_lost(const char *why);
int channel_hung_up(void);
void channel_leave(void); /* for a child, which neither speaks on it nor has its buffers' memory */
static inline void frame_u16(u16 v) { frame_add(&v, 2); }
static inline void frame_u32(u32 v) { frame_add(&v, 4); }
static inline void frame_u64(u64 v) { frame_add(&v, 8); }

/* Takes little-endian numbers from a frame; `bad` once there are not enough bytes. */
struct reader { const u8 *at; size_t left; int bad; };
void read_bytes(struct reader *r, void *to, size_t n);
static inline u16 read_u16(struct reader *r) { u16 v; read_bytes(r, &v, 2); return v; }
static inline u32 read_u32(struct reader *r) { u32 v; read_bytes(r, &v, 4); return v; }
static inline u64 read_u64(struct reader *r) { u64 v; read_bytes(r, &v, 8); return v; }

/* guest.c: what init has to do. */
void guest_mount(void);
/* modules.c: loads what /modules has; modules_told() is a line `module=NAME ok` or `module=NAME ERRNO` of each. */
void modules_load(void);
const char *modules_told(void);
int guest_channel(void);
__attribute__((noreturn)) void guest_power_off(void);

/* agent.c: stops the keepers and ends, as init by powering off. */
__attribute__((noreturn)) void agent_end(void);

/* hello.c */
void hello(u32 wanted);

/* klog.c: what the kernel logged, and its taint, between two moments. */
void klog_start(void);
long klog_read(char *buf, size_t size);   /* -errno when this user may not */
u32 taint_now(void);

/* actor.c: the processes of a program. */
struct options { u32 uid; u64 dropped; s64 memlock; };
extern const char *temporary;             /* TMPDIR, or NULL */
extern struct actor me;                   /* of this process, agent or actor */
extern s32 command_pipe[MAX_PROCESSES][2], reply_pipe[2];
long actor_start(int slot, const struct options *o);
void actor_begin(void);                   /* its own pages are there, and its baseline is taken */
__attribute__((noreturn)) void actor_serve(u8 first); /* `first`: its first reply */
#define REPLY_READY 0x80

/* image.c: the mailbox, and a process that executes the agent anew. */
struct mailbox *image_make_box(void);
__attribute__((noreturn)) void image_resume(s32 box);

/* keeper.c: a process beside the programs that holds a region's pages and its view. */
struct keeper_answer { s64 ret; u32 stage; u64 pfn; u64 value; };
long keeper_start(struct region *r);
int keeper_ask(struct region *r, int what, u64 byte, u32 width, u64 value, struct keeper_answer *answer, void *bytes);
enum keeper_what { KEEPER_PEEK, KEEPER_POKE, KEEPER_FILL, KEEPER_CHECK, KEEPER_RELEASE, KEEPER_RECLAIM };
void keeper_close_all(void);
void keeper_stop(struct region *r);
u64 ram_allocate(u64 pages, u64 page_size, struct keeper_answer *answer);

/* ram.c, in the keeper: the region's pages. A released one is the kernel's until it is reclaimed: the very frame, 0, or
 * -errno when it did not come back. */
long ram_still_there(void);
int ram_holds(u64 page);
long ram_release(u64 page);
long ram_reclaim(void);
/* ram.c, in the agent: of all such regions. */
int ram_moved(void);
int ram_lost(void);
void call_release(void);

/* The 8-byte word at `byte` of page `page`, of a region filled in `mode` (enum fill_mode). */
static inline u64 fill_word(u32 mode, u64 value, u64 page, u64 byte)
{
	return mode == FILL_PATTERN ? WIRE_PATTERN | page << 16 | byte : (value & 0xff) * 0x0101010101010101ULL;
}

/* makers.c: memory that is made (or that the lab's driver has), from kind KIND_DMA_HEAP on. 0 or -errno of fault_stage. */
long region_make(struct region *r);
long region_vfio(struct region *r); /* vfio.c */

/* region.c, program.c: the frames REGION, FILL and RUN. */
void region_open(struct reader *r);
void region_fill(struct reader *r);
int region_view(struct region *r, int write, u64 byte, u32 width, u64 value, struct observation *o);
void program_run(struct reader *r);

#endif
