/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix-domain sockets when there is no room: who waits, for what, and who wakes whom. */
#include "sockets.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BIG 60000

static char buf[70000];

/* A socket of this type with an abstract name that nobody has; the name in *sun. */
static int named(int type, struct sockaddr_un *sun, socklen_t *len)
{
	static int number;
	int s = socket(AF_UNIX, type, 0);

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path + 1, sizeof(sun->sun_path) - 1, "kiln-room-%d-%d", (int)getpid(),
	    number++);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(sun->sun_path + 1));
	if (bind(s, (struct sockaddr *)sun, *len) != 0)
		printf("FAIL bind of an abstract name (errno %d)\n", errno);
	return s;
}

static int joined(int type, const struct sockaddr_un *sun, socklen_t len)
{
	int s = socket(AF_UNIX, type, 0);

	if (connect(s, (const struct sockaddr *)sun, len) != 0)
		printf("FAIL connect to an abstract name (errno %d)\n", errno);
	return s;
}

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

/* ------------------------------------------------------------- datagrams from several */

static int later_fd;

static void *read_later(void *arg)
{
	nap(100);
	while (recv(later_fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		continue;
	return arg;
}

static void *close_later(void *arg)
{
	nap(100);
	close(later_fd);
	return arg;
}

/* Does it become writable in time?  At its end poll looks once more: too late is too late. */
static bool woken(int fd)
{
	double start = now();

	return (poll1(fd, POLLOUT, 5000) & POLLOUT) && now() - start < 4;
}

/* A server that never connects, and clients that wait for it to read. */
static void waiting_clients(void)
{
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET}, got;
	struct sockaddr_un sun;
	socklen_t len;
	int s = named(SOCK_DGRAM, &sun, &len), a = joined(SOCK_DGRAM, &sun, len),
	    b = joined(SOCK_DGRAM, &sun, len), loose = socket(AF_UNIX, SOCK_DGRAM, 0),
	    ep = epoll_create1(0), n;
	pthread_t t;

	limit("unix datagrams: waiting clients", 60);
	later_fd = s;
	while (send(a, buf, 1000, MSG_DONTWAIT) > 0)
		continue;
	CHECK("unix datagrams: no POLLOUT when the receiver is full",
	    errno == EAGAIN && poll1(a, POLLOUT, 0) == 0 && poll1(b, POLLOUT, 0) == 0);
	t = spawn(read_later, NULL);
	CHECK("unix datagrams: poll wakes when the receiver reads", woken(a));
	pthread_join(t, NULL);
	CHECK("unix datagrams: room for all", poll1(b, POLLOUT, 0) == POLLOUT);

	ev.data.fd = a;
	epoll_ctl(ep, EPOLL_CTL_ADD, a, &ev);
	ev.data.fd = b;
	epoll_ctl(ep, EPOLL_CTL_ADD, b, &ev);
	while (send(a, buf, 1000, MSG_DONTWAIT) > 0)
		continue;
	while (epoll_wait(ep, &got, 1, 0) > 0)
		continue;
	CHECK("unix datagrams: the other has no room either",
	    FAILS(send(b, buf, 1000, MSG_DONTWAIT), EAGAIN));
	t = spawn(read_later, NULL);
	n = epoll_wait(ep, &got, 1, 5000);
	pthread_join(t, NULL);
	CHECK("unix datagrams: edge-triggered EPOLLOUT when the receiver reads",
	    n == 1 && epoll_wait(ep, &got, 1, 0) == 1);
	epoll_ctl(ep, EPOLL_CTL_DEL, a, NULL);
	epoll_ctl(ep, EPOLL_CTL_DEL, b, NULL);

	ev.data.fd = loose;
	epoll_ctl(ep, EPOLL_CTL_ADD, loose, &ev);
	while (sendto(loose, buf, 1000, MSG_DONTWAIT, (struct sockaddr *)&sun, len) > 0)
		continue;
	while (epoll_wait(ep, &got, 1, 0) > 0)
		continue;
	t = spawn(read_later, NULL);
	CHECK("unix datagrams: edge-triggered EPOLLOUT without a connection",
	    epoll_wait(ep, &got, 1, 5000) == 1 && got.data.fd == loose);
	pthread_join(t, NULL);

	while (send(a, buf, 1000, MSG_DONTWAIT) > 0)
		continue;
	t = spawn(close_later, NULL);
	CHECK("unix datagrams: poll wakes when the receiver goes", woken(a));
	pthread_join(t, NULL);
	CHECK("unix datagrams: it has gone", FAILS(send(a, buf, 1, 0), ECONNREFUSED));
	close(a);
	close(b);
	close(loose);
	close(ep);
}

/* ------------------------------------------------------------- connections */

static void *accept_later(void *arg)
{
	nap(100);
	close(accept(later_fd, NULL, NULL));
	return arg;
}

static void *shut_later(void *arg)
{
	nap(100);
	shutdown(later_fd, SHUT_RDWR);
	return arg;
}

/* A blocking connect by a socket of this type, its result or the negative errno; the time it took
 * in *took. */
static int timed_connect(
    int type, const struct sockaddr_un *sun, socklen_t len, int ms, double *took)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	int c = socket(AF_UNIX, type, 0), r;
	double start = now();

	if (ms > 0)
		setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	r = connect(c, (const struct sockaddr *)sun, len);
	if (r != 0)
		r = -errno;
	*took = now() - start;
	close(c);
	return r;
}

/* Connecting to a listener with a full queue. */
static void queue_full(int type, const char *what)
{
	struct sockaddr_un sun;
	socklen_t len;
	int l = named(type, &sun, &len), c[2], n, r;
	char line[80];
	double took;
	pthread_t t;

	limit("unix: full queue", 60);
	later_fd = l;
	listen(l, 1);
	for (n = 0; n < 2; n++)
		c[n] = joined(type, &sun, len);
	n = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
	snprintf(line, sizeof(line), "%s: EAGAIN: the queue is full", what);
	CHECK(line, FAILS(connect(n, (struct sockaddr *)&sun, len), EAGAIN));
	snprintf(line, sizeof(line), "%s: connect waits until its time is over", what);
	r = timed_connect(type, &sun, len, 200, &took);
	CHECK(line, r == -EAGAIN && took > 0.15 && took < 4);
	t = spawn(accept_later, NULL);
	snprintf(line, sizeof(line), "%s: connect waits for accept", what);
	r = timed_connect(type, &sun, len, 0, &took);
	CHECK(line, r == 0 && took > 0.05 && took < 4);
	pthread_join(t, NULL);
	t = spawn(close_later, NULL);
	snprintf(line, sizeof(line), "%s: connect waits, the listener goes", what);
	r = timed_connect(type, &sun, len, 0, &took);
	CHECK(line, r == -ECONNREFUSED && took > 0.05 && took < 4);
	pthread_join(t, NULL);
	close(n);
	close(c[0]);
	close(c[1]);
}

static void listener_shut(void)
{
	struct sockaddr_un sun;
	socklen_t len;
	int l = named(SOCK_STREAM, &sun, &len), r;
	double took;
	pthread_t t;

	limit("unix: listener shut down", 20);
	later_fd = l;
	listen(l, 1);
	t = spawn(shut_later, NULL);
	CHECK("unix: EINVAL: accept ends when the listener is shut down",
	    FAILS(accept(l, NULL, NULL), EINVAL));
	pthread_join(t, NULL);
	r = timed_connect(SOCK_STREAM, &sun, len, 2000, &took);
	CHECK("unix: ECONNREFUSED: the listener is shut down", r == -ECONNREFUSED && took < 1);
	close(l);
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
	waiting_clients();
	queue_full(SOCK_STREAM, "unix stream");
	queue_full(SOCK_SEQPACKET, "seqpacket");
	listener_shut();
}
