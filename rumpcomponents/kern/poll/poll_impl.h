/* SPDX-License-Identifier: BSD-2-Clause */
/* One call of poll or select: its waiters, and waiting for them. */
#ifndef POLL_IMPL_H
#define POLL_IMPL_H

#include <kern/poll.h>
#include <kern/systm.h>

#define POLL_INLINE 8

struct poll_state;
struct poll_waiter {
	struct selwaiter pw_sel;
	struct poll_state *pw_state;
};
struct poll_chunk {
	struct poll_chunk *pc_next;
	struct poll_waiter pc_waiters[30];
};

struct poll_state {
	struct polltable ps_table; /* first: what fo_poll is given */
	kmutex_t ps_lock;	   /* MUTEX_SPIN; ps_woken */
	kcondvar_t ps_cv;
	bool ps_woken;
	bool ps_nomem;
	unsigned ps_nused; /* waiters in the newest chunk, or in ps_few */
	struct poll_chunk *ps_chunks;
	struct poll_waiter ps_few[POLL_INLINE];
};

void poll_start(struct poll_state *ps);
/* Sleep until an object calls or the deadline: 0, EWOULDBLOCK, EINTR, ERESTART. */
int poll_wait(struct poll_state *ps, uint64_t deadline);
void poll_end(struct poll_state *ps);

/*
 * What fd answers to `events`; POLLNVAL if it is not open.  ps NULL: only look, do not wait.
 */
int poll_one(int fd, int events, struct poll_state *ps);

/* Deadline for a wait of ns nanoseconds from now. */
uint64_t poll_deadline(uint64_t ns);

/* Install *umask for the time of the call, as ppoll does. 0, EINVAL, EFAULT. */
int poll_sigmask(const uint64_t *umask, size_t setsize);

#endif
