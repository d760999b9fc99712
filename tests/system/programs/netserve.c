/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP server for tests: each port does one thing to its connections, all
 * from one poll loop.
 *   7    echo
 *   9    discard; at the end of the stream answers with the number of bytes
 *   19   sends 8 MiB of a known pattern and closes
 *   80   one answer of 800 bytes per request (a request ends with an empty line)
 * "quit" sent to port 7 as first line ends the program with status 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAXFD	     1100
#define SOURCE_BYTES (8L << 20)

struct conn {
	int port;
	long bytes; /* received, or sent */
	size_t have, off;
	char buf[4096];
};

static struct pollfd pfd[MAXFD];
static struct conn *conn[MAXFD];
static int npfd;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void add(int fd, int port, int events)
{
	pfd[npfd] = (struct pollfd){.fd = fd, .events = (short)events};
	conn[npfd] = calloc(1, sizeof(struct conn));
	if (!conn[npfd])
		fail("calloc");
	conn[npfd++]->port = port;
}

static void del(int i)
{
	close(pfd[i].fd);
	free(conn[i]);
	npfd--;
	pfd[i] = pfd[npfd];
	conn[i] = conn[npfd];
}

static void listen_on(int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(s, (struct sockaddr *)&sin, sizeof(sin)) != 0 || listen(s, 128) != 0)
		fail("listen");
	add(s, -port, POLLIN);
}

static void accept_all(int i)
{
	int s, port = -conn[i]->port;

	/* cppcheck-suppress nullPointer ; accept(2) allows it */
	while (npfd < MAXFD && (s = accept4(pfd[i].fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		add(s, port, port == 19 ? POLLOUT : POLLIN);
}

/* Pattern byte at stream offset n, as the host's client computes it. */
static char pattern(long n)
{
	return (char)(n * 7 + (n >> 8) + (n >> 16));
}

/* 0: go on; 1: close it. */
static int source(int fd, struct conn *c)
{
	char buf[8192];
	size_t n, i;
	ssize_t w;

	while (c->bytes < SOURCE_BYTES) {
		n = (size_t)(SOURCE_BYTES - c->bytes) < sizeof(buf)
			? (size_t)(SOURCE_BYTES - c->bytes)
			: sizeof(buf);
		for (i = 0; i < n; i++)
			buf[i] = pattern(c->bytes + (long)i);
		w = write(fd, buf, n);
		if (w < 0)
			return errno != EAGAIN;
		c->bytes += w;
	}
	return 1;
}

static int flush_echo(int fd, struct conn *c)
{
	ssize_t w;

	while (c->off < c->have) {
		w = write(fd, c->buf + c->off, c->have - c->off);
		if (w < 0)
			return errno == EAGAIN ? 0 : 1;
		c->off += (size_t)w;
	}
	c->off = c->have = 0;
	return 0;
}

static int respond(int fd)
{
	static const char head[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 700\r\nContent-Type: text/plain\r\n\r\n";
	static char body[700];
	int on = 1, off = 0;

	memset(body, 'x', sizeof(body));
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
	if (write(fd, head, sizeof(head) - 1) < 0 || write(fd, body, sizeof(body)) < 0)
		return 1;
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
	return 0;
}

static int serve(int i)
{
	struct conn *c = conn[i];
	int fd = pfd[i].fd;
	ssize_t n;

	if (c->port == 19)
		return source(fd, c);
	/* What is owed goes first: the end of the stream must not overtake it. */
	if (c->port == 7) {
		if (flush_echo(fd, c) != 0)
			return 1;
		if (c->have > 0)
			return 0;
	}
	while (c->have < sizeof(c->buf)) {
		n = read(fd, c->buf + c->have, sizeof(c->buf) - c->have);
		if (n < 0)
			return errno != EAGAIN;
		if (n == 0) {
			if (c->port == 9) {
				char text[32];
				int len = snprintf(text, sizeof(text), "%ld\n", c->bytes);
				if (write(fd, text, (size_t)len) != len)
					perror("write");
			}
			return 1;
		}
		c->bytes += n;
		if (c->port == 9)
			continue;
		c->have += (size_t)n;
		if (c->port == 7 && c->bytes == 5 && memcmp(c->buf, "quit\n", 5) == 0)
			exit(0);
		if (c->port == 7 && flush_echo(fd, c) != 0)
			return 1;
		if (c->port == 80) {
			if (c->have >= 4 && memcmp(c->buf + c->have - 4, "\r\n\r\n", 4) == 0) {
				c->have = 0;
				if (respond(fd) != 0)
					return 1;
			}
		} else if (c->have > 0) {
			break; /* the peer must read first */
		}
	}
	return 0;
}

static short waits_for(const struct conn *c)
{
	return c->port == 19 || (c->port == 7 && c->have > 0) ? POLLOUT : POLLIN;
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	listen_on(7);
	listen_on(9);
	listen_on(19);
	listen_on(80);
	printf("netserve: ready\n");
	fflush(stdout);
	for (;;) {
		if (poll(pfd, (nfds_t)npfd, -1) < 0) {
			if (errno == EINTR)
				continue;
			fail("poll");
		}
		for (int i = npfd - 1; i >= 0; i--) {
			if (!pfd[i].revents)
				continue;
			if (conn[i]->port < 0)
				accept_all(i);
			else if (serve(i) != 0)
				del(i);
			else
				pfd[i].events = waits_for(conn[i]);
		}
	}
}
