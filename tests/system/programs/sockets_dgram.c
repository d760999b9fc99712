/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP. */
#include "sockets.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

static char big[65536], got[65536];

static ssize_t send_to(int s, const void *buf, size_t n, const struct sockaddr_in *sin)
{
	return sendto(s, buf, n, 0, (const struct sockaddr *)sin, sizeof(*sin));
}

static void unconnected(int a, int b, const struct sockaddr_in *na, const struct sockaddr_in *nb)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int n = -1;

	CHECK("UDP: EDESTADDRREQ", FAILS(write(a, "x", 1), EDESTADDRREQ));
	CHECK("UDP: send", send_to(a, "hello", 5, nb) == 5);
	CHECK("UDP: receive with the sender's name",
	    recvfrom(b, got, 10, 0, (struct sockaddr *)&from, &len) == 5 && len == sizeof(from) &&
		from.sin_port == na->sin_port && from.sin_addr.s_addr == na->sin_addr.s_addr);
	send_to(a, "0123456789", 10, nb);
	send_to(a, "next", 4, nb);
	poll1(b, POLLIN, 1000);
	CHECK("UDP: FIONREAD is the first datagram", ioctl(b, FIONREAD, &n) == 0 && n == 10);
	CHECK("UDP: MSG_PEEK", recv(b, got, 4, MSG_PEEK) == 4);
	CHECK("UDP: MSG_PEEK | MSG_TRUNC tells the length",
	    recv(b, got, 4, MSG_PEEK | MSG_TRUNC) == 10);
	CHECK("UDP: what does not fit is lost",
	    recv(b, got, 4, 0) == 4 && memcmp(got, "0123", 4) == 0);
	CHECK("UDP: the next is the next", recv(b, got, 10, 0) == 4 && memcmp(got, "next", 4) == 0);
	send_to(a, "0123456789", 10, nb);
	CHECK("UDP: MSG_TRUNC", recv(b, got, 4, MSG_TRUNC) == 10);
	CHECK("UDP: an empty datagram", send_to(a, "", 0, nb) == 0 &&
					    poll1(b, POLLIN, 1000) == POLLIN &&
					    recv(b, got, 4, 0) == 0);
	CHECK("UDP: MSG_DONTWAIT", FAILS(recv(b, got, 4, MSG_DONTWAIT), EAGAIN));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + (i >> 8));
	CHECK("UDP: 65,507 bytes", send_to(a, big, 65507, nb) == 65507 &&
				       recv(b, got, sizeof(got), 0) == 65507 &&
				       memcmp(got, big, 65507) == 0);
	CHECK("UDP: EMSGSIZE", FAILS(send_to(a, big, 65508, nb), EMSGSIZE));
	CHECK("UDP: ENOTCONN: shutdown", FAILS(shutdown(a, SHUT_RD), ENOTCONN));
	CHECK("UDP: EOPNOTSUPP: listen", FAILS(listen(a, 1), EOPNOTSUPP));
	CHECK("UDP: EOPNOTSUPP: accept", FAILS(accept(a, NULL, NULL), EOPNOTSUPP));
}

static void messages(int a, int b, const struct sockaddr_in *na, const struct sockaddr_in *nb)
{
	struct sockaddr_in from = {0}, to = *nb;
	char x[4] = "", y[4] = "", z[4] = "";
	struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdefg", 5}}, in[3] = {{x, 3}, {y, 3}, {z, 1}};
	struct msghdr m = {
	    .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = out, .msg_iovlen = 3};
	struct msghdr r = {
	    .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = in, .msg_iovlen = 3};
	struct mmsghdr mm[4] = {0};
	struct iovec iov[4];
	char bufs[4][8];
	struct timespec soon = {0, 50000000};
	int i;

	CHECK("UDP: sendmsg", sendmsg(a, &m, 0) == 7);
	CHECK("UDP: recvmsg to pieces", recvmsg(b, &r, 0) == 7 && memcmp(x, "abc", 3) == 0 &&
					    memcmp(y, "def", 3) == 0 && z[0] == 'g' &&
					    r.msg_flags == 0);
	CHECK("UDP: recvmsg tells the sender",
	    r.msg_namelen == sizeof(from) && from.sin_port == na->sin_port);
	sendmsg(a, &m, 0);
	r.msg_iovlen = 1;
	CHECK("UDP: recvmsg sets MSG_TRUNC", recvmsg(b, &r, 0) == 3 && (r.msg_flags & MSG_TRUNC));

	for (i = 0; i < 4; i++) {
		memset(bufs[i], 'a' + i, 8);
		iov[i] = (struct iovec){bufs[i], (size_t)i + 1};
		mm[i].msg_hdr = (struct msghdr){.msg_name = &to,
		    .msg_namelen = sizeof(to),
		    .msg_iov = &iov[i],
		    .msg_iovlen = 1};
	}
	CHECK("sendmmsg", sendmmsg(a, mm, 3, 0) == 3 && mm[0].msg_len == 1 && mm[2].msg_len == 3);
	memset(bufs, 0, sizeof(bufs));
	for (i = 0; i < 4; i++) {
		iov[i].iov_len = 8;
		mm[i].msg_hdr.msg_name = NULL;
		mm[i].msg_hdr.msg_namelen = 0;
	}
	CHECK("recvmmsg: MSG_WAITFORONE", recvmmsg(b, mm, 4, MSG_WAITFORONE, NULL) == 3 &&
					      mm[1].msg_len == 2 && bufs[2][2] == 'c');
	CHECK("recvmmsg: EAGAIN", FAILS(recvmmsg(b, mm, 4, MSG_DONTWAIT, &soon), EAGAIN));
}

static void connected(const struct sockaddr_in *na)
{
	struct sockaddr_in name, other, none = {.sin_family = AF_UNSPEC};
	struct timeval tv = {0, 100000};
	socklen_t len = sizeof(name);
	int c = socket(AF_INET, SOCK_DGRAM, 0), d = bound(SOCK_DGRAM, &other), e;
	double t;

	CHECK("UDP: connect", connect(c, (const struct sockaddr *)na, sizeof(*na)) == 0);
	CHECK("UDP: connect gives a name", getsockname(c, (struct sockaddr *)&name, &len) == 0 &&
					       name.sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
					       name.sin_port != 0);
	CHECK("UDP: getpeername",
	    getpeername(c, (struct sockaddr *)&other, &len) == 0 && other.sin_port == na->sin_port);
	CHECK("UDP: send elsewhere", send_to(d, "no", 2, &name) == 2);
	setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	t = now();
	CHECK("UDP: connected hears only its peer", FAILS(recv(c, got, 9, 0), EAGAIN));
	CHECK("UDP: SO_RCVTIMEO", now() - t > 0.09);
	connect(c, (struct sockaddr *)&none, sizeof(none));
	CHECK("UDP: AF_UNSPEC dissolves",
	    FAILS(getpeername(c, (struct sockaddr *)&other, &len), ENOTCONN));
	getsockname(d, (struct sockaddr *)&other, &len);
	close(d);
	connect(c, (struct sockaddr *)&other, sizeof(other));
	CHECK("UDP: to a closed port", send(c, "x", 1, 0) == 1);
	poll1(c, POLLIN, 1000);
	e = get_int(c, SOL_SOCKET, SO_ERROR);
	CHECK("UDP: ECONNREFUSED in SO_ERROR", e == ECONNREFUSED);
	send(c, "x", 1, 0);
	CHECK("UDP: ECONNREFUSED of recv", FAILS(recv(c, got, 1, 0), ECONNREFUSED));
	close(c);
}

static void flood(int a, int b, const struct sockaddr_in *nb)
{
	int n = 0;

	set_int(b, SOL_SOCKET, SO_RCVBUF, 8192);
	for (int i = 0; i < 200; i++)
		send_to(a, big, 1000, nb);
	nap(50);
	while (recv(b, got, sizeof(got), MSG_DONTWAIT) == 1000)
		n++;
	CHECK("UDP: a full buffer drops", n > 0 && n < 200);
	CHECK("UDP: and works after", send_to(a, "x", 1, nb) == 1 && recv(b, got, 9, 0) == 1);
}

static void broadcast(void)
{
	struct sockaddr_in all = loopback(htons(9));
	int s = socket(AF_INET, SOCK_DGRAM, 0), r;

	all.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	r = (int)send_to(s, "x", 1, &all);
	/* A machine without a network has nowhere to send it. */
	CHECK("UDP: broadcast needs SO_BROADCAST",
	    r == -1 && (errno == EACCES || errno == ENETUNREACH));
	close(s);
}

static void shared_port(void)
{
	struct sockaddr_in sin = loopback(0);
	socklen_t len = sizeof(sin);
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0), c;

	set_int(a, SOL_SOCKET, SO_REUSEPORT, 1);
	bind(a, (struct sockaddr *)&sin, sizeof(sin));
	getsockname(a, (struct sockaddr *)&sin, &len);
	CHECK("UDP: EADDRINUSE", FAILS(bind(b, (struct sockaddr *)&sin, sizeof(sin)), EADDRINUSE));
	set_int(b, SOL_SOCKET, SO_REUSEPORT, 1);
	CHECK("UDP: SO_REUSEPORT", bind(b, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	c = socket(AF_INET, SOCK_DGRAM, 0);
	send_to(c, "x", 1, &sin);
	nap(20);
	CHECK("UDP: one of the two gets it",
	    (poll1(a, POLLIN, 0) == POLLIN) + (poll1(b, POLLIN, 0) == POLLIN) == 1);
	close(a);
	close(b);
	close(c);
}

void test_datagrams(void)
{
	struct sockaddr_in na, nb;
	int a, b;

	limit("UDP", 60);
	a = bound(SOCK_DGRAM, &na);
	b = bound(SOCK_DGRAM, &nb);
	unconnected(a, b, &na, &nb);
	messages(a, b, &na, &nb);
	connected(&na);
	flood(a, b, &nb);
	close(a);
	close(b);
	broadcast();
	shared_port();
}
