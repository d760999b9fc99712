/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * __wake() and __futexwait(), which pthread_impl.h has in musl.
 *
 * Every lock in libc, stdio's too, can wait for another thread.  So that a
 * program does not draw in the futexes merely by printing, the call goes through a
 * function that only __clone() brings along: without it there is no other thread.
 */
#ifndef KILN_FUTEX_H
#define KILN_FUTEX_H

extern weak hidden long __kiln_futex(volatile void *addr, int op, int val);

static inline void __wake(volatile void *addr, int cnt, int priv)
{
	if (__kiln_futex)
		__kiln_futex(
		    addr, FUTEX_WAKE | (priv ? FUTEX_PRIVATE : 0), cnt < 0 ? INT_MAX : cnt);
}

static inline void __futexwait(volatile void *addr, int val, int priv)
{
	if (__kiln_futex)
		__kiln_futex(addr, FUTEX_WAIT | (priv ? FUTEX_PRIVATE : 0), val);
}

#endif
