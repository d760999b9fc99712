/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks and condition variables over one host mutex and one host condition
 * variable.  Slow and simple: every change wakes every sleeper, which looks
 * again.  native_block() is where the simulation of time hangs: the last lwp
 * to go to sleep moves the clock.
 *
 * The kernel's structures are used as they are: mtx_owner and rw_owner hold
 * the owning lwp; the memory of a sleep queue holds a struct counts instead.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <kern/cpu.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/proc.h>
#include <kern/systm.h>

#include "native_impl.h"

struct counts {
	uint32_t n;	     /* readers of a lock, or waiters of a condition variable */
	uint32_t wakeups;    /* that waiters have not yet taken */
	uint32_t broadcasts; /* each is for all who wait then, not for who comes later */
};
_Static_assert(sizeof(struct counts) <= sizeof(struct sleepq), "fits");

static struct counts *counts(const struct sleepq *sq)
{
	return (struct counts *)(uintptr_t)sq;
}

static pthread_mutex_t big = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned nlwps = 1, nblocked, epoch;
static __thread unsigned nlocks, nspins;

struct sleeper {
	uint64_t deadline;
	struct sleeper *next;
};
static struct sleeper *sleepers;

bool (*native_idle)(void);

struct proc proc_first = {.p_pid = 1};
static __thread struct lwp main_lwp = {
    .l_lid = 1, .l_name = "main", .l_affinity = 1, .l_proc = &proc_first};
__thread struct lwp *native_curlwp;
__thread unsigned native_cpu;

static __attribute__((constructor)) void native_main_lwp(void)
{
	native_curlwp = &main_lwp;
}

void native_big_lock(void)
{
	pthread_mutex_lock(&big);
}

void native_big_unlock(void)
{
	pthread_mutex_unlock(&big);
}

void native_changed(void)
{
	nblocked = 0;
	epoch++;
	pthread_cond_broadcast(&changed);
}

unsigned native_locks_held(void)
{
	return nlocks;
}

void native_lock_count(int delta, bool spin)
{
	nlocks += delta;
	nspins += spin ? delta : 0;
	if (delta < 0 && nlocks == 0 && native_softints_waiting())
		native_softints();
}

void native_assert_may_sleep(const char *what)
{
	if (nspins > 0)
		panic("%s with a spin lock held", what);
}

/* All lwps sleep: make the next thing happen. */
static void move_world(const char *why)
{
	uint64_t next;

	if (native_softints_waiting()) {
		native_big_unlock();
		native_softints();
		native_big_lock();
		return;
	}
	next = native_next_callout();
	for (struct sleeper *s = sleepers; s != NULL; s = s->next)
		next = KMIN(next, s->deadline);
	if (next != UINT64_MAX) {
		native_set_now(next);
		native_big_unlock();
		native_run_callouts();
		native_big_lock();
		native_changed();
		return;
	}
	if (native_idle != NULL) {
		bool did;

		native_big_unlock();
		did = native_idle();
		native_big_lock();
		if (did)
			return;
	}
	panic("deadlock: all lwps wait, the last one for %s", why);
}

void native_block(uint64_t deadline, const char *why)
{
	struct sleeper self = {deadline, sleepers}, **sp;
	unsigned e = epoch;

	sleepers = &self;
	if (nblocked + 1 == nlwps) {
		move_world(why);
	} else {
		nblocked++;
		while (e == epoch)
			pthread_cond_wait(&changed, &big);
	}
	for (sp = &sleepers; *sp != &self; sp = &(*sp)->next)
		continue;
	*sp = self.next;
}

/* ----------------------------------------------------------------- mutexes */

void mutex_init(kmutex_t *mtx, kmutex_type_t type)
{
	*mtx = (kmutex_t){.mtx_type = type};
}

void mutex_destroy(kmutex_t *mtx)
{
	KASSERT(mtx->mtx_owner == 0);
	mtx->mtx_owner = UINTPTR_MAX;
}

static bool mutex_take(kmutex_t *mtx, bool wait)
{
	bool spin = mtx->mtx_type == MUTEX_SPIN;
	bool taken;

	if (!spin)
		native_assert_may_sleep("mutex_enter() of an adaptive mutex");
	native_big_lock();
	if (mtx->mtx_owner == UINTPTR_MAX)
		panic("mutex_enter() of a destroyed mutex");
	if (wait && mtx->mtx_owner == (uintptr_t)curlwp)
		panic("mutex_enter() of a mutex already held");
	while (wait && mtx->mtx_owner != 0)
		native_block(UINT64_MAX, "a mutex");
	taken = mtx->mtx_owner == 0;
	if (taken)
		mtx->mtx_owner = (uintptr_t)curlwp;
	native_big_unlock();
	if (taken)
		native_lock_count(1, spin);
	return taken;
}

void mutex_enter(kmutex_t *mtx)
{
	mutex_take(mtx, true);
}

bool mutex_tryenter(kmutex_t *mtx)
{
	return mutex_take(mtx, false);
}

void mutex_exit(kmutex_t *mtx)
{
	bool spin = mtx->mtx_type == MUTEX_SPIN;

	KASSERT(mutex_owned(mtx));
	native_big_lock();
	mtx->mtx_owner = 0;
	native_changed();
	native_big_unlock();
	native_lock_count(-1, spin);
}

bool mutex_owned(const kmutex_t *mtx)
{
	return mtx->mtx_owner == (uintptr_t)curlwp;
}

/* --------------------------------------------------------- readers, writer */

void rw_init(krwlock_t *rw)
{
	*rw = (krwlock_t){0};
}

void rw_destroy(krwlock_t *rw)
{
	KASSERT(!rw_lock_held(rw));
}

static bool rw_take(krwlock_t *rw, krw_t op, bool wait)
{
	bool taken;

	native_assert_may_sleep("rw_enter()");
	native_big_lock();
	if (wait && rw_write_held(rw))
		panic("rw_enter() of a lock already held");
	while (
	    !(taken = rw->rw_owner == 0 && (op == RW_READER || counts(&rw->rw_readers)->n == 0)) &&
	    wait)
		native_block(UINT64_MAX, "a rwlock");
	if (taken && op == RW_READER)
		counts(&rw->rw_readers)->n++;
	else if (taken)
		rw->rw_owner = (uintptr_t)curlwp;
	native_big_unlock();
	if (taken)
		native_lock_count(1, false);
	return taken;
}

void rw_enter(krwlock_t *rw, krw_t op)
{
	rw_take(rw, op, true);
}

bool rw_tryenter(krwlock_t *rw, krw_t op)
{
	return rw_take(rw, op, false);
}

void rw_exit(krwlock_t *rw)
{
	KASSERT(rw->rw_owner == 0 || rw_write_held(rw));
	native_big_lock();
	if (rw->rw_owner != 0) {
		rw->rw_owner = 0;
	} else {
		KASSERT(counts(&rw->rw_readers)->n > 0);
		counts(&rw->rw_readers)->n--;
	}
	native_changed();
	native_big_unlock();
	native_lock_count(-1, false);
}

void rw_downgrade(krwlock_t *rw)
{
	KASSERT(rw_write_held(rw));
	native_big_lock();
	rw->rw_owner = 0;
	counts(&rw->rw_readers)->n++;
	native_changed();
	native_big_unlock();
}

bool rw_write_held(const krwlock_t *rw)
{
	return rw->rw_owner == (uintptr_t)curlwp;
}

bool rw_lock_held(const krwlock_t *rw)
{
	return rw->rw_owner != 0 || counts(&rw->rw_readers)->n > 0;
}

/* ----------------------------------------------------- condition variables */

void cv_init(kcondvar_t *cv, const char *wmesg)
{
	*cv = (kcondvar_t){.cv_wmesg = wmesg};
}

void cv_destroy(kcondvar_t *cv)
{
	KASSERT(!cv_has_waiters(cv));
}

/* A weak symbol: only tests that have to do with signals bring it in. */
static int pending_signal(void)
{
	return sig_pending ? sig_pending(curlwp) : 0;
}

static int cv_sleep(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline, bool sig)
{
	struct counts *sq = counts(&cv->cv_sleepq);
	bool spin = mtx->mtx_type == MUTEX_SPIN;
	uint32_t broadcasts;
	int error = 0;

	KASSERT(mutex_owned(mtx));
	nspins -= spin;
	native_assert_may_sleep("a wait on a condition variable");
	nspins += spin;
	native_big_lock();
	mtx->mtx_owner = 0;
	nlocks--;
	nspins -= spin;
	native_changed();
	sq->n++;
	broadcasts = sq->broadcasts;
	while (sq->wakeups == 0 && sq->broadcasts == broadcasts) {
		if (sig && (error = pending_signal()) != 0)
			break;
		if (native_now() >= deadline) {
			error = EWOULDBLOCK;
			break;
		}
		native_block(deadline, cv->cv_wmesg ? cv->cv_wmesg : "a condition variable");
	}
	sq->n--;
	if (error == 0 && sq->broadcasts == broadcasts)
		sq->wakeups--;
	while (mtx->mtx_owner != 0)
		native_block(UINT64_MAX, "a mutex");
	mtx->mtx_owner = (uintptr_t)curlwp;
	nlocks++;
	nspins += spin;
	native_big_unlock();
	return error;
}

void cv_wait(kcondvar_t *cv, kmutex_t *mtx)
{
	cv_sleep(cv, mtx, UINT64_MAX, false);
}

int cv_wait_sig(kcondvar_t *cv, kmutex_t *mtx)
{
	return cv_sleep(cv, mtx, UINT64_MAX, true);
}

int cv_timedwait(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline)
{
	return cv_sleep(cv, mtx, deadline, false);
}

int cv_timedwait_sig(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline)
{
	return cv_sleep(cv, mtx, deadline, true);
}

static void cv_wake(kcondvar_t *cv, bool all)
{
	struct counts *sq = counts(&cv->cv_sleepq);

	native_big_lock();
	if (all) {
		sq->broadcasts++;
		sq->wakeups = 0;
	} else if (sq->wakeups < sq->n)
		sq->wakeups++;
	native_changed();
	native_big_unlock();
}

void cv_signal(kcondvar_t *cv)
{
	cv_wake(cv, false);
}

void cv_broadcast(kcondvar_t *cv)
{
	cv_wake(cv, true);
}

bool cv_has_waiters(const kcondvar_t *cv)
{
	return counts(&cv->cv_sleepq)->n > 0;
}

/* -------------------------------------------------------------------- lwps */

struct kthread {
	void (*func)(void *);
	void *arg;
	struct lwp lwp;
};
static int last_lid = 1;

static void *kthread_main(void *p)
{
	struct kthread *kt = p;

	native_curlwp = &kt->lwp;
	kt->func(kt->arg);
	KASSERT(nlocks == 0);
	native_big_lock();
	nlwps--;
	native_changed();
	native_big_unlock();
	free(kt);
	return NULL;
}

int kthread_create(int priority, int cpu, void (*func)(void *), void *arg, const char *name)
{
	struct kthread *kt = calloc(1, sizeof(*kt));
	pthread_t thread;

	if (kt == NULL)
		return ENOMEM;
	kt->func = func;
	kt->arg = arg;
	kt->lwp.l_kernel = true;
	kt->lwp.l_proc = &proc_first;
	kt->lwp.l_priority = priority;
	snprintf(kt->lwp.l_name, sizeof(kt->lwp.l_name), "%s", name);
	native_big_lock();
	kt->lwp.l_lid = ++last_lid;
	nlwps++;
	native_big_unlock();
	if (pthread_create(&thread, NULL, kthread_main, kt) != 0) {
		native_big_lock();
		nlwps--;
		native_big_unlock();
		free(kt);
		return EAGAIN;
	}
	pthread_detach(thread);
	return 0;
}

void native_join(void)
{
	native_big_lock();
	while (nlwps > 1)
		native_block(UINT64_MAX, "other lwps to end");
	native_big_unlock();
}

int lwp_sleep_until(uint64_t deadline, const char *wmesg)
{
	int error = 0;

	native_assert_may_sleep("lwp_sleep_until()");
	native_big_lock();
	while ((error = pending_signal()) == 0 && native_now() < deadline)
		native_block(deadline, wmesg);
	native_big_unlock();
	return error ? error : EWOULDBLOCK;
}

void lwp_interrupt(struct lwp *l)
{
	native_big_lock();
	native_changed();
	native_big_unlock();
}

void lwp_yield(void)
{
	sched_yield();
}
