/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues: order, waiting, readiness.
 *
 * Whoever wakes looks at the queue before at the reason: a wake-up that met a signal or a deadline
 * is thus never lost, as the message is then taken all the same.
 */
#include <kern/kmem.h>
#include <kern/systm.h>
#include "mqueue_impl.h"

void mqueue_message_free(struct mqueue_message *mm)
{
	kmem_free(mm, sizeof(*mm) + mm->mm_len);
}

/* => mq_lock, given back for the time */
static int wait(struct mqueue *mq, kcondvar_t *cv, bool nonblock, uint64_t deadline)
{
	int error;

	if (nonblock)
		return EAGAIN;
	error = cv_timedwait_sig(cv, &mq->mq_lock, deadline);
	return error == EWOULDBLOCK ? ETIMEDOUT : error;
}

static void insert(struct mqueue *mq, struct mqueue_message *mm)
{
	struct mqueue_message *before = TAILQ_LAST(&mq->mq_messages, mqueue_message_list);

	while (before && before->mm_priority < mm->mm_priority)
		before = TAILQ_PREV(before, mqueue_message_list, mm_list);
	if (before)
		TAILQ_INSERT_AFTER(&mq->mq_messages, before, mm, mm_list);
	else
		TAILQ_INSERT_HEAD(&mq->mq_messages, mm, mm_list);
	mq->mq_count++;
}

int mqueue_put(struct mqueue *mq, struct mqueue_message *mm, bool nonblock, uint64_t deadline)
{
	struct mqueue_notify mn = {.mn_kind = -1};
	int error = 0;

	mutex_enter(&mq->mq_lock);
	while (mq->mq_count >= mq->mq_maxmsg && !error)
		error = wait(mq, &mq->mq_writable, nonblock, deadline);
	if (mq->mq_count >= mq->mq_maxmsg) {
		mutex_exit(&mq->mq_lock);
		return error;
	}
	if (mq->mq_count == 0 && mq->mq_receivers == 0)
		mqueue_notify_take(mq, &mn);
	insert(mq, mm);
	cv_signal(&mq->mq_readable);
	mutex_exit(&mq->mq_lock);
	selnotify(&mq->mq_sel, POLLIN);
	mqueue_notify_tell(&mn, false);
	return 0;
}

int mqueue_get(struct mqueue *mq, struct mqueue_message **mmp, bool nonblock, uint64_t deadline)
{
	struct mqueue_message *mm;
	int error = 0;

	mutex_enter(&mq->mq_lock);
	mq->mq_receivers++;
	while (mq->mq_count == 0 && !error)
		error = wait(mq, &mq->mq_readable, nonblock, deadline);
	mq->mq_receivers--;
	mm = TAILQ_FIRST(&mq->mq_messages);
	if (!mm) {
		mutex_exit(&mq->mq_lock);
		return error;
	}
	TAILQ_REMOVE(&mq->mq_messages, mm, mm_list);
	mq->mq_count--;
	cv_signal(&mq->mq_writable);
	mutex_exit(&mq->mq_lock);
	selnotify(&mq->mq_sel, POLLOUT);
	*mmp = mm;
	return 0;
}

int mqueue_poll(struct file *fp, int events, struct polltable *pt)
{
	struct mqueue *mq = fp->f_data;
	int ready = 0;

	poll_record(pt, &mq->mq_sel);
	mutex_enter(&mq->mq_lock);
	if (mq->mq_count > 0)
		ready |= POLLIN | POLLRDNORM;
	if (mq->mq_count < mq->mq_maxmsg)
		ready |= POLLOUT | POLLWRNORM;
	mutex_exit(&mq->mq_lock);
	return ready & events;
}
