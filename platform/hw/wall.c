/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wall.c - wall-clock time: monotonic time plus an offset, for which the machine is asked
 * when somebody wants to know for the first time, and again every RECHECK_NS.
 */
#include "machine.h"

#define RECHECK_NS 10000000000ULL

static volatile uint64_t offset;     /* wall - monotonic, ns; 0: not known yet */
static volatile uint64_t checked_at; /* monotonic */
static uint32_t busy;

uint64_t rumpuser_clock_wall(void)
{
	uint64_t now = rumpuser_clock_monotonic(), flags;

	if (offset == 0 || now - checked_at > RECHECK_NS) {
		flags = hw_irq_save();
		if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) == 0) {
			offset = hw_machine_wall_epoch(now, offset);
			checked_at = now;
			__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
		}
		hw_irq_restore(flags);
		while (offset == 0)
			hw_pause();
	}
	return now + offset;
}
