/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors.  An object that can become ready embeds a struct
 * selinfo per direction or one for all, calls poll_record() from its fo_poll
 * and selnotify() whenever something may have become true.  poll, select and
 * epoll all hang on it.
 */
#ifndef KERN_POLL_H
#define KERN_POLL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <kern/mutex.h>

/* One waiter's interest in one selinfo.  Embedded in epoll items and poll tables. */
struct selwaiter {
	LIST_ENTRY(selwaiter) sw_entry;
	struct selinfo *volatile sw_info; /* NULL when not linked */
	/* Called with the selinfo's spin lock held: must not sleep, may wake. */
	void (*sw_notify)(struct selwaiter *sw, int events);
};

/* Zero-filled is initialised. */
struct selinfo {
	LIST_HEAD(, selwaiter) si_waiters;
};

/* Passed to fo_poll: hands out a waiter for each selinfo. */
struct polltable {
	void (*pt_record)(struct polltable *pt, struct selinfo *si);
};

static inline void poll_record(struct polltable *pt, struct selinfo *si)
{
	if (pt)
		pt->pt_record(pt, si);
}

/* `events` may have become true (0: anything).  Any context but interrupt handlers; cheap with no
 * waiter. */
void selnotify(struct selinfo *si, int events);
/* The object dies: unlink all waiters. */
void seldestroy(struct selinfo *si);
/* For waiters: link/unlink. */
void selwait_link(struct selinfo *si, struct selwaiter *sw);
void selwait_unlink(struct selwaiter *sw);

#endif
