// SPDX-License-Identifier: GPL-2.0-or-later
/* Where does a region's memory come from, and is it as it was when it goes back? */
#define pr_fmt(fmt) "pfnlab: " fmt

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/pfn.h>

#include "compat.h"
#include "lab.h"

struct page *lab_page(unsigned long pfn)
{
	/* a struct page of memory that is not online was perhaps never written */
	return pfn_valid(pfn) ? pfn_to_online_page(pfn) : NULL;
}

#define ABSENT_MOST (1UL << 20) /* pages */

static int alloc_absent(struct lab_region *region, u64 start, unsigned long pages)
{
	unsigned long pfn = start >> PAGE_SHIFT;
	unsigned long i;

	if (!pages || pages > ABSENT_MOST || offset_in_page(start) || (phys_addr_t)start != start)
		return -EINVAL;
	for (i = 0; i < pages; i++) {
		if (pfn_valid(pfn + i)) {
			pr_err("absent: frame %#lx has a struct page\n", pfn + i);
			return -EINVAL;
		}
	}
	if (!request_mem_region(start, PFN_PHYS(pages), "pfnlab"))
		return -EBUSY; /* somebody's device */
	region->content = memremap(start, PFN_PHYS(pages), MEMREMAP_WB);
	if (!region->content) {
		release_mem_region(start, PFN_PHYS(pages));
		return -ENOMEM;
	}
	memset(region->content, 0, PFN_PHYS(pages));
	region->pfn = pfn;
	region->pages = pages;
	return 0;
}

int lab_alloc(struct lab_region *region, u64 absent, unsigned long absent_pages)
{
	unsigned int order = get_order(region->pages << PAGE_SHIFT);
	struct page *first;
	unsigned long i;

	if (region->kind->backing == LAB_ABSENT)
		return alloc_absent(region, absent, absent_pages);
	first = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);
	if (!first)
		return -ENOMEM;
	split_page(first, order); /* no compound page: a reference on each */
	if (region->kind->backing == LAB_RESERVED)
		for (i = 0; i < region->pages; i++)
			SetPageReserved(pfn_to_page(page_to_pfn(first) + i));
	region->pfn = page_to_pfn(first);
	region->content = page_address(first);
	return 0;
}

/* What the VM leaves on a page that it mapped as one of its own. Not by ClearPageReferenced() and
 * its like: 6.12 has them no more, 5.10 has no folios.
 */
static void wipe_marks(struct page *page)
{
	clear_bit(PG_dirty, lab_page_flags(page));
	clear_bit(PG_referenced, lab_page_flags(page));
}

void lab_wipe_marks(const struct lab_region *region)
{
	unsigned long i;

	if (region->kind->backing == LAB_ABSENT)
		return;
	for (i = 0; i < region->pages; i++) {
		struct page *page = pfn_to_page(region->pfn + i);

		if (page_count(page) == 1 && !lab_mapcount(page))
			wipe_marks(page);
	}
}

void lab_renew(const struct lab_region *region, loff_t start, loff_t end)
{
	unsigned long i;

	if (region->kind->backing == LAB_ABSENT)
		return;
	for (i = (start + PAGE_SIZE - 1) >> PAGE_SHIFT; i < end >> PAGE_SHIFT; i++)
		wipe_marks(pfn_to_page(region->pfn + i));
}

static void free_page_checked(const struct lab_region *region, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	if (page_count(page) != 1 || lab_mapcount(page))
		pr_err("page %lu of %s: refcount %d, expected 1; mapcount %d, expected 0\n",
		       pfn - region->pfn, region->kind->name, page_count(page), lab_mapcount(page));
	if (PageReserved(page) != (region->kind->backing == LAB_RESERVED))
		pr_err("page %lu of %s: PG_reserved changed\n", pfn - region->pfn,
		       region->kind->name);
	ClearPageReserved(page);
	wipe_marks(page);
	__free_page(page); /* somebody's reference, if there is one, keeps it */
}

void lab_free(struct lab_region *region)
{
	unsigned long i;

	if (region->kind->backing == LAB_ABSENT) {
		memunmap(region->content);
		release_mem_region(PFN_PHYS(region->pfn), PFN_PHYS(region->pages));
	} else {
		for (i = 0; i < region->pages; i++)
			free_page_checked(region, region->pfn + i);
	}
	region->content = NULL;
}
