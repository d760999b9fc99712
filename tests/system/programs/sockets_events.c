/* SPDX-License-Identifier: BSD-2-Clause */
/* Non-blocking sockets with poll and epoll: level, edge, one-shot. */
#include "sockets.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void nonblocking_connect(void)
{
	struct sockaddr_in sin;
	int l = listening(SOCK_NONBLOCK, 5, &sin),
	    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), s;
	struct sockaddr *sa = (struct sockaddr *)&sin;
	char b;

	limit("non-blocking connect", 20);
	CHECK("a socket that never connected: POLLHUP", poll1(c, POLLIN | POLLOUT, 0) & POLLHUP);
	CHECK("connect: EINPROGRESS or done",
	    connect(c, sa, sizeof(sin)) == 0 || errno == EINPROGRESS);
	CHECK("connect: POLLOUT when done", poll1(c, POLLOUT, 2000) == POLLOUT);
	CHECK("connect: SO_ERROR is 0", get_int(c, SOL_SOCKET, SO_ERROR) == 0);
	CHECK("listener: POLLIN", poll1(l, POLLIN, 2000) == POLLIN);
	s = accept(l, NULL, NULL);
	CHECK("listener: nothing more", poll1(l, POLLIN, 0) == 0);
	CHECK("read: EAGAIN", FAILS(read(c, &b, 1), EAGAIN));
	close(s);
	close(c);
	close(l);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK("refused: EINPROGRESS or at once",
	    connect(c, sa, sizeof(sin)) == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
	if (errno == EINPROGRESS) {
		int r = poll1(c, POLLOUT, 2000);

		CHECK("refused: POLLERR and POLLHUP",
		    (r & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
		CHECK("refused: SO_ERROR", get_int(c, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
	}
	CHECK("refused: SO_ERROR is read once", get_int(c, SOL_SOCKET, SO_ERROR) == 0);
	close(c);
}

static int wait1(int ep, int ms, uint32_t *events)
{
	struct epoll_event ev = {0};
	int n = epoll_wait(ep, &ev, 1, ms);

	*events = n > 0 ? ev.events : 0;
	return n;
}

static void epolls(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), fd[2];
	struct epoll_event ev = {.events = EPOLLIN};
	uint32_t e;
	char buf[8];

	limit("epoll", 20);
	tcp_pair(fd);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev);
	CHECK("level: nothing yet", wait1(ep, 0, &e) == 0);
	write_all(fd[0], "ab", 2);
	CHECK("level: EPOLLIN", wait1(ep, 2000, &e) == 1 && e == EPOLLIN);
	CHECK("level: again", wait1(ep, 0, &e) == 1 && e == EPOLLIN);
	CHECK("level: not when read", read(fd[1], buf, 8) == 2 && wait1(ep, 0, &e) == 0);

	ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	epoll_ctl(ep, EPOLL_CTL_MOD, fd[1], &ev);
	CHECK("edge: EPOLLOUT once", wait1(ep, 2000, &e) == 1 && e == EPOLLOUT);
	CHECK("edge: only once", wait1(ep, 30, &e) == 0);
	write_all(fd[0], "ab", 2);
	CHECK("edge: data", wait1(ep, 2000, &e) == 1 && (e & EPOLLIN));
	CHECK("edge: only once, though unread", wait1(ep, 30, &e) == 0);
	write_all(fd[0], "cd", 2);
	CHECK("edge: more data is a new edge", wait1(ep, 2000, &e) == 1 && (e & EPOLLIN));
	CHECK("edge: all is there", read(fd[1], buf, 8) == 4);
	shutdown(fd[0], SHUT_WR);
	CHECK("edge: EPOLLRDHUP", wait1(ep, 2000, &e) == 1 && (e & EPOLLRDHUP) && (e & EPOLLIN));
	close(fd[0]);
	close(fd[1]);
	CHECK("a closed descriptor has gone",
	    FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, fd[1], NULL), EBADF));

	tcp_pair(fd);
	ev.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev);
	write_all(fd[0], "a", 1);
	CHECK("one-shot: EPOLLIN", wait1(ep, 2000, &e) == 1 && e == EPOLLIN);
	CHECK("one-shot: silent after", wait1(ep, 30, &e) == 0);
	epoll_ctl(ep, EPOLL_CTL_MOD, fd[1], &ev);
	CHECK("one-shot: armed again", wait1(ep, 2000, &e) == 1 && e == EPOLLIN);
	close(fd[0]);
	close(fd[1]);
	CHECK("nothing of closed descriptors", wait1(ep, 30, &e) == 0);
	close(ep);
}

static void edge_of_room(void)
{
	static char buf[65536];
	int ep = epoll_create1(0), fd[2];
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
	uint32_t e;
	ssize_t n;
	long sent = 0;

	limit("room", 20);
	tcp_pair(fd);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev);
	wait1(ep, 1000, &e);
	/* Until nothing goes any more: what is under way takes its time. */
	for (double end = now() + 0.3; now() < end;)
		if ((n = write(fd[0], buf, sizeof(buf))) > 0)
			sent += n;
		else
			nap(10);
	while (wait1(ep, 0, &e) == 1)
		while ((n = write(fd[0], buf, sizeof(buf))) > 0)
			sent += n;
	CHECK("a full buffer has no edge", wait1(ep, 30, &e) == 0);
	while (sent > 0 && (n = read(fd[1], buf, sizeof(buf))) > 0)
		sent -= n;
	CHECK("all arrives", sent == 0);
	CHECK("room is an edge", wait1(ep, 2000, &e) == 1 && e == EPOLLOUT);
	close(fd[0]);
	close(fd[1]);
	close(ep);
}

static void *write_later(void *arg)
{
	nap(50);
	write_all(*(int *)arg, "x", 1);
	return NULL;
}

static void waiting(void)
{
	int ep = epoll_create1(0), fd[2];
	struct epoll_event ev = {.events = EPOLLIN};
	pthread_t t;
	uint32_t e;
	double began;
	char b;

	limit("waiting", 20);
	tcp_pair(fd);
	epoll_ctl(ep, EPOLL_CTL_ADD, fd[1], &ev);
	t = spawn(write_later, &fd[0]);
	CHECK("epoll_wait wakes", wait1(ep, 5000, &e) == 1 && e == EPOLLIN);
	pthread_join(t, NULL);
	read_all(fd[1], &b, 1);
	t = spawn(write_later, &fd[0]);
	CHECK("poll wakes", poll1(fd[1], POLLIN, 5000) == POLLIN);
	pthread_join(t, NULL);
	CHECK("an epoll can be polled", poll1(ep, POLLIN, 1000) == POLLIN);
	read_all(fd[1], &b, 1);
	began = now();
	CHECK("poll ends after its time", poll1(fd[1], POLLIN, 60) == 0 && now() - began > 0.055);
	close(fd[0]);
	close(fd[1]);
	close(ep);
}

void test_events(void)
{
	nonblocking_connect();
	epolls();
	edge_of_room();
	waiting();
}
