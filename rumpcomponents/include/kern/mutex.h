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
} kmutex_t;

void mutex_init(kmutex_t *mtx, kmutex_type_t type);
void mutex_destroy(kmutex_t *mtx);
void mutex_enter(kmutex_t *mtx);
bool mutex_tryenter(kmutex_t *mtx);
void mutex_exit(kmutex_t *mtx);
bool mutex_owned(const kmutex_t *mtx); /* for assertions */

typedef enum { RW_READER, RW_WRITER } krw_t;
typedef struct krwlock {
	volatile uintptr_t rw_owner;
	struct sleepq rw_readers, rw_writers;
} krwlock_t;

void rw_init(krwlock_t *rw);
void rw_destroy(krwlock_t *rw);
void rw_enter(krwlock_t *rw, krw_t op);
bool rw_tryenter(krwlock_t *rw, krw_t op);
void rw_exit(krwlock_t *rw);
void rw_downgrade(krwlock_t *rw);
bool rw_write_held(const krwlock_t *rw);
bool rw_lock_held(const krwlock_t *rw);

typedef struct kcondvar {
	struct sleepq cv_sleepq;
	const char *cv_wmesg; /* shown in backtraces of waiting lwps */
} kcondvar_t;

void cv_init(kcondvar_t *cv, const char *wmesg);
void cv_destroy(kcondvar_t *cv);
void cv_wait(kcondvar_t *cv, kmutex_t *mtx);
/* EINTR if a signal is pending for this lwp, ERESTART if its handler has SA_RESTART. */
int cv_wait_sig(kcondvar_t *cv, kmutex_t *mtx);
/* Until the absolute time `deadline` on the monotonic clock (ns; UINT64_MAX: none): EWOULDBLOCK. */
int cv_timedwait(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline);
int cv_timedwait_sig(kcondvar_t *cv, kmutex_t *mtx, uint64_t deadline);
void cv_signal(kcondvar_t *cv);
void cv_broadcast(kcondvar_t *cv);
bool cv_has_waiters(const kcondvar_t *cv);

#endif
