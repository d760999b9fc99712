/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suspend.c - the domain is put away and goes on later (public/sched.h, SHUTDOWN_suspend): in a new
 * domain, maybe of another machine, or in this one if the tools think better of it.
 *
 * A new domain has our memory and registers, and nothing else that Xen kept for us: no shared page,
 * event channels, grants or timers, and another system time.  So that nobody sees it
 * halfway, the other CPUs are parked: each in an upcall, its interrupts off.  One that is parked
 * holds no lock of the platform's, and answers those that flush.  It does the rest for itself
 * before it leaves: until then its clock says nothing that is true.
 */
#include "xen_impl.h"

#include <errno.h>
#include <xen/sched.h>

volatile bool xen_parking;
static volatile uint32_t parked; /* bit n: CPU n */
static bool moved;

/* Xen has forgotten it. */
static void timer_again(void)
{
	struct hw_cpu *hc = hw_self();

	hc->armed = UINT64_MAX;
	rumpuser_timer_set(hc->deadline);
}

void xen_park(void)
{
	uint32_t bit = 1U << hw_self()->index;
	unsigned turns = 0;

	__atomic_fetch_or(&parked, bit, __ATOMIC_SEQ_CST);
	while (xen_parking) {
		hw_tlb_poll();
		hw_spin(&turns);
	}
	if (moved) {
		xen_machine_moved();
		timer_again();
	}
	__atomic_fetch_and(&parked, ~bit, __ATOMIC_SEQ_CST);
}

/* Have all others parked, or none.  Interrupts are off. */
static void park(bool all)
{
	uint32_t others = hw_online & ~1U, left;

	__atomic_store_n(&xen_parking, all, __ATOMIC_SEQ_CST);
	for (left = all ? others : 0; left != 0; left &= left - 1)
		hw_machine_ipi(__builtin_ctz(left), HW_IRQ_TLB);
	while (parked != (all ? others : 0)) {
		hw_tlb_poll();
		hw_pause();
	}
}

/* All that there is once. */
static void come_back(uint64_t now)
{
	uint32_t left;

	hw_pvclock_forget();
	xen_machine_moved();
	xen_time_set(now);
	hw_wall_forget();
	for (left = hw_online; left != 0; left &= left - 1)
		xen_machine_upcalls(__builtin_ctz(left));
	xen_grants_again();
	xen_console_init();
	timer_again();
}

int rumpuser_suspend(bool *movedp)
{
	uint64_t flags, now;
	bool kept;
	int error;

	moved = false;

	do {
		error = xen_grants_room();
		if (error != 0) {
			xen_grants_forget();
			return error;
		}
		flags = hw_irq_save();
		park(true);
		kept = xen_grants_keep();
		if (kept) {
			now = rumpuser_clock_monotonic();
			moved = xen_machine_suspend();
			if (moved)
				come_back(now);
		}
		park(false);
		hw_irq_restore(flags);
	} while (!kept);
	xen_grants_forget();
	*movedp = moved;
	return 0;
}
