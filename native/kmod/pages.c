// SPDX-License-Identifier: GPL-2.0-or-later
/* What does the kernel count at a struct page, and which flags does it carry? */
#include <linux/kernel-page-flags.h>
#include <linux/mm.h>
#include <linux/page-flags.h>

#include "compat.h"
#include "lab.h"
#include "pfnlab.h"
#include "view.h"

/* A page with a type keeps it where others keep the mapcount, as a number this far below none or
 * lower: PG_buddy and its like are bits cleared in -128 up to 6.11, a top byte of 0xf0 and more
 * since.
 */
#define LOWEST_MAPCOUNT (-127)

int lab_mapcount(struct page *page)
{
	int count = atomic_read(&page->_mapcount) + 1;

	if (PageSlab(compound_head(page)) || count < LOWEST_MAPCOUNT)
		return 0;
	return PageCompound(page) ? lab_compound_mapcount(page, count) : count;
}

static const struct {
	unsigned char theirs, ours;
} copied[] = {
	{ PG_locked, KPF_LOCKED },
	{ PG_referenced, KPF_REFERENCED },
	{ PG_uptodate, KPF_UPTODATE },
	{ PG_dirty, KPF_DIRTY },
	{ PG_lru, KPF_LRU },
	{ PG_active, KPF_ACTIVE },
	{ PG_writeback, KPF_WRITEBACK },
	{ PG_reclaim, KPF_RECLAIM },
	{ PG_swapbacked, KPF_SWAPBACKED },
	{ PG_unevictable, KPF_UNEVICTABLE },
#ifdef CONFIG_MMU
	{ PG_mlocked, KPF_MLOCKED },
#endif
	{ PG_reserved, KPF_RESERVED },
	{ PG_private, KPF_PRIVATE },
	{ PG_private_2, KPF_PRIVATE_2 },
	{ PG_owner_priv_1, KPF_OWNER_PRIVATE },
	{ PG_arch_1, KPF_ARCH },
};

/* As /proc/kpageflags, but for what a module cannot know: thp, huge, offline, ksm, huge zero. */
static u64 flags_of(struct page *page)
{
	unsigned long bits = READ_ONCE(*lab_page_flags(compound_head(page)));
	u64 flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(copied); i++)
		if (bits & BIT(copied[i].theirs))
			flags |= BIT_ULL(copied[i].ours);
	if (lab_mapcount(page))
		flags |= BIT_ULL(KPF_MMAP);
	if (PageAnon(page))
		flags |= BIT_ULL(KPF_ANON);
	if ((bits & BIT(PG_swapbacked)) && (bits & BIT(PG_swapcache)))
		flags |= BIT_ULL(KPF_SWAPCACHE);
	if (PageHead(page))
		flags |= BIT_ULL(KPF_COMPOUND_HEAD);
	if (PageTail(page))
		flags |= BIT_ULL(KPF_COMPOUND_TAIL);
	if (PageSlab(compound_head(page)))
		flags |= BIT_ULL(KPF_SLAB);
	if (PageBuddy(page))
		flags |= BIT_ULL(KPF_BUDDY);
	if (PageTable(page))
		flags |= BIT_ULL(KPF_PGTABLE);
	if (is_zero_pfn(page_to_pfn(page)))
		flags |= BIT_ULL(KPF_ZERO_PAGE);
	return flags;
}

unsigned int lab_fill_pages(unsigned long *at, unsigned long end, void *batch, unsigned int room)
{
	struct pfnlab_page *entries = batch;
	unsigned int n;

	for (n = 0; n < room && *at < end; n++, ++*at) {
		struct page *page = lab_page(*at);

		entries[n] = (struct pfnlab_page){ -1, -1, ~0ULL };
		if (page)
			entries[n] = (struct pfnlab_page){ page_count(page), lab_mapcount(page),
							   flags_of(page) };
	}
	return n;
}
