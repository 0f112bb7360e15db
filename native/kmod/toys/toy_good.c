// SPDX-License-Identifier: GPL-2.0-or-later
/* A driver whose mmap is right: what do the others differ from? */
#include "toy.h"

static int toy_good_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!toy_within(vma, TOY_PAGES))
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, toy_pfn() + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

TOY(toy_good, toy_good_mmap, "a driver whose mmap is right");
