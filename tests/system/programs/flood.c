/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs on the host: flood PORT COUNT [PARALLEL [ADDRESS]]: opens COUNT connections, PARALLEL at
 * a time, to this machine if no address is given, asks each for / with Connection: close, reads to
 * the end.  Every answer must be a whole HTTP 200.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST	 64
#define STALL_MS 15000

struct conn {
	int fd;
	int state; /* 0 connecting, 1 reading */
	size_t got;
	char head[16];
};

static int open_conn(const char *address, int port)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(address)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		err(2, "socket");
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 && errno != EINPROGRESS)
		err(1, "connect");
	return fd;
}

/* 0 going on, 1 done well, -1 failed */
static int step(struct conn *c)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: kiln\r\nConnection: close\r\n\r\n";
	char buf[16384];
	ssize_t n;

	if (c->state == 0) {
		if (write(c->fd, request, sizeof(request) - 1) != sizeof(request) - 1)
			return -1;
		c->state = 1;
		return 0;
	}
	n = read(c->fd, buf, sizeof(buf));
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0)
		return c->got > 100 && memcmp(c->head, "HTTP/1.1 200", 12) == 0 ? 1 : -1;
	if (c->got < sizeof(c->head))
		memcpy(c->head + c->got, buf,
		    (size_t)n < sizeof(c->head) - c->got ? (size_t)n : sizeof(c->head) - c->got);
	c->got += n;
	return 0;
}

int main(int argc, char **argv)
{
	int port = atoi(argc > 1 ? argv[1] : ""), count = atoi(argc > 2 ? argv[2] : "");
	int parallel = argc > 3 ? atoi(argv[3]) : 8, started = 0, active = 0, good = 0, bad = 0;
	struct conn conns[MOST];
	struct pollfd p[MOST];

	if (port <= 0 || count <= 0 || parallel < 1 || parallel > MOST)
		errx(2, "usage: flood PORT COUNT [PARALLEL [ADDRESS]]");
	while (started < count || active > 0) {
		while (active < parallel && started < count) {
			conns[active] =
			    (struct conn){.fd = open_conn(argc > 4 ? argv[4] : "127.0.0.1", port)};
			active++;
			started++;
		}
		for (int i = 0; i < active; i++)
			p[i] = (struct pollfd){
			    .fd = conns[i].fd, .events = conns[i].state ? POLLIN : POLLOUT};
		if (poll(p, active, STALL_MS) == 0)
			errx(1, "stalled after %d good and %d bad connections", good, bad);
		for (int i = active - 1; i >= 0; i--) {
			int r = p[i].revents ? step(&conns[i]) : 0;
			if (r == 0)
				continue;
			r > 0 ? good++ : bad++;
			close(conns[i].fd);
			conns[i] = conns[--active];
			p[i] = p[active];
		}
	}
	printf("%d good, %d bad\n", good, bad);
	return bad != 0;
}
