/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.c - each CPU's timer.
 *
 * To set it costs, so it is left alone when it is set for an earlier moment already
 * (hw_timer_fired() then sets it again), and disarming only makes a note.
 */
#include "machine.h"

#define EARLY_OK_NS 500 /* a wake-up that much too early is in time */

static void arm(struct hw_cpu *hc, uint64_t deadline, uint64_t now)
{
	hc->armed = deadline;
	hw_machine_timer(deadline, now);
}

void rumpuser_timer_set(uint64_t deadline)
{
	uint64_t flags = hw_irq_save();
	struct hw_cpu *hc = hw_self();

	hc->deadline = deadline;
	if (deadline < hc->armed)
		arm(hc, deadline, rumpuser_clock_monotonic());
	hw_irq_restore(flags);
}

bool hw_timer_fired(struct hw_cpu *hc)
{
	uint64_t now;

	hc->armed = UINT64_MAX;
	if (hc->deadline == UINT64_MAX)
		return false;
	now = rumpuser_clock_monotonic();
	if (now + EARLY_OK_NS < hc->deadline) {
		arm(hc, hc->deadline, now);
		return false;
	}
	hc->deadline = UINT64_MAX;
	return true;
}
