/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleep queues: what mutexes, rwlocks and condition variables wait on.
 *
 * The locks are a table hashed by the queue's address, not in the queues:
 * whoever ends a sleep from outside (a deadline, a signal) finds the queue
 * through l_sleepq, and it may be gone with the object it is part of by the
 * time he has locked it.  He checks l_sleepq again under the lock.
 *
 * A sleeper sets l_wakeup and l_sleeperror under the lock.  A deadline that
 * fires late, for an earlier sleep, sees a later l_wakeup and does nothing.
 */
#include "base_impl.h"

#ifdef SPIN_SHARED
/* In parentheses: what checks the use of locks has macros of these names. */
void(spin_lock)(volatile uint32_t *lock)
{
	spin_lock_inline(lock);
}

void(spin_unlock)(volatile uint32_t *lock)
{
	spin_unlock_inline(lock);
}
#endif

#define NSQLOCKS 64

static struct {
	volatile uint32_t lock;
	uint32_t pad[15];
} sqlocks[NSQLOCKS] __attribute__((aligned(64)));

_Static_assert(NSQLOCKS == 1 << (32 - 26), "the hash takes the top bits");

static volatile uint32_t *lock_of(const struct sleepq *sq)
{
	/* Many lie on kernel stacks, at one offset: the bits that tell those apart must count. */
	return &sqlocks[(uint32_t)((uintptr_t)sq >> 4) * 0x9e3779b9U >> 26].lock;
}

void sleepq_lock(const struct sleepq *sq)
{
	cpu_hold();
	spin_enter(lock_of(sq));
}

void sleepq_unlock_held(const struct sleepq *sq)
{
	spin_exit(lock_of(sq));
}

void sleepq_unlock(const struct sleepq *sq)
{
	spin_exit(lock_of(sq));
	cpu_release();
}

static void insert(struct sleepq *sq, struct lwp *l)
{
	struct lwp **pp = sq->sq_lastp, *o;

	/* By priority; nearly always the last place. */
	if (l->l_priority > PRI_USER) {
		pp = &sq->sq_first;
		while ((o = *pp) != NULL && o->l_priority >= l->l_priority)
			pp = &o->l_sleepnext;
	}
	l->l_sleepnext = *pp;
	if (*pp != NULL)
		(*pp)->l_sleepprevp = &l->l_sleepnext;
	else
		sq->sq_lastp = &l->l_sleepnext;
	l->l_sleepprevp = pp;
	*pp = l;
}

/* => sq locked. */
static void remove_and_wake(struct sleepq *sq, struct lwp *l, int error)
{
	if (l->l_sleepnext != NULL)
		l->l_sleepnext->l_sleepprevp = l->l_sleepprevp;
	else
		sq->sq_lastp = l->l_sleepprevp;
	*l->l_sleepprevp = l->l_sleepnext;
	l->l_sleeperror = error;
	l->l_wakeup = UINT64_MAX;
	__atomic_store_n(&l->l_sleepq, NULL, __ATOMIC_RELEASE);
	sched_enqueue(l);
}

void sleepq_enter(struct sleepq *sq, const char *wmesg, bool interruptible)
{
	struct lwp *l = curlwp;

	KASSERT(l->l_sleepq == NULL && l != curcpu()->ci_idle);
	l->l_wmesg = wmesg;
	l->l_sinterruptible = interruptible && !l->l_kernel;
	l->l_sleeperror = 0;
	l->l_wakeup = UINT64_MAX;
	l->l_stat = LSSLEEP;
	insert(sq, l);
	__atomic_store_n(&l->l_sleepq, sq, __ATOMIC_RELEASE);
}

bool sleepq_wake_one(struct sleepq *sq)
{
	if (sq->sq_first == NULL)
		return false;
	remove_and_wake(sq, sq->sq_first, 0);
	return true;
}

void sleepq_wake_all(struct sleepq *sq)
{
	while (sleepq_wake_one(sq))
		continue;
}

/*
 * End l's sleep from outside: if it is interruptible (error EINTR), or if its
 * deadline is not after `now` (EWOULDBLOCK).  => held.
 */
static bool unsleep(struct lwp *l, int error, uint64_t now)
{
	struct sleepq *sq;
	bool woken = false;

	while ((sq = __atomic_load_n(&l->l_sleepq, __ATOMIC_SEQ_CST)) != NULL) {
		spin_enter(lock_of(sq));
		if (__atomic_load_n(&l->l_sleepq, __ATOMIC_RELAXED) != sq) {
			spin_exit(lock_of(sq));
			continue;
		}
		if (error == EINTR ? l->l_sinterruptible : l->l_wakeup <= now) {
			remove_and_wake(sq, l, error);
			woken = true;
		}
		spin_exit(lock_of(sq));
		break;
	}
	return woken;
}

/* Callout in the timer interrupt. */
static void sleep_timeout(void *arg)
{
	struct lwp *l = arg;

	unsleep(l, EWOULDBLOCK, l->l_timeout.c_deadline);
}

void lwp_interrupt(struct lwp *l)
{
	cpu_hold();
	if (!unsleep(l, EINTR, 0) && l != curlwp && l->l_stat == LSONPROC)
		cpu_need_resched(l->l_cpu);
	cpu_release();
}

static int interrupted(struct lwp *l)
{
	if (l->l_userret & LW_EXIT)
		return EINTR;
	return sig_pending != NULL ? sig_pending(l) : 0;
}

int sleepq_block(uint64_t deadline)
{
	struct lwp *l = curlwp;
	bool interruptible = l->l_sinterruptible;
	int error;

	if (interruptible) {
		/* Queued first, looked then: lwp_interrupt() does it the other way round. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (interrupted(l) != 0)
			unsleep(l, EINTR, 0);
	}
	if (deadline != UINT64_MAX) {
		__atomic_store_n(&l->l_wakeup, deadline, __ATOMIC_RELAXED);
		if (l->l_timeout.c_func == NULL) {
			callout_init(&l->l_timeout, sleep_timeout, l);
			l->l_timeout.c_flags = CALLOUT_INTR;
		}
		callout_schedule_at(&l->l_timeout, deadline);
	}
	sched_block();
	cpu_release();
	if (deadline != UINT64_MAX)
		callout_stop(&l->l_timeout);
	error = l->l_sleeperror;
	if (error == EINTR) {
		/* The signal may have been taken by another lwp meanwhile: do it again. */
		error = interrupted(l);
		if (error == 0)
			error = ERESTART;
	}
	return error;
}

int lwp_sleep_until(uint64_t deadline, const char *wmesg)
{
	struct sleepq sq;

	if (deadline <= rumpuser_clock_monotonic())
		return EWOULDBLOCK;
	sleepq_init(&sq);
	sleepq_lock(&sq);
	sleepq_enter(&sq, wmesg, true);
	sleepq_unlock_held(&sq);
	return sleepq_block(deadline);
}
