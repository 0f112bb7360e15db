/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the driver's parts share? A region, and the kind it is of: data, in kinds.c. */
#ifndef PFNLAB_LAB_H
#define PFNLAB_LAB_H

#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/types.h>

#define LAB_PAGES 16U /* of a region */
#define LAB_HUGE_PAGES 512U /* 2 MiB of 4 KiB pages */

enum lab_backing {
	LAB_ORDINARY, /* pages of the page allocator, each with a reference of its own */
	LAB_RESERVED, /* the same, PG_reserved set */
	LAB_ABSENT, /* frames that the kernel has no struct page of: given by parameters */
};

#define LAB_NO_PRIVATE 1U /* a mapping that may be COWed is -EINVAL */
#define LAB_NO_WRITE 2U /* PROT_WRITE is -EACCES */

struct lab_region;

struct lab_kind {
	const char *name;
	unsigned int pages;
	enum lab_backing backing;
	/* Sets up ptes at mmap(), from page `first` of the region. NULL: a fault does. */
	int (*insert)(const struct lab_region *region, struct vm_area_struct *vma,
		      unsigned long first, unsigned long pages);
	const struct vm_operations_struct *ops;
	vm_flags_t set; /* added before insert() */
	vm_flags_t clear; /* removed before insert() */
	vm_flags_t lose; /* removed after insert() */
	unsigned int refuses;
};

struct lab_region {
	struct miscdevice misc;
	const struct lab_kind *kind;
	unsigned long pfn;
	unsigned long pages;
	void *content; /* where the kernel itself sees it */
};

extern const struct lab_kind lab_kinds[];
extern const unsigned int lab_kind_count;

struct file;

static inline struct lab_region *lab_region_of(const struct file *file)
{
	/* misc_open() leaves the miscdevice there */
	return container_of(file->private_data, struct lab_region, misc);
}

int lab_mmap(struct file *file, struct vm_area_struct *vma);

int lab_alloc(struct lab_region *region, u64 absent, unsigned long absent_pages);
void lab_free(struct lab_region *region);
/* PG_referenced and PG_dirty go: of pages that are written whole, from byte `start` to byte `end`;
 * of all pages that nobody maps. So every program finds the same.
 */
void lab_renew(const struct lab_region *region, loff_t start, loff_t end);
void lab_wipe_marks(const struct lab_region *region);

/* The struct page of a frame, or NULL where the kernel has none. */
struct page *lab_page(unsigned long pfn);
int lab_mapcount(struct page *page);

extern const struct file_operations lab_ctl_fops;

#endif
