/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <rumpuser.h>
#include <kern/ktime.h>

uint64_t nanouptime(void)
{
	return rumpuser_clock_monotonic();
}

volatile int64_t nanotime_offset;

uint64_t nanotime(void)
{
	return rumpuser_clock_wall() + (uint64_t)nanotime_offset;
}

int timespec_to_ns(const struct timespec *ts, uint64_t *ns)
{
	if (ts->tv_sec < 0 || (unsigned long)ts->tv_nsec >= NSEC_PER_SEC)
		return EINVAL;
	if ((uint64_t)ts->tv_sec >= UINT64_MAX / NSEC_PER_SEC)
		*ns = UINT64_MAX;
	else
		*ns = (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
	return 0;
}

void ns_to_timespec(uint64_t ns, struct timespec *ts)
{
	ts->tv_sec = (time_t)(ns / NSEC_PER_SEC);
	ts->tv_nsec = (long)(ns % NSEC_PER_SEC);
}
