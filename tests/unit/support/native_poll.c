/* SPDX-License-Identifier: BSD-2-Clause */
/* selinfo for tests that do not link kern's own: a list under the big lock. */
#include <kern/poll.h>

#include "native_impl.h"

void selnotify(struct selinfo *si, int events)
{
	struct selwaiter *sw, *next;

	for (sw = LIST_FIRST(&si->si_waiters); sw != NULL; sw = next) {
		next = LIST_NEXT(sw, sw_entry);
		sw->sw_notify(sw, events);
	}
}

void seldestroy(struct selinfo *si)
{
	struct selwaiter *sw;

	while ((sw = LIST_FIRST(&si->si_waiters)) != NULL)
		selwait_unlink(sw);
}

void selwait_link(struct selinfo *si, struct selwaiter *sw)
{
	sw->sw_info = si;
	LIST_INSERT_HEAD(&si->si_waiters, sw, sw_entry);
}

void selwait_unlink(struct selwaiter *sw)
{
	if (sw->sw_info != NULL)
		LIST_REMOVE(sw, sw_entry);
	sw->sw_info = NULL;
}
