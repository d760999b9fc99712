/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX message queues (mq_overview(7)): what the files of this component share.
 *
 * A queue lives as long as it has a name or an open description.  mqueues_lock guards names
 * and mq_refs, mq_lock all else.  LOCK ORDER: mqueues_lock, mq_lock, locks of kern/signal.
 */
#ifndef MQUEUE_IMPL_H
#define MQUEUE_IMPL_H

#include <limits.h>
#include <sys/queue.h>
#include <kern/file.h>
#include <kern/poll.h>

#define MQUEUE_PRIORITIES 32768 /* MQ_PRIO_MAX of Linux, sysconf(_SC_MQ_PRIO_MAX) */

struct mqueue_message {
	TAILQ_ENTRY(mqueue_message) mm_list;
	size_t mm_len;
	unsigned mm_priority;
	char mm_data[];
};

/* Who wants to know that a message came: mq_notify(3). */
struct mqueue_notify {
	int mn_kind; /* SIGEV_*; -1: nobody */
	int mn_signo;
	int mn_pid; /* whom to tell */
	void *mn_value;
	struct file *mn_file; /* SIGEV_THREAD: where mn_cookie is written; our reference */
	char mn_cookie[32];
};

struct mqueue {
	LIST_ENTRY(mqueue) mq_list;
	unsigned mq_refs; /* the name, if it has one, and open files */
	bool mq_named;
	char mq_name[NAME_MAX + 1];
	mode_t mq_mode;
	size_t mq_maxmsg, mq_msgsize; /* constant */

	kmutex_t mq_lock;
	kcondvar_t mq_readable, mq_writable;
	struct selinfo mq_sel;
	TAILQ_HEAD(mqueue_message_list, mqueue_message)
	mq_messages; /* highest priority first, then oldest */
	size_t mq_count;
	unsigned mq_receivers; /* lwps that wait for a message */
	struct mqueue_notify mq_notify;
};

/*
 * Put a message in, waiting for room until deadline (ns of nanouptime()) unless nonblock; takes it
 * over only if 0 is returned.  EAGAIN, ETIMEDOUT, EINTR, ERESTART.
 */
int mqueue_put(struct mqueue *mq, struct mqueue_message *mm, bool nonblock, uint64_t deadline);
/* Take the first one out; the same errors. */
int mqueue_get(struct mqueue *mq, struct mqueue_message **mmp, bool nonblock, uint64_t deadline);
void mqueue_message_free(struct mqueue_message *mm);

/* fo_poll. */
int mqueue_poll(struct file *fp, int events, struct polltable *pt);

/* The queue behind descriptor fd, whose file *fpp is to be given back.  EBADF. */
int mqueue_file(int fd, struct file **fpp, struct mqueue **mqp);

/* Take the registration, if there is one, out of the queue.  => mq_lock */
void mqueue_notify_take(struct mqueue *mq, struct mqueue_notify *mn);
/* What was taken is used up: a message came, or it was removed.  No locks held: a pipe is written
 * to. */
void mqueue_notify_tell(struct mqueue_notify *mn, bool removed);

#endif
