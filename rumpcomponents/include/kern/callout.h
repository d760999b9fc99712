/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callouts: functions that run once at a time of the monotonic clock, in the
 * soft-interrupt lwp of the CPU that armed them: they may take adaptive locks
 * but should not sleep long.  Tickless: with none armed no timer runs.
 */
#ifndef KERN_CALLOUT_H
#define KERN_CALLOUT_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_info;

typedef struct callout {
	uint64_t c_deadline; /* ns, monotonic */
	void (*c_func)(void *);
	void *c_arg;
	struct cpu_info *volatile c_cpu; /* whose heap it is in */
	volatile uint32_t c_index;	 /* 0 when not armed; the rest is kern/base's own */
	volatile uint32_t c_flags;
	struct callout *c_child, *c_next, *c_prev;
} callout_t;

/* Make one ready that will call func(arg).  Once, before it is armed. */
void callout_init(callout_t *c, void (*func)(void *), void *arg);
/* Arm, or move if armed; two at once must not (stopping may).  deadline in ns on the monotonic
 * clock.  Any context but interrupt handlers; cannot fail. */
void callout_schedule_at(callout_t *c, uint64_t deadline);
/* Same, ns from now. */
void callout_schedule(callout_t *c, uint64_t ns);
/* Disarm; true if it was armed (and so will not run).  Does not wait for a running one. */
bool callout_stop(callout_t *c);
/* Disarm and wait until it does not run.  Sleeps; not from the callout itself. */
void callout_halt(callout_t *c);
/* Is it armed?  A hint, unless the caller keeps others from arming it. */
bool callout_pending(const callout_t *c);

#endif
