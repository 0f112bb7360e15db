/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the lab's driver and the agent say to each other?
 * The ioctls of /dev/pfnlab/ctl and of a region's file.
 * Fixed-width integers only, no padding: a 32-bit agent and a 64-bit kernel read the same.
 */
#ifndef PFNLAB_H
#define PFNLAB_H

#ifdef __KERNEL__
#include <linux/ioctl.h>
#include <linux/types.h>
#define PFNLAB_U64 __u64
#define PFNLAB_U32 __u32
#define PFNLAB_S32 __s32
#else
#include <stdint.h>
#define PFNLAB_U64 uint64_t
#define PFNLAB_U32 uint32_t
#define PFNLAB_S32 int32_t
#endif

/* Of a region's file (/dev/pfnlab/NAME): where it is. pfn is that of its first page, its pages are
 * consecutive frames.
 */
struct pfnlab_info {
	PFNLAB_U64 pfn;
	PFNLAB_U64 pages;
};

/* Of /dev/pfnlab/ctl: `count` entries of what is asked for, from `start`, into the array at address
 * `out`. The ioctl returns how many entries were written.
 */
struct pfnlab_query {
	PFNLAB_U64 start; /* PTES, VMAS: an address of the caller; PAGES: a pfn */
	PFNLAB_U64 end; /* the first address, or the first pfn, after the range */
	PFNLAB_U64 out;
	PFNLAB_U64 count; /* room at `out`, in entries */
};

struct pfnlab_pte {
	PFNLAB_U64 pfn;
	PFNLAB_U32 bits; /* 0: pte_none() */
	PFNLAB_U32 zero;
};

#define PFNLAB_PTE_PRESENT 1U
#define PFNLAB_PTE_WRITE 2U
#define PFNLAB_PTE_DIRTY 4U
#define PFNLAB_PTE_YOUNG 8U
#define PFNLAB_PTE_SPECIAL 16U
#define PFNLAB_PTE_HUGE 32U /* mapped by an entry above the pte level */
#define PFNLAB_PTE_SWAP 64U /* neither none nor present */

struct pfnlab_page {
	PFNLAB_S32 refcount;
	PFNLAB_S32 mapcount;
	/* Bit numbers of include/uapi/linux/kernel-page-flags.h.
	 * All ones in all three: no struct page.
	 */
	PFNLAB_U64 flags;
};

struct pfnlab_vma {
	PFNLAB_U64 start;
	PFNLAB_U64 end;
	PFNLAB_U64 pgoff; /* vm_pgoff, in pages */
	PFNLAB_U64 flags; /* PFNLAB_VMA_*: kernels move their own numbers */
};

#define PFNLAB_VMA_READ (1U << 0)
#define PFNLAB_VMA_WRITE (1U << 1)
#define PFNLAB_VMA_EXEC (1U << 2)
#define PFNLAB_VMA_SHARED (1U << 3)
#define PFNLAB_VMA_MAYREAD (1U << 4)
#define PFNLAB_VMA_MAYWRITE (1U << 5)
#define PFNLAB_VMA_MAYEXEC (1U << 6)
#define PFNLAB_VMA_MAYSHARE (1U << 7)
#define PFNLAB_VMA_PFNMAP (1U << 8)
#define PFNLAB_VMA_MIXEDMAP (1U << 9)
#define PFNLAB_VMA_IO (1U << 10)
#define PFNLAB_VMA_DONTCOPY (1U << 11)
#define PFNLAB_VMA_DONTEXPAND (1U << 12)
#define PFNLAB_VMA_DONTDUMP (1U << 13)

/* _IOR('p', 0xf0, struct pfnlab_info) and so on, as numbers: the agent has no kernel headers. */
#define PFNLAB_IOC_INFO 0x801070f0U
#define PFNLAB_IOC_PTES 0x402070f1U
#define PFNLAB_IOC_PAGES 0x402070f2U
#define PFNLAB_IOC_VMAS 0x402070f3U

#endif
