/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits for an object.  The selinfo's spin lock guards its list and each waiter's
 * sw_info; sw_notify runs under it, so that a waiter that has been unlinked
 * is never called again.
 */
#include <kern/cpu.h>
#include <kern/poll.h>
#include <kern/systm.h>

static void lock(volatile uint32_t *l)
{
	cpu_hold();
	while (__builtin_expect(__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE), 0))
		__asm__ volatile("pause");
}

static void unlock(volatile uint32_t *l)
{
	__atomic_store_n(l, 0, __ATOMIC_RELEASE);
	cpu_release();
}

void selnotify(struct selinfo *si, int events)
{
	struct selwaiter *sw, *next;

	/* A waiter links itself before it looks at the object's state, so an empty list here means
	 * that whoever comes later sees the new state. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (LIST_EMPTY(&si->si_waiters))
		return;
	lock(&si->si_lock);
	for (sw = LIST_FIRST(&si->si_waiters); sw; sw = next) {
		next = LIST_NEXT(sw, sw_entry);
		sw->sw_notify(sw, events);
	}
	unlock(&si->si_lock);
}

void selwait_link(struct selinfo *si, struct selwaiter *sw)
{
	lock(&si->si_lock);
	sw->sw_info = si;
	LIST_INSERT_HEAD(&si->si_waiters, sw, sw_entry);
	unlock(&si->si_lock);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void selwait_unlink(struct selwaiter *sw)
{
	struct selinfo *si = sw->sw_info;

	if (!si)
		return;
	lock(&si->si_lock);
	if (sw->sw_info) {
		LIST_REMOVE(sw, sw_entry);
		sw->sw_info = NULL;
	}
	unlock(&si->si_lock);
}

void seldestroy(struct selinfo *si)
{
	struct selwaiter *sw;

	lock(&si->si_lock);
	while ((sw = LIST_FIRST(&si->si_waiters)) != NULL) {
		LIST_REMOVE(sw, sw_entry);
		sw->sw_info = NULL;
		sw->sw_notify(sw, 0);
	}
	unlock(&si->si_lock);
}
