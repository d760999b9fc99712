/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers/writer locks.  The word: 0 free; bit 0 write-held, the rest the lwp;
 * else the number of readers times 4; bit 1: someone sleeps, use the slow path.
 * Bit 1 changes only under the lock of rw_writers' queue, which serves both queues.
 *
 * A reader who comes while a writer sleeps waits behind it.  Before anybody sleeps he spins, for a
 * writer that runs on another CPU, and a little for readers.
 */
#define LOCKDEBUG_IMPL
#include "base_impl.h"

#define RW_WRITE 1UL
#define RW_WAIT	 2UL
#define RW_READ	 4UL
#define SPINS	 200

void rw_init(krwlock_t *rw)
{
	rw->rw_owner = 0;
	sleepq_init(&rw->rw_readers);
	sleepq_init(&rw->rw_writers);
}

void rw_destroy(krwlock_t *rw)
{
	KASSERT(rw->rw_owner == 0);
}

static bool cas(krwlock_t *rw, uintptr_t old, uintptr_t new)
{
	return __atomic_compare_exchange_n(
	    &rw->rw_owner, &old, new, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static uintptr_t load(const krwlock_t *rw)
{
	return __atomic_load_n(&rw->rw_owner, __ATOMIC_RELAXED);
}

/* Can op have the lock as it is?  A woken reader need not mind sleeping writers. */
static bool available(const krwlock_t *rw, uintptr_t v, krw_t op, bool woken)
{
	if (op == RW_WRITER)
		return (v & ~RW_WAIT) == 0;
	return !(v & RW_WRITE) && (woken || !(v & RW_WAIT) || sleepq_empty(&rw->rw_writers));
}

static uintptr_t taken(uintptr_t v, krw_t op)
{
	return op == RW_WRITER ? (uintptr_t)curlwp | RW_WRITE | (v & RW_WAIT) : v + RW_READ;
}

bool rw_tryenter(krwlock_t *rw, krw_t op)
{
	uintptr_t v;

	while (available(rw, v = load(rw), op, false))
		if (cas(rw, v, taken(v, op)))
			return true;
	return false;
}

void rw_enter(krwlock_t *rw, krw_t op)
{
	struct sleepq *sq = op == RW_WRITER ? &rw->rw_writers : &rw->rw_readers;
	unsigned turns = 0;
	bool woken = false;
	uintptr_t v;

	for (;;) {
		v = load(rw);
		if (available(rw, v, op, woken)) {
			if (cas(rw, v, taken(v, op)))
				return;
			continue;
		}
		if ((v & RW_WRITE) && (v & ~3UL) == (uintptr_t)curlwp)
			panic("rwlock %p entered twice by its writer", (void *)rw);
		if (cpu_ilevel() != 0)
			panic("rwlock %p entered with a spin lock held", (void *)rw);
		/* Readers have no names: they are given the time that a page fault takes. */
		if (v & RW_WRITE ? mutex_owner_runs(v) : cpu_count > 1 && turns < SPINS) {
			turns++;
			__asm__ volatile("pause");
			continue;
		}
		sleepq_lock(&rw->rw_writers);
		v = load(rw);
		if (available(rw, v, op, woken) || (!(v & RW_WAIT) && !cas(rw, v, v | RW_WAIT))) {
			sleepq_unlock(&rw->rw_writers);
			continue;
		}
		sleepq_enter(sq, "rwlock", false);
		sleepq_unlock_held(&rw->rw_writers);
		sleepq_block(UINT64_MAX);
		woken = true;
	}
}

/* Free, or held only by readers: let in who may. */
static void wake(krwlock_t *rw)
{
	uintptr_t v;

	sleepq_lock(&rw->rw_writers);
	v = load(rw);
	if (!(v & RW_WRITE)) {
		/* A writer if it can have it now, else all readers: they wait only for writers. */
		if (sleepq_empty(&rw->rw_writers) || (v & ~RW_WAIT) != 0 ||
		    !sleepq_wake_one(&rw->rw_writers))
			sleepq_wake_all(&rw->rw_readers);
		if (sleepq_empty(&rw->rw_writers) && sleepq_empty(&rw->rw_readers))
			__atomic_fetch_and(&rw->rw_owner, ~RW_WAIT, __ATOMIC_RELEASE);
	}
	sleepq_unlock(&rw->rw_writers);
}

void rw_exit(krwlock_t *rw)
{
	uintptr_t v, new;

	do {
		v = load(rw);
		if (v & RW_WRITE) {
			if ((v & ~3UL) != (uintptr_t)curlwp)
				panic("rwlock %p left by who does not own it", (void *)rw);
			new = v &RW_WAIT;
		} else {
			if (v < RW_READ)
				panic("rwlock %p left by who does not own it", (void *)rw);
			new = v - RW_READ;
		}
	} while (!cas(rw, v, new));
	if (new == RW_WAIT)
		wake(rw);
}

void rw_downgrade(krwlock_t *rw)
{
	uintptr_t self = (uintptr_t)curlwp | RW_WRITE,
		  v = __atomic_fetch_add(&rw->rw_owner, RW_READ - self, __ATOMIC_ACQ_REL);

	if ((v & ~RW_WAIT) != self)
		panic("rwlock %p left by who does not own it", (void *)rw);
	if (v & RW_WAIT)
		wake(rw);
}

bool rw_write_held(const krwlock_t *rw)
{
	uintptr_t v = load(rw);

	return (v & RW_WRITE) && (v & ~3UL) == (uintptr_t)curlwp;
}

bool rw_lock_held(const krwlock_t *rw)
{
	uintptr_t v = load(rw);

	return v >= RW_READ && (!(v & RW_WRITE) || (v & ~3UL) == (uintptr_t)curlwp);
}
