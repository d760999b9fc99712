/* SPDX-License-Identifier: BSD-2-Clause */
/* What timers and timerfds share: struct itimerspec, and deadlines on the program's clocks. */
#include <kern/cpu.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/systm.h>
#include <kern/timevar.h>
#include "time_impl.h"

kmutex_t time_set_lock = {.mtx_type = MUTEX_SPIN};
struct time_watches time_watches = LIST_HEAD_INITIALIZER(time_watches);

#define CPU_GAP	 4000000 /* ns: how often CPU time is looked at, at most */
#define CPUCLOCK (2 | 4) /* a thread's, what was on the CPU: read_cpuclock() */

bool time_is_cputime(clockid_t clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

bool time_settable(clockid_t *clock)
{
	uint64_t now;

	/* The second is how clock ids say "the calling thread": read_cpuclock(). */
	if (*clock == CLOCK_THREAD_CPUTIME_ID || (*clock < 0 && *clock >> 2 == -1))
		*clock = (clockid_t)((unsigned)~curlwp->l_lid << 3 | CPUCLOCK);
	if (time_is_cputime(*clock))
		return time_read(*clock, &now) == 0;
	return *clock == CLOCK_REALTIME || *clock == CLOCK_MONOTONIC || *clock == CLOCK_BOOTTIME ||
	       *clock == CLOCK_TAI;
}

uint64_t time_now(clockid_t clock)
{
	uint64_t now;

	if (!time_is_cputime(clock))
		return nanouptime();
	return time_read(clock, &now) == 0 ? now : 0;
}

uint64_t time_look(clockid_t clock, uint64_t deadline)
{
	uint64_t now, left;

	if (!time_is_cputime(clock))
		return deadline;
	now = time_now(clock);
	if (now == 0)
		return 0;
	left = deadline > now ? (deadline - now) / cpu_count : 0;
	return nanouptime() + KMAX(left, (uint64_t)CPU_GAP);
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
	uint64_t up = time_now(clock), now = up;

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

uint64_t time_watch(struct time_watch *w, clockid_t clock, uint64_t value)
{
	uint64_t deadline;

	mutex_enter(&time_set_lock);
	deadline = time_deadline(clock, value, true);
	w->tw_offset = nanotime_offset;
	w->tw_set = true;
	LIST_INSERT_HEAD(&time_watches, w, tw_list);
	mutex_exit(&time_set_lock);
	return deadline;
}

void time_unwatch(struct time_watch *w)
{
	if (!w->tw_set)
		return;
	mutex_enter(&time_set_lock);
	w->tw_set = false;
	LIST_REMOVE(w, tw_list);
	mutex_exit(&time_set_lock);
}

bool time_moved(struct time_watch *w, uint64_t *deadline)
{
	int64_t offset = nanotime_offset, forward = offset - w->tw_offset;

	if (!w->tw_set || forward == 0)
		return false;
	w->tw_offset = offset;
	if (forward > 0)
		*deadline = *deadline > (uint64_t)forward ? *deadline - (uint64_t)forward : 1;
	else
		*deadline = KMIN(*deadline + (uint64_t)-forward, UINT64_MAX / 2);
	return true;
}

void time_arm(struct time_watch *w, uint64_t *deadline, uint64_t soonest)
{
	mutex_enter(&time_set_lock);
	(void)time_moved(w, deadline);
	callout_schedule_at(w->tw_callout, KMAX(*deadline, soonest));
	mutex_exit(&time_set_lock);
}

void time_left(clockid_t clock, uint64_t deadline, uint64_t interval, struct itimerspec *it)
{
	uint64_t now = deadline ? time_now(clock) : 0;

	memset(it, 0, sizeof(*it));
	ns_to_timespec(interval, &it->it_interval);
	if (deadline)
		ns_to_timespec(deadline > now ? deadline - now : 1, &it->it_value);
}
