/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does every toy driver need? Memory that is really its own, and a node /dev/NAME.
 * A toy's fault never reaches further than that memory: its device ends after TOY_PAGES, pages of
 * the same allocation follow.
 */
#ifndef TOY_H
#define TOY_H

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/version.h>

#define TOY_ORDER 3
#define TOY_PAGES 4UL /* the device; as many pages follow that are not for its users */
#define TOY_NOT_YOURS 0x5a

static struct page *toy_memory;

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

static inline unsigned long toy_pfn(void)
{
	return page_to_pfn(toy_memory);
}

/* What a correct driver asks before it maps: all of it lies within the device. */
static inline bool toy_within(struct vm_area_struct *vma, unsigned long device_pages)
{
	return vma->vm_pgoff <= device_pages && vma_pages(vma) <= device_pages - vma->vm_pgoff;
}

static inline void toy_free(void)
{
	unsigned long i;

	for (i = 0; i < 1UL << TOY_ORDER; i++)
		__free_page(pfn_to_page(toy_pfn() + i));
}

static inline int toy_add(struct miscdevice *device)
{
	int error;

	toy_memory = alloc_pages(GFP_KERNEL | __GFP_ZERO, TOY_ORDER);
	if (!toy_memory)
		return -ENOMEM;
	split_page(toy_memory, TOY_ORDER);
	memset(page_address(toy_memory) + (TOY_PAGES << PAGE_SHIFT), TOY_NOT_YOURS,
	       TOY_PAGES << PAGE_SHIFT);
	device->minor = MISC_DYNAMIC_MINOR;
	device->mode = 0600;
	error = misc_register(device);
	if (error)
		toy_free();
	return error;
}

static inline void toy_remove(struct miscdevice *device)
{
	misc_deregister(device);
	toy_free();
}

/* All of a module but its mmap. */
#define TOY(driver, mmap_function, what)                          \
	static const struct file_operations driver##_fops = {     \
		.owner = THIS_MODULE,                             \
		.mmap = mmap_function,                            \
	};                                                        \
	static struct miscdevice driver = {                       \
		.name = #driver,                                  \
		.fops = &driver##_fops,                           \
	};                                                        \
	static int __init driver##_init(void)                     \
	{                                                         \
		return toy_add(&driver);                          \
	}                                                         \
	static void __exit driver##_exit(void)                    \
	{                                                         \
		toy_remove(&driver);                              \
	}                                                         \
	module_init(driver##_init);                               \
	module_exit(driver##_exit);                               \
	MODULE_LICENSE("GPL");                                    \
	MODULE_AUTHOR("pfnlab");                                  \
	MODULE_DESCRIPTION(what)

#endif
