/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bare spin lock: a word, zero when free.  For a few instructions on data that
 * interrupt handlers or the scheduler's own parts touch; everything else takes a kmutex_t.
 * Its holder keeps the CPU (cpu_hold()): it is neither interrupted nor preempted, and must
 * not sleep, fault or take the lock again.
 */
#ifndef KERN_SPIN_H
#define KERN_SPIN_H

#include <stdint.h>
#include <kern/cpu.h>

/* Take and release it.  => the CPU is held. */
static inline void spin_enter(volatile uint32_t *lock)
{
	while (__builtin_expect(__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0, 0))
		while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 0)
			__asm__ volatile("pause");
}

static inline void spin_exit(volatile uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* Hold the CPU and take it; release it and the CPU.  Any context. */
static inline void spin_lock_inline(volatile uint32_t *lock)
{
	cpu_hold();
#ifndef KILN_NATIVE /* tests run on as many CPUs as the host has */
	if (cpu_count == 1)
		return;
#endif
	spin_enter(lock);
}

static inline void spin_unlock_inline(volatile uint32_t *lock)
{
	spin_exit(lock);
	cpu_release();
}

#if defined(__OPTIMIZE_SIZE__) && !defined(KILN_NATIVE)
/* What is compiled for size shares one copy, kern/base's. */
void spin_lock(volatile uint32_t *lock);
void spin_unlock(volatile uint32_t *lock);
#define SPIN_SHARED
#else
#define spin_lock   spin_lock_inline
#define spin_unlock spin_unlock_inline
#endif

#include <kern/lockdebug.h>
#if defined(LOCKDEBUG) && !defined(LOCKDEBUG_IMPL)
#undef spin_lock
#undef spin_unlock
#define spin_enter(lock)  lockdebug_spin_enter((lock), LOCK_SITE(#lock))
#define spin_exit(lock)	  lockdebug_spin_exit((lock), LOCK_SITE(#lock))
#define spin_lock(lock)	  lockdebug_spin_lock((lock), LOCK_SITE(#lock))
#define spin_unlock(lock) lockdebug_spin_unlock((lock), LOCK_SITE(#lock))
#endif

#endif
