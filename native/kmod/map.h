/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ways of mapping are there for the table of kinds to name? */
#ifndef PFNLAB_MAP_H
#define PFNLAB_MAP_H

#include <linux/mm_types.h>

struct lab_region;
struct vm_fault;

int lab_insert_whole(const struct lab_region *region, struct vm_area_struct *vma,
		     unsigned long first, unsigned long pages);
int lab_insert_chunks(const struct lab_region *region, struct vm_area_struct *vma,
		      unsigned long first, unsigned long pages);
int lab_insert_reversed(const struct lab_region *region, struct vm_area_struct *vma,
			unsigned long first, unsigned long pages);
int lab_insert_partial(const struct lab_region *region, struct vm_area_struct *vma,
		       unsigned long first, unsigned long pages);
int lab_insert_pages(const struct lab_region *region, struct vm_area_struct *vma,
		     unsigned long first, unsigned long pages);

vm_fault_t lab_fault_pfn(struct vm_fault *vmf);
vm_fault_t lab_fault_mixed(struct vm_fault *vmf);
vm_fault_t lab_fault_normal(struct vm_fault *vmf);
vm_fault_t lab_pfn_mkwrite(struct vm_fault *vmf);
vm_fault_t lab_huge_fault(struct vm_fault *vmf, unsigned int order); /* where there is LAB_HUGE */

#endif
