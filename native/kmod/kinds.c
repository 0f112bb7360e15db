// SPDX-License-Identifier: GPL-2.0-or-later
/* Which kinds of region does the lab have? Data; README.md says what each shows. */
#include <linux/kernel.h>

#include "compat.h"
#include "lab.h"
#include "map.h"

#ifdef CONFIG_HAVE_IOREMAP_PROT /* as drivers/char/mem.c: 32-bit ARM has none before 7.x */
#define LAB_ACCESS .access = generic_access_phys,
#else
#define LAB_ACCESS
#endif

static int no_split(struct vm_area_struct *vma, unsigned long address)
{
	return -EINVAL;
}

static const struct vm_operations_struct access_ops = { LAB_ACCESS };
static const struct vm_operations_struct no_ops = {};
static const struct vm_operations_struct fault_ops = { .fault = lab_fault_pfn };
static const struct vm_operations_struct mixed_ops = { .fault = lab_fault_mixed };
static const struct vm_operations_struct normal_ops = { .fault = lab_fault_normal };
static const struct vm_operations_struct nosplit_ops = { .may_split = no_split };
static const struct vm_operations_struct mkwrite_ops = { .pfn_mkwrite = lab_pfn_mkwrite };
#ifdef LAB_HUGE
static const struct vm_operations_struct huge_ops = { .fault = lab_fault_pfn,
						      .huge_fault = lab_huge_fault };
#endif

/* What remap_pfn_range() adds to a vma, for those that do without it. VM_IO is no mere courtesy: in
 * 5.10 get_user_pages() of a special pte in a vma with neither it nor VM_PFNMAP leaves a hole in
 * its array of pages and counts it as a page (__get_user_pages(), "no corresponding struct page"):
 * process_vm_readv() oopses. 6.1 returns an error there.
 */
#define NOT_PAGES (VM_IO | VM_DONTEXPAND | VM_DONTDUMP)

const struct lab_kind lab_kinds[] = {
	{ "whole", LAB_PAGES, LAB_ORDINARY, lab_insert_whole, &access_ops },
	{ "plain", LAB_PAGES, LAB_ORDINARY, lab_insert_whole, &no_ops },
	{ "reserved", LAB_PAGES, LAB_RESERVED, lab_insert_whole, &access_ops },
	{ "absent", LAB_PAGES, LAB_ABSENT, lab_insert_whole, &access_ops },
	{ "chunks", LAB_PAGES, LAB_ORDINARY, lab_insert_chunks, &no_ops },
	{ "reversed", LAB_PAGES, LAB_ORDINARY, lab_insert_reversed, &no_ops },
	{ "partial", LAB_PAGES, LAB_ORDINARY, lab_insert_partial, &no_ops },
	{ "page", LAB_PAGES, LAB_ORDINARY, lab_insert_pages, &no_ops,
	  .set = VM_DONTEXPAND | VM_DONTDUMP },
	{ "fault", LAB_PAGES, LAB_ORDINARY, NULL, &fault_ops, .set = VM_PFNMAP | NOT_PAGES,
	  .refuses = LAB_NO_PRIVATE },
	{ "mixed", LAB_PAGES, LAB_ORDINARY, NULL, &mixed_ops, .set = VM_MIXEDMAP | NOT_PAGES },
	{ "normal", LAB_PAGES, LAB_ORDINARY, NULL, &normal_ops,
	  .set = VM_DONTEXPAND | VM_DONTDUMP },
	{ "readonly", LAB_PAGES, LAB_ORDINARY, lab_insert_whole, &no_ops, .clear = VM_MAYWRITE,
	  .refuses = LAB_NO_WRITE },
	{ "nosplit", LAB_PAGES, LAB_ORDINARY, lab_insert_whole, &nosplit_ops },
	{ "mkwrite", LAB_PAGES, LAB_ORDINARY, lab_insert_whole, &mkwrite_ops },
	{ "noio", LAB_PAGES, LAB_ORDINARY, lab_insert_whole, &no_ops, .lose = VM_IO },
	{ "dontcopy", LAB_PAGES, LAB_ORDINARY, lab_insert_whole, &no_ops, .set = VM_DONTCOPY },
#ifdef LAB_HUGE
	{ "huge", LAB_HUGE_PAGES, LAB_ORDINARY, NULL, &huge_ops, .set = VM_PFNMAP | NOT_PAGES,
	  .refuses = LAB_NO_PRIVATE },
#endif
};
const unsigned int lab_kind_count = ARRAY_SIZE(lab_kinds);
