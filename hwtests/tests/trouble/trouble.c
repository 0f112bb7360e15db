// SPDX-License-Identifier: GPL-2.0-or-later
/* What does pfnlab say of a driver that takes the kernel with it? A mapping from the sixth page of /dev/trouble does what
 * `how` says. */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

static char *how = "none";
module_param(how, charp, 0444);
MODULE_PARM_DESC(how, "panic, hang, init (loses its code), warn (a moment later), or boot (warns when it is loaded)");

static void *content;

static void warn_later(struct work_struct *work)
{
	WARN(1, "trouble: as asked for\n");
}

/* SIGKILL does not reach init; a page fault without code to go on with does. */
static void unmap_init(struct work_struct *work)
{
	struct mm_struct *mm = get_task_mm(pid_task(find_pid_ns(1, &init_pid_ns), PIDTYPE_TGID));

	if (!mm)
		return;
	kthread_use_mm(mm);
	vm_munmap(mm->start_code & PAGE_MASK, PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK));
	kthread_unuse_mm(mm);
	mmput(mm);
}

static DECLARE_WORK(unmapping, unmap_init);
static DECLARE_DELAYED_WORK(warning, warn_later);

static void do_it(void)
{
	if (!strcmp(how, "panic"))
		panic("trouble: as asked for");
	if (!strcmp(how, "hang")) {
		local_irq_disable();
		for (;;)
			cpu_relax();
	}
	if (!strcmp(how, "init"))
		schedule_work(&unmapping);
	if (!strcmp(how, "warn"))
		schedule_delayed_work(&warning, HZ / 4);
}

static int trouble_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff == 5)
		do_it();
	return remap_pfn_range(vma, vma->vm_start, page_to_pfn(virt_to_page(content)) + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static const struct file_operations trouble_fops = {
	.owner = THIS_MODULE,
	.mmap = trouble_mmap,
};

static struct miscdevice trouble = { .minor = MISC_DYNAMIC_MINOR, .name = "trouble", .fops = &trouble_fops };

static int __init trouble_init(void)
{
	int error;

	WARN(!strcmp(how, "boot"), "trouble: as asked for\n");
	content = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 4);
	if (!content)
		return -ENOMEM;
	error = misc_register(&trouble);
	if (error)
		free_pages((unsigned long)content, 4);
	return error;
}

static void __exit trouble_exit(void)
{
	cancel_delayed_work_sync(&warning);
	misc_deregister(&trouble);
	free_pages((unsigned long)content, 4);
}

module_init(trouble_init);
module_exit(trouble_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A driver that takes the kernel with it, for pfnlab's tests");
