/* SPDX-License-Identifier: BSD-2-Clause */
/* select(2) and pselect(2): bit sets over the same waiting as poll. */
#include <sys/select.h>
#include <sys/time.h>
#include <kern/cpu.h>
#include <kern/ktime.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include "poll_impl.h"

#define SELECT_MAX FD_SETSIZE
#define WORDS	   (SELECT_MAX / 64)

/* What each set asks for, and what makes its bit come back set. */
static const struct {
	int ask, ready;
} kinds[3] = {
    {POLLIN | POLLRDNORM, POLLIN | POLLRDNORM | POLLHUP | POLLERR},
    {POLLOUT | POLLWRNORM, POLLOUT | POLLWRNORM | POLLERR},
    {POLLPRI, POLLPRI},
};

struct sets {
	uint64_t in[3][WORDS], out[3][WORDS];
};

static int scan(struct sets *s, int nfds, struct poll_state *ps, long *count)
{
	*count = 0;
	memset(s->out, 0, sizeof(s->out));
	for (int fd = 0; fd < nfds; fd++) {
		uint64_t bit = 1ULL << fd % 64;
		int events = 0, ready;

		for (int k = 0; k < 3; k++)
			if (s->in[k][fd / 64] & bit)
				events |= kinds[k].ask;
		if (!events)
			continue;
		ready = poll_one(fd, events, *count == 0 ? ps : NULL);
		if (ready & POLLNVAL)
			return EBADF;
		for (int k = 0; k < 3; k++)
			if (s->in[k][fd / 64] & bit && ready & kinds[k].ready) {
				s->out[k][fd / 64] |= bit;
				(*count)++;
			}
	}
	return 0;
}

static int wait_sets(struct sets *s, int nfds, uint64_t deadline, long *count)
{
	struct poll_state ps;
	int error, e;

	if (deadline == 0)
		return scan(s, nfds, NULL, count);
	poll_start(&ps);
	error = scan(s, nfds, &ps, count);
	while (!error && *count == 0) {
		if (ps.ps_nomem) {
			error = ENOMEM;
			break;
		}
		error = poll_wait(&ps, deadline);
		e = scan(s, nfds, NULL, count);
		if (e || *count > 0)
			error = e;
	}
	poll_end(&ps);
	return error == EWOULDBLOCK ? 0 : error;
}

static int select_user(int nfds, fd_set *const usets[3], uint64_t deadline, long *count)
{
	struct sets s;
	size_t bytes;
	int error = 0;

	if (nfds < 0)
		return EINVAL;
	nfds = KMIN(nfds, SELECT_MAX);
	bytes = (nfds + 63) / 64 * 8;
	memset(s.in, 0, sizeof(s.in));
	for (int k = 0; k < 3 && !error; k++)
		if (usets[k])
			error = copyin(usets[k], s.in[k], bytes);
	if (!error)
		error = wait_sets(&s, nfds, deadline, count);
	for (int k = 0; k < 3 && !error; k++)
		if (usets[k])
			error = copyout(s.out[k], usets[k], bytes);
	return error == ERESTART ? EINTR : error;
}

long do_sys_select(int nfds, fd_set *rd, fd_set *wr, fd_set *ex, struct timeval *utv)
{
	fd_set *const usets[3] = {rd, wr, ex};
	uint64_t deadline = UINT64_MAX, ns, now;
	struct timeval tv;
	struct timespec ts;
	long count = 0;
	int error = 0;

	if (utv) {
		error = copyin(utv, &tv, sizeof(tv));
		if (!error && (tv.tv_sec < 0 || tv.tv_usec < 0))
			error = EINVAL;
		if (!error && __builtin_add_overflow(tv.tv_sec, tv.tv_usec / 1000000, &ts.tv_sec))
			ts.tv_sec = INT64_MAX;
		ts.tv_nsec = tv.tv_usec % 1000000 * 1000;
		if (!error)
			error = timespec_to_ns(&ts, &ns);
		if (!error)
			deadline = ns ? poll_deadline(ns) : 0;
	}
	if (!error)
		error = select_user(nfds, usets, deadline, &count);
	/* Linux says how much time was left. */
	if (utv && !error && deadline != 0) {
		now = nanouptime();
		ns = deadline > now ? deadline - now : 0;
		tv.tv_sec = ns / NSEC_PER_SEC;
		tv.tv_usec = ns % NSEC_PER_SEC / 1000;
		error = copyout(&tv, utv, sizeof(tv));
	}
	return sysret(error, count);
}

long do_sys_pselect6(
    int nfds, fd_set *rd, fd_set *wr, fd_set *ex, struct timespec *uts, const void *usig)
{
	fd_set *const usets[3] = {rd, wr, ex};
	uint64_t deadline = UINT64_MAX, ns;
	struct timespec ts;
	struct {
		const uint64_t *mask;
		size_t size;
	} sig = {NULL, 0};
	long count = 0;
	int error = 0;

	if (uts) {
		error = copyin(uts, &ts, sizeof(ts));
		if (!error)
			error = timespec_to_ns(&ts, &ns);
		if (!error)
			deadline = ns ? poll_deadline(ns) : 0;
	}
	if (!error && usig)
		error = copyin(usig, &sig, sizeof(sig));
	if (!error)
		error = poll_sigmask(sig.mask, sig.size);
	if (!error)
		error = select_user(nfds, usets, deadline, &count);
	return sysret(error, count);
}
