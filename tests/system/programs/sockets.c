/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets as servers use them, over loopback and unix-domain names, inside one image.
 *   sockets [guest]
 * "guest" adds what can be measured only where nobody else uses the machine: memory.
 */
#include "sockets.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void *volatile bad_pointer = (void *)8;
static const char *volatile doing = "start";

void report(bool good, const char *what, const char *file, int line)
{
	if (good)
		printf("ok %s\n", what);
	else
		printf("FAIL %s (%s:%d, errno %d: %s)\n", what, strrchr(file, '/') + 1, line, errno,
		    strerror(errno));
}

static void too_long(int sig)
{
	(void)sig;
	printf("FAIL %s takes too long\n", doing);
	fflush(stdout);
	_exit(1);
}

void limit(const char *what, unsigned seconds)
{
	doing = what;
	alarm(seconds);
}

struct sockaddr_in loopback(in_port_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = port};

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

static void give_up(const char *what)
{
	printf("FAIL %s: %s: %s\n", doing, what, strerror(errno));
	exit(1);
}

int bound(int type, struct sockaddr_in *sin)
{
	int s = socket(AF_INET, type, 0);
	socklen_t len = sizeof(*sin);

	*sin = loopback(0);
	if (s < 0 || bind(s, (struct sockaddr *)sin, sizeof(*sin)) != 0 ||
	    getsockname(s, (struct sockaddr *)sin, &len) != 0 || sin->sin_port == 0)
		give_up("bind");
	return s;
}

int listening(int flags, int backlog, struct sockaddr_in *sin)
{
	int s = bound(SOCK_STREAM | flags, sin);

	/* What is left in TIME-WAIT then does not keep the port from a successor with the option.
	 */
	set_int(s, SOL_SOCKET, SO_REUSEADDR, 1);
	if (listen(s, backlog) != 0)
		give_up("listen");
	return s;
}

int connect_to(const struct sockaddr_in *sin)
{
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (s < 0 || connect(s, (const struct sockaddr *)sin, sizeof(*sin)) != 0)
		give_up("connect");
	return s;
}

void tcp_pair(int fd[2])
{
	struct sockaddr_in sin;
	int l = listening(0, 5, &sin);

	fd[0] = connect_to(&sin);
	fd[1] = accept(l, NULL, NULL);
	if (fd[1] < 0)
		give_up("accept");
	close(l);
}

ssize_t read_all(int fd, void *buf, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read(fd, (char *)buf + got, n - got);
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

ssize_t write_all(int fd, const void *buf, size_t n)
{
	size_t done = 0;
	ssize_t w;

	while (done < n) {
		w = write(fd, (const char *)buf + done, n - done);
		if (w < 0)
			return -1;
		done += (size_t)w;
	}
	return (ssize_t)done;
}

void set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) != 0)
		printf("FAIL %s: setsockopt %d,%d: %s\n", doing, level, name, strerror(errno));
}

int get_int(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, level, name, &value, &len) == 0 && len == sizeof(int) ? value : -1;
}

int poll1(int fd, int events, int ms)
{
	struct pollfd p = {.fd = fd, .events = (short)events};

	return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void nap(int ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&ts, &ts) != 0)
		continue;
}

pthread_t spawn(void *(*f)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, f, arg) != 0)
		give_up("pthread_create");
	return t;
}

/* --------------------------------------------------------------- transfer */

struct stream {
	int fd;
	size_t bytes;
	unsigned salt;
	bool good;
};

static unsigned char pattern(size_t n, unsigned salt)
{
	return (unsigned char)(n * 13 + (n >> 8) + (n >> 16) * 5 + salt);
}

static void *sender(void *arg)
{
	struct stream *st = arg;
	static const size_t sizes[] = {1, 1460, 65536, 7, 8192, 30000, 512};
	char *buf = malloc(65536);
	size_t at = 0, n, i, turn = 0;

	while (buf && at < st->bytes) {
		n = sizes[turn++ % (sizeof(sizes) / sizeof(sizes[0]))];
		if (n > st->bytes - at)
			n = st->bytes - at;
		for (i = 0; i < n; i++)
			buf[i] = (char)pattern(at + i, st->salt);
		if (write_all(st->fd, buf, n) != (ssize_t)n)
			break;
		at += n;
	}
	free(buf);
	st->good = at == st->bytes && shutdown(st->fd, SHUT_WR) == 0;
	return NULL;
}

static void *receiver(void *arg)
{
	struct stream *st = arg;
	unsigned char *buf = malloc(40000);
	size_t at = 0;
	ssize_t n = -1, i;

	st->good = true;
	while (buf && (n = read(st->fd, buf, 1 + at * 31 % 40000)) > 0) {
		for (i = 0; i < n; i++)
			if (buf[i] != pattern(at + (size_t)i, st->salt))
				st->good = false;
		at += (size_t)n;
	}
	free(buf);
	st->good = st->good && n == 0 && at == st->bytes;
	return NULL;
}

bool transfer(int a, int b, size_t bytes)
{
	struct stream st[4] = {
	    {a, bytes, 1, 0}, {b, bytes, 1, 0}, {b, bytes, 2, 0}, {a, bytes, 2, 0}};
	pthread_t t[4];
	bool good = true;

	for (int i = 0; i < 4; i++)
		t[i] = spawn(i % 2 ? receiver : sender, &st[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		good = good && st[i].good;
	}
	return good;
}

int main(int argc, char **argv)
{
	bool guest = argc > 1 && strcmp(argv[1], "guest") == 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, too_long);
	signal(SIGPIPE, SIG_IGN);
	test_tcp();
	test_options();
	test_events();
	test_datagrams();
	test_unix();
	test_names();
	test_many(guest);
	printf("ok the end is reached\n");
	return 0;
}
