/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks, with NetBSD's semantics.
 *
 *   kmutex_t MUTEX_DEFAULT  adaptive: spins while the owner runs, else sleeps.
 *                           Not from interrupt handlers (soft interrupts may).
 *   kmutex_t MUTEX_SPIN     holds off interrupts and preemption on this CPU
 *                           while held; never sleep with one held.
 *   krwlock_t               readers or one writer; sleeps; writers preferred.
 *   kcondvar_t              waits are under a MUTEX_DEFAULT or MUTEX_SPIN mutex.
 *
 * Recursion, unlocking what another lwp holds and destroying a held lock panic.
 */
#ifndef KERN_MUTEX_H
#define KERN_MUTEX_H

#include <stdbool.h>
#include <stdint.h>

struct lwp;

/* A list of lwps that wait; private to kern/base. */
struct sleepq {
	struct lwp *sq_first, **sq_lastp; /* locked by a table of locks, by address */
};

typedef enum { MUTEX_DEFAULT, MUTEX_SPIN } kmutex_type_t;

typedef struct kmutex {
	volatile uintptr_t mtx_owner; /* lwp | WAITERS bit; spin: 0 or 1 */
	kmutex_type_t mtx_type;
	struct sleepq mtx_sleepq;
#ifdef LOCKDEBUG
	struct lock_class *mtx_class;
#endif
} kmutex_t;

/* Make one ready; end it (nobody holds it or waits). */
void mutex_init(kmutex_t *mtx, kmutex_type_t type);
void mutex_destroy(kmutex_t *mtx);
/* Take it.  MUTEX_DEFAULT may sleep: not with the CPU held.  Cannot fail, no signal ends it. */
void mutex_enter(kmutex_t *mtx);
/* Take it if it is free.  Any context that may use the type. */
bool mutex_tryenter(kmutex_t *mtx);
/* Give it back: the lwp that took it. */
void mutex_exit(kmutex_t *mtx);
/* Does the calling lwp hold it (MUTEX_SPIN: does anybody)?  For assertions. */
bool mutex_owned(const kmutex_t *mtx);

typedef enum { RW_READER, RW_WRITER } krw_t;
typedef struct krwlock {
	volatile uintptr_t rw_owner;
	struct sleepq rw_readers, rw_writers;
#ifdef LOCKDEBUG
	struct lock_class *rw_class;
#endif
} krwlock_t;

/* Make one ready; end it (nobody holds it or waits). */
void rw_init(krwlock_t *rw);
void rw_destroy(krwlock_t *rw);
/* Take it, sleeping until it is to be had.  A reader must not enter again: a writer may wait. */
void rw_enter(krwlock_t *rw, krw_t op);
/* Take it if that needs no waiting. */
bool rw_tryenter(krwlock_t *rw, krw_t op);
/* Give back what rw_enter() took. */
void rw_exit(krwlock_t *rw);
/* From writer to reader, with no writer in between. */
void rw_downgrade(krwlock_t *rw);
/* Does the calling lwp hold it as writer; does anybody hold it at all?  For assertions. */
bool rw_write_held(const krwlock_t *rw);
bool rw_lock_held(const krwlock_t *rw);

typedef struct kcondvar {
	struct sleepq cv_sleepq;
	const char *cv_wmesg; /* shown in backtraces of waiting lwps */
} kcondvar_t;

/* Make one ready (wmesg is kept, not copied); end it (nobody waits). */
void cv_init(kcondvar_t *cv, const char *wmesg);
void cv_destroy(kcondvar_t *cv);
/* Give mtx back, sleep until woken, take it again.  May wake for no reason: look again. */
void cv_wait(kcondvar_t *cv, kmutex_t *mtx);
/* EINTR if a signal is pending for this lwp, ERESTART if its handler has SA_RESTART. */
int cv_wait_sig(kcondvar_t *cv, kmutex_t *mtx);
/* Until the absolute time `deadline` on the monotonic clock (ns; UINT64_MAX: none): EWOULDBLOCK. */
int cv_timedwait(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline);
int cv_timedwait_sig(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline);
/* Wake the first that waits; all.  Any context that may use the mutex, which the caller may hold.
 */
void cv_signal(kcondvar_t *cv);
void cv_broadcast(kcondvar_t *cv);
/* A hint, unless the mutex is held. */
bool cv_has_waiters(const kcondvar_t *cv);

#include <kern/lockdebug.h>
#if defined(LOCKDEBUG) && !defined(LOCKDEBUG_IMPL)
#define mutex_init(m, type) lockdebug_mutex_init((m), (type), LOCK_SITE(#m))
#define mutex_destroy(m)    lockdebug_mutex_destroy((m), LOCK_SITE(#m))
#define mutex_enter(m)	    lockdebug_mutex_enter((m), LOCK_SITE(#m))
#define mutex_tryenter(m)   lockdebug_mutex_tryenter((m), LOCK_SITE(#m))
#define mutex_exit(m)	    lockdebug_mutex_exit((m), LOCK_SITE(#m))
#define rw_init(rw)	    lockdebug_rw_init((rw), LOCK_SITE(#rw))
#define rw_destroy(rw)	    lockdebug_rw_destroy((rw), LOCK_SITE(#rw))
#define rw_enter(rw, op)    lockdebug_rw_enter((rw), (op), LOCK_SITE(#rw))
#define rw_tryenter(rw, op) lockdebug_rw_tryenter((rw), (op), LOCK_SITE(#rw))
#define rw_exit(rw)	    lockdebug_rw_exit((rw), LOCK_SITE(#rw))
#endif

#endif
