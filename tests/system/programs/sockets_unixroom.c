/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix-domain sockets when there is no room: who waits, for what, and who wakes whom. */
#include "sockets.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#define BIG 60000

static char buf[70000];

static void small_buffers(void)
{
	int fd[2];

	limit("unix: small buffers", 60);
	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	set_int(fd[0], SOL_SOCKET, SO_RCVBUF, 1024);
	set_int(fd[1], SOL_SOCKET, SO_RCVBUF, 1024);
	CHECK("unix: more at once than SO_RCVBUF", send(fd[0], buf, BIG, MSG_DONTWAIT) > 0);
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	CHECK("unix: 300,000 bytes through a small SO_RCVBUF", transfer(fd[0], fd[1], 300000));
	close(fd[0]);
	close(fd[1]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	set_int(fd[0], SOL_SOCKET, SO_SNDBUF, 3000);
	set_int(fd[1], SOL_SOCKET, SO_SNDBUF, 3000);
	CHECK("unix: of much, what there is room for is sent",
	    send(fd[0], buf, BIG, MSG_DONTWAIT) > 0 &&
		FAILS(send(fd[0], buf, BIG, MSG_DONTWAIT), EAGAIN));
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	CHECK("unix: 300,000 bytes through a small SO_SNDBUF", transfer(fd[0], fd[1], 300000));
	close(fd[0]);
	close(fd[1]);
}

/* Records go whole, or not at all. */
static void big_records(int type, const char *what)
{
	char line[80];
	int fd[2], most;

	limit("unix: big records", 30);
	socketpair(AF_UNIX, type, 0, fd);
	set_int(fd[1], SOL_SOCKET, SO_RCVBUF, 1024);
	snprintf(line, sizeof(line), "%s: a record larger than SO_RCVBUF", what);
	CHECK(line, send(fd[0], buf, BIG, MSG_DONTWAIT) == BIG &&
			recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) == BIG);
	set_int(fd[0], SOL_SOCKET, SO_SNDBUF, 20000);
	most = get_int(fd[0], SOL_SOCKET, SO_SNDBUF) - 32;
	snprintf(line, sizeof(line), "%s: EMSGSIZE: a record larger than SO_SNDBUF", what);
	CHECK(line, FAILS(send(fd[0], buf, (size_t)most + 1, 0), EMSGSIZE) &&
			send(fd[0], buf, (size_t)most, MSG_DONTWAIT) == most &&
			recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) == most);
	close(fd[0]);
	close(fd[1]);
}

/* poll and send agree: what one says, the other does. */
static void writable(int type, size_t n, const char *what)
{
	char line[80];
	int fd[2], sent = 0;
	bool good = true;

	limit("unix: writable", 30);
	socketpair(AF_UNIX, type, 0, fd);
	while (good && sent < 100000 && poll1(fd[0], POLLOUT, 0) == POLLOUT) {
		good = send(fd[0], buf, n, MSG_DONTWAIT) > 0;
		sent++;
	}
	snprintf(line, sizeof(line), "%s of %u: POLLOUT until it is full", what, (unsigned)n);
	CHECK(line, good && sent < 100000);
	while (send(fd[0], buf, n, MSG_DONTWAIT) > 0)
		continue;
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	snprintf(line, sizeof(line), "%s of %u: POLLOUT when it is empty", what, (unsigned)n);
	CHECK(line, poll1(fd[0], POLLOUT, 0) == POLLOUT);
	close(fd[0]);
	close(fd[1]);
}

void test_unix_room(void)
{
	static const size_t sizes[] = {1, 3000, BIG};

	small_buffers();
	big_records(SOCK_DGRAM, "unix datagram");
	big_records(SOCK_SEQPACKET, "seqpacket");
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		writable(SOCK_STREAM, sizes[i], "unix stream");
		writable(SOCK_DGRAM, sizes[i], "unix datagrams");
		writable(SOCK_SEQPACKET, sizes[i], "seqpackets");
	}
}
