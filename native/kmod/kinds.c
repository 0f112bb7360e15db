// SPDX-License-Identifier: GPL-2.0-or-later
/* Which kinds of region does the lab have? One line of data each; README.md says what each shows. */
#include <linux/kernel.h>

#include "compat.h"
#include "lab.h"
#include "map.h"

#ifdef CONFIG_HAVE_IOREMAP_PROT /* as drivers/char/mem.c: 32-bit ARM has none before 7.x */
#define LAB_ACCESS .access = generic_access_phys,
#else
#define LAB_ACCESS
#endif

static const struct vm_operations_struct access_ops = { LAB_ACCESS };
static const struct vm_operations_struct no_ops;

const struct lab_kind lab_kinds[] = {
	{ .name = "whole", .pages = LAB_PAGES, .insert = lab_insert_whole, .ops = &access_ops },
	{ .name = "plain", .pages = LAB_PAGES, .insert = lab_insert_whole, .ops = &no_ops },
};
const unsigned int lab_kind_count = ARRAY_SIZE(lab_kinds);
