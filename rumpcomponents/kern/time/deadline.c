/* SPDX-License-Identifier: BSD-2-Clause */
/* What timers and timerfds share: struct itimerspec, and deadlines on the program's clocks. */
#include <kern/ktime.h>
#include <kern/systm.h>
#include <kern/timevar.h>
#include "time_impl.h"

bool time_settable(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_TAI;
}

int time_from_itimerspec(const struct itimerspec *it, uint64_t *value, uint64_t *interval)
{
	int error = timespec_to_ns(&it->it_value, value);

	if (!error)
		error = timespec_to_ns(&it->it_interval, interval);
	/* So that a deadline and an interval can be added. */
	if (!error)
		*interval = KMIN(*interval, INT64_MAX);
	return error;
}

uint64_t time_deadline(clockid_t clock, uint64_t value, bool absolute)
{
	uint64_t up = nanouptime(), now = up;

	if (absolute) {
		(void)time_read(clock, &now);
		value = value > now ? value - now : 0;
	}
	/* Zero would mean "not armed"; the highest value is the callouts' "never". */
	value = KMIN(value, UINT64_MAX / 2);
	return up + value ? up + value : 1;
}

int time_timeout(clockid_t clock, const struct timespec *uabstime, uint64_t *deadline)
{
	struct timespec ts;
	int error;

	*deadline = UINT64_MAX;
	if (!uabstime)
		return 0;
	error = copyin(uabstime, &ts, sizeof(ts));
	if (!error)
		error = timespec_to_ns(&ts, deadline);
	if (!error)
		*deadline = time_deadline(clock, *deadline, true);
	return error;
}

void time_left(uint64_t deadline, uint64_t interval, struct itimerspec *it)
{
	uint64_t now = nanouptime();

	memset(it, 0, sizeof(*it));
	ns_to_timespec(interval, &it->it_interval);
	if (deadline)
		ns_to_timespec(deadline > now ? deadline - now : 1, &it->it_value);
}
