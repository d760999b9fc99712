/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's gdb server as a sampler (the remote protocol is in gdb's manual, appendix E): any byte
 * stops the machine, `g' are the registers, `m' is memory as the CPU sees it, `c' lets go.  The
 * clocks of the guest stand still meanwhile.
 *
 * QEMU 7.2 does not wait for an acknowledgement but expects one; it goes out before the next
 * command.  While the machine runs nothing may be sent: it would stop.
 */
#include "profile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util.h"

#define ANSWER_MS 5000
#define PACKET	  16384
#define READ_MAX  2048UL /* bytes of memory that QEMU gives at once */
#define RBP	  6	 /* registers of `g', eight bytes each */
#define RSP	  7
#define RIP	  16

struct remote {
	int fd;
	char buf[4096]; /* received, not looked at */
	size_t at, len;
	char packet[PACKET];
	struct strlist threads; /* CPUs, as QEMU names them */
};

static bool next_byte(struct remote *r, char *c)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	ssize_t n;

	if (r->at == r->len) {
		if (poll(&p, 1, ANSWER_MS) != 1)
			return false;
		n = recv(r->fd, r->buf, sizeof(r->buf), 0);
		if (n <= 0)
			return false;
		r->at = 0;
		r->len = (size_t)n;
	}
	*c = r->buf[r->at++];
	return true;
}

static bool transmit(struct remote *r, const char *data, size_t len)
{
	return send(r->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The next packet, into r->packet; acknowledgements are passed over. */
static bool receive(struct remote *r)
{
	size_t n = 0;
	char c;

	do {
		if (!next_byte(r, &c))
			return false;
	} while (c != '$');
	for (;;) {
		if (!next_byte(r, &c))
			return false;
		if (c == '#')
			break;
		if (n == sizeof(r->packet) - 1)
			return false;
		r->packet[n++] = c;
	}
	r->packet[n] = '\0';
	return next_byte(r, &c) && next_byte(r, &c); /* a socket keeps bytes as they are */
}

static bool command(struct remote *r, const char *text)
{
	char out[128];
	unsigned sum = 0;
	int n;

	for (const char *p = text; *p != '\0'; p++)
		sum += (unsigned char)*p;
	n = snprintf(out, sizeof(out), "+$%s#%02x", text, sum & 0xff);
	return n > 0 && n < (int)sizeof(out) && transmit(r, out, (size_t)n);
}

static bool ask(struct remote *r, const char *text)
{
	return command(r, text) && receive(r);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* len bytes from r->packet, at offset `at'. */
static bool bytes(const struct remote *r, size_t at, void *buf, size_t len)
{
	unsigned char *to = buf;

	for (size_t i = 0; i < len; i++) {
		int hi = digit(r->packet[2 * (at + i)]), lo;

		if (hi < 0 || (lo = digit(r->packet[2 * (at + i) + 1])) < 0)
			return false; /* also at the end */
		to[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

static bool read_memory(void *arg, uint64_t va, void *buf, size_t len)
{
	struct remote *r = arg;
	char text[64];

	for (size_t n; len > 0; va += n, buf = (char *)buf + n, len -= n) {
		n = len < READ_MAX ? len : READ_MAX;
		snprintf(text, sizeof(text), "m%lx,%zx", va, n);
		/* An answer that is too short is an error, too. */
		if (!ask(r, text) || !bytes(r, 0, buf, n))
			return false;
	}
	return true;
}

static bool find_threads(struct remote *r)
{
	if (!ask(r, "qfThreadInfo"))
		return false;
	while (r->packet[0] == 'm') {
		strlist_split(&r->threads, r->packet + 1, ",");
		if (!ask(r, "qsThreadInfo"))
			return false;
	}
	return r->threads.n > 0;
}

static bool stop(void *arg, struct profile_cpu cpu[PROFILE_CPUS], size_t *n)
{
	struct remote *r = arg;
	char text[64];

	*n = 0;
	if (!transmit(r, "\x03", 1) || !receive(r) || (r->packet[0] != 'T' && r->packet[0] != 'S'))
		return false;
	if (r->threads.n == 0 && !find_threads(r))
		return false;
	for (size_t i = 0; i < r->threads.n && i < PROFILE_CPUS; i++) {
		struct profile_cpu *c = &cpu[*n];

		if (r->threads.n > 1) {
			snprintf(text, sizeof(text), "Hg%s", r->threads.v[i]);
			if (!ask(r, text))
				return false;
		}
		if (!ask(r, "g"))
			return false;
		if (bytes(r, RBP * 8, &c->rbp, 8) && bytes(r, RSP * 8, &c->rsp, 8) &&
		    bytes(r, RIP * 8, &c->rip, 8))
			(*n)++;
	}
	return true;
}

static bool go(void *arg)
{
	return command(arg, "c");
}

void profile_qemu(int fd, struct sampler *s)
{
	static struct remote r; /* a process has one guest */

	r.fd = fd;
	*s = (struct sampler){stop, read_memory, go, &r};
}
