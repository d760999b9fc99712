/* SPDX-License-Identifier: BSD-2-Clause */
/* Many connections, at once and one after the other; nothing is left of them. */
#include "sockets.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define MANY   1000
#define ROUNDS 2000

static void at_once(void)
{
	static int client[MANY], server[MANY];
	struct epoll_event ev = {.events = EPOLLIN}, evs[64];
	struct rlimit rl;
	struct sockaddr_in sin;
	int l, i, n, ep = epoll_create1(0), echoed = 0, good = 0, value;

	limit("1,000 connections", 120);
	getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < 3 * MANY) {
		rl.rlim_cur = 3 * MANY;
		CHECK("RLIMIT_NOFILE can be raised", setrlimit(RLIMIT_NOFILE, &rl) == 0);
	}
	l = listening(0, 64, &sin);
	for (i = 0; i < MANY; i++) {
		client[i] = connect_to(&sin);
		server[i] = accept(l, NULL, NULL);
		if (server[i] < 0)
			break;
		ev.data.fd = server[i];
		epoll_ctl(ep, EPOLL_CTL_ADD, server[i], &ev);
	}
	CHECK("1,000 connections are open at once", i == MANY);
	for (n = 0; n < i; n++)
		write_all(client[n], &n, sizeof(n));
	while (echoed < i && (n = epoll_wait(ep, evs, 64, 5000)) > 0)
		for (int k = 0; k < n; k++, echoed++)
			if (read_all(evs[k].data.fd, &value, sizeof(value)) == sizeof(value))
				write_all(evs[k].data.fd, &value, sizeof(value));
	for (n = 0; n < i; n++)
		good += read_all(client[n], &value, sizeof(value)) == sizeof(value) && value == n;
	CHECK("1,000 connections: each has its own answer", good == MANY);
	for (n = 0; n < i; n++) {
		close(client[n]);
		close(server[n]);
	}
	close(ep);
	close(l);
}

/* Connections as a server has them.  The server closes first, the client with a reset: no
 * TIME-WAIT. */
static int connections(void)
{
	struct linger reset = {1, 0};
	struct sockaddr_in sin;
	int l = listening(0, 5, &sin), c, s, i;
	char b[600];

	memset(b, 'x', sizeof(b));
	for (i = 0; i < ROUNDS; i++) {
		c = connect_to(&sin);
		s = accept(l, NULL, NULL);
		if (s < 0 || write_all(c, b, 300) != 300 || read_all(s, b, 300) != 300 ||
		    write_all(s, b, 600) != 600)
			break;
		/* Every third with data that nobody reads. */
		if (i % 3 != 0 && read_all(c, b, 600) != 600)
			break;
		setsockopt(c, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(s);
		close(c);
	}
	close(l);
	return i;
}

static int others(void)
{
	struct sockaddr_in sin;
	int fd[2], a, b, i;
	char buf[32];

	for (i = 0; i < ROUNDS; i++) {
		if (socketpair(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, fd) != 0 ||
		    write_all(fd[0], "abc", 3) != 3 || (i % 3 && read(fd[1], buf, 9) != 3))
			return i;
		close(fd[0]);
		close(fd[1]);
		a = bound(SOCK_DGRAM, &sin);
		b = socket(AF_INET, SOCK_DGRAM, 0);
		if (sendto(b, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)) != 1 ||
		    (i % 3 && recv(a, buf, 9, 0) != 1))
			return i;
		close(a);
		close(b);
	}
	return i;
}

static long memory_free(void)
{
	struct sysinfo si;

	nap(200); /* what is just ending may end */
	return sysinfo(&si) == 0 ? (long)si.freeram * (long)si.mem_unit : -1;
}

/* As much memory free after the second round as after the first, but for what caches may keep. */
static void no_leak(int (*round)(void), const char *works, const char *leaks, bool guest)
{
	long before, after;
	int first, second;

	limit(works, 300);
	first = round();
	before = memory_free();
	second = round();
	after = memory_free();
	CHECK(works, first == ROUNDS && second == ROUNDS);
	if (!guest)
		return;
	if (before - after > 128 * 1024)
		printf("# %ld bytes free before, %ld after\n", before, after);
	CHECK(leaks, before > 0 && before - after <= 128 * 1024);
}

void test_many(bool guest)
{
	at_once();
	no_leak(connections, "twice 2,000 TCP connections",
	    "TCP connections leave no memory behind", guest);
	no_leak(others, "twice 2,000 datagram sockets and pairs",
	    "datagram sockets and pairs leave no memory behind", guest);
}
