/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that ask the lab's own driver what only the kernel sees: ptes, page_state, vma. */
#include "kmod/pfnlab.h"
#include "ops.h"

/* The driver, or -1, and the observation says that it is not there. */
static long open_driver(struct observation *o)
{
	long fd = sys_open("/dev/pfnlab/ctl", S_O_RDONLY);

	if (fd >= 0)
		return fd;
	o->ret = fd;
	o->stage = STAGE_OPEN;
	return -1;
}

/* One question to the driver, which speaks of the caller's own memory. Entries written, or -errno. */
static long ask(long fd, u32 what, u64 start, u64 end, void *out, u64 count)
{
	struct pfnlab_query q = {start, end, (u64)(uintptr_t)out, count};

	return SYS(ioctl, fd, what, &q);
}

static void observe(struct observation *o, long ret, size_t size)
{
	o->ret = ret;
	o->length = failed(ret) ? 0 : (u32)((size_t)ret * size);
}

void op_ptes(struct actor *a, const struct call *c, struct observation *o)
{
	u64 start, room = MAX_PAYLOAD / sizeof(struct pfnlab_pte);
	long pages = op_pages(a, c, 0, &start), fd;

	if (pages < 0 || (u64)pages > room) {
		op_refuse(o, -E_OVERFLOW);
		return;
	}
	fd = open_driver(o);
	if (fd < 0)
		return;
	observe(o, ask(fd, PFNLAB_IOC_PTES, start, start + (u64)pages * a->page_size, o->payload, room),
		sizeof(struct pfnlab_pte));
	sys_close(fd);
}

void op_vma(struct actor *a, const struct call *c, struct observation *o)
{
	u64 start, end;
	long fd;

	if (!op_handle_range(a, c->arg[0], &start, &end, o))
		return;
	fd = open_driver(o);
	if (fd < 0)
		return;
	observe(o, ask(fd, PFNLAB_IOC_VMAS, start, end, o->payload,
		       MAX_PAYLOAD / sizeof(struct pfnlab_vma)), sizeof(struct pfnlab_vma));
	sys_close(fd);
}

enum { MOST_PAGES = 512 };
#define NO_PFN (~0ULL)

/* The frames that this process has mapped in a range, NO_PFN where no pte is present. */
static long mapped_pfns(long fd, u64 start, long pages, u64 page_size, u64 *pfns)
{
	static struct pfnlab_pte ptes[MOST_PAGES];
	long got = ask(fd, PFNLAB_IOC_PTES, start, start + (u64)pages * page_size, ptes, (u64)pages);

	for (long i = 0; i < got; i++)
		pfns[i] = ptes[i].bits & PFNLAB_PTE_PRESENT ? ptes[i].pfn : NO_PFN;
	return got;
}

static long page_states(long fd, const u64 *pfns, long pages, struct pfnlab_page *out)
{
	long ret = 0;

	memset(out, 0xff, (size_t)pages * sizeof(*out));
	for (long i = 0, n; i < pages && !failed(ret); i += n) { /* each run of consecutive frames at once */
		for (n = 1; i + n < pages && pfns[i] != NO_PFN && pfns[i + n] == pfns[i] + (u64)n; n++)
			;
		if (pfns[i] != NO_PFN)
			ret = ask(fd, PFNLAB_IOC_PAGES, pfns[i], pfns[i] + (u64)n, out + i, (u64)n);
	}
	return failed(ret) ? ret : pages;
}

void op_page_state(struct actor *a, const struct call *c, struct observation *o)
{
	static u64 pfns[MOST_PAGES];
	struct region *r = NULL;
	u64 start;
	long pages = c->arg[0] == OF_RANGE ? op_pages(a, c, 1, &start) : (long)c->arg[3], fd;

	if (c->arg[0] == OF_REGION && c->arg[1] >= 0 && c->arg[1] < MAX_REGIONS)
		r = &a->region[c->arg[1]];
	if (pages < 0 || pages > MOST_PAGES || (c->arg[0] == OF_REGION && (!r || !r->kind))) {
		op_refuse(o, -E_OVERFLOW);
		return;
	}
	fd = open_driver(o);
	if (fd < 0)
		return;
	for (long i = 0; i < pages && r; i++)
		pfns[i] = r->pfn ? r->pfn + (u64)(c->arg[2] + i) : NO_PFN;
	if (!r)
		pages = mapped_pfns(fd, start, pages, a->page_size, pfns);
	observe(o, failed(pages) ? pages : page_states(fd, pfns, pages, (struct pfnlab_page *)(void *)o->payload),
		sizeof(struct pfnlab_page));
	sys_close(fd);
}
