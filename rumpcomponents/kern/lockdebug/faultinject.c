/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is refused on request: kiln_faultinject(n, times) has the n-th allocation from now,
 * and the times - 1 after it, fail, whoever makes them and wherever in the kernel.  A test
 * repeats what it does with n = 1, 2 ... until none fails any more.
 *
 * Page faults are left alone: their pages were promised when the memory was mapped (vm_map.c), and
 * the reserve makes that true; there is no error to be had from a load or a store.
 */
#include <kern/linkset.h>
#include <kern/sysproto.h>
#include "lockdebug_impl.h"

#define NCALLERS 12
#define NPATHS	 1024 /* a power of two */

static volatile int64_t
    countdown;		      /* allocations until the first that fails; below: that has failed */
static volatile int64_t last; /* countdown's value at the last that fails */
static volatile uint32_t armed;
static uintptr_t callers[NCALLERS]; /* of the first that failed */
static volatile unsigned ncallers;

/*
 * Allocations that have failed in different places, told apart by the three callers above
 * pool_get() or page_alloc(); what the last line of the console says.
 */
static uint64_t paths[NPATHS];
static unsigned npaths;

static void remember(const uintptr_t *pc)
{
	uint64_t h = pc[2] * 3 + pc[3] * 5 + pc[4] * 7;

	for (unsigned i = 0; i < NPATHS && h != 0; i++) {
		uint64_t *slot = &paths[(h + i) % NPATHS], free = 0;
		if (*slot == h)
			return;
		if (*slot == 0 && __atomic_compare_exchange_n(
				      slot, &free, h, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			__atomic_fetch_add(&npaths, 1, __ATOMIC_RELAXED);
			return;
		}
	}
}

static void faultinject_shutdown(void)
{
	if (npaths > 0)
		kprintf("kiln: lockdebug: memory was refused in %u places\n", npaths);
}
LINK_SET_ADD(shutdown_hooks, faultinject_shutdown);

bool lockdebug_fail_alloc(void)
{
	int64_t left;

	if (__builtin_expect(!armed, 1) || lockdebug_silent || lockdebug_in_fault())
		return false;
	left = __atomic_sub_fetch(&countdown, 1, __ATOMIC_SEQ_CST);
	if (left > 0 || left < last)
		return false;
	if (left == 0) {
		ncallers = lockdebug_callers(callers, NCALLERS);
		if (ncallers > 4)
			remember(callers);
	}
	return true;
}

/* n 0: no more; n < 0: likewise, and say which allocation it was.  1 if one has failed, else 0. */
long do_sys_kiln_faultinject(long n, long times)
{
	bool failed = armed && countdown <= 0;

	armed = 0;
	if (n < 0 && failed)
		lockdebug_print_callers(callers, ncallers);
	countdown = n;
	last = 1 - times;
	__atomic_store_n(&armed, n > 0 && times > 0, __ATOMIC_SEQ_CST);
	return failed;
}
