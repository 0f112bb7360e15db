/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What did the kernel log during a program, and is it tainted? */
#include "agent.h"

static long kmsg = -1;
static int opened, by_syslog;

enum { SYSLOG_READ_CLEAR = 4, SYSLOG_CLEAR = 5 };

/* /dev/kmsg can be read since 3.5; before, a guest's own log is cleared and read whole. */
static void open_log(void)
{
	char probe[64];

	opened = 1;
	kmsg = sys_open("/dev/kmsg", S_O_RDONLY | S_O_NONBLOCK);
	if (kmsg >= 0 && (sys_lseek(kmsg, 0, S_SEEK_END) < 0 || sys_read(kmsg, probe, sizeof(probe)) != -E_AGAIN)) {
		/* At the end there is nothing to read, unless something was logged just now: then it can be read as well. */
		if (sys_lseek(kmsg, 0, S_SEEK_END) < 0 || sys_read(kmsg, probe, sizeof(probe)) != -E_AGAIN) {
			sys_close(kmsg);
			kmsg = -E_INVAL;
		}
	}
	by_syslog = kmsg < 0 && sys_getpid() == 1;
}

void klog_start(void)
{
	if (!opened)
		open_log();
	if (by_syslog)
		SYS(syslog, SYSLOG_CLEAR, 0, 0);
	else if (kmsg >= 0)
		sys_lseek(kmsg, 0, S_SEEK_END);
}

/* A record `6,12,345,-;text\n key=value…` becomes `<6>text\n`. */
static void add_record(struct text *t, const char *s, size_t n)
{
	u64 priority;
	size_t i, end;

	parse_dec(s, n, &priority);
	for (i = 0; i < n && s[i] != ';'; i++)
		;
	for (end = i; end < n && s[end] != '\n'; end++)
		;
	text_str(t, "<");
	text_num(t, priority & 7);
	text_str(t, ">");
	text_add(t, s + i + 1, end - i - (i < end));
	text_str(t, "\n");
}

long klog_read(char *buf, size_t size)
{
	static char record[8192];
	struct text t = {buf, 0, size, 0};
	long n;

	if (by_syslog)
		return SYS(syslog, SYSLOG_READ_CLEAR, buf, size);
	if (kmsg < 0)
		return kmsg;
	while (!t.full && ((n = sys_read(kmsg, record, sizeof(record))) > 0 || n == -E_PIPE))
		if (n > 0)
			add_record(&t, record, (size_t)n);
	return (long)t.len;
}

u32 taint_now(void)
{
	static s32 fd = -1; /* kept: it is read twice a program, and each reading is a new one */
	char buf[32];
	u64 v = 0;
	long n;

	if (fd < 0)
		fd = (s32)sys_open("/proc/sys/kernel/tainted", S_O_RDONLY);
	n = sys_pread(fd, buf, sizeof(buf), 0);
	if (n > 0)
		parse_dec(buf, (size_t)n, &v);
	return (u32)v;
}
