/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of descriptors, and of what hangs on them, have in common. */
#ifndef FDWORLD_H
#define FDWORLD_H

#include <check.h>
#include <stdio.h>

#include <kern/file.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/systm.h>

#include "native.h"

/* Let the other lwps run until all of them wait.  Moves time on by 1 ns. */
static inline void settle(void)
{
	(void)lwp_sleep_until(nanouptime() + 1, "settle");
}

static inline void spawn(void (*func)(void *), void *arg)
{
	ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, func, arg, "test"), 0);
}

/*
 * Run scenario (which gives back what it got) with its first allocation failing, then with its
 * second and so on, until it needs no more.  A failure must be for want of memory and leave as much
 * allocated as before; what gets by without the memory may succeed.  How many allocations it makes.
 */
static inline long exhaust(long (*scenario)(void))
{
	size_t live;

	ck_assert_int_ge(scenario(), 0); /* what is kept for the next time is there now */
	live = native_alloc_live();
	for (long n = 0;; n++) {
		unsigned long before = native_alloc_count();
		bool failed;
		long r;

		native_alloc_fail(n);
		r = scenario();
		failed = native_alloc_count() - before > (unsigned long)n;
		native_alloc_fail(-1);
		ck_assert_uint_eq(native_locks_held(), 0);
		ck_assert_msg(native_alloc_live() == live,
		    "allocation %ld failed, result %ld, %zd bytes or objects more than before", n,
		    r, (ssize_t)(native_alloc_live() - live));
		if (!failed) {
			ck_assert_int_ge(r, 0);
			return n;
		}
		ck_assert_msg(
		    r >= 0 || r == -ENOMEM || r == -ENFILE || r == -ENOSPC || r == -EAGAIN,
		    "allocation %ld failed, result %ld", n, r);
	}
}

#endif
