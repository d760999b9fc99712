/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.c - Xen's clocks and its timer.  Its system time is the host's; ours begins when we do.
 */
#include "xen_impl.h"

#include <xen/vcpu.h>

#define SEC	1000000000ULL
#define LONGEST (3600 * SEC) /* a timer that fires too early is set again */

static volatile uint64_t base; /* system time at which ours was 0 */

void xen_time_set(uint64_t now)
{
	base = hw_pvclock_read() - now;
}

uint64_t rumpuser_clock_monotonic(void)
{
	uint64_t was, ns;

	do { /* the domain may become another one meanwhile */
		was = base;
		ns = hw_pvclock_read() - was;
	} while (was != base);
	return ns;
}

/* Xen tells the time at which its system time was 0. */
uint64_t hw_machine_wall_epoch(uint64_t now, uint64_t before)
{
	const volatile struct shared_info *si = xen_shared_info;
	uint64_t epoch;
	uint32_t version;

	do {
		version = si->wc_version & ~1U;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		epoch = ((uint64_t)si->wc_sec_hi << 32 | si->wc_sec) * SEC + si->wc_nsec;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (si->wc_version != version);
	return epoch + base;
}

void hw_machine_timer(uint64_t deadline, uint64_t now)
{
	struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = base + deadline};

	if (deadline > now + LONGEST)
		timer.timeout_abs_ns = base + now + LONGEST;
	(void)xen_hypercall(
	    __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, hw_self()->index, (uintptr_t)&timer);
}
