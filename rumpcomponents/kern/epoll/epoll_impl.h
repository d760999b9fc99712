/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll's structures.
 *
 *   epoll ──tree──> item (one per descriptor watched) ──> file (no reference)
 *     │               │ waiters hang in the selinfos of the file's object
 *     └──ready list───┘ items that may have something to report
 *
 * LOCK ORDER: epoll_lock, ep_lock, the object's locks, its selinfo's, ep_readylock.
 *
 * A file is not kept open by being watched: when its last reference goes, file_rele()
 * calls epoll_file_gone() before fo_close, which waits for ep_lock.  So an item found under
 * ep_lock has a file whose operations may be called.
 */
#ifndef EPOLL_IMPL_H
#define EPOLL_IMPL_H

#include <sys/epoll.h>
#include <sys/queue.h>
#include <kern/cpu.h>
#include <kern/file.h> /* before <sys/tree.h>, whose __unused is a field's name in struct stat */
#include <sys/tree.h>
#include <kern/poll.h>
#include <kern/systm.h>

#define EPOLL_WAITERS 3 /* selinfos that one file may have */

/* Bits of ei_events that are no events.  EPOLL_OFF, ours: EPOLLONESHOT has reported it. */
#define EPOLL_OFF 0x04000000U
#define EPOLL_HOW                                                                                  \
	((uint32_t)EPOLLET | (uint32_t)EPOLLONESHOT | (uint32_t)EPOLLEXCLUSIVE |                   \
	    (uint32_t)EPOLLWAKEUP | EPOLL_OFF)

struct epoll_item {
	RB_ENTRY(epoll_item) ei_node;	  /* ep_lock */
	LIST_ENTRY(epoll_item) ei_file;	  /* epoll_lock; the file's items */
	TAILQ_ENTRY(epoll_item) ei_ready; /* ep_readylock */
	struct epoll *ei_ep;
	struct file *ei_fp;
	int ei_fd;
	volatile uint32_t ei_events; /* what is asked for, and how; EPOLL_OFF: nothing for now */
	uint64_t ei_data;
	bool ei_queued; /* ep_readylock */
	unsigned ei_nwaiters;
	struct epoll_waiter {
		struct selwaiter ew_sel;
		struct epoll_item *ew_item;
	} ei_waiters[EPOLL_WAITERS];
};

RB_HEAD(epoll_tree, epoll_item);
TAILQ_HEAD(epoll_ready, epoll_item);

struct epoll {
	kmutex_t ep_lock; /* items */
	struct epoll_tree ep_items;
	kmutex_t ep_readylock; /* MUTEX_SPIN */
	struct epoll_ready ep_ready;
	kcondvar_t ep_cv;
	struct selinfo ep_sel; /* who polls the epoll descriptor itself */
	struct file *ep_file;  /* epoll_lock; its own, once it has watched something */
};

/* Put the item on the ready list and wake one waiter.  Any context but interrupt handlers. */
void epoll_item_ready(struct epoll_item *ei);
/* What the item has to report now; 0 if nothing.  ep_lock held. */
uint32_t epoll_item_poll(struct epoll_item *ei, struct polltable *pt);

#endif
