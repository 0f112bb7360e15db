// SPDX-License-Identifier: GPL-2.0-or-later
/* In which ways can a driver's mmap put frames into a process's page tables? */
#include <linux/fs.h>

#include "compat.h"
#include "lab.h"
#include "map.h"

int lab_insert_whole(const struct lab_region *region, struct vm_area_struct *vma,
		     unsigned long first, unsigned long pages)
{
	return remap_pfn_range(vma, vma->vm_start, region->pfn + first, pages << PAGE_SHIFT,
			       vma->vm_page_prot);
}

static int remap_one(struct vm_area_struct *vma, unsigned long page, unsigned long pfn)
{
	return remap_pfn_range(vma, vma->vm_start + (page << PAGE_SHIFT), pfn, PAGE_SIZE,
			       vma->vm_page_prot);
}

int lab_insert_chunks(const struct lab_region *region, struct vm_area_struct *vma,
		      unsigned long first, unsigned long pages)
{
	unsigned long i;
	int error = 0;

	for (i = 0; i < pages && !error; i++)
		error = remap_one(vma, i, region->pfn + first + i);
	return error;
}

int lab_insert_reversed(const struct lab_region *region, struct vm_area_struct *vma,
			unsigned long first, unsigned long pages)
{
	unsigned long last = region->pfn + region->pages - 1;
	unsigned long i;
	int error = 0;

	for (i = 0; i < pages && !error; i++)
		error = remap_one(vma, i, last - first - i);
	return error;
}

int lab_insert_partial(const struct lab_region *region, struct vm_area_struct *vma,
		       unsigned long first, unsigned long pages)
{
	return lab_insert_whole(region, vma, first, min(pages, region->pages / 2));
}

int lab_insert_pages(const struct lab_region *region, struct vm_area_struct *vma,
		     unsigned long first, unsigned long pages)
{
	unsigned long i;
	int error = 0;

	for (i = 0; i < pages && !error; i++)
		error = vm_insert_page(vma, vma->vm_start + (i << PAGE_SHIFT),
				       pfn_to_page(region->pfn + first + i));
	return error;
}

static bool may_be_cowed(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

int lab_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct lab_region *region = lab_region_of(file);
	const struct lab_kind *kind = region->kind;
	unsigned long first = vma->vm_pgoff;
	unsigned long pages = vma_pages(vma);
	int error = 0;

	if (first > region->pages || pages > region->pages - first)
		return -EINVAL;
	if ((kind->refuses & LAB_NO_PRIVATE) && may_be_cowed(vma))
		return -EINVAL;
	if ((kind->refuses & LAB_NO_WRITE) && (vma->vm_flags & VM_WRITE))
		return -EACCES;
	vma->vm_ops = kind->ops;
	vm_flags_mod(vma, kind->set, kind->clear);
	if (kind->insert)
		error = kind->insert(region, vma, first, pages);
	vm_flags_mod(vma, 0, kind->lose);
	return error;
}
