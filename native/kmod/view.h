/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who answers which question of /dev/pfnlab/ctl? Each fills entries of pfnlab.h, see view.c. */
#ifndef PFNLAB_VIEW_H
#define PFNLAB_VIEW_H

unsigned int lab_fill_ptes(unsigned long *at, unsigned long end, void *batch, unsigned int room);
unsigned int lab_fill_vmas(unsigned long *at, unsigned long end, void *batch, unsigned int room);
unsigned int lab_fill_pages(unsigned long *at, unsigned long end, void *batch, unsigned int room);

#endif
