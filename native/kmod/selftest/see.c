// SPDX-License-Identifier: GPL-2.0-or-later
/* What does /dev/pfnlab/ctl say, in lines of one fact each? */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "see.h"

int bad;
static int ctl = -1;

int see_open(void)
{
	ctl = open("/dev/pfnlab/ctl", O_RDONLY);
	return ctl;
}

void see_close(void)
{
	close(ctl);
}

static long ask(unsigned int command, unsigned long start, unsigned long end, void *out,
		unsigned long count)
{
	struct pfnlab_query query = { start, end, (uintptr_t)out, count };

	return ioctl(ctl, command, &query);
}

unsigned long see_pages(const struct pfnlab_info *info)
{
	return info->pages < MOST ? (unsigned long)info->pages : MOST;
}

void keep_counts(const struct pfnlab_info *info, struct pfnlab_page *pages)
{
	unsigned long n = see_pages(info);

	memset(pages, 0, MOST * sizeof(*pages));
	if (ask(PFNLAB_IOC_PAGES, info->pfn, info->pfn + n, pages, MOST) != (long)n) {
		printf("  PAGES: %s\n", strerror(errno));
		bad = 1;
	}
}

void compare_counts(const struct pfnlab_info *info, const struct pfnlab_page *before)
{
	struct pfnlab_page after[MOST];
	unsigned long i;

	keep_counts(info, after);
	for (i = 0; i < see_pages(info); i++) {
		if (after[i].refcount == before[i].refcount &&
		    after[i].mapcount == before[i].mapcount)
			continue;
		printf("  page %lu: refcount %d, was %d; mapcount %d, was %d\n", i,
		       after[i].refcount, before[i].refcount, after[i].mapcount,
		       before[i].mapcount);
		bad = 1;
	}
}

void say_pages(const char *when, const struct pfnlab_info *info)
{
	struct pfnlab_page pages[MOST];
	unsigned long i, j;

	keep_counts(info, pages);
	for (i = 0; i < see_pages(info); i = j) {
		j = i + 1;
		while (j < see_pages(info) && !memcmp(&pages[i], &pages[j], sizeof(pages[i])))
			j++;
		printf("  %s: pages %lu-%lu refcount %d mapcount %d flags %#llx\n", when, i, j - 1,
		       pages[i].refcount, pages[i].mapcount, (unsigned long long)pages[i].flags);
	}
}

static void say_ptes(const char *when, long first, long last, const struct pfnlab_pte *pte,
		     const struct pfnlab_info *info)
{
	printf("  %s: ptes %ld-%ld ", when, first, last);
	if (!pte->bits)
		printf("none\n");
	else if (pte->pfn - info->pfn >= info->pages)
		printf("not of the region, bits %#x\n", pte->bits);
	else
		printf("from page %llu, step %lld, bits %#x\n",
		       (unsigned long long)(pte->pfn - info->pfn),
		       last > first ? (long long)(pte[1].pfn - pte[0].pfn) : 0, pte->bits);
}

static void say_vma(const char *when, const struct pfnlab_vma *vma, const struct pfnlab_info *info)
{
	unsigned long long pages = (vma->end - vma->start) / PAGE;

	printf("  %s: vma of %llu pages, pgoff ", when, pages);
	if (vma->pgoff >= info->pfn && vma->pgoff < info->pfn + info->pages)
		printf("pfn of page %llu", (unsigned long long)(vma->pgoff - info->pfn));
	else
		printf("%llu", (unsigned long long)vma->pgoff);
	printf(", flags %#llx\n", (unsigned long long)vma->flags);
}

void say_mapping(const char *when, const char *at, unsigned long pages,
		 const struct pfnlab_info *info)
{
	unsigned long start = (unsigned long)at, end = start + pages * PAGE;
	struct pfnlab_pte ptes[MOST];
	struct pfnlab_vma vmas[4];
	long i, j, got = ask(PFNLAB_IOC_PTES, start, end, ptes, MOST);

	if (got != (long)pages) {
		printf("  PTES: %ld, %s\n", got, strerror(errno));
		bad = 1;
		return;
	}
	for (i = 0; i < got; i = j) {
		for (j = i + 1; j < got && ptes[j].bits == ptes[i].bits; j++)
			if (ptes[j].pfn - ptes[j - 1].pfn != ptes[i + 1].pfn - ptes[i].pfn)
				break;
		say_ptes(when, i, j - 1, &ptes[i], info);
	}
	got = ask(PFNLAB_IOC_VMAS, start, end, vmas, 4);
	for (i = 0; i < got; i++)
		say_vma(when, &vmas[i], info);
}
