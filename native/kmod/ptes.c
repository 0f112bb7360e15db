// SPDX-License-Identifier: GPL-2.0-or-later
/* Which page table entries does the calling process have? */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "compat.h"
#include "pfnlab.h"
#include "view.h"

static u32 bit(bool is, u32 value)
{
	return is ? value : 0;
}

static struct pfnlab_pte of_pte(pte_t pte)
{
	struct pfnlab_pte entry = {};

	if (pte_none(pte))
		return entry;
	if (!pte_present(pte)) {
		entry.bits = PFNLAB_PTE_SWAP;
		return entry;
	}
	entry.pfn = pte_pfn(pte);
	entry.bits = PFNLAB_PTE_PRESENT | bit(pte_write(pte), PFNLAB_PTE_WRITE) |
		     bit(pte_dirty(pte), PFNLAB_PTE_DIRTY) | bit(pte_young(pte), PFNLAB_PTE_YOUNG) |
		     bit(pte_special(pte), PFNLAB_PTE_SPECIAL);
	return entry;
}

/* A kernel without transparent huge pages has no words for the bits of such an entry. */
static struct pfnlab_pte of_pmd(pmd_t pmd, unsigned long address)
{
	struct pfnlab_pte entry = { .bits = PFNLAB_PTE_PRESENT | PFNLAB_PTE_HUGE };

	entry.pfn = page_to_pfn(pmd_page(pmd)) + ((address & ~PMD_MASK) >> PAGE_SHIFT);
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	entry.bits |= bit(pmd_write(pmd), PFNLAB_PTE_WRITE) |
		      bit(pmd_dirty(pmd), PFNLAB_PTE_DIRTY) |
		      bit(pmd_young(pmd), PFNLAB_PTE_YOUNG) |
		      bit(lab_pmd_special(pmd), PFNLAB_PTE_SPECIAL);
#endif
	return entry;
}

static struct pfnlab_pte of_pud(pud_t pud, unsigned long address)
{
	struct pfnlab_pte entry = { .bits = PFNLAB_PTE_PRESENT | PFNLAB_PTE_HUGE };

#ifdef CONFIG_HAVE_ARCH_TRANSPARENT_HUGEPAGE_PUD
	entry.pfn = pud_pfn(pud) + ((address & ~PUD_MASK) >> PAGE_SHIFT);
	entry.bits |= bit(pud_write(pud), PFNLAB_PTE_WRITE) |
		      bit(pud_dirty(pud), PFNLAB_PTE_DIRTY) | bit(pud_young(pud), PFNLAB_PTE_YOUNG);
#endif
	return entry;
}

/* Under mmap_lock, and RCU: a table of ptes may be freed by who holds that lock for reading too,
 * but only after a grace period ("mm/pgtable: allow pte_offset_map[_lock]() to fail", 6.5).
 * pte_offset_map() itself is not for modules since then; so the table is mapped by hand, which also
 * serves tables in high memory.
 */
static struct pfnlab_pte walk(struct mm_struct *mm, unsigned long address)
{
	struct pfnlab_pte entry = {};
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t pmd;
	pte_t *table;

	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return entry;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return entry;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud))
		return entry;
	if (pud_leaf(*pud))
		return of_pud(*pud, address);
	if (pud_bad(*pud))
		return entry;
	pmd = READ_ONCE(*pmd_offset(pud, address));
	if (pmd_none(pmd))
		return entry;
	if (!pmd_present(pmd)) {
		entry.bits = PFNLAB_PTE_SWAP | PFNLAB_PTE_HUGE;
		return entry;
	}
	if (pmd_leaf(pmd))
		return of_pmd(pmd, address);
	if (pmd_bad(pmd))
		return entry;
	table = kmap_local_page(pmd_page(pmd));
	entry = of_pte(READ_ONCE(table[pte_index(address)]));
	kunmap_local(table);
	return entry;
}

unsigned int lab_fill_ptes(unsigned long *at, unsigned long end, void *batch, unsigned int room)
{
	struct mm_struct *mm = current->mm;
	struct pfnlab_pte *entries = batch;
	unsigned int n;

	mmap_read_lock(mm);
	rcu_read_lock();
	for (n = 0; n < room && *at < end; n++, *at += PAGE_SIZE)
		entries[n] = walk(mm, *at);
	rcu_read_unlock();
	mmap_read_unlock(mm);
	return n;
}
