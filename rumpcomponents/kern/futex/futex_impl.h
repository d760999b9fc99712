/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues of futexes.  All waiters hash by address into buckets; there is
 * one address space, so the address is the key for private and shared alike.
 *
 * LOCK ORDER: two buckets in order of their addresses, then proc_lock.
 */
#ifndef FUTEX_IMPL_H
#define FUTEX_IMPL_H

#include <linux/futex.h>
#include <sys/queue.h>
#include <time.h>
#include <kern/cpu.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/systm.h>

#define FUTEX_BITSET_ALL 0xffffffffU
#define FUTEX_BUCKETS	 64

struct futex_bucket;

/* On the stack of the waiting lwp. */
struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) fw_entry;
	struct futex_bucket *volatile fw_bucket; /* where it is queued; NULL: woken */
	struct futex_bucket *fw_last;		 /* where it was queued last */
	uint32_t *fw_addr;
	uint32_t fw_bitset;
	bool fw_pi; /* waits to own the word */
	struct lwp *fw_lwp;
	kcondvar_t fw_cv;
};

struct futex_bucket {
	kmutex_t fb_lock; /* MUTEX_DEFAULT: the word is read under it, which may fault */
	TAILQ_HEAD(, futex_waiter) fb_waiters;
};

extern struct futex_bucket futex_buckets[FUTEX_BUCKETS];

struct futex_bucket *futex_bucket(const uint32_t *uaddr);
/* Queue w on b (locked) and sleep; on return b is unlocked and w is on no queue. 0 if woken. */
int futex_sleep(struct futex_bucket *b, struct futex_waiter *w, uint64_t deadline);
/* Take w off its queue and wake it; its bucket is locked. */
void futex_wake_waiter(struct futex_waiter *w);
/* Absolute monotonic deadline from a program's absolute time on either clock. */
int futex_deadline(const struct timespec *uts, bool absolute, bool realtime, uint64_t *deadline);

int futex_lock_pi(uint32_t *uaddr, bool try, uint64_t deadline);
int futex_unlock_pi(uint32_t *uaddr);
/* The thread tid, which may own the lock at uaddr, has ended.  true: wake one who waits for it. */
bool futex_owner_died(uint32_t *uaddr, uint32_t tid);
/* l, the current lwp, ends: hand on the locks that others wait for; nobody waits for it from now
 * on. */
void futex_exit_pi(struct lwp *l);

#endif
