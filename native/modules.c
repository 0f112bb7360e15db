/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which kernel modules does a guest need, and did they load?  All of /modules/, in the order of their names; parameters in
 * NAME.ko.args beside them. */
#include "agent.h"

enum { MOST = 32, NAME_ROOM = 64 };
#define FOLDER "/modules/"

static char names[MOST][NAME_ROOM];
static char told[2048];

const char *modules_told(void) { return told; }

static int is_module(const char *name, size_t n) { return n > 3 && n < NAME_ROOM && memcmp(name + n - 3, ".ko", 3) == 0; }

/* a is before b, by bytes. */
static int before(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (u8)*a < (u8)*b;
}

/* Fills names[], sorted; returns their count. */
static int find_modules(void)
{
	/* struct linux_dirent64: u64 inode, s64 offset, u16 length of the record, u8 type, name. */
	static u8 buf[4096] __attribute__((aligned(8)));
	enum { LENGTH_AT = 16, NAME_AT = 19 };
	long fd = sys_open(FOLDER, S_O_RDONLY), n;
	int count = 0;

	if (fd < 0)
		return 0;
	while ((n = SYS(getdents64, fd, buf, sizeof(buf))) > 0) {
		u16 length;

		for (long at = 0; at < n; at += length) {
			const char *name = (const char *)buf + at + NAME_AT;
			size_t k = strlen(name);
			int place = count;

			memcpy(&length, buf + at + LENGTH_AT, 2);
			if (!is_module(name, k) || count == MOST)
				continue;
			for (; place > 0 && before(name, names[place - 1]); place--)
				memcpy(names[place], names[place - 1], NAME_ROOM);
			memcpy(names[place], name, k + 1);
			count++;
		}
	}
	sys_close(fd);
	return count;
}

static long load(const char *name)
{
	static char args[1024];
	char path[sizeof(FOLDER) + NAME_ROOM + 8];
	struct text t = {path, 0, sizeof(path) - 1, 0};
	long fd, n, ret;

	text_str(&t, FOLDER);
	text_str(&t, name);
	path[t.len] = 0;
	fd = sys_open(path, S_O_RDONLY);
	if (fd < 0)
		return fd;
	text_str(&t, ".args");
	path[t.len] = 0;
	n = read_file(path, args, sizeof(args) - 1);
	while (n > 0 && args[n - 1] == '\n')
		n--;
	args[n > 0 ? n : 0] = 0;
	ret = SYS(finit_module, fd, args, 0); /* 3.8 */
	sys_close(fd);
	return ret;
}

void modules_load(void)
{
	struct text t = {told, 0, sizeof(told) - 1, 0};
	int count = find_modules();

	for (int i = 0; i < count; i++) {
		long ret = load(names[i]);

		text_str(&t, "module=");
		text_str(&t, names[i]);
		text_str(&t, " ");
		if (failed(ret))
			text_num(&t, (u64)-ret);
		else
			text_str(&t, "ok");
		text_str(&t, "\n");
	}
	told[t.len] = 0;
}
