/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do controller and agent say to each other?  Frames, verbs and constants: docs/internals.md, sections 1 and 3.
 * wire.py says the same in Python; native/tests/test_wire.py holds the two together. */
#ifndef PFN_WIRE_H
#define PFN_WIRE_H

#include <stdint.h>

#define WIRE_PROTOCOL 1

/* A frame: u32 length of the payload, u32 type, payload; little endian, nothing aligned. */
enum to_agent { TO_HELLO = 1, TO_REGION = 2, TO_RUN = 3, TO_OUTSIDE = 4, TO_QUIT = 5, TO_FILL = 6 };
enum from_agent {
	FROM_HELLO = 1, FROM_REGION = 2, FROM_OBS = 3, FROM_OUTSIDE = 4, FROM_DONE = 5, FROM_LOST = 6,
	FROM_READY = 7, FROM_FILL = 8, FROM_MORE = 9
};

/* verb, number of arguments; numbered from 1 in this order */
#define WIRE_VERBS(V)                                                                                              \
	V(OPEN, 2) V(CLOSE, 1) V(MMAP, 8) V(MAP, 4) V(MUNMAP, 3) V(MPROTECT, 4) V(MREMAP, 7) V(MADVISE, 4)         \
	V(MLOCK, 4) V(MUNLOCK, 3) V(MSYNC, 4) V(MINCORE, 3) V(FORK, 0) V(EXIT, 1) V(WAIT, 1) V(LOAD, 3) V(STORE, 5) \
	V(PEEKDATA, 3) V(POKEDATA, 5) V(MEM_READ, 4) V(MEM_WRITE, 6) V(VM_READV, 4) V(VM_WRITEV, 6) V(WRITE, 3)    \
	V(READ, 5) V(PEEK, 3) V(POKE, 5) V(SMAPS, 1) V(MAPS, 1) V(RSS, 0) V(PAGEMAP, 3) V(KPAGECOUNT, 4)           \
	V(KPAGEFLAGS, 4) V(PTES, 3) V(PAGE_STATE, 4) V(VMA, 1) V(VMSPLICE, 3) V(MLOCKALL, 1) V(MUNLOCKALL, 0)      \
	V(FSYNC, 1) V(PROCESS_MADVISE, 5) V(MSEAL, 3) V(REMAP_FILE_PAGES, 5) V(MBIND, 5) V(MOVE_PAGES, 4)          \
	V(FUTEX_WAIT, 5) V(FUTEX_WAKE, 3) V(UFFD_REGISTER, 4) V(CLEAR_REFS, 1) V(READ_ZERO, 3) V(DIRECT_WRITE, 3)  \
	V(DIRECT_READ, 5) V(CALL, 2) V(PAGEMAP_SCAN, 3) V(ROLLUP, 0) V(NUMA_MAPS, 1) V(COREDUMP, 2) V(EXEC, 0)     \
	V(RELEASE, 2)

#define WIRE_ENUM(name, arguments) VERB_##name,
enum verb { VERB_NONE, WIRE_VERBS(WIRE_ENUM) VERBS };
#undef WIRE_ENUM

/* `stage` of an observation: how far the call came, and what the other fields mean. */
enum stage {
	STAGE_CALL = 0,          /* ret is the system call's result or -errno */
	STAGE_OPEN = 1,          /* ret is the -errno of what must come first: open of a /proc file, ptrace attach */
	STAGE_FAULT = 2,         /* signal, code, address of a load or store */
	STAGE_NO_PROCESS = 3,    /* the process does not exist (any more) */
	STAGE_DIED = 4,          /* the process was killed during the call; signal, or 0 when not known */
	STAGE_NOT_RUN = 5,       /* the time limit was hit: ret 1 in this call, 0 in an earlier one */
	STAGE_REFUSED = 6,       /* the agent did not do it: ret is the reason; never an observation of the kernel */
};

/* `stage` of a REGION or FILL answer: what failed */
enum region_stage {
	REGION_FINE = 0, REGION_OPEN = 1, REGION_MMAP = 2, REGION_ALLOCATE = 3, REGION_PAGEMAP = 4, REGION_NO_RUN = 5,
	REGION_FORK = 6, REGION_NOT_FOUND = 7, REGION_BAD = 8
};

enum region_kind {
	KIND_FILE = 1, KIND_DEVMEM = 2, KIND_RAM = 3, KIND_PERF = 4, KIND_PREMAPPED = 5, KIND_DMA_HEAP = 6,
	KIND_UDMABUF = 7, KIND_IO_URING = 8, KIND_PACKET = 9, KIND_LAB = 10, KIND_VFIO = 11
};
enum region_flag {
	REGION_READ_ONLY = 1, REGION_SYNC = 2, REGION_VIEW_OUTSIDE = 4, REGION_VIEW_MAPPED = 8, REGION_VIEW_READ = 16,
	REGION_NEVER_STORE = 32, REGION_VIEW_WRITE = 64, REGION_MAP_READ = 128, REGION_MAP_PRIVATE = 256
};
enum run_flag { RUN_AT_ONCE = 1 };
enum done_flag { DONE_TIME_LIMIT = 1, DONE_REGION_MOVED = 2, DONE_NO_KLOG = 4, DONE_REGION_LOST = 8 };
enum fill_mode { FILL_BYTE = 0, FILL_PATTERN = 1 };

#define WIRE_PATTERN 0xde5f000000000000ULL

/* places of an address and meanings of a length */
#define BASE_ABSOLUTE (-1)
#define BASE_ARENA (-3)
#define LENGTH_ALL (-1)
/* The arena: the places of mappings, and one page below it. A 32-bit machine has 3 GB, and maps by itself at their top. */
#if UINTPTR_MAX > 0xffffffffU
#define ARENA 0x1000000000ULL
#define ARENA_END 0x2000000000ULL
#define BELOW_ARENA 0xfc0000000ULL
#define ARENA_TEXT "0x1000000000"
#else
#define ARENA 0x10000000ULL
#define ARENA_END 0x80000000ULL
#define BELOW_ARENA 0x0f000000ULL
#define ARENA_TEXT "0x10000000"
#endif

#define UID_UNCHANGED 0xffffffffU
#define NO_PARENT 0xffff

/* limits of one program: the tables are shared memory that every actor touches beforehand */
#define MAX_PROCESSES 16
#define MAX_HANDLES 64
#define MAX_VALUES 64
#define MAX_FDS 32
#define MAX_REGIONS 48
#define MAX_ARGS 8
#define MAX_PAYLOAD 65536
#define MAX_FRAME (1 << 20)
/* A longer payload comes in pieces, each after the first when the agent has asked for it (FROM_MORE): a tty's line
 * discipline holds 4095 bytes, and UML's serial line does not go on once it was throttled. */
#define PIECE 2048
#define MAX_KLOG 8192

#endif
