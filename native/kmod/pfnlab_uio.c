// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory of the lab's own behind a UIO device: what does the kernel's own driver make of it?
 * uio_mmap() maps it by one remap_pfn_range(), with generic_access_phys() where the kernel has it.
 */
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uio_driver.h>

#define ORDER 4 /* 16 pages, each with a reference of its own */

static struct device *parent;
static struct page *memory;

static struct uio_info info = {
	.name = "pfnlab", /* /sys/class/uio/uioN/name */
	.version = "1",
	.irq = UIO_IRQ_NONE,
	.mem[0] = { .name = "ram", .memtype = UIO_MEM_PHYS, .size = PAGE_SIZE << ORDER },
};

static void free_memory(void)
{
	unsigned long i;

	for (i = 0; i < 1UL << ORDER; i++)
		__free_page(pfn_to_page(page_to_pfn(memory) + i));
}

static int __init lab_uio_init(void)
{
	int error;

	memory = alloc_pages(GFP_KERNEL | __GFP_ZERO, ORDER);
	if (!memory)
		return -ENOMEM;
	split_page(memory, ORDER);
	info.mem[0].addr = page_to_phys(memory);
	parent = root_device_register("pfnlab-uio");
	if (IS_ERR(parent)) {
		free_memory();
		return PTR_ERR(parent);
	}
	error = uio_register_device(parent, &info);
	if (error) {
		root_device_unregister(parent);
		free_memory();
	}
	return error;
}

static void __exit lab_uio_exit(void)
{
	uio_unregister_device(&info);
	root_device_unregister(parent);
	free_memory();
}

module_init(lab_uio_init);
module_exit(lab_uio_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("pfnlab");
MODULE_DESCRIPTION("A UIO device over 16 pages of its own");
