/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Condition variables.  The waiter queues itself before it gives up the mutex,
 * so no wake-up is lost, with or without the mutex held by who signals.
 */
#include "base_impl.h"

void cv_init(kcondvar_t *cv, const char *wmesg)
{
	sleepq_init(&cv->cv_sleepq);
	cv->cv_wmesg = wmesg;
}

void cv_destroy(kcondvar_t *cv)
{
	KASSERT(sleepq_empty(&cv->cv_sleepq));
}

static int wait(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline, bool interruptible)
{
	int error;

	KASSERT(mutex_owned(mtx));
	sleepq_lock(&cv->cv_sleepq);
	sleepq_enter(&cv->cv_sleepq, cv->cv_wmesg, interruptible);
	sleepq_unlock_held(&cv->cv_sleepq);
	mutex_exit(mtx);
	error = sleepq_block(deadline);
	mutex_enter(mtx);
	return error;
}

void cv_wait(kcondvar_t *cv, kmutex_t *mtx)
{
	wait(cv, mtx, UINT64_MAX, false);
}

int cv_wait_sig(kcondvar_t *cv, kmutex_t *mtx)
{
	return wait(cv, mtx, UINT64_MAX, true);
}

static int timedwait(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline, bool interruptible)
{
	if (deadline != UINT64_MAX && deadline <= rumpuser_clock_monotonic())
		return EWOULDBLOCK;
	return wait(cv, mtx, deadline, interruptible);
}

int cv_timedwait(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline)
{
	return timedwait(cv, mtx, deadline, false);
}

int cv_timedwait_sig(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline)
{
	return timedwait(cv, mtx, deadline, true);
}

void cv_signal(kcondvar_t *cv)
{
	sleepq_lock(&cv->cv_sleepq);
	sleepq_wake_one(&cv->cv_sleepq);
	sleepq_unlock(&cv->cv_sleepq);
}

void cv_broadcast(kcondvar_t *cv)
{
	sleepq_lock(&cv->cv_sleepq);
	sleepq_wake_all(&cv->cv_sleepq);
	sleepq_unlock(&cv->cv_sleepq);
}

bool cv_has_waiters(const kcondvar_t *cv)
{
	return !sleepq_empty(&cv->cv_sleepq);
}
