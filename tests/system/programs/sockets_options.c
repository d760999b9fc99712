/* SPDX-License-Identifier: BSD-2-Clause */
/* Options: those that are read back, and those whose effect can be seen. */
#include "sockets.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static void read_back(void)
{
	static const struct {
		int level, name, value;
		const char *what;
	} opt[] = {
	    {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR reads back"},
	    {SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT reads back"},
	    {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE reads back"},
	    {SOL_SOCKET, SO_BROADCAST, 1, "SO_BROADCAST reads back"},
	    {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY reads back"},
	    {IPPROTO_TCP, TCP_CORK, 1, "TCP_CORK reads back"},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 77, "TCP_KEEPIDLE reads back"},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 7, "TCP_KEEPINTVL reads back"},
	    {IPPROTO_TCP, TCP_KEEPCNT, 5, "TCP_KEEPCNT reads back"},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, 12345, "TCP_USER_TIMEOUT reads back"},
	    {IPPROTO_IP, IP_TTL, 33, "IP_TTL reads back"},
	    {IPPROTO_IP, IP_TOS, 0x10, "IP_TOS reads back"},
	};
	struct linger l = {1, 17};
	struct timeval tv = {3, 250000};
	int s = socket(AF_INET, SOCK_STREAM, 0), n = 0;
	struct tcp_info ti;
	socklen_t len;

	limit("options", 20);
	for (size_t i = 0; i < sizeof(opt) / sizeof(opt[0]); i++) {
		set_int(s, opt[i].level, opt[i].name, opt[i].value);
		CHECK(opt[i].what, get_int(s, opt[i].level, opt[i].name) == opt[i].value);
	}
	setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	memset(&l, 0, sizeof(l));
	len = sizeof(l);
	getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len);
	CHECK("SO_LINGER reads back", len == sizeof(l) && l.l_onoff == 1 && l.l_linger == 17);
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	memset(&tv, 0, sizeof(tv));
	len = sizeof(tv);
	getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
	/* Linux rounds to its ticks. */
	CHECK("SO_RCVTIMEO reads back",
	    tv.tv_sec == 3 && tv.tv_usec >= 250000 && tv.tv_usec < 261000);
	CHECK("SO_TYPE", get_int(s, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
	CHECK("SO_DOMAIN", get_int(s, SOL_SOCKET, SO_DOMAIN) == AF_INET);
	CHECK("SO_PROTOCOL", get_int(s, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP);
	CHECK("SO_ERROR of a fresh socket", get_int(s, SOL_SOCKET, SO_ERROR) == 0);
	CHECK("SO_ACCEPTCONN", get_int(s, SOL_SOCKET, SO_ACCEPTCONN) == 0 && listen(s, 1) == 0 &&
				   get_int(s, SOL_SOCKET, SO_ACCEPTCONN) == 1);
	len = sizeof(ti);
	CHECK("TCP_INFO tells the state",
	    getsockopt(s, IPPROTO_TCP, TCP_INFO, &ti, &len) == 0 && ti.tcpi_state == TCP_LISTEN);
	len = sizeof(n);
	CHECK("ENOPROTOOPT: no such option",
	    FAILS(setsockopt(s, SOL_SOCKET, 250, &n, len), ENOPROTOOPT));
	CHECK("ENOPROTOOPT: no such TCP option",
	    FAILS(getsockopt(s, IPPROTO_TCP, 250, &n, &len), ENOPROTOOPT));
	CHECK("EINVAL: TCP_KEEPCNT 0",
	    FAILS(setsockopt(s, IPPROTO_TCP, TCP_KEEPCNT, &n, sizeof(n)), EINVAL));
	CHECK(
	    "EINVAL: a short value", FAILS(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &n, 1), EINVAL));
	CHECK("EFAULT: a bad value",
	    FAILS(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, bad_pointer, 4), EFAULT));
	close(s);
}

/* How much a connection takes before it must wait; what is under way takes its time. */
static long capacity(int fd, int ms)
{
	static char buf[8192];
	double end = now() + ms / 1000.0;
	long total = 0;
	ssize_t n;

	do {
		while ((n = send(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			total += n;
		if (ms > 0)
			nap(5);
	} while (now() < end);
	return total;
}

static void buffers(void)
{
	struct timeval tv = {0, 100000};
	int fd[2], big;
	char b = 0;
	double t;

	limit("buffers", 30);
	tcp_pair(fd);
	big = get_int(fd[0], SOL_SOCKET, SO_SNDBUF);
	set_int(fd[0], SOL_SOCKET, SO_SNDBUF, 16384);
	set_int(fd[1], SOL_SOCKET, SO_RCVBUF, 16384);
	CHECK("SO_SNDBUF is at least what was asked for, and smaller",
	    get_int(fd[0], SOL_SOCKET, SO_SNDBUF) >= 16384 &&
		get_int(fd[0], SOL_SOCKET, SO_SNDBUF) < big);
	CHECK("SO_RCVBUF is at least what was asked for",
	    get_int(fd[1], SOL_SOCKET, SO_RCVBUF) >= 16384);
	CHECK("SO_SNDBUF, SO_RCVBUF bound what is under way", capacity(fd[0], 500) < 4L << 20);
	/* On a loaded host the peer may take some later still. */
	for (int n = 0; n < 10 && poll1(fd[0], POLLOUT, 0) != 0; n++)
		capacity(fd[0], 200);
	CHECK("no POLLOUT when full", poll1(fd[0], POLLOUT, 0) == 0);
	setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	capacity(fd[0], 0);
	t = now();
	CHECK("SO_SNDTIMEO: EAGAIN", FAILS(send(fd[0], &b, 1, 0), EAGAIN));
	t = now() - t;
	CHECK("SO_SNDTIMEO: after its time", t > 0.09 && t < 3);
	t = now();
	CHECK("SO_RCVTIMEO: EAGAIN", FAILS(recv(fd[0], &b, 1, 0), EAGAIN));
	t = now() - t;
	CHECK("SO_RCVTIMEO: after its time", t > 0.09 && t < 3);
	close(fd[0]);
	close(fd[1]);
}

static void cork(void)
{
	int fd[2], off = 0;
	char buf[4];

	limit("cork", 20);
	tcp_pair(fd);
	set_int(fd[0], IPPROTO_TCP, TCP_CORK, 1);
	write_all(fd[0], "ab", 2);
	CHECK("TCP_CORK holds back", poll1(fd[1], POLLIN, 60) == 0);
	write_all(fd[0], "cd", 2);
	setsockopt(fd[0], IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
	CHECK("TCP_CORK: pulled, all comes at once", read(fd[1], buf, 4) == 4);
	CHECK("MSG_MORE holds back",
	    send(fd[0], "x", 1, MSG_MORE) == 1 && poll1(fd[1], POLLIN, 60) == 0);
	CHECK("MSG_MORE: the next send brings both",
	    send(fd[0], "y", 1, 0) == 1 && recv(fd[1], buf, 2, MSG_WAITALL) == 2);
	close(fd[0]);
	close(fd[1]);
}

static int bind_port(const struct sockaddr_in *sin, int option)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (option)
		set_int(s, SOL_SOCKET, option, 1);
	if (bind(s, (const struct sockaddr *)sin, sizeof(*sin)) == 0)
		return s;
	close(s);
	return -1;
}

static void reuse(void)
{
	struct sockaddr_in sin = loopback(0);
	socklen_t len = sizeof(sin);
	int l, c, s, t, k, got[2] = {0, 0}, conn[64];

	limit("reuse", 30);
	l = bind_port(&sin, SO_REUSEADDR);
	getsockname(l, (struct sockaddr *)&sin, &len);
	listen(l, 5);
	c = connect_to(&sin);
	s = accept(l, NULL, NULL);
	CHECK("SO_REUSEADDR: not over a listener",
	    FAILS(t = bind_port(&sin, SO_REUSEADDR), EADDRINUSE));
	close(l);
	t = bind_port(&sin, SO_REUSEADDR);
	CHECK("SO_REUSEADDR: beside a connection", t >= 0 && listen(t, 5) == 0);
	close(t);
	close(s); /* first: TIME-WAIT is here */
	close(c);
	nap(20);
	t = bind_port(&sin, SO_REUSEADDR);
	CHECK("SO_REUSEADDR: beside TIME-WAIT", t >= 0 && listen(t, 5) == 0);
	c = connect_to(&sin);
	s = accept(t, NULL, NULL);
	CHECK("SO_REUSEADDR: the new listener works", s >= 0);
	close(s);
	close(c);
	close(t);

	sin = loopback(0);
	l = bind_port(&sin, SO_REUSEPORT);
	getsockname(l, (struct sockaddr *)&sin, &len);
	CHECK("SO_REUSEPORT: both must set it", FAILS(bind_port(&sin, SO_REUSEADDR), EADDRINUSE));
	t = bind_port(&sin, SO_REUSEPORT);
	CHECK("SO_REUSEPORT: two listeners", t >= 0 && listen(l, 128) == 0 && listen(t, 128) == 0);
	fcntl(l, F_SETFL, O_NONBLOCK);
	fcntl(t, F_SETFL, O_NONBLOCK);
	for (k = 0; k < 64; k++)
		conn[k] = connect_to(&sin);
	for (double end = now() + 5; got[0] + got[1] < 64 && now() < end;) {
		struct pollfd p[2] = {{l, POLLIN, 0}, {t, POLLIN, 0}};

		poll(p, 2, 100);
		for (k = 0; k < 2; k++)
			while ((s = accept(p[k].fd, NULL, NULL)) >= 0) {
				got[k]++;
				close(s);
			}
	}
	CHECK("SO_REUSEPORT: every connection is accepted", got[0] + got[1] == 64);
	CHECK("SO_REUSEPORT: both listeners get some", got[0] > 0 && got[1] > 0);
	for (k = 0; k < 64; k++)
		close(conn[k]);
	close(l);
	close(t);
}

static void backlog(void)
{
	struct sockaddr_in sin;
	int l = listening(0, 2, &sin), c[5], i, ready = 0, more = 0, taken[5];

	limit("backlog", 60);
	for (i = 0; i < 5; i++) {
		c[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(c[i], (struct sockaddr *)&sin, sizeof(sin)) != 0 &&
		    errno != EINPROGRESS)
			CHECK("backlog: connect goes under way", false);
	}
	nap(300);
	for (i = 0; i < 5; i++)
		ready += poll1(c[i], POLLOUT, 0) == POLLOUT;
	CHECK("backlog: as many as asked for connect", ready >= 2);
	CHECK("backlog: the others wait", ready < 5);
	for (i = 0; i < 5; i++) {
		if (poll1(l, POLLIN, 15000) != POLLIN)
			break;
		taken[more++] = accept(l, NULL, NULL);
	}
	CHECK("backlog: all come in once there is room", more == 5);
	for (i = 0; i < more; i++)
		close(taken[i]);
	for (i = 0; i < 5; i++)
		close(c[i]);
	close(l);
}

void test_options(void)
{
	read_back();
	buffers();
	cork();
	reuse();
	backlog();
}
