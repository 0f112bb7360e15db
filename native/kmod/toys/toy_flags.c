// SPDX-License-Identifier: GPL-2.0-or-later
/* A driver that hands out its pages as the VM's own: what is lost when VM_IO and VM_PFNMAP are? */
#include "toy.h"

static int toy_flags_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long i;
	int error = 0;

	if (!toy_within(vma, TOY_PAGES))
		return -EINVAL;
	/* the fault: a reference for everyone who looks, ptrace and direct I/O among them */
	for (i = 0; i < vma_pages(vma) && !error; i++)
		error = vm_insert_page(vma, vma->vm_start + (i << PAGE_SHIFT),
				       pfn_to_page(toy_pfn() + vma->vm_pgoff + i));
	return error;
}

TOY(toy_flags, toy_flags_mmap, "a driver whose memory is counted and shared out as ordinary pages");
