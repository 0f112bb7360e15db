// SPDX-License-Identifier: GPL-2.0-or-later
/* A driver that forgets the offset: which page does a user get who asks for the second? */
#include "toy.h"

static int toy_pgoff_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!toy_within(vma, TOY_PAGES))
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, toy_pfn(), /* the fault: not + vm_pgoff */
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

TOY(toy_pgoff, toy_pgoff_mmap, "a driver that ignores the offset of mmap");
