/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pvclock.c - the clock that KVM and Xen keep for each CPU.
 */
#include "hw.h"

#define PVCLOCK_STABLE 1

static volatile uint64_t last_read;

void hw_pvclock_forget(void)
{
	last_read = 0;
}

uint64_t hw_pvclock_read(void)
{
	const volatile struct hw_pvclock *p = &hw_self()->pvclock;
	uint64_t delta, ns, last;
	uint32_t version;
	uint8_t flags;

	do {
		version = p->version & ~1U;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		delta = hw_rdtsc() - p->tsc;
		delta = p->shift >= 0 ? delta << p->shift : delta >> -p->shift;
		ns = p->ns + hw_scale(delta, p->mul);
		flags = p->flags;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (p->version != version);
	if (flags & PVCLOCK_STABLE)
		return ns;
	/* The CPUs' clocks may differ a little. */
	last = __atomic_load_n(&last_read, __ATOMIC_RELAXED);
	while (last < ns && !__atomic_compare_exchange_n(
				&last_read, &last, ns, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return last > ns ? last : ns;
}
