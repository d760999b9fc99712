/* SPDX-License-Identifier: BSD-2-Clause */
/* nanosleep(2) and clock_nanosleep(2). */
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include "time_impl.h"

/* Until `until`, a time of CLOCK_REALTIME; or until that is set. */
static int sleep_watching(uint64_t until)
{
	kcondvar_t cv;
	struct time_watch w = {.tw_cv = &cv};
	uint64_t deadline;
	int error = 0;

	cv_init(&cv, "nanosleep");
	deadline = time_watch(&w, CLOCK_REALTIME, until);
	mutex_enter(&time_set_lock);
	if (!time_moved(&w, &deadline))
		error = cv_timedwait_sig(&cv, &time_set_lock, deadline);
	mutex_exit(&time_set_lock);
	time_unwatch(&w);
	cv_destroy(&cv);
	return error;
}

/* Sleep until the clock reads `until`.  EINTR with what was left in *left. */
static int sleep_until(clockid_t clock, uint64_t until, uint64_t *left)
{
	uint64_t now;
	int error = 0;

	for (;;) {
		(void)time_read(clock, &now);
		if (now >= until)
			return 0;
		*left = until - now;
		if (error != 0 && error != EWOULDBLOCK)
			return EINTR;
		if (clock == CLOCK_REALTIME || clock == CLOCK_TAI) {
			error = sleep_watching(until);
			continue;
		}
		now = nanouptime();
		error = lwp_sleep_until(
		    *left > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + *left, "nanosleep");
	}
}

static int sleep_call(
    clockid_t clock, int flags, const struct timespec *ureq, struct timespec *urem)
{
	uint64_t ns, now, left = 0;
	struct timespec ts;
	int error, e;

	if (clock == CLOCK_THREAD_CPUTIME_ID || (flags & ~TIMER_ABSTIME))
		return EINVAL;
	if (time_is_cputime(clock))
		return EOPNOTSUPP;
	error = time_read(clock, &now);
	if (!error)
		error = copyin(ureq, &ts, sizeof(ts));
	if (!error)
		error = timespec_to_ns(&ts, &ns);
	if (error)
		return error;
	/* A relative sleep is not disturbed when the wall clock is set. */
	if (!(flags & TIMER_ABSTIME)) {
		clock = CLOCK_MONOTONIC;
		now = nanouptime();
		ns = ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
	}
	error = sleep_until(clock, ns, &left);
	if (error == EINTR && urem && !(flags & TIMER_ABSTIME)) {
		ns_to_timespec(left, &ts);
		e = copyout(&ts, urem, sizeof(ts));
		error = e ? e : error;
	}
	return error;
}

long do_sys_nanosleep(const struct timespec *req, struct timespec *rem)
{
	return sysret(sleep_call(CLOCK_MONOTONIC, 0, req, rem), 0);
}

long do_sys_clock_nanosleep(
    clockid_t clock, int flags, const struct timespec *req, struct timespec *rem)
{
	return sysret(sleep_call(clock, flags, req, rem), 0);
}
