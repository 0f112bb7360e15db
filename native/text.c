/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "text.h"

#ifndef PFN_HOSTED
/* gcc must not recognise these loops and call the functions they are. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if ((u8 *)to <= (const u8 *)from)
		return memcpy(to, from, n);
	while (n--)
		((u8 *)to)[n] = ((const u8 *)from)[n];
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((u8 *)to)[i] = (u8)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const u8 *)a)[i] != ((const u8 *)b)[i])
			return ((const u8 *)a)[i] - ((const u8 *)b)[i];
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

#ifdef __arm__
/* libgcc's 64-bit division calls it for a divisor of zero, and its own would raise a signal by a C library. */
void __aeabi_ldiv0(void);
void __aeabi_ldiv0(void) { sys_exit(136); }
#endif
#endif

void text_add(struct text *t, const char *s, size_t n)
{
	if (n > t->size - t->len) {
		n = t->size - t->len;
		t->full = 1;
	}
	memcpy(t->at + t->len, s, n);
	t->len += n;
}

void text_str(struct text *t, const char *s) { text_add(t, s, strlen(s)); }

void text_num(struct text *t, u64 v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + v % 10);
	while (v /= 10);
	text_add(t, digits + i, sizeof(digits) - i);
}

int starts_with(const char *s, size_t n, const char *prefix)
{
	size_t k = strlen(prefix);

	return n >= k && memcmp(s, prefix, k) == 0;
}

size_t parse_hex(const char *s, size_t n, u64 *v)
{
	size_t i = 0;

	for (*v = 0; i < n; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			*v = *v * 16 + (u64)(s[i] - '0');
		else if (s[i] >= 'a' && s[i] <= 'f')
			*v = *v * 16 + (u64)(s[i] - 'a') + 10;
		else
			break;
	}
	return i;
}

size_t parse_dec(const char *s, size_t n, u64 *v)
{
	size_t i = 0;

	for (*v = 0; i < n && s[i] >= '0' && s[i] <= '9'; i++)
		*v = *v * 10 + (u64)(s[i] - '0');
	return i;
}

s64 find_field(const char *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if ((i == 0 || s[i - 1] == '\n') && starts_with(s + i, n - i, name)) {
			u64 v;

			for (i += strlen(name); i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == ':'); i++)
				;
			return parse_dec(s + i, n - i, &v) ? (s64)v : -1;
		}
	}
	return -1;
}

long read_file(const char *path, char *buf, size_t size)
{
	long fd = sys_open(path, S_O_RDONLY), got = 0, n;

	if (fd < 0)
		return fd;
	do {
		n = sys_read(fd, buf + got, size - (size_t)got);
		got += n > 0 ? n : 0;
	} while (n > 0 && (size_t)got < size);
	sys_close(fd);
	return n < 0 ? n : got;
}
