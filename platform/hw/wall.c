/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wall.c - wall-clock time: monotonic time plus an offset, for which the machine is asked
 * when somebody wants to know for the first time, and again every RECHECK_NS.
 */
#include "machine.h"

#define RECHECK_NS 10000000000ULL

struct rumpuser_clock rumpuser_clock; /* but for wall and until it is clock.c's */
static uint32_t busy;

static __attribute__((noinline, cold)) void look(struct rumpuser_clock *c, uint64_t now)
{
	uint64_t flags = hw_irq_save();

	if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) == 0) {
		c->wall = hw_machine_wall_epoch(now, c->wall);
		__atomic_store_n(&c->until, now + RECHECK_NS, __ATOMIC_RELEASE);
		__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	}
	hw_irq_restore(flags);
	while (c->until == 0)
		hw_pause();
}

void hw_wall_forget(void)
{
	if (rumpuser_clock.until != 0)
		rumpuser_clock.until = 1;
}

uint64_t rumpuser_clock_wall(void)
{
	struct rumpuser_clock *c = &rumpuser_clock;
	uint64_t now = rumpuser_clock_monotonic();

	if (__builtin_expect(now >= c->until, 0))
		look(c, now);
	return now + c->wall;
}
