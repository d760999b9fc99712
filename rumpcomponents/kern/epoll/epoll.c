/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll(7): creating, and changing what is watched. */
#include <fcntl.h>
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/sysproto.h>
#include "epoll_impl.h"

#define MAX_DEPTH 5 /* of epoll descriptors watching each other */
/* What may be asked for together with EPOLLEXCLUSIVE (epoll_ctl(2)). */
#define EXCLUSIVE_OK                                                                               \
	(EPOLLEXCLUSIVE | EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET)

static kmutex_t epoll_lock; /* files' item lists, the graph of nested epolls */
static POOL_DEFINE(item_pool, sizeof(struct epoll_item), "epoll_item");

static int item_compare(const struct epoll_item *a, const struct epoll_item *b)
{
	if (a->ei_fd != b->ei_fd)
		return a->ei_fd < b->ei_fd ? -1 : 1;
	return a->ei_fp < b->ei_fp ? -1 : a->ei_fp > b->ei_fp;
}
RB_PROTOTYPE(epoll_tree, epoll_item, ei_node, item_compare)
RB_GENERATE(epoll_tree, epoll_item, ei_node, item_compare)

LIST_HEAD(item_list, epoll_item);
static struct item_list *file_items(struct file *fp)
{
	_Static_assert(
	    sizeof(struct item_list) == sizeof(fp->f_epoll), "the list head is one pointer");
	return (struct item_list *)(void *)&fp->f_epoll;
}

static void item_notify(struct selwaiter *sw, int events)
{
	struct epoll_item *ei = container_of(sw, struct epoll_waiter, ew_sel)->ew_item;

	uint32_t asked = ei->ei_events;

	if (asked & EPOLL_OFF)
		return;
	if (events == 0 || asked & (uint32_t)(events | EPOLLERR | EPOLLHUP))
		epoll_item_ready(ei);
}

struct item_table {
	struct polltable it_table;
	struct epoll_item *it_item;
	bool it_toomany;
};

static void item_record(struct polltable *pt, struct selinfo *si)
{
	struct item_table *it = container_of(pt, struct item_table, it_table);
	struct epoll_item *ei = it->it_item;
	struct epoll_waiter *ew;

	if (ei->ei_nwaiters == EPOLL_WAITERS) {
		it->it_toomany = true;
		return;
	}
	ew = &ei->ei_waiters[ei->ei_nwaiters++];
	ew->ew_item = ei;
	ew->ew_sel.sw_notify = item_notify;
	selwait_link(si, &ew->ew_sel);
}

uint32_t epoll_item_poll(struct epoll_item *ei, struct polltable *pt)
{
	uint32_t events = ei->ei_events, asked = (events & ~EPOLL_HOW) | EPOLLERR | EPOLLHUP;

	if (events & EPOLL_OFF)
		return 0;
	return (uint32_t)ei->ei_fp->f_ops->fo_poll(ei->ei_fp, (int)asked, pt) & asked;
}

/* epoll_lock and ep_lock held. */
static void item_free(struct epoll_item *ei)
{
	struct epoll *ep = ei->ei_ep;

	for (unsigned i = 0; i < ei->ei_nwaiters; i++)
		selwait_unlink(&ei->ei_waiters[i].ew_sel);
	mutex_enter(&ep->ep_readylock);
	if (ei->ei_queued)
		TAILQ_REMOVE(&ep->ep_ready, ei, ei_ready);
	mutex_exit(&ep->ep_readylock);
	LIST_REMOVE(ei, ei_file);
	RB_REMOVE(epoll_tree, &ep->ep_items, ei);
	pool_put(&item_pool, ei);
}

static void epoll_file_gone(struct file *fp)
{
	struct epoll_item *ei;

	mutex_enter(&epoll_lock);
	while ((ei = LIST_FIRST(file_items(fp))) != NULL) {
		struct epoll *ep = ei->ei_ep;
		mutex_enter(&ep->ep_lock);
		item_free(ei);
		mutex_exit(&ep->ep_lock);
	}
	mutex_exit(&epoll_lock);
}

static void epoll_close(struct file *fp)
{
	struct epoll *ep = fp->f_data;
	struct epoll_item *ei;

	mutex_enter(&epoll_lock);
	mutex_enter(&ep->ep_lock);
	while ((ei = RB_ROOT(&ep->ep_items)) != NULL)
		item_free(ei);
	mutex_exit(&ep->ep_lock);
	mutex_exit(&epoll_lock);
	seldestroy(&ep->ep_sel);
	cv_destroy(&ep->ep_cv);
	mutex_destroy(&ep->ep_readylock);
	mutex_destroy(&ep->ep_lock);
	kmem_free(ep, sizeof(*ep));
}

static int epoll_poll(struct file *fp, int events, struct polltable *pt)
{
	struct epoll *ep = fp->f_data;
	struct epoll_item *ei, *next;
	int ready = 0;

	poll_record(pt, &ep->ep_sel);
	/* An item on the list may have nothing after all: only asking tells. */
	mutex_enter(&ep->ep_lock);
	mutex_enter(&ep->ep_readylock);
	for (ei = TAILQ_FIRST(&ep->ep_ready); ei && !ready; ei = next) {
		mutex_exit(&ep->ep_readylock);
		ready = epoll_item_poll(ei, NULL) != 0;
		mutex_enter(&ep->ep_readylock);
		next = TAILQ_NEXT(ei, ei_ready);
	}
	mutex_exit(&ep->ep_readylock);
	mutex_exit(&ep->ep_lock);
	return ready ? events & (POLLIN | POLLRDNORM) : 0;
}

static const struct fileops epoll_ops = {.fo_poll = epoll_poll, .fo_close = epoll_close};

/* How many epolls watch one another above ep.  epoll_lock held. */
static unsigned nested_in(const struct epoll *ep)
{
	struct epoll_item *ei;
	unsigned most = 0;

	LIST_FOREACH (ei, file_items(ep->ep_file), ei_file)
		most = KMAX(most, 1 + nested_in(ei->ei_ep));
	return most;
}

/* Would watching fp from ep make a circle, or too deep a chain?  epoll_lock held. */
static int check_nesting(const struct epoll *ep, struct file *fp, unsigned depth)
{
	struct epoll *inner = fp->f_data;
	struct epoll_item *ei;
	int error = 0;

	if (fp->f_type != DTYPE_EPOLL)
		return 0;
	if (inner == ep || depth > MAX_DEPTH)
		return ELOOP;
	RB_FOREACH (ei, epoll_tree, &inner->ep_items) {
		if (!error)
			error = check_nesting(ep, ei->ei_fp, depth + 1);
	}
	return error;
}

static int item_add(struct epoll *ep, struct file *fp, int fd, const struct epoll_event *ev)
{
	struct item_table it = {.it_table.pt_record = item_record};
	struct epoll_item *ei;
	int error;

	if (ev->events & EPOLLEXCLUSIVE &&
	    (ev->events & ~EXCLUSIVE_OK || fp->f_type == DTYPE_EPOLL))
		return EINVAL;
	error = fp->f_type == DTYPE_EPOLL ? check_nesting(ep, fp, 1 + nested_in(ep)) : 0;
	if (error)
		return error;
	ei = pool_zget(&item_pool);
	if (!ei)
		return ENOMEM;
	ei->ei_ep = ep;
	ei->ei_fp = fp;
	ei->ei_fd = fd;
	ei->ei_events = ev->events & ~EPOLL_OFF;
	ei->ei_data = ev->data.u64;
	it.it_item = ei;
	RB_INSERT(epoll_tree, &ep->ep_items, ei);
	LIST_INSERT_HEAD(file_items(fp), ei, ei_file);
	if (epoll_item_poll(ei, &it.it_table))
		epoll_item_ready(ei);
	if (it.it_toomany) {
		item_free(ei);
		return ENOMEM;
	}
	return 0;
}

static int item_modify(struct epoll_item *ei, const struct epoll_event *ev)
{
	if (ei->ei_events & EPOLLEXCLUSIVE || ev->events & EPOLLEXCLUSIVE)
		return EINVAL;
	ei->ei_events = ev->events & ~EPOLL_OFF;
	ei->ei_data = ev->data.u64;
	/* The change before the look, so that a notification in between finds the new wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (epoll_item_poll(ei, NULL))
		epoll_item_ready(ei);
	return 0;
}

static int control(struct file *epfp, int op, int fd, struct file *fp, const struct epoll_event *ev)
{
	struct epoll *ep = epfp->f_data;
	struct epoll_item key = {.ei_fd = fd, .ei_fp = fp}, *ei;
	int error;

	if (!fp->f_ops->fo_poll)
		return EPERM; /* regular files, as Linux */
	mutex_enter(&epoll_lock);
	mutex_enter(&ep->ep_lock);
	ep->ep_file = epfp;
	ei = RB_FIND(epoll_tree, &ep->ep_items, &key);
	switch (op) {
	case EPOLL_CTL_ADD:
		error = ei ? EEXIST : item_add(ep, fp, fd, ev);
		break;
	case EPOLL_CTL_MOD:
		error = ei ? item_modify(ei, ev) : ENOENT;
		break;
	case EPOLL_CTL_DEL:
		error = ei ? 0 : ENOENT;
		if (ei)
			item_free(ei);
		break;
	default:
		error = EINVAL;
	}
	mutex_exit(&ep->ep_lock);
	mutex_exit(&epoll_lock);
	return error;
}

long do_sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event *uev)
{
	struct epoll_event ev = {0};
	struct file *epfp, *fp;
	int error = 0;

	if (op != EPOLL_CTL_DEL)
		error = copyin(uev, &ev, sizeof(ev));
	if (!error)
		error = fd_getfile(epfd, &epfp);
	if (error)
		return sysret(error, 0);
	error = fd_getfile(fd, &fp);
	if (!error) {
		if (epfp->f_type != DTYPE_EPOLL || epfp == fp)
			error = EINVAL;
		else
			error = control(epfp, op, fd, fp, &ev);
		fd_putfile(fp);
	}
	fd_putfile(epfp);
	return sysret(error, 0);
}

static int create(int flags, int *fd)
{
	struct epoll *ep = kmem_zalloc(sizeof(*ep));
	int error;

	if (!ep)
		return ENOMEM;
	mutex_init(&ep->ep_lock, MUTEX_DEFAULT);
	LOCKDEBUG_MUTEX_NESTS(&ep->ep_lock, LOCK_BY_USERS); /* one watches the other */
	mutex_init(&ep->ep_readylock, MUTEX_SPIN);
	RB_INIT(&ep->ep_items);
	TAILQ_INIT(&ep->ep_ready);
	cv_init(&ep->ep_cv, "epoll");
	error = fd_open(&epoll_ops, DTYPE_EPOLL, O_RDWR | flags, ep, fd);
	if (error)
		kmem_free(ep, sizeof(*ep));
	return error;
}

long do_sys_epoll_create1(int flags)
{
	int fd = 0, error = EINVAL;

	if ((flags & ~EPOLL_CLOEXEC) == 0)
		error = create(flags, &fd);
	return sysret(error, fd);
}

long do_sys_epoll_create(int size)
{
	return size <= 0 ? sysret(EINVAL, 0) : do_sys_epoll_create1(0);
}

static int epoll_init(void)
{
	mutex_init(&epoll_lock, MUTEX_DEFAULT);
	file_epoll_gone = epoll_file_gone;
	return 0;
}
RUMP_COMPONENT(epoll, RUMP_PHASE_KERN, epoll_init);
