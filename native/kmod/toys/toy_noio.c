// SPDX-License-Identifier: GPL-2.0-or-later
/* A driver that takes back what remap_pfn_range() said of the vma: who notices? */
#include "toy.h"

static int toy_noio_mmap(struct file *file, struct vm_area_struct *vma)
{
	int error;

	if (!toy_within(vma, TOY_PAGES))
		return -EINVAL;
	error = remap_pfn_range(vma, vma->vm_start, toy_pfn() + vma->vm_pgoff,
				vma->vm_end - vma->vm_start, vma->vm_page_prot);
	/* the fault: what the kernel was told of this memory is taken back */
	vm_flags_clear(vma, VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	return error;
}

TOY(toy_noio, toy_noio_mmap, "a driver that clears the flags of a mapping of I/O memory");
