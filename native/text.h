/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are small texts read and written without a C library? */
#ifndef PFN_TEXT_H
#define PFN_TEXT_H

#include "sys.h"

#ifdef PFN_HOSTED
#include <string.h>
#else
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
#endif

/* A text that grows in a buffer of fixed size; `full` tells that something did not fit. */
struct text { char *at; size_t len, size; int full; };

void text_add(struct text *t, const char *s, size_t n);
void text_str(struct text *t, const char *s);
void text_num(struct text *t, u64 v);

int starts_with(const char *s, size_t n, const char *prefix);
/* Reads hex digits (or decimal ones); returns the count of characters taken. */
size_t parse_hex(const char *s, size_t n, u64 *v);
size_t parse_dec(const char *s, size_t n, u64 *v);
/* The value in kB of the line `name` of a text such as /proc/self/status, -1 when it has no such line. */
s64 find_field(const char *s, size_t n, const char *name);
/* Reads a whole small file; returns its length or -errno. */
long read_file(const char *path, char *buf, size_t size);

#endif
