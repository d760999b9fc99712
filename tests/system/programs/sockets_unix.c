/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix-domain sockets: pairs, names, descriptors under way. */
#include "sockets.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static char buf[70000];

/* A name in the file system, or abstract if it begins with @. */
static socklen_t make_name(struct sockaddr_un *sun, const char *name)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	snprintf(sun->sun_path, sizeof(sun->sun_path), "%s", name);
	if (name[0] != '@')
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1);
	sun->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
}

static void pairs(void)
{
	int fd[2];

	limit("unix pairs", 60);
	CHECK("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
	CHECK("socketpair: SOCK_CLOEXEC", fcntl(fd[0], F_GETFD) == FD_CLOEXEC);
	CHECK("unix: 2 MiB each way at once", transfer(fd[0], fd[1], 2 << 20));
	close(fd[0]);
	close(fd[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	CHECK("unix: MSG_PEEK", write(fd[0], "abc", 3) == 3 && recv(fd[1], buf, 2, MSG_PEEK) == 2 &&
				    recv(fd[1], buf, 9, 0) == 3);
	CHECK("unix: EAGAIN", FAILS(recv(fd[1], buf, 1, MSG_DONTWAIT), EAGAIN));
	while (send(fd[0], buf, 4096, MSG_DONTWAIT) > 0)
		continue;
	CHECK("unix: EAGAIN when full", errno == EAGAIN && poll1(fd[0], POLLOUT, 0) == 0);
	while (recv(fd[1], buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	CHECK("unix: POLLOUT when there is room", poll1(fd[0], POLLOUT, 1000) == POLLOUT);
	write_all(fd[0], "x", 1);
	close(fd[1]);
	CHECK("unix: ECONNRESET if data was not read", FAILS(read(fd[0], buf, 1), ECONNRESET));
	CHECK("unix: EPIPE", FAILS(write(fd[0], "x", 1), EPIPE));
	close(fd[0]);
	CHECK("EOPNOTSUPP: socketpair of AF_INET",
	    FAILS(socketpair(AF_INET, SOCK_STREAM, 0, fd), EOPNOTSUPP));

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd);
	CHECK("seqpacket: records stay apart",
	    write(fd[0], "abc", 3) == 3 && write(fd[0], "defg", 4) == 4 &&
		read(fd[1], buf, 9) == 3 && read(fd[1], buf, 9) == 4);
	CHECK("seqpacket: MSG_TRUNC",
	    write(fd[0], "abcdef", 6) == 6 && recv(fd[1], buf, 2, MSG_TRUNC) == 6);
	close(fd[0]);
	CHECK("seqpacket: end", read(fd[1], buf, 9) == 0);
	close(fd[1]);

	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	CHECK("unix datagram: boundaries",
	    write(fd[0], "abc", 3) == 3 && write(fd[0], "", 0) == 0 && read(fd[1], buf, 9) == 3 &&
		recv(fd[1], buf, 9, 0) == 0);
	CHECK("unix datagram: 60,000 bytes",
	    write(fd[0], buf, 60000) == 60000 && read(fd[1], buf, sizeof(buf)) == 60000);
	close(fd[1]);
	CHECK("unix datagram: ECONNREFUSED when the other has gone",
	    FAILS(write(fd[0], "x", 1), ECONNREFUSED));
	close(fd[0]);
}

static void stream_name(const char *name, int type, const char *what)
{
	struct sockaddr_un sun, got;
	socklen_t n = make_name(&sun, name), len = sizeof(got);
	int l = socket(AF_UNIX, type, 0), c = socket(AF_UNIX, type, 0),
	    t = socket(AF_UNIX, type, 0), s = -1;
	struct ucred cred;
	char line[80];

	snprintf(line, sizeof(line), "%s: nobody there", what);
	CHECK(line,
	    FAILS(connect(c, (struct sockaddr *)&sun, n), name[0] == '@' ? ECONNREFUSED : ENOENT));
	snprintf(line, sizeof(line), "%s: bind, listen, connect, accept", what);
	CHECK(line, bind(l, (struct sockaddr *)&sun, n) == 0 && listen(l, 5) == 0 &&
			connect(c, (struct sockaddr *)&sun, n) == 0 &&
			(s = accept(l, (struct sockaddr *)&got, &len)) >= 0);
	snprintf(line, sizeof(line), "%s: data", what);
	CHECK(line, write(c, "abc", 3) == 3 && read(s, buf, 9) == 3);
	len = sizeof(got);
	snprintf(line, sizeof(line), "%s: getpeername", what);
	CHECK(line, getpeername(c, (struct sockaddr *)&got, &len) == 0 && len == n &&
			memcmp(&got, &sun, n) == 0);
	snprintf(line, sizeof(line), "%s: EADDRINUSE", what);
	CHECK(line, FAILS(bind(t, (struct sockaddr *)&sun, n), EADDRINUSE));
	len = sizeof(cred);
	snprintf(line, sizeof(line), "%s: SO_PEERCRED", what);
	CHECK(line, getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
			cred.pid == getpid() && cred.uid == getuid());
	close(s);
	snprintf(line, sizeof(line), "%s: end of stream", what);
	CHECK(line, read(c, buf, 9) == 0);
	close(c);
	close(l);
	snprintf(line, sizeof(line), "%s: ECONNREFUSED when the listener has gone", what);
	CHECK(line, FAILS(connect(t, (struct sockaddr *)&sun, n), ECONNREFUSED));
	close(t);
}

static void names(void)
{
	struct sockaddr_un sun, from;
	socklen_t n, len = sizeof(from);
	struct stat st;
	char path[64];
	int a, b;

	limit("unix names", 30);
	snprintf(path, sizeof(path), "/tmp/sock.%d", (int)getpid());
	stream_name(path, SOCK_STREAM, "unix name");
	CHECK(
	    "unix name: a socket in the file system", stat(path, &st) == 0 && S_ISSOCK(st.st_mode));
	unlink(path);
	snprintf(path, sizeof(path), "@kiln-test-%d", (int)getpid());
	stream_name(path, SOCK_STREAM, "abstract name");
	stream_name(path, SOCK_SEQPACKET, "seqpacket name");

	snprintf(path, sizeof(path), "/tmp/dgram.%d", (int)getpid());
	n = make_name(&sun, path);
	a = socket(AF_UNIX, SOCK_DGRAM, 0);
	b = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK("unix datagram name", bind(a, (struct sockaddr *)&sun, n) == 0 &&
					sendto(b, "hi", 2, 0, (struct sockaddr *)&sun, n) == 2);
	CHECK("unix datagram: a sender without name",
	    recvfrom(a, buf, 9, 0, (struct sockaddr *)&from, &len) == 2 &&
		len <= sizeof(sa_family_t));
	/* Autobind: a name of the kernel's choice. */
	sun.sun_family = AF_UNIX;
	CHECK("autobind", bind(b, (struct sockaddr *)&sun, sizeof(sa_family_t)) == 0);
	make_name(&sun, path);
	sendto(b, "hi", 2, 0, (struct sockaddr *)&sun, n);
	len = sizeof(from);
	CHECK("autobind: it can be answered",
	    recvfrom(a, buf, 9, 0, (struct sockaddr *)&from, &len) == 2 &&
		len > sizeof(sa_family_t) && from.sun_path[0] == '\0' &&
		sendto(a, "ho", 2, 0, (struct sockaddr *)&from, len) == 2 && read(b, buf, 9) == 2);
	CHECK("unix datagram: connect", connect(b, (struct sockaddr *)&sun, n) == 0);
	close(b);
	b = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK("EPROTOTYPE: a stream to a datagram socket",
	    FAILS(connect(b, (struct sockaddr *)&sun, n), EPROTOTYPE));
	close(a);
	close(b);
	unlink(path);
	a = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK("unix: EINVAL: listen without a name", FAILS(listen(a, 1), EINVAL));
	n = make_name(&sun, "/nowhere/at/all");
	CHECK("unix: ENOENT: no such folder", FAILS(bind(a, (struct sockaddr *)&sun, n), ENOENT));
	close(a);
}

/* ------------------------------------------------------------- what goes along */

union control {
	struct cmsghdr h;
	char room[512];
};

static ssize_t send_fds(int s, const int *fds, unsigned n)
{
	union control c;
	struct iovec iov = {"!", 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};

	memset(&c, 0, sizeof(c));
	m.msg_controllen = CMSG_SPACE(n * sizeof(int));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&c.h), fds, n * sizeof(int));
	return sendmsg(s, &m, 0);
}

/* Number of descriptors that came, or -1. */
static int recv_fds(int s, int *fds, size_t room, int flags, int *outflags)
{
	union control c;
	char b[8];
	struct iovec iov = {b, sizeof(b)};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = room};
	struct cmsghdr *h;
	size_t n;

	memset(&c, 0, sizeof(c));
	if (recvmsg(s, &m, flags) < 0)
		return -1;
	*outflags = m.msg_flags;
	h = CMSG_FIRSTHDR(&m);
	if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	return (int)n;
}

static void rights(void)
{
	int fd[2], pip[2], got[8], f = 0, bad = 999;

	limit("SCM_RIGHTS", 30);
	socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
	if (pipe(pip) != 0)
		return;
	send_fds(fd[0], pip, 1);
	write_all(fd[0], "abc", 3);
	CHECK("SCM_RIGHTS: bytes behind it are not its own",
	    recv_fds(fd[1], got, sizeof(union control), 0, &f) == 1 && read(fd[1], buf, 9) == 3);
	close(got[0]);
	CHECK("SCM_RIGHTS: send", send_fds(fd[0], pip, 2) == 1);
	CHECK("SCM_RIGHTS: two come",
	    recv_fds(fd[1], got, sizeof(union control), MSG_CMSG_CLOEXEC, &f) == 2);
	CHECK("SCM_RIGHTS: new numbers", got[0] != pip[0] && got[1] != pip[1] && got[0] != got[1]);
	CHECK("SCM_RIGHTS: MSG_CMSG_CLOEXEC", fcntl(got[0], F_GETFD) == FD_CLOEXEC);
	close(pip[0]);
	CHECK("SCM_RIGHTS: it is that pipe",
	    write(pip[1], "pp", 2) == 2 && read(got[0], buf, 9) == 2);
	close(pip[1]);
	close(got[1]);
	CHECK("SCM_RIGHTS: and no more holders of it", read(got[0], buf, 9) == 0);
	close(got[0]);
	CHECK("SCM_RIGHTS: EBADF", FAILS(send_fds(fd[0], &bad, 1), EBADF));

	if (pipe(pip) != 0)
		return;
	send_fds(fd[0], pip + 1, 1);
	close(pip[1]);
	CHECK("SCM_RIGHTS: under way, it is open", poll1(pip[0], POLLIN, 30) == 0);
	close(fd[0]);
	close(fd[1]);
	CHECK("SCM_RIGHTS: never received, it is closed", poll1(pip[0], POLLIN, 1000) & POLLHUP);
	close(pip[0]);

	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	if (pipe(pip) != 0)
		return;
	send_fds(fd[0], pip, 2);
	CHECK("SCM_RIGHTS: no room is MSG_CTRUNC",
	    recv_fds(fd[1], got, 0, 0, &f) == 0 && (f & MSG_CTRUNC));
	send_fds(fd[0], pip, 2);
	CHECK("SCM_RIGHTS: room for one",
	    recv_fds(fd[1], got, CMSG_LEN(sizeof(int)), 0, &f) == 1 && (f & MSG_CTRUNC));
	close(got[0]);
	close(pip[0]);
	close(pip[1]);
	close(fd[0]);
	close(fd[1]);
}

/* Pairs inside pairs, the innermost with the end of a pipe: closing the last closes all. */
static void rights_nested(void)
{
	int fd[2], last[2], pip[2], depth = 0;
	bool sent = true;

	limit("SCM_RIGHTS: nested", 60);
	if (pipe(pip) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, last) != 0)
		return;
	send_fds(last[0], pip + 1, 1);
	close(pip[1]);
	/* Older Linux forbids it: 4 levels are ETOOMANYREFS. */
	while (sent && depth < 2000 && socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0) {
		sent = send_fds(fd[0], last, 2) == 1;
		close(last[0]);
		close(last[1]);
		memcpy(last, fd, sizeof(last));
		depth++;
	}
	CHECK("SCM_RIGHTS: sockets in sockets in sockets", depth > 3);
	CHECK("SCM_RIGHTS: nested, it is open", !sent || poll1(pip[0], POLLIN, 30) == 0);
	close(last[0]);
	close(last[1]);
	CHECK("SCM_RIGHTS: nested, it is closed", poll1(pip[0], POLLIN, 10000) & POLLHUP);
	close(pip[0]);
}

/* What was sent to a socket goes when it is closed, though others still know it. */
static void rights_unread(void)
{
	struct sockaddr_un sun;
	char name[40];
	socklen_t n;
	int pip[2], s, c, w;

	limit("SCM_RIGHTS: unread", 30);
	snprintf(name, sizeof(name), "@kiln-unread-%d", (int)getpid());
	n = make_name(&sun, name);
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	c = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (pipe(pip) != 0 || bind(s, (struct sockaddr *)&sun, n) != 0)
		return;
	CHECK("SCM_RIGHTS: to a named receiver",
	    connect(c, (struct sockaddr *)&sun, n) == 0 && send_fds(c, pip + 1, 1) == 1);
	close(pip[1]);
	close(s);
	CHECK(
	    "SCM_RIGHTS: the receiver is closed, so is it", poll1(pip[0], POLLIN, 1000) & POLLHUP);
	close(pip[0]);
	close(c);

	s = socket(AF_UNIX, SOCK_STREAM, 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	w = socket(AF_UNIX, SOCK_STREAM, 0);
	if (pipe(pip) != 0 || bind(s, (struct sockaddr *)&sun, n) != 0 || listen(s, 3) != 0)
		return;
	CHECK("SCM_RIGHTS: to one that was not accepted",
	    connect(c, (struct sockaddr *)&sun, n) == 0 &&
		connect(w, (struct sockaddr *)&sun, n) == 0 && send_fds(c, pip + 1, 1) == 1);
	close(pip[1]);
	close(s);
	CHECK(
	    "SCM_RIGHTS: the listener is closed, so is it", poll1(pip[0], POLLIN, 1000) & POLLHUP);
	CHECK("unix: ECONNRESET: never accepted",
	    FAILS(read(c, buf, 1), ECONNRESET) && FAILS(read(w, buf, 1), ECONNRESET));
	close(pip[0]);
	close(c);
	close(w);
}

static void credentials(void)
{
	union control c;
	char b[8];
	struct iovec iov = {b, sizeof(b)};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c)};
	struct ucred cred = {0};
	int fd[2];

	limit("credentials", 20);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, fd);
	set_int(fd[1], SOL_SOCKET, SO_PASSCRED, 1);
	CHECK("SO_PASSCRED reads back", get_int(fd[1], SOL_SOCKET, SO_PASSCRED) == 1);
	write_all(fd[0], "x", 1);
	memset(&c, 0, sizeof(c));
	CHECK("SO_PASSCRED: the datagram", recvmsg(fd[1], &m, 0) == 1);
	if (CMSG_FIRSTHDR(&m) && c.h.cmsg_type == SCM_CREDENTIALS)
		memcpy(&cred, CMSG_DATA(&c.h), sizeof(cred));
	CHECK("SO_PASSCRED: who sent it",
	    cred.pid == getpid() && cred.uid == getuid() && cred.gid == getgid());
	close(fd[0]);
	close(fd[1]);
}

void test_unix(void)
{
	pairs();
	names();
	rights();
	rights_unread();
	rights_nested();
	credentials();
	test_unix_room();
}
