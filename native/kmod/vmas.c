// SPDX-License-Identifier: GPL-2.0-or-later
/* Which vmas does the calling process have, and with which flags? */
#include <linux/mm.h>
#include <linux/sched.h>

#include "pfnlab.h"
#include "view.h"

static const struct {
	vm_flags_t theirs;
	u64 ours;
} flags[] = {
	{ VM_READ, PFNLAB_VMA_READ },
	{ VM_WRITE, PFNLAB_VMA_WRITE },
	{ VM_EXEC, PFNLAB_VMA_EXEC },
	{ VM_SHARED, PFNLAB_VMA_SHARED },
	{ VM_MAYREAD, PFNLAB_VMA_MAYREAD },
	{ VM_MAYWRITE, PFNLAB_VMA_MAYWRITE },
	{ VM_MAYEXEC, PFNLAB_VMA_MAYEXEC },
	{ VM_MAYSHARE, PFNLAB_VMA_MAYSHARE },
	{ VM_PFNMAP, PFNLAB_VMA_PFNMAP },
	{ VM_MIXEDMAP, PFNLAB_VMA_MIXEDMAP },
	{ VM_IO, PFNLAB_VMA_IO },
	{ VM_DONTCOPY, PFNLAB_VMA_DONTCOPY },
	{ VM_DONTEXPAND, PFNLAB_VMA_DONTEXPAND },
	{ VM_DONTDUMP, PFNLAB_VMA_DONTDUMP },
};

static struct pfnlab_vma of_vma(const struct vm_area_struct *vma)
{
	struct pfnlab_vma entry = { .start = vma->vm_start,
				    .end = vma->vm_end,
				    .pgoff = vma->vm_pgoff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (vma->vm_flags & flags[i].theirs)
			entry.flags |= flags[i].ours;
	return entry;
}

unsigned int lab_fill_vmas(unsigned long *at, unsigned long end, void *batch, unsigned int room)
{
	struct mm_struct *mm = current->mm;
	struct pfnlab_vma *entries = batch;
	struct vm_area_struct *vma;
	unsigned int n;

	mmap_read_lock(mm);
	for (n = 0; n < room && *at < end; n++) {
		vma = find_vma(mm, *at);
		if (!vma || vma->vm_start >= end)
			break;
		entries[n] = of_vma(vma);
		*at = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return n;
}
