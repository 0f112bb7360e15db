// SPDX-License-Identifier: GPL-2.0-or-later
/* What does /dev/pfnlab/ctl answer? Ptes and vmas of the caller, counts and flags of any page. */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "lab.h"
#include "pfnlab.h"
#include "view.h"

#define BATCH 4096 /* bytes gathered at a time: nothing is copied out under a lock */

struct question {
	size_t entry; /* bytes */
	/* Fills up to `room` entries of what is before `end`, moves *at on; returns how many. */
	unsigned int (*fill)(unsigned long *at, unsigned long end, void *batch, unsigned int room);
	unsigned long limit; /* of `end` */
};

static long answer(const struct question *question, const struct pfnlab_query *query)
{
	unsigned long at = query->start;
	u64 total = 0;
	void *batch;

	if (query->start > query->end || query->end > question->limit || query->count > INT_MAX)
		return -EINVAL;
	batch = kmalloc(BATCH, GFP_KERNEL);
	if (!batch)
		return -ENOMEM;
	while (total < query->count && at < query->end) {
		unsigned int room = min_t(u64, BATCH / question->entry, query->count - total);
		unsigned int got = question->fill(&at, query->end, batch, room);

		if (!got)
			break;
		if (copy_to_user(u64_to_user_ptr(query->out + total * question->entry), batch,
				 got * question->entry)) {
			kfree(batch);
			return -EFAULT;
		}
		total += got;
		if (fatal_signal_pending(current))
			break;
		cond_resched(); /* all frames of a machine may be asked for */
	}
	kfree(batch);
	return total;
}

static long ctl_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	const struct question ptes = { sizeof(struct pfnlab_pte), lab_fill_ptes, TASK_SIZE };
	const struct question vmas = { sizeof(struct pfnlab_vma), lab_fill_vmas, ULONG_MAX };
	const struct question pages = { sizeof(struct pfnlab_page), lab_fill_pages, ULONG_MAX };
	struct pfnlab_query query;

	if (command != PFNLAB_IOC_PTES && command != PFNLAB_IOC_VMAS && command != PFNLAB_IOC_PAGES)
		return -ENOTTY;
	if (copy_from_user(&query, (void __user *)argument, sizeof(query)))
		return -EFAULT;
	if (command == PFNLAB_IOC_PTES)
		return answer(&ptes, &query);
	return answer(command == PFNLAB_IOC_VMAS ? &vmas : &pages, &query);
}

const struct file_operations lab_ctl_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ctl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
