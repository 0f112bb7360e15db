/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "readers.h"
#include "wire.h"

/* Lines of /proc/PID/{maps,smaps}, one after the other, from a buffer that no call allocates. */
struct lines { long fd; size_t have, used; char buf[8192]; };
static struct lines in;

static long open_proc(int pid, const char *file)
{
	char path[48];
	struct text t = {path, 0, sizeof(path) - 1, 0};

	text_str(&t, "/proc/");
	if (pid)
		text_num(&t, (u64)pid);
	else
		text_str(&t, "self");
	text_str(&t, "/");
	text_str(&t, file);
	path[t.len] = 0;
	return sys_open(path, S_O_RDONLY);
}

/* Sets *line to the next line (with its newline); returns its length, 0 at the end, or -errno. */
static long next_line(char **line)
{
	for (;;) {
		for (size_t i = in.used; i < in.have; i++) {
			if (in.buf[i] == '\n') {
				long n = (long)(i + 1 - in.used);

				*line = in.buf + in.used;
				in.used = i + 1;
				return n;
			}
		}
		memmove(in.buf, in.buf + in.used, in.have - in.used);
		in.have -= in.used;
		in.used = 0;
		if (in.have == sizeof(in.buf))
			return -E_OVERFLOW;
		long n = sys_read(in.fd, in.buf + in.have, sizeof(in.buf) - in.have);
		if (n <= 0)
			return n;
		in.have += (size_t)n;
	}
}

static long open_lines(int pid, const char *file)
{
	in.have = in.used = 0;
	in.fd = open_proc(pid, file);
	return in.fd;
}

size_t pfn_vma_line(const char *s, size_t n, u64 *start, u64 *end)
{
	size_t i = parse_hex(s, n, start), k;

	if (!i || i >= n || s[i] != '-')
		return 0;
	k = parse_hex(s + i + 1, n - i - 1, end);
	return k && i + 1 + k < n && s[i + 1 + k] == ' ' ? i + k + 2 : 0;
}

long pfn_read_vmas(int pid, int with_fields, u64 start, u64 end, char *out, size_t size)
{
	struct text t = {out, 0, size, 0};
	u64 from, to;
	char *line;
	long n;
	int wanted = 0;

	if (open_lines(pid, with_fields ? "smaps" : "maps") < 0)
		return in.fd;
	while ((n = next_line(&line)) > 0) {
		if (pfn_vma_line(line, (size_t)n, &from, &to))
			wanted = from < end && to > start;
		if (wanted)
			text_add(&t, line, (size_t)n);
	}
	sys_close(in.fd);
	if (n < 0)
		return n;
	return t.full ? -E_OVERFLOW : (long)t.len;
}

long pfn_read_numa_maps(u64 start, u64 end, char *out, size_t size)
{
	struct text t = {out, 0, size, 0};
	u64 from;
	char *line;
	long n;

	if (open_lines(0, "numa_maps") < 0)
		return in.fd;
	while ((n = next_line(&line)) > 0)
		if (parse_hex(line, (size_t)n, &from) && from >= start && from < end)
			text_add(&t, line, (size_t)n);
	sys_close(in.fd);
	if (n < 0)
		return n;
	return t.full ? -E_OVERFLOW : (long)t.len;
}

long pfn_find_vma(const char *name, u64 *start, u64 *end)
{
	size_t k = strlen(name);
	char *line;
	long n, ret = -E_NOENT;

	if (open_lines(0, "maps") < 0)
		return in.fd;
	while (ret && (n = next_line(&line)) > 0) {
		if ((size_t)n > k + 1 && memcmp(line + n - 1 - k, name, k) == 0 && line[n - 2 - (long)k] == ' ' &&
		    pfn_vma_line(line, (size_t)n, start, end) && (*start < ARENA || *start >= ARENA_END))
			ret = 0;
	}
	sys_close(in.fd);
	return ret;
}

long pfn_vma_offset(u64 wanted, u64 *offset)
{
	u64 from, to;
	char *line;
	long n, ret = -E_NOENT;

	if (open_lines(0, "maps") < 0)
		return in.fd;
	while (ret && (n = next_line(&line)) > 0) {
		if (pfn_vma_line(line, (size_t)n, &from, &to) && from == wanted) {
			size_t i = 0;

			for (int spaces = 0; spaces < 2 && i < (size_t)n; i++)
				spaces += line[i] == ' ';
			ret = parse_hex(line + i, (size_t)n - i, offset) ? 0 : -E_INVAL;
		}
	}
	sys_close(in.fd);
	return ret;
}

long pfn_read_pagemap(int pid, u64 start, long pages, u64 page_size, u64 *out, int *stage)
{
	long fd = open_proc(pid, "pagemap"), n;

	*stage = fd < 0;
	if (fd < 0)
		return fd;
	n = sys_pread(fd, out, (size_t)pages * 8, start / page_size * 8);
	sys_close(fd);
	return n < 0 ? n : n / 8;
}

long pfn_read_kpage(int flags, const u64 *pfns, long n, u64 *out, int *stage)
{
	long fd = sys_open(flags ? "/proc/kpageflags" : "/proc/kpagecount", S_O_RDONLY);

	*stage = fd < 0;
	if (fd < 0)
		return fd;
	for (long i = 0; i < n; i++)
		if (!pfns[i] || sys_pread(fd, &out[i], 8, pfns[i] * 8) != 8)
			out[i] = ~0ULL;
	sys_close(fd);
	return n;
}
