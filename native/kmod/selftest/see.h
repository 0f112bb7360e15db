/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the self-test's parts share? */
#ifndef SELFTEST_SEE_H
#define SELFTEST_SEE_H

#include "../pfnlab.h"

#define PAGE 4096UL
#define MOST 16UL /* pages of a region that are looked at */

extern int bad; /* something is not as it has to be: said already */

int see_open(void);
void see_close(void);
unsigned long see_pages(const struct pfnlab_info *info);
void say_pages(const char *when, const struct pfnlab_info *info);
void say_mapping(const char *when, const char *at, unsigned long pages,
		 const struct pfnlab_info *info);
/* The counts of each page, and whether they are the same again. */
void keep_counts(const struct pfnlab_info *info, struct pfnlab_page *pages);
void compare_counts(const struct pfnlab_info *info, const struct pfnlab_page *before);

void try_all(void);
void as_init(void);

#endif
