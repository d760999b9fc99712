/* SPDX-License-Identifier: BSD-2-Clause */
/* Wait until *addr is no longer val; *waiters counts who does. */
#include "pthread_impl.h"

void __wait(volatile int *addr, volatile int *waiters, int val, int priv)
{
	for (int spins = 100; spins > 0 && (!waiters || !*waiters); spins--) {
		if (*addr != val)
			return;
		a_spin();
	}
	if (waiters)
		a_inc(waiters);
	while (*addr == val)
		__futexwait(addr, val, priv);
	if (waiters)
		a_dec(waiters);
}
