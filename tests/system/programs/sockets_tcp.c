/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP: streams, ends, errors, calls that other threads disturb. */
#include "sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define BIG (6UL << 20)

static void both_ways(void)
{
	struct sockaddr_in sin;
	int fd[2], l;
	double t;

	limit("TCP both ways", 120);
	tcp_pair(fd);
	CHECK("TCP: 6 MiB each way at once, every byte right", transfer(fd[0], fd[1], BIG));
	close(fd[0]);
	close(fd[1]);
	/* Small buffers, so that windows close and open all the time. */
	l = bound(SOCK_STREAM, &sin);
	set_int(l, SOL_SOCKET, SO_RCVBUF, 4096);
	set_int(l, SOL_SOCKET, SO_SNDBUF, 4096);
	listen(l, 1);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	set_int(fd[0], SOL_SOCKET, SO_RCVBUF, 4096);
	set_int(fd[0], SOL_SOCKET, SO_SNDBUF, 4096);
	CHECK("small buffers: connect", connect(fd[0], (struct sockaddr *)&sin, sizeof(sin)) == 0);
	fd[1] = accept(l, NULL, NULL);
	t = now();
	CHECK("TCP: 1 MiB each way through small buffers", transfer(fd[0], fd[1], 1 << 20));
	CHECK("TCP: and without waiting for timers", now() - t < 12);
	close(fd[0]);
	close(fd[1]);
	close(l);
	/* Made small later, below what has been offered: slow, as only timers go on. */
	tcp_pair(fd);
	for (int i = 0; i < 2; i++) {
		set_int(fd[i], SOL_SOCKET, SO_RCVBUF, 4096);
		set_int(fd[i], SOL_SOCKET, SO_SNDBUF, 4096);
	}
	CHECK("TCP: 64 KiB each way through shrunken buffers", transfer(fd[0], fd[1], 1 << 16));
	close(fd[0]);
	close(fd[1]);
}

static void names(void)
{
	struct sockaddr_in sin, a, b;
	socklen_t la = sizeof(a), lb = sizeof(b);
	int l = listening(0, 5, &sin), c = connect_to(&sin), s, fl;
	char small[4] = "";

	limit("names", 20);
	s = accept4(l, (struct sockaddr *)&a, &la, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK("accept4 gives a socket", s >= 0);
	CHECK("accept4 tells the peer's name", la == sizeof(a) && a.sin_family == AF_INET);
	getsockname(c, (struct sockaddr *)&b, &lb);
	CHECK("getsockname of one end is accept's name of the other",
	    a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr);
	getpeername(c, (struct sockaddr *)&b, &lb);
	CHECK("getpeername is the listener's name",
	    b.sin_port == sin.sin_port && b.sin_addr.s_addr == sin.sin_addr.s_addr);
	fl = fcntl(s, F_GETFL);
	CHECK("accept4: SOCK_NONBLOCK and SOCK_CLOEXEC",
	    (fl & O_NONBLOCK) && (fcntl(s, F_GETFD) & FD_CLOEXEC));
	close(s);
	close(c);
	c = connect_to(&sin);
	fcntl(l, F_SETFL, fcntl(l, F_GETFL) | O_NONBLOCK);
	poll1(l, POLLIN, 1000);
	s = accept(l, NULL, NULL);
	CHECK("accept: O_NONBLOCK is not inherited", s >= 0 && !(fcntl(s, F_GETFL) & O_NONBLOCK));
	CHECK("accept: EAGAIN if nobody waits", FAILS(accept(l, NULL, NULL), EAGAIN));
	la = sizeof(small);
	CHECK("getsockname: a short buffer is filled, the length is the name's",
	    getsockname(c, (struct sockaddr *)small, &la) == 0 && la == sizeof(a) &&
		small[0] == AF_INET);
	la = (socklen_t)-1;
	CHECK("getsockname: EINVAL for a negative length",
	    FAILS(getsockname(c, (struct sockaddr *)&a, &la), EINVAL));
	close(s);
	close(c);
	close(l);
}

/* A full descriptor table costs nobody a connection. */
static void full_table(void)
{
	struct sockaddr_in sin;
	int l = listening(SOCK_NONBLOCK, 5, &sin), c = connect_to(&sin), s = dup(l);
	struct rlimit rl, few;
	char b = 0;

	limit("full table", 20);
	close(s);
	getrlimit(RLIMIT_NOFILE, &rl);
	few = rl;
	few.rlim_cur = (rlim_t)s; /* the next descriptor would be s */
	setrlimit(RLIMIT_NOFILE, &few);
	poll1(l, POLLIN, 1000);
	CHECK("accept: EMFILE", FAILS(accept(l, NULL, NULL), EMFILE));
	setrlimit(RLIMIT_NOFILE, &rl);
	s = accept(l, NULL, NULL);
	CHECK("accept: after EMFILE, the connection is still there",
	    s >= 0 && write(c, "x", 1) == 1 && read(s, &b, 1) == 1 && b == 'x');
	close(s);
	close(c);
	close(l);
}

static void errors(void)
{
	struct sockaddr_in sin, other = loopback(0);
	int l = listening(0, 5, &sin), c = connect_to(&sin), s = accept(l, NULL, NULL), t, pip[2];
	struct sockaddr *sa = (struct sockaddr *)&sin;
	socklen_t len = sizeof(sin);
	char b;

	limit("errors", 30);
	CHECK("EISCONN", FAILS(connect(c, sa, len), EISCONN));
	CHECK("EOPNOTSUPP or EINVAL: accept on a connection", accept(c, NULL, NULL) == -1);
	CHECK("EINVAL: bind twice", FAILS(bind(l, sa, len), EINVAL));
	CHECK("EINVAL: listen on a connection", FAILS(listen(c, 5), EINVAL));
	CHECK("ENOTCONN: read from a listener", FAILS(read(l, &b, 1), ENOTCONN));
	t = socket(AF_INET, SOCK_STREAM, 0);
	CHECK("EADDRINUSE", FAILS(bind(t, sa, len), EADDRINUSE));
	CHECK("ENOTCONN: read", FAILS(read(t, &b, 1), ENOTCONN));
	CHECK("ENOTCONN: shutdown", FAILS(shutdown(t, SHUT_WR), ENOTCONN));
	CHECK("ENOTCONN: getpeername", FAILS(getpeername(t, sa, &len), ENOTCONN));
	CHECK("EPIPE: write", FAILS(write(t, "x", 1), EPIPE) || errno == ENOTCONN);
	CHECK("EINVAL: accept without listen", FAILS(accept(t, NULL, NULL), EINVAL));
	CHECK("EINVAL: a short name", FAILS(bind(t, sa, 4), EINVAL));
	other.sin_family = AF_UNIX;
	CHECK("EAFNOSUPPORT: a name of another family",
	    FAILS(connect(t, (struct sockaddr *)&other, sizeof(other)), EAFNOSUPPORT));
	other = loopback(htons(80));
	other.sin_addr.s_addr = inet_addr("192.0.2.77");
	CHECK("EADDRNOTAVAIL: not an address of ours",
	    FAILS(bind(t, (struct sockaddr *)&other, sizeof(other)), EADDRNOTAVAIL));
	CHECK(
	    "EFAULT: bind", FAILS(bind(t, (struct sockaddr *)bad_pointer, sizeof(other)), EFAULT));
	close(s);
	close(c);
	close(l);
	CHECK("ECONNREFUSED", FAILS(connect(t, sa, sizeof(sin)), ECONNREFUSED));
	l = socket(AF_INET, SOCK_STREAM, 0);
	set_int(l, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK("the port is free again", bind(l, sa, sizeof(sin)) == 0 && listen(l, 1) == 0);
	CHECK("a refused socket may try again", connect(t, sa, sizeof(sin)) == 0);
	close(t);
	close(l);
	CHECK("EBADF", FAILS(listen(l, 1), EBADF));
	if (pipe(pip) == 0) {
		CHECK("ENOTSOCK", FAILS(listen(pip[0], 1), ENOTSOCK));
		CHECK("ENOTSOCK: recv", FAILS(recv(pip[0], &b, 1, 0), ENOTSOCK));
		close(pip[0]);
		close(pip[1]);
	}
	CHECK("EAFNOSUPPORT: AF_APPLETALK",
	    FAILS(socket(AF_APPLETALK, SOCK_STREAM, 0), EAFNOSUPPORT));
	CHECK("EAFNOSUPPORT: no such family", FAILS(socket(250, SOCK_STREAM, 0), EAFNOSUPPORT));
	CHECK("EPROTONOSUPPORT: UDP as a stream",
	    FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT));
	CHECK("ESOCKTNOSUPPORT: SOCK_SEQPACKET",
	    FAILS(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT));
	CHECK("EINVAL: no such type", FAILS(socket(AF_INET, 14, 0), EINVAL));
}

static void endings(void)
{
	struct linger reset = {1, 0};
	int fd[2];
	char buf[256];

	limit("endings", 30);
	tcp_pair(fd);
	CHECK("half close", shutdown(fd[0], SHUT_WR) == 0 && read(fd[1], buf, 1) == 0);
	CHECK("half close: POLLIN and POLLRDHUP, no POLLHUP",
	    poll1(fd[1], POLLIN | POLLRDHUP, 1000) == (POLLIN | POLLRDHUP));
	CHECK("half close: EPIPE on the closed side", FAILS(write(fd[0], "x", 1), EPIPE));
	CHECK("half close: the other direction goes on", write(fd[1], "hello", 5) == 5 &&
							     read_all(fd[0], buf, 5) == 5 &&
							     memcmp(buf, "hello", 5) == 0);
	close(fd[1]);
	CHECK("both closed: end of stream", read(fd[0], buf, 1) == 0);
	CHECK("both closed: POLLHUP", poll1(fd[0], POLLIN, 1000) & POLLHUP);
	close(fd[0]);

	tcp_pair(fd);
	CHECK("shutdown(SHUT_RD) reads as end",
	    shutdown(fd[0], SHUT_RD) == 0 && read(fd[0], buf, 1) == 0);
	close(fd[0]);
	close(fd[1]);

	tcp_pair(fd);
	setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd[0]);
	CHECK("SO_LINGER 0: POLLERR and POLLHUP",
	    (poll1(fd[1], POLLIN, 1000) & (POLLIN | POLLERR | POLLHUP)) ==
		(POLLIN | POLLERR | POLLHUP));
	CHECK("SO_LINGER 0: ECONNRESET", FAILS(read(fd[1], buf, 1), ECONNRESET));
	CHECK("after ECONNRESET: end of stream", read(fd[1], buf, 1) == 0);
	CHECK("after ECONNRESET: EPIPE", FAILS(write(fd[1], "x", 1), EPIPE));
	close(fd[1]);

	tcp_pair(fd);
	CHECK("data for nobody", write(fd[0], "x", 1) == 1 && poll1(fd[1], POLLIN, 1000) == POLLIN);
	close(fd[1]);
	poll1(fd[0], POLLIN, 1000);
	CHECK("closing with unread data resets", FAILS(read(fd[0], buf, 1), ECONNRESET));
	close(fd[0]);

	tcp_pair(fd);
	reset.l_linger = 5;
	setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	memset(buf, 'l', sizeof(buf));
	write_all(fd[0], buf, sizeof(buf));
	close(fd[0]);
	CHECK(
	    "SO_LINGER 5: what was sent arrives", read_all(fd[1], buf, sizeof(buf)) == sizeof(buf));
	close(fd[1]);
}

static void *in_pieces(void *arg)
{
	for (int i = 0; i < 4; i++) {
		nap(10);
		write_all(*(int *)arg, "0123456789", 10);
	}
	return NULL;
}

static volatile sig_atomic_t pipes;
static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void flags(void)
{
	struct iovec iov[12];
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 12};
	char a[12][5], all[60], buf[64];
	int fd[2], n = -1, on = 1;
	pthread_t t;

	limit("flags", 30);
	tcp_pair(fd);
	CHECK("MSG_DONTWAIT", FAILS(recv(fd[0], buf, 1, MSG_DONTWAIT), EAGAIN));
	write_all(fd[0], "abcdef", 6);
	CHECK("MSG_PEEK", recv(fd[1], buf, 4, MSG_PEEK) == 4 && memcmp(buf, "abcd", 4) == 0);
	CHECK("MSG_PEEK leaves it", recv(fd[1], buf, 4, 0) == 4 && memcmp(buf, "abcd", 4) == 0);
	CHECK("FIONREAD", ioctl(fd[1], FIONREAD, &n) == 0 && n == 2);
	CHECK("MSG_TRUNC throws bytes of a stream away",
	    recv(fd[1], buf, 1, MSG_TRUNC) == 1 && read(fd[1], buf, 9) == 1 && buf[0] == 'f');
	t = spawn(in_pieces, &fd[0]);
	CHECK("MSG_WAITALL",
	    recv(fd[1], buf, 40, MSG_WAITALL) == 40 && memcmp(buf + 30, "0123456789", 10) == 0);
	pthread_join(t, NULL);
	t = spawn(in_pieces, &fd[0]);
	CHECK("MSG_WAITALL | MSG_PEEK waits or not, and takes nothing",
	    recv(fd[1], buf, 10, MSG_WAITALL | MSG_PEEK) == 10);
	pthread_join(t, NULL);
	CHECK("MSG_WAITALL: what is left", recv(fd[1], buf, 40, MSG_WAITALL) == 40);
	CHECK("FIONBIO", ioctl(fd[1], FIONBIO, &on) == 0 && FAILS(read(fd[1], buf, 1), EAGAIN));
	on = 0;
	ioctl(fd[1], FIONBIO, &on);

	for (int i = 0; i < 12; i++) {
		memset(a[i], 'a' + i, 5);
		iov[i] = (struct iovec){a[i], 5};
	}
	CHECK("sendmsg of 12 pieces", sendmsg(fd[0], &m, 0) == 60);
	memset(a, 0, sizeof(a));
	CHECK("recvmsg to 12 pieces",
	    recvmsg(fd[1], &m, MSG_WAITALL) == 60 && a[0][0] == 'a' && a[11][4] == 'l');
	CHECK("writev",
	    writev(fd[1], iov, 12) == 60 && read_all(fd[0], all, 60) == 60 && all[59] == 'l');
	m.msg_iovlen = 2000;
	CHECK("EMSGSIZE: too many pieces", FAILS(sendmsg(fd[0], &m, 0), EMSGSIZE));
	CHECK("EFAULT: write", FAILS(write(fd[0], bad_pointer, 10), EFAULT));
	write_all(fd[0], "x", 1);
	CHECK("EFAULT: read", FAILS(read(fd[1], bad_pointer, 1), EFAULT));

	shutdown(fd[0], SHUT_WR);
	signal(SIGPIPE, on_pipe);
	CHECK("MSG_NOSIGNAL: EPIPE", FAILS(send(fd[0], "x", 1, MSG_NOSIGNAL), EPIPE) && pipes == 0);
	CHECK("SIGPIPE", FAILS(send(fd[0], "x", 1, 0), EPIPE) && pipes == 1);
	CHECK("SIGPIPE of write", FAILS(write(fd[0], "x", 1), EPIPE) && pipes == 2);
	signal(SIGPIPE, SIG_IGN);
	close(fd[0]);
	close(fd[1]);
}

static void *drain(void *arg)
{
	static unsigned char got[300000];
	ssize_t n = read_all(*(int *)arg, got, sizeof(got));

	for (ssize_t i = 0; i < n; i++)
		if (got[i] != (unsigned char)(i * 3 + (i >> 10)))
			return (void *)-1L;
	return (void *)(long)n;
}

static void files(void)
{
	char path[] = "/tmp/sockets.XXXXXX";
	unsigned char *data = malloc(300000);
	int fd[2], f = mkstemp(path);
	off_t at = 0;
	ssize_t n = 1;
	pthread_t t;
	void *ret = NULL;

	limit("sendfile", 60);
	if (f < 0 || !data) {
		CHECK("a file for sendfile", false);
		return;
	}
	for (size_t i = 0; i < 300000; i++)
		data[i] = (unsigned char)(i * 3 + (i >> 10));
	write_all(f, data, 300000);
	tcp_pair(fd);
	t = spawn(drain, &fd[1]);
	n = sendfile(fd[0], f, &at, 300000);
	CHECK("sendfile: all in one call that may wait", n == 300000);
	while (at < 300000 && n > 0)
		n = sendfile(fd[0], f, &at, 300000);
	shutdown(fd[0], SHUT_WR);
	pthread_join(t, &ret);
	CHECK("sendfile: 300,000 bytes arrive", at == 300000 && (long)ret == 300000);
	CHECK("sendfile: 0 at the end of the file", sendfile(fd[1], f, &at, 10) == 0);
	at = 0;
	signal(SIGPIPE, on_pipe);
	pipes = 0;
	CHECK("SIGPIPE of sendfile", FAILS(sendfile(fd[0], f, &at, 10), EPIPE) && pipes == 1);
	CHECK(
	    "SIGPIPE of sendfile: much", FAILS(sendfile(fd[0], f, &at, 9000), EPIPE) && pipes == 2);
	signal(SIGPIPE, SIG_IGN);
	close(fd[0]);
	close(fd[1]);
	tcp_pair(fd);
	at = 299990;
	CHECK("sendfile: the end of a file does not wait for more",
	    sendfile(fd[0], f, &at, 300000) == 10 && poll1(fd[1], POLLIN, 60) == POLLIN);
	close(fd[0]);
	close(fd[1]);
	close(f);
	unlink(path);
	free(data);
}

/* ------------------------------------------------- calls that are disturbed */

static volatile int seen_errno;

static void *read_one(void *arg)
{
	char b = 0;
	ssize_t n;

	errno = 0;
	n = read(*(int *)arg, &b, 1);
	seen_errno = errno;
	return (void *)(long)(n == 1 ? b : n);
}

static void *accept_one(void *arg)
{
	int s;

	errno = 0;
	s = accept(*(int *)arg, NULL, NULL);
	seen_errno = errno;
	return (void *)(long)s;
}

static void other_threads(void)
{
	struct sockaddr_in sin;
	int fd[2], l, c, copy;
	void *ret = NULL;
	pthread_t t;

	limit("other threads", 30);
	tcp_pair(fd);
	copy = fd[0];
	t = spawn(read_one, &copy);
	nap(50);
	close(fd[0]);
	write_all(fd[1], "z", 1);
	pthread_join(t, &ret);
	CHECK("close under a read: it ends with what comes", (long)ret == 'z');
	close(fd[1]);

	tcp_pair(fd);
	t = spawn(read_one, &fd[0]);
	nap(50);
	shutdown(fd[0], SHUT_RD);
	pthread_join(t, &ret);
	CHECK("shutdown under a read: end of stream", ret == NULL);
	close(fd[0]);
	close(fd[1]);

	l = listening(0, 5, &sin);
	t = spawn(accept_one, &l);
	nap(50);
	shutdown(l, SHUT_RDWR);
	pthread_join(t, &ret);
	CHECK("shutdown under an accept: EINVAL", (long)ret == -1 && seen_errno == EINVAL);
	close(l);

	l = listening(0, 5, &sin);
	copy = l;
	t = spawn(accept_one, &copy);
	nap(50);
	close(l);
	c = connect_to(&sin);
	pthread_join(t, &ret);
	CHECK("close under an accept: it ends with the next connection", (long)ret >= 0);
	close((int)(long)ret);
	close(c);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct sockaddr_in sin;
	int fd[2], l, c;
	void *ret = NULL;
	pthread_t t;

	limit("signals", 30);
	tcp_pair(fd);
	l = listening(0, 5, &sin);
	sigaction(SIGUSR1, &sa, NULL);
	t = spawn(read_one, &fd[0]);
	nap(50);
	pthread_kill(t, SIGUSR1);
	pthread_join(t, &ret);
	CHECK("a signal ends a read with EINTR", (long)ret == -1 && seen_errno == EINTR);
	t = spawn(accept_one, &l);
	nap(50);
	pthread_kill(t, SIGUSR1);
	pthread_join(t, &ret);
	CHECK("a signal ends an accept with EINTR", (long)ret == -1 && seen_errno == EINTR);

	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	t = spawn(read_one, &fd[0]);
	nap(50);
	pthread_kill(t, SIGUSR1);
	nap(50);
	write_all(fd[1], "r", 1);
	pthread_join(t, &ret);
	CHECK("SA_RESTART: a read goes on", (long)ret == 'r');
	t = spawn(accept_one, &l);
	nap(50);
	pthread_kill(t, SIGUSR1);
	nap(50);
	c = connect_to(&sin);
	pthread_join(t, &ret);
	CHECK("SA_RESTART: an accept goes on", (long)ret >= 0);
	close((int)(long)ret);
	close(c);
	close(l);
	close(fd[0]);
	close(fd[1]);
	signal(SIGUSR1, SIG_DFL);
}

void test_tcp(void)
{
	both_ways();
	names();
	full_table();
	errors();
	endings();
	flags();
	files();
	other_threads();
	signals();
}
