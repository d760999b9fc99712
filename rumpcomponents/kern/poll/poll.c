/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll(2) and ppoll(2), and what they share with select.
 *
 * The first pass registers with every object and looks at it; if nothing is
 * ready, the lwp sleeps until an object calls, and looks again without
 * registering.  As soon as one is ready, further ones are only looked at.
 */
#include <fcntl.h>
#include <kern/cpu.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include "poll_impl.h"

#define FEW	    16
#define POLL_MAXFDS (1UL << 20)

static void notified(struct selwaiter *sw, int events)
{
	struct poll_state *ps = container_of(sw, struct poll_waiter, pw_sel)->pw_state;

	mutex_enter(&ps->ps_lock);
	ps->ps_woken = true;
	cv_signal(&ps->ps_cv);
	mutex_exit(&ps->ps_lock);
}

static struct poll_waiter *new_waiter(struct poll_state *ps)
{
	struct poll_chunk *c = ps->ps_chunks;

	if (!c && ps->ps_nused < POLL_INLINE)
		return &ps->ps_few[ps->ps_nused++];
	if (!c || ps->ps_nused == NELEM(c->pc_waiters)) {
		c = kmem_alloc(sizeof(*c));
		if (!c)
			return NULL;
		c->pc_next = ps->ps_chunks;
		ps->ps_chunks = c;
		ps->ps_nused = 0;
	}
	return &c->pc_waiters[ps->ps_nused++];
}

static void record(struct polltable *pt, struct selinfo *si)
{
	struct poll_state *ps = container_of(pt, struct poll_state, ps_table);
	struct poll_waiter *pw = new_waiter(ps);

	if (!pw) {
		ps->ps_nomem = true;
		return;
	}
	pw->pw_state = ps;
	pw->pw_sel.sw_notify = notified;
	selwait_link(si, &pw->pw_sel);
}

void poll_start(struct poll_state *ps)
{
	ps->ps_table.pt_record = record;
	mutex_init(&ps->ps_lock, MUTEX_SPIN);
	cv_init(&ps->ps_cv, "poll");
	ps->ps_woken = ps->ps_nomem = false;
	ps->ps_nused = 0;
	ps->ps_chunks = NULL;
}

int poll_wait(struct poll_state *ps, uint64_t deadline)
{
	int error = 0;

	mutex_enter(&ps->ps_lock);
	while (!ps->ps_woken && !error)
		error = cv_timedwait_sig(&ps->ps_cv, &ps->ps_lock, deadline);
	ps->ps_woken = false;
	mutex_exit(&ps->ps_lock);
	return error;
}

void poll_end(struct poll_state *ps)
{
	struct poll_chunk *c, *next;
	unsigned n = ps->ps_nused;

	for (c = ps->ps_chunks; c; c = next) {
		next = c->pc_next;
		while (n > 0)
			selwait_unlink(&c->pc_waiters[--n].pw_sel);
		kmem_free(c, sizeof(*c));
		n = next ? NELEM(c->pc_waiters) : POLL_INLINE;
	}
	while (n > 0)
		selwait_unlink(&ps->ps_few[--n].pw_sel);
	cv_destroy(&ps->ps_cv);
	mutex_destroy(&ps->ps_lock);
}

int poll_one(int fd, int events, struct poll_state *ps)
{
	struct file *fp;
	int ready;

	if (fd_getfile(fd, &fp) != 0)
		return POLLNVAL;
	ready = fp->f_flags & O_PATH ? POLLNVAL
		: fp->f_ops->fo_poll
		    ? fp->f_ops->fo_poll(fp, events | POLLERR | POLLHUP, ps ? &ps->ps_table : NULL)
		    : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	/* The file may be closed while we wait: seldestroy() or our own unlinking ends that. */
	fd_putfile(fp);
	return ready & (events | POLLERR | POLLHUP | POLLNVAL);
}

uint64_t poll_deadline(uint64_t ns)
{
	uint64_t now = nanouptime();

	return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

int poll_sigmask(const uint64_t *umask, size_t setsize)
{
	uint64_t mask;
	int error;

	if (!umask)
		return 0;
	if (setsize != sizeof(mask))
		return EINVAL;
	error = copyin(umask, &mask, sizeof(mask));
	if (!error && sig_suspend_mask)
		sig_suspend_mask(mask);
	return error;
}

/* One pass over fds; how many are ready. */
static long scan(struct pollfd *fds, unsigned long nfds, struct poll_state *ps)
{
	long n = 0;

	for (unsigned long i = 0; i < nfds; i++) {
		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		fds[i].revents = (short)poll_one(fds[i].fd, fds[i].events, n == 0 ? ps : NULL);
		n += fds[i].revents != 0;
	}
	return n;
}

static int poll_fds(struct pollfd *fds, unsigned long nfds, uint64_t deadline, long *ready)
{
	struct poll_state ps;
	int error = 0;

	*ready = 0;
	if (deadline == 0) {
		*ready = scan(fds, nfds, NULL);
		return 0;
	}
	poll_start(&ps);
	*ready = scan(fds, nfds, &ps);
	while (*ready == 0 && !error) {
		if (ps.ps_nomem) {
			error = ENOMEM;
			break;
		}
		error = poll_wait(&ps, deadline);
		*ready = scan(fds, nfds, NULL);
	}
	poll_end(&ps);
	if (*ready > 0 || error == EWOULDBLOCK)
		return 0;
	return error;
}

static long poll_user(struct pollfd *ufds, unsigned long nfds, uint64_t deadline)
{
	struct pollfd few[FEW], *fds = few;
	size_t bytes = nfds * sizeof(*fds);
	long ready = 0;
	int error;

	if (nfds > POLL_MAXFDS)
		return sysret(EINVAL, 0);
	if (nfds > FEW)
		fds = kmem_alloc(bytes);
	if (!fds)
		return sysret(ENOMEM, 0);
	error = nfds ? copyin(ufds, fds, bytes) : 0;
	if (!error)
		error = poll_fds(fds, nfds, deadline, &ready);
	for (unsigned long i = 0; i < nfds && !error; i++)
		error = copyout(&fds[i].revents, &ufds[i].revents, sizeof(fds[i].revents));
	if (fds != few)
		kmem_free(fds, bytes);
	/* Never run again after a signal, SA_RESTART or not (signal(7)). */
	return sysret(error == ERESTART ? EINTR : error, ready);
}

long do_sys_poll(struct pollfd *ufds, unsigned long nfds, int timeout)
{
	return poll_user(ufds, nfds,
	    timeout < 0	   ? UINT64_MAX
	    : timeout == 0 ? 0
			   : poll_deadline(timeout * NSEC_PER_MSEC));
}

long do_sys_ppoll(struct pollfd *ufds, unsigned long nfds, struct timespec *uts,
    const uint64_t *umask, size_t setsize)
{
	uint64_t ns, deadline = UINT64_MAX;
	struct timespec ts;
	int error = 0;

	if (uts) {
		error = copyin(uts, &ts, sizeof(ts));
		if (!error)
			error = timespec_to_ns(&ts, &ns);
		if (!error)
			deadline = ns ? poll_deadline(ns) : 0;
	}
	if (!error)
		error = poll_sigmask(umask, setsize);
	return error ? sysret(error, 0) : poll_user(ufds, nfds, deadline);
}
