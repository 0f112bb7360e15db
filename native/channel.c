/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames over one byte stream. Buffers lie in shared memory: fork copies no page-table entries of it, so actors do not pay. */
#include "agent.h"

struct channel channel = {-1, -1};
static u8 *input, *output;
static size_t out_len, frame_at;

static void buffers(void)
{
	s64 p = sys_mmap(0, 3 * MAX_FRAME, S_PROT_READ | S_PROT_WRITE, S_MAP_SHARED | S_MAP_ANONYMOUS, -1, 0);

	if (failed(p))
		sys_exit(3);
	input = (u8 *)(uintptr_t)p;
	output = input + 2 * MAX_FRAME;
}

void channel_leave(void)
{
	sys_close(channel.in);
	sys_close(channel.out);
	if (input)
		sys_munmap((u64)(uintptr_t)input, 3 * MAX_FRAME);
}

static int receive(void *p, size_t n)
{
	for (size_t got = 0; got < n;) {
		long k = sys_read(channel.in, (u8 *)p + got, n - got);

		if (k == -E_INTR)
			continue;
		if (k <= 0)
			return -1;
		got += (size_t)k;
	}
	return 0;
}

int channel_receive(struct frame *f, int inner)
{
	u32 head[2];

	if (!input)
		buffers();
	channel_flush();
	if (receive(head, 8) || head[0] > MAX_FRAME)
		return -1;
	f->length = head[0];
	f->type = head[1];
	f->payload = input + (inner ? MAX_FRAME : 0);
	for (size_t got = 0; got < f->length;) {
		size_t n = f->length - got < PIECE ? f->length - got : PIECE;

		if (got) {
			frame_begin(FROM_MORE);
			frame_end();
			channel_flush();
		}
		if (receive(f->payload + got, n))
			return -1;
		got += n;
	}
	return 0;
}

void channel_flush(void)
{
	for (size_t sent = 0; sent < out_len;) {
		long k = sys_write(channel.out, output + sent, out_len - sent);

		if (k == -E_INTR)
			continue;
		if (k <= 0)
			break; /* nobody listens: the next receive ends the agent */
		sent += (size_t)k;
	}
	out_len = 0;
}

void frame_begin(u32 type)
{
	if (!output)
		buffers();
	if (out_len + 2 * MAX_PAYLOAD > MAX_FRAME)
		channel_flush();
	frame_at = out_len;
	out_len += 4;
	frame_u32(type);
}

void frame_add(const void *p, size_t n)
{
	if (n > MAX_FRAME - out_len)
		n = MAX_FRAME - out_len;
	memcpy(output + out_len, p, n);
	out_len += n;
}

void frame_end(void)
{
	u32 n = (u32)(out_len - frame_at - 8);

	memcpy(output + frame_at, &n, 4);
}

void channel_lost(const char *why)
{
	frame_begin(FROM_LOST);
	frame_add(why, strlen(why));
	frame_end();
	channel_flush();
}

int channel_hung_up(void)
{
	struct s_pollfd p = {channel.in, S_POLLRDHUP, 0};

	return sys_poll(&p, 1, 0) > 0 && p.revents & (S_POLLHUP | S_POLLRDHUP | S_POLLERR);
}

void read_bytes(struct reader *r, void *to, size_t n)
{
	if (n > r->left) {
		r->bad = 1;
		memset(to, 0, n);
		return;
	}
	memcpy(to, r->at, n);
	r->at += n;
	r->left -= n;
}
