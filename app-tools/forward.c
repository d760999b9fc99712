/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forwarding of ports.  A TCP connection is two sockets; what is read from one waits in its
 * buffer until the other takes it, and only then is more read.  The end of one direction is passed
 * on, an error ends both.  Nothing of this begins before the guest has accepted: to be told of an
 * end while it is being called would be the end of the call.  For UDP each sender has a socket of
 * its own towards the guest, so that answers find the way back; the one that was used least
 * recently makes room.
 *
 * Events of one epoll_wait(2) may concern a connection that an earlier one of them ended: those are
 * freed behind the last.
 */
#include "forward.h"
#include "util.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BUFFER		65536
#define MAX_CONNECTIONS 400 /* two descriptors each: below the usual limit */
#define MAX_FLOWS	64
#define BATCH		32
#define TURNS		4 /* buffers in a row for one connection */
#define RETRY_NS	100000000

enum kind { LISTENER, SIDE, DATAGRAMS, FLOW, RETRY };

/* What an event's pointer points to. */
struct watch {
	enum kind kind;
	int fd;
};

struct listener {
	struct watch watch;
	struct sockaddr_in to;
	struct listener *next;
	bool paused; /* as many connections as there may be */
};

struct side {
	struct watch watch;
	struct connection *of;
	char *buf; /* what was read here and the other side has not taken */
	size_t at, len;
	bool ended;  /* nothing more comes from here */
	bool passed; /* and the other side has been told */
	uint32_t events;
};

struct connection {
	struct side side[2]; /* 0: who called; 1: the guest */
	struct connection *dead_next;
	bool dead;
};

struct flow {
	struct watch watch;
	struct listener *of;
	struct sockaddr_in from;
	uint64_t used;
};

struct forwarder {
	int epoll;
	struct watch retry; /* of accept(2), after a failure; a timer */
	struct listener *listeners;
	struct connection *dead;
	unsigned connections;
	struct flow flow[MAX_FLOWS];
	uint64_t clock;
};

static bool watch(struct forwarder *f, struct watch *w, int op, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	return epoll_ctl(f->epoll, op, w->fd, &e) == 0;
}

struct forwarder *forward_open(void)
{
	struct forwarder *f = xcalloc(1, sizeof(*f));

	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll == -1) {
		free(f);
		return NULL;
	}
	for (size_t i = 0; i < MAX_FLOWS; i++)
		f->flow[i].watch = (struct watch){FLOW, -1};
	f->retry =
	    (struct watch){RETRY, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
	if (f->retry.fd == -1 || !watch(f, &f->retry, EPOLL_CTL_ADD, EPOLLIN)) {
		close(f->retry.fd);
		close(f->epoll);
		free(f);
		return NULL;
	}
	return f;
}

int forward_fd(const struct forwarder *f)
{
	return f->epoll;
}

void forward_add(struct forwarder *f, int fd, struct in_addr guest, uint16_t port, bool udp)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->watch = (struct watch){udp ? DATAGRAMS : LISTENER, fd};
	l->to =
	    (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = guest, .sin_port = htons(port)};
	l->next = f->listeners;
	f->listeners = l;
	if (!udp)
		listen(fd, SOMAXCONN);
	watch(f, &l->watch, EPOLL_CTL_ADD, EPOLLIN);
}

/* Let a socket be on its way to the guest. */
static bool call(const struct listener *l, int fd)
{
	return connect(fd, (const struct sockaddr *)&l->to, sizeof(l->to)) == 0 ||
	       errno == EINPROGRESS;
}

/* ---------------------------------------------------------------------- TCP */

static void pause_listeners(struct forwarder *f, bool pause)
{
	for (struct listener *l = f->listeners; l != NULL; l = l->next)
		if (l->watch.kind == LISTENER && l->paused != pause) {
			l->paused = pause;
			watch(f, &l->watch, EPOLL_CTL_MOD, pause ? 0 : EPOLLIN);
		}
}

/* Out of something that others give back: connections of ours, or anybody. */
static void retry_later(struct forwarder *f)
{
	const struct itimerspec soon = {.it_value.tv_nsec = RETRY_NS};

	pause_listeners(f, true);
	timerfd_settime(f->retry.fd, 0, &soon, NULL);
}

static void retry(struct forwarder *f)
{
	uint64_t n;

	if (read(f->retry.fd, &n, sizeof(n)) == sizeof(n) && f->connections < MAX_CONNECTIONS)
		pause_listeners(f, false);
}

static void end(struct forwarder *f, struct connection *c)
{
	if (c->dead)
		return;
	for (int i = 0; i < 2; i++) {
		close(c->side[i].watch.fd);
		free(c->side[i].buf);
	}
	c->dead = true;
	c->dead_next = f->dead;
	f->dead = c;
	f->connections--;
	pause_listeners(f, false);
}

/* An error of one side is a reset for the other. */
static void reset(struct forwarder *f, struct connection *c)
{
	const struct linger now = {1, 0};

	for (int i = 0; !c->dead && i < 2; i++)
		setsockopt(c->side[i].watch.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	end(f, c);
}

/* Move what one side sent to the other.  Returns false after an error. */
static bool pump(struct side *from, struct side *to)
{
	ssize_t n;

	for (int turn = 0; turn < TURNS; turn++) {
		if (from->len == 0 && !from->ended) {
			n = recv(from->watch.fd, from->buf, BUFFER, 0);
			if (n == -1)
				return errno == EAGAIN || errno == EINTR;
			from->ended = n == 0;
			from->at = 0;
			from->len = (size_t)n;
		}
		if (from->len > 0) {
			n = send(to->watch.fd, from->buf + from->at, from->len, MSG_NOSIGNAL);
			if (n == -1)
				return errno == EAGAIN || errno == EINTR;
			from->at += (size_t)n;
			from->len -= (size_t)n;
		}
		if (from->ended && from->len == 0) {
			if (!from->passed)
				shutdown(to->watch.fd, SHUT_WR);
			from->passed = true;
			return true;
		}
	}
	return true;
}

/*
 * Nothing to wait for is not to be watched: a connection that has ended both ways is an event for
 * ever.  Returns false if it cannot be watched: nothing would ever end it.
 */
static bool rewatch(struct forwarder *f, struct side *s, uint32_t events)
{
	int op = events == 0 ? EPOLL_CTL_DEL : s->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (events == s->events)
		return true;
	s->events = events;
	return watch(f, &s->watch, op, events);
}

static void side_event(struct forwarder *f, struct side *s, uint32_t events)
{
	struct connection *c = s->of;

	if (c->dead)
		return;
	if (events & EPOLLERR) {
		reset(f, c);
		return;
	}
	/* Until the guest accepts only its side is watched, for EPOLLOUT. */
	for (int i = 0; i < 2; i++)
		if (!pump(&c->side[i], &c->side[!i])) {
			reset(f, c);
			return;
		}
	if (c->side[0].passed && c->side[1].passed) {
		end(f, c);
		return;
	}
	for (int i = 0; i < 2; i++) {
		struct side *side = &c->side[i], *other = &c->side[!i];

		if (!rewatch(f, side,
			(side->len == 0 && !side->ended ? (uint32_t)EPOLLIN : 0) |
			    (other->len > 0 ? (uint32_t)EPOLLOUT : 0))) {
			reset(f, c);
			return;
		}
	}
}

static void connect_sides(struct forwarder *f, int caller, int guest)
{
	struct connection *c = xcalloc(1, sizeof(*c));

	for (int i = 0; i < 2; i++) {
		struct side *s = &c->side[i];

		s->watch = (struct watch){SIDE, i == 0 ? caller : guest};
		s->of = c;
		s->buf = xcalloc(1, BUFFER);
		setsockopt(s->watch.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	}
	if (++f->connections >= MAX_CONNECTIONS)
		pause_listeners(f, true);
	if (!rewatch(f, &c->side[1], EPOLLOUT))
		reset(f, c);
}

/* Out of what others give back? */
static bool for_now(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/*
 * The guest's side first: whoever calls waits where it is while there is no descriptor for that.
 * Nothing is accepted then, or the listener would be ready for ever.
 */
static void accept_one(struct forwarder *f, struct listener *l)
{
	int guest = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), caller;
	struct sockaddr_in from; /* nobody asks */
	socklen_t len = sizeof(from);

	if (guest == -1) {
		retry_later(f);
		return;
	}
	caller = accept4(l->watch.fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (caller == -1) {
		if (for_now(errno))
			retry_later(f);
		close(guest);
		return;
	}
	if (!call(l, guest)) {
		close(caller);
		close(guest);
		return;
	}
	connect_sides(f, caller, guest);
}

/* ---------------------------------------------------------------------- UDP */

static struct flow *flow_of(struct forwarder *f, struct listener *l, const struct sockaddr_in *from)
{
	struct flow *oldest = &f->flow[0];

	for (size_t i = 0; i < MAX_FLOWS; i++) {
		struct flow *w = &f->flow[i];

		if (w->watch.fd != -1 && w->of == l &&
		    w->from.sin_addr.s_addr == from->sin_addr.s_addr &&
		    w->from.sin_port == from->sin_port)
			return w;
		if (w->used < oldest->used)
			oldest = w;
	}
	if (oldest->watch.fd != -1)
		close(oldest->watch.fd);
	oldest->of = l;
	oldest->from = *from;
	oldest->watch.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (oldest->watch.fd != -1 &&
	    (!call(l, oldest->watch.fd) || !watch(f, &oldest->watch, EPOLL_CTL_ADD, EPOLLIN))) {
		close(oldest->watch.fd);
		oldest->watch.fd = -1;
	}
	return oldest;
}

static void datagram_in(struct forwarder *f, struct listener *l)
{
	static char data[65536];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(
	    l->watch.fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
	struct flow *w;

	if (n == -1 || from.sin_family != AF_INET)
		return;
	w = flow_of(f, l, &from);
	w->used = ++f->clock;
	if (w->watch.fd != -1)
		(void)!send(w->watch.fd, data, (size_t)n, MSG_NOSIGNAL);
}

static void datagram_back(struct flow *w)
{
	static char data[65536];
	ssize_t n = recv(w->watch.fd, data, sizeof(data), MSG_DONTWAIT);

	if (n >= 0)
		sendto(w->of->watch.fd, data, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
		    (struct sockaddr *)&w->from, sizeof(w->from));
}

void forward_work(struct forwarder *f)
{
	struct epoll_event e[BATCH];
	int n = epoll_wait(f->epoll, e, BATCH, 0);

	for (int i = 0; i < n; i++) {
		struct watch *w = e[i].data.ptr;

		switch (w->kind) {
		case LISTENER:
			accept_one(f, (struct listener *)w);
			break;
		case SIDE:
			side_event(f, (struct side *)w, e[i].events);
			break;
		case RETRY:
			retry(f);
			break;
		case DATAGRAMS:
			datagram_in(f, (struct listener *)w);
			break;
		case FLOW:
			if (w->fd != -1)
				datagram_back((struct flow *)w);
			break;
		}
	}
	while (f->dead != NULL) {
		struct connection *c = f->dead;

		f->dead = c->dead_next;
		free(c);
	}
}
