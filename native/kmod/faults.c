// SPDX-License-Identifier: GPL-2.0-or-later
/* In which ways can a driver answer a fault? */
#include <linux/fs.h>

#include "compat.h"
#include "lab.h"
#include "map.h"

/* The frame that belongs at a fault's address, or 0 after the region's end: mmap() saw to it, but a
 * vma may grow.
 */
static unsigned long frame(const struct vm_fault *vmf)
{
	const struct lab_region *region = lab_region_of(vmf->vma->vm_file);

	return vmf->pgoff < region->pages ? region->pfn + vmf->pgoff : 0;
}

vm_fault_t lab_fault_pfn(struct vm_fault *vmf)
{
	unsigned long pfn = frame(vmf);

	return pfn ? vmf_insert_pfn(vmf->vma, vmf->address, pfn) : VM_FAULT_SIGBUS;
}

vm_fault_t lab_fault_mixed(struct vm_fault *vmf)
{
	unsigned long pfn = frame(vmf);

	return pfn ? vmf_insert_mixed(vmf->vma, vmf->address, lab_pfn_t(pfn)) : VM_FAULT_SIGBUS;
}

vm_fault_t lab_fault_normal(struct vm_fault *vmf)
{
	unsigned long pfn = frame(vmf);

	if (!pfn)
		return VM_FAULT_SIGBUS;
	vmf->page = pfn_to_page(pfn);
	get_page(vmf->page); /* the pte's: unmapping drops it */
	return 0;
}

/* The store goes on: the pte becomes writable. */
vm_fault_t lab_pfn_mkwrite(struct vm_fault *vmf)
{
	return 0;
}

#ifdef LAB_HUGE
vm_fault_t lab_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	unsigned long start = vmf->address & PMD_MASK;
	unsigned long pfn = frame(vmf);

	if (order != HPAGE_PMD_ORDER || start < vmf->vma->vm_start ||
	    start + PMD_SIZE > vmf->vma->vm_end)
		return VM_FAULT_FALLBACK;
	pfn -= (vmf->address - start) >> PAGE_SHIFT;
	if (!pfn || !IS_ALIGNED(pfn, HPAGE_PMD_NR))
		return VM_FAULT_FALLBACK;
	return vmf_insert_pfn_pmd(vmf, lab_pfn_t(pfn), vmf->flags & FAULT_FLAG_WRITE);
}
#endif
