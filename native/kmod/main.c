// SPDX-License-Identifier: GPL-2.0-or-later
/* How do the lab's nodes come and go? /dev/pfnlab/NAME for each kind of region, and its ctl. */
#define pr_fmt(fmt) "pfnlab: " fmt

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "lab.h"
#include "pfnlab.h"

static unsigned long long absent;
module_param(absent, ullong, 0444);
MODULE_PARM_DESC(absent, "physical address of memory without struct pages, for node `absent`");

static unsigned long absent_pages = LAB_PAGES;
module_param(absent_pages, ulong, 0444);
MODULE_PARM_DESC(absent_pages, "how many pages of it");

static struct lab_region *regions;
static char (*names)[24];

static size_t size_of(const struct lab_region *region)
{
	return region->pages << PAGE_SHIFT;
}

static int lab_open(struct inode *inode, struct file *file)
{
	lab_wipe_marks(lab_region_of(file));
	return 0;
}

static ssize_t lab_read(struct file *file, char __user *to, size_t length, loff_t *at)
{
	const struct lab_region *region = lab_region_of(file);

	return simple_read_from_buffer(to, length, at, region->content, size_of(region));
}

static ssize_t lab_write(struct file *file, const char __user *from, size_t length, loff_t *at)
{
	const struct lab_region *region = lab_region_of(file);
	loff_t start = *at;
	ssize_t done = simple_write_to_buffer(region->content, size_of(region), at, from, length);

	if (done > 0)
		lab_renew(region, start, *at);
	return done;
}

static loff_t lab_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, size_of(lab_region_of(file)));
}

static long lab_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	const struct lab_region *region = lab_region_of(file);
	struct pfnlab_info info = { .pfn = region->pfn, .pages = region->pages };

	if (command != PFNLAB_IOC_INFO)
		return -ENOTTY;
	return copy_to_user((void __user *)argument, &info, sizeof(info)) ? -EFAULT : 0;
}

static const struct file_operations lab_fops = {
	.owner = THIS_MODULE, /* an open file or a mapping keeps the module */
	.open = lab_open,
	.read = lab_read,
	.write = lab_write,
	.llseek = lab_llseek,
	.unlocked_ioctl = lab_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = lab_mmap,
#ifdef LAB_HUGE
	.get_unmapped_area = thp_get_unmapped_area, /* aligns mappings of 2 MiB and more */
#endif
};

static struct miscdevice ctl = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pfnlab!ctl", /* devtmpfs makes a folder of it */
	.fops = &lab_ctl_fops,
	.mode = 0600,
};

static bool wanted(const struct lab_kind *kind)
{
	return kind->backing != LAB_ABSENT || absent;
}

static int add(struct lab_region *region, const struct lab_kind *kind, char *name, size_t room)
{
	int error;

	region->kind = kind;
	region->pages = kind->pages;
	error = lab_alloc(region, absent, absent_pages);
	if (error)
		return error;
	snprintf(name, room, "pfnlab!%s", kind->name);
	region->misc.minor = MISC_DYNAMIC_MINOR;
	region->misc.name = name;
	region->misc.fops = &lab_fops;
	region->misc.mode = 0600;
	error = misc_register(&region->misc);
	if (error)
		lab_free(region);
	return error;
}

static void remove_all(void)
{
	unsigned int i;

	for (i = 0; i < lab_kind_count; i++) {
		if (!regions[i].content)
			continue;
		misc_deregister(&regions[i].misc);
		lab_free(&regions[i]);
	}
	kfree(regions);
	kfree(names);
}

static int __init lab_init(void)
{
	unsigned int i;
	int error;

	regions = kcalloc(lab_kind_count, sizeof(*regions), GFP_KERNEL);
	names = kcalloc(lab_kind_count, sizeof(*names), GFP_KERNEL);
	if (!regions || !names) {
		kfree(regions);
		kfree(names);
		return -ENOMEM;
	}
	for (i = 0; i < lab_kind_count; i++) {
		if (!wanted(&lab_kinds[i]))
			continue;
		error = add(&regions[i], &lab_kinds[i], names[i], sizeof(names[i]));
		if (error) {
			pr_err("region %s: error %d\n", lab_kinds[i].name, error);
			goto undo;
		}
	}
	error = misc_register(&ctl);
	if (!error)
		return 0;
undo:
	remove_all();
	return error;
}

static void __exit lab_exit(void)
{
	misc_deregister(&ctl);
	remove_all();
}

module_init(lab_init);
module_exit(lab_exit);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("pfnlab");
MODULE_DESCRIPTION("Regions with every trait of a driver's mmap, and what only the kernel sees");
