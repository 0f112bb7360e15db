// SPDX-License-Identifier: GPL-2.0-or-later
/* A driver that is off by one: what does a user see who maps a page more than the device has? */
#include "toy.h"

static int toy_long_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!toy_within(vma, TOY_PAGES + 1)) /* the fault: one page too many */
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, toy_pfn() + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

TOY(toy_long, toy_long_mmap, "a driver that maps one page too many");
