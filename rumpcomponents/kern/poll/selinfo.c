/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits for an object.  One spin lock guards all lists and each waiter's sw_info;
 * sw_notify runs under it, so that a waiter that has been unlinked is never called
 * again.  It cannot be part of the objects, which may be gone by the time that a waiter wants to
 * leave their lists, and a CPU may take it again: an epoll that is notified notifies its own.
 */
#include <kern/cpu.h>
#include <kern/poll.h>
#include <kern/systm.h>

static struct lwp *volatile owner; /* which cannot be preempted meanwhile */
static unsigned depth;

static void lock(void)
{
	struct lwp *nobody;

	cpu_hold();
	if (owner == curlwp) {
		depth++;
		return;
	}
	for (nobody = NULL; !__atomic_compare_exchange_n(
		 &owner, &nobody, curlwp, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
	     nobody = NULL)
		__asm__ volatile("pause");
}

static void unlock(void)
{
	if (depth > 0)
		depth--;
	else
		__atomic_store_n(&owner, NULL, __ATOMIC_RELEASE);
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
	lock();
	for (sw = LIST_FIRST(&si->si_waiters); sw; sw = next) {
		next = LIST_NEXT(sw, sw_entry);
		sw->sw_notify(sw, events);
	}
	unlock();
}

void selwait_link(struct selinfo *si, struct selwaiter *sw)
{
	lock();
	sw->sw_info = si;
	LIST_INSERT_HEAD(&si->si_waiters, sw, sw_entry);
	unlock();
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void selwait_unlink(struct selwaiter *sw)
{
	struct selinfo *si;

	/* NULL: seldestroy() has called sw_notify and looks at sw no more. */
	while ((si = __atomic_load_n(&sw->sw_info, __ATOMIC_ACQUIRE)) != NULL) {
		lock();
		if (sw->sw_info == si) {
			LIST_REMOVE(sw, sw_entry);
			sw->sw_info = NULL;
		}
		unlock();
	}
}

void seldestroy(struct selinfo *si)
{
	struct selwaiter *sw;

	lock();
	while ((sw = LIST_FIRST(&si->si_waiters)) != NULL) {
		LIST_REMOVE(sw, sw_entry);
		sw->sw_notify(sw, 0);
		__atomic_store_n(&sw->sw_info, NULL, __ATOMIC_RELEASE);
	}
	unlock();
}
