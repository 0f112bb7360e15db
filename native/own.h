/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which memory of a program's process is the agent's own? */
#ifndef PFN_OWN_H
#define PFN_OWN_H

/* Learns it, and writes what is writable and private of it once: fork hands these pages on. */
void own_find(void);
/* fork copies the page-table entries of anonymous memory, but not those of the executable's text and of shared memory:
 * with these there again, what RSS gains from here on is the program's. */
void own_touch(void);
/* Copies now what fork made one with another process, so that no store of its own takes a page from here on: which page the
 * kernel gives out next is the program's. */
void own_settle(void);
/* mlockall() has locked it too: not any more. */
void own_unlock(void);

#endif
