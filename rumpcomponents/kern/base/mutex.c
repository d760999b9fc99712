/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes.  Spin: the owner word is the holding CPU's number plus one, and the
 * CPU is held.  Adaptive: the owner word is the lwp, with bit 0 set while others
 * sleep for it; an owner that runs on another CPU is spun for.
 *
 * Releasing does not hand over: the woken lwp competes again, which keeps a busy
 * lock with who is running.
 */
#define LOCKDEBUG_IMPL
#include "base_impl.h"

#define WAITERS 1UL

void mutex_init(kmutex_t *mtx, kmutex_type_t type)
{
	mtx->mtx_owner = 0;
	mtx->mtx_type = type;
	sleepq_init(&mtx->mtx_sleepq);
}

void mutex_destroy(kmutex_t *mtx)
{
	KASSERT(mtx->mtx_owner == 0);
}

static bool cas(kmutex_t *mtx, uintptr_t old, uintptr_t new)
{
	return __atomic_compare_exchange_n(
	    &mtx->mtx_owner, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static __attribute__((noinline, cold)) void enter_slow(kmutex_t *mtx)
{
	uintptr_t self = (uintptr_t)curlwp, owner;

	for (;;) {
		owner = __atomic_load_n(&mtx->mtx_owner, __ATOMIC_RELAXED);
		if ((owner & ~WAITERS) == self)
			panic("mutex %p entered twice by its owner", (void *)mtx);
		if ((owner & ~WAITERS) == 0) {
			if (cas(mtx, owner, self | owner))
				return;
			continue;
		}
		if (mutex_owner_runs(owner)) {
			if (cpu_ilevel() != 0)
				panic("mutex %p entered with a spin lock held", (void *)mtx);
			__asm__ volatile("pause");
			continue;
		}
		if (cpu_ilevel() != 0)
			panic("mutex %p entered with a spin lock held", (void *)mtx);
		sleepq_lock(&mtx->mtx_sleepq);
		owner = __atomic_load_n(&mtx->mtx_owner, __ATOMIC_RELAXED);
		if ((owner & ~WAITERS) == 0 || mutex_owner_runs(owner) ||
		    (!(owner & WAITERS) && !cas(mtx, owner, owner | WAITERS))) {
			sleepq_unlock(&mtx->mtx_sleepq);
			continue;
		}
		sleepq_enter(&mtx->mtx_sleepq, "mutex", false);
		sleepq_unlock_held(&mtx->mtx_sleepq);
		sleepq_block(UINT64_MAX);
	}
}

void mutex_enter(kmutex_t *mtx)
{
	if (mtx->mtx_type == MUTEX_SPIN) {
		cpu_hold();
		uintptr_t self = cpu_index() + 1;
		while (!cas(mtx, 0, self)) {
			if (mtx->mtx_owner == self)
				panic("spin mutex %p entered twice", (void *)mtx);
			__asm__ volatile("pause");
		}
		return;
	}
	if (__builtin_expect(!cas(mtx, 0, (uintptr_t)curlwp), 0))
		enter_slow(mtx);
}

bool mutex_tryenter(kmutex_t *mtx)
{
	uintptr_t owner;

	if (mtx->mtx_type == MUTEX_SPIN) {
		cpu_hold();
		if (cas(mtx, 0, cpu_index() + 1))
			return true;
		cpu_release();
		return false;
	}
	owner = __atomic_load_n(&mtx->mtx_owner, __ATOMIC_RELAXED);
	return (owner & ~WAITERS) == 0 && cas(mtx, owner, (uintptr_t)curlwp | owner);
}

static __attribute__((noinline, cold)) void exit_slow(kmutex_t *mtx)
{
	uintptr_t owner;

	if (!mutex_owned(mtx))
		panic("mutex %p left by who does not own it", (void *)mtx);
	sleepq_lock(&mtx->mtx_sleepq);
	/* Whoever sleeps later has to set the bit again, under this lock. */
	owner = mtx->mtx_sleepq.sq_first != NULL && mtx->mtx_sleepq.sq_first->l_sleepnext != NULL;
	__atomic_store_n(&mtx->mtx_owner, owner, __ATOMIC_RELEASE);
	sleepq_wake_one(&mtx->mtx_sleepq);
	sleepq_unlock(&mtx->mtx_sleepq);
}

void mutex_exit(kmutex_t *mtx)
{
	if (mtx->mtx_type == MUTEX_SPIN) {
		if (mtx->mtx_owner != cpu_index() + 1)
			panic("spin mutex %p left by who does not own it", (void *)mtx);
		__atomic_store_n(&mtx->mtx_owner, 0, __ATOMIC_RELEASE);
		cpu_release();
		return;
	}
	if (__builtin_expect(!cas(mtx, (uintptr_t)curlwp, 0), 0))
		exit_slow(mtx);
}

bool mutex_owned(const kmutex_t *mtx)
{
	if (mtx->mtx_type == MUTEX_SPIN)
		return mtx->mtx_owner == cpu_index() + 1;
	return (mtx->mtx_owner & ~WAITERS) == (uintptr_t)curlwp;
}
