/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the kernel's interfaces moved between 5.10 and 7.2? Each with the version and why. */
#ifndef PFNLAB_COMPAT_H
#define PFNLAB_COMPAT_H

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/version.h>

/* 6.3, "mm: introduce vma->vm_flags wrapper functions": they became const, the vma has a lock. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* 5.11, "vm_ops: rename .split() callback to .may_split()": the same meaning. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
#define may_split split
#endif

/* 5.11, "mm/highmem: Provide kmap_local*": kmap_atomic() before it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
#define kmap_local_page(page) kmap_atomic(page)
#define kunmap_local(address) kunmap_atomic(address)
#endif

/* 6.17, "mm: remove callers of pfn_t functionality": a frame is a number again. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#include <linux/pfn_t.h>
static inline pfn_t lab_pfn_t(unsigned long pfn)
{
	return __pfn_to_pfn_t(pfn, PFN_DEV);
}
#else
static inline unsigned long lab_pfn_t(unsigned long pfn)
{
	return pfn;
}
#endif

/* 6.12, "mm: mark special bits for huge pfn mappings when inject": before it, get_user_pages_fast()
 * would have taken such an entry for a page of its own. huge_fault() has this form since 6.6.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP)
#define LAB_HUGE
#endif

/* 6.18: page->flags became a struct of one word (memdesc_flags_t). */
static inline unsigned long *lab_page_flags(struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	return &page->flags;
#else
	return &page->flags.f;
#endif
}

/* 6.12, "mm/pgtable: add pmd_special()": until then no huge entry was marked special. */
static inline bool lab_pmd_special(pmd_t pmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return false;
#else
	return pmd_special(pmd);
#endif
}

/* 6.11: page_mapcount() left for fs/proc, folios count what maps them as a whole. `count`: of this
 * page alone.
 */
static inline int lab_compound_mapcount(struct page *page, int count)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	return page_mapcount(page);
#else
	return count + folio_entire_mapcount(page_folio(page));
#endif
}

#endif
