/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll(7): waiting.
 *
 * The ready list holds items that may have something; each is asked when it is
 * about to be reported.  A level-triggered item that had something goes back to the end of
 * the list: the next call asks it again.  So a call costs as much as there
 * is to report, not as there is to watch.
 */
#include <kern/ktime.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include "epoll_impl.h"

#define BATCH	   16
#define MAX_EVENTS (0x7fffffff / (int)sizeof(struct epoll_event))

void epoll_item_ready(struct epoll_item *ei)
{
	struct epoll *ep = ei->ei_ep;
	bool news = false;

	mutex_enter(&ep->ep_readylock);
	if (!ei->ei_queued) {
		ei->ei_queued = news = true;
		TAILQ_INSERT_TAIL(&ep->ep_ready, ei, ei_ready);
		cv_signal(&ep->ep_cv);
	}
	mutex_exit(&ep->ep_readylock);
	if (news)
		selnotify(&ep->ep_sel, POLLIN);
}

static struct epoll_item *take_ready(struct epoll *ep)
{
	struct epoll_item *ei;

	mutex_enter(&ep->ep_readylock);
	ei = TAILQ_FIRST(&ep->ep_ready);
	if (ei) {
		TAILQ_REMOVE(&ep->ep_ready, ei, ei_ready);
		ei->ei_queued = false;
	}
	mutex_exit(&ep->ep_readylock);
	return ei;
}

/* Fill ev with at most max events; level-triggered items go to *again.  ep_lock held. */
static int collect(struct epoll *ep, struct epoll_event *ev, int max, struct epoll_ready *again)
{
	struct epoll_item *ei;
	int n = 0;

	while (n < max && (ei = take_ready(ep)) != NULL) {
		uint32_t events = ei->ei_events, ready;

		ready = epoll_item_poll(ei, NULL);
		if (!ready)
			continue;
		ev[n].events = ready;
		ev[n++].data.u64 = ei->ei_data;
		if (events & EPOLLONESHOT) {
			ei->ei_events = events | EPOLL_OFF; /* until EPOLL_CTL_MOD */
		} else if (!(events & EPOLLET)) {
			mutex_enter(&ep->ep_readylock);
			if (!ei->ei_queued) {
				ei->ei_queued = true;
				TAILQ_INSERT_TAIL(again, ei, ei_ready);
			}
			mutex_exit(&ep->ep_readylock);
		}
	}
	return n;
}

static int report(struct epoll *ep, struct epoll_event *uev, int max, int *count)
{
	struct epoll_event ev[BATCH];
	struct epoll_ready again = TAILQ_HEAD_INITIALIZER(again);
	int n, error = 0;

	mutex_enter(&ep->ep_lock);
	do {
		n = collect(ep, ev, KMIN(max - *count, BATCH), &again);
		if (n > 0)
			error = copyout(ev, uev + *count, n * sizeof(ev[0]));
		*count += error ? 0 : n;
	} while (n == BATCH && *count < max && !error);
	mutex_enter(&ep->ep_readylock);
	TAILQ_CONCAT(&ep->ep_ready, &again, ei_ready);
	/* More than we take: another waiter may take the rest. */
	if (!TAILQ_EMPTY(&ep->ep_ready) && cv_has_waiters(&ep->ep_cv))
		cv_signal(&ep->ep_cv);
	mutex_exit(&ep->ep_readylock);
	mutex_exit(&ep->ep_lock);
	return error;
}

static int wait_events(
    struct epoll *ep, struct epoll_event *uev, int max, uint64_t deadline, int *count)
{
	int error = 0;

	for (;;) {
		if (!TAILQ_EMPTY(&ep->ep_ready)) {
			int e = report(ep, uev, max, count);
			if (e || *count > 0)
				return e;
		}
		if (error || deadline == 0)
			return error == EWOULDBLOCK ? 0 : error;
		mutex_enter(&ep->ep_readylock);
		while (TAILQ_EMPTY(&ep->ep_ready) && !error)
			error = cv_timedwait_sig(&ep->ep_cv, &ep->ep_readylock, deadline);
		mutex_exit(&ep->ep_readylock);
	}
}

static long epoll_wait_until(int epfd, struct epoll_event *uev, int max, uint64_t deadline)
{
	struct file *fp;
	int count = 0, error;

	if (max <= 0 || max > MAX_EVENTS)
		return sysret(EINVAL, 0);
	error = fd_gettype(epfd, DTYPE_EPOLL, EINVAL, &fp);
	if (error)
		return sysret(error, 0);
	error = wait_events(fp->f_data, uev, max, deadline, &count);
	fd_putfile(fp);
	/* Never run again after a signal (signal(7)). */
	return sysret(error == ERESTART ? EINTR : error, count);
}

static uint64_t deadline_of(int timeout)
{
	return timeout < 0 ? UINT64_MAX : timeout == 0 ? 0 : nanouptime() + timeout * NSEC_PER_MSEC;
}

long do_sys_epoll_wait(int epfd, struct epoll_event *uev, int max, int timeout)
{
	return epoll_wait_until(epfd, uev, max, deadline_of(timeout));
}

long do_sys_epoll_pwait(
    int epfd, struct epoll_event *uev, int max, int timeout, const uint64_t *umask, size_t setsize)
{
	uint64_t mask;
	int error = 0;

	if (umask) {
		error = setsize != sizeof(mask) ? EINVAL : copyin(umask, &mask, sizeof(mask));
		if (!error && sig_suspend_mask)
			sig_suspend_mask(mask);
	}
	return error ? sysret(error, 0) : epoll_wait_until(epfd, uev, max, deadline_of(timeout));
}
