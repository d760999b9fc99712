/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers on the program's clocks.  A deadline is in ns, 0 for "not armed"; what it is a time of is
 * time_now(): of nanouptime(), or, for clocks of CPU time, of that clock itself.
 */
#ifndef KERN_TIMEVAR_H
#define KERN_TIMEVAR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>
#include <kern/callout.h>
#include <kern/mutex.h>

/*
 * May a timer be set on this clock?  That of the calling thread's CPU time is replaced by its name
 * for others.
 */
bool time_settable(clockid_t *clock);
bool time_is_cputime(clockid_t clock);
/* What deadlines on the clock are compared with; 0 if its thread is gone.  May take proc_lock. */
uint64_t time_now(clockid_t clock);
/*
 * When (nanouptime()) to look whether the deadline is there.  CPU time runs at most as fast as all
 * CPUs: no timer interrupt counts it.  0: the clock's thread is gone.
 */
uint64_t time_look(clockid_t clock, uint64_t deadline);
/* Is it one that clock_settime(2) moves? */
static inline bool time_can_be_set(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_TAI;
}
/* EINVAL: a field is out of range. */
int time_from_itimerspec(const struct itimerspec *it, uint64_t *value, uint64_t *interval);
/* When `value`, from now or as a time of the clock, is reached. */
uint64_t time_deadline(clockid_t clock, uint64_t value, bool absolute);
/*
 * The same from a timeout of the program's: a time of the clock, which moves no more when the clock
 * is set; NULL waits for ever, which is UINT64_MAX.  EFAULT, EINVAL.
 */
int time_timeout(clockid_t clock, const struct timespec *uabstime, uint64_t *deadline);
/*
 * A deadline that is a time of a clock which the program can set moves with it.  While a watch is
 * set, its callout is called (early) and its condition variable woken by each setting; then, and
 * whenever else it looks, the owner has time_moved() mend the deadline.  Serialised by the owner.
 */
struct time_watch {
	LIST_ENTRY(time_watch) tw_list;
	callout_t *tw_callout;
	kcondvar_t *tw_cv;
	int64_t tw_offset; /* of the clock, when the deadline was last right */
	bool tw_set;
};
/* The deadline: when the clock, one with time_can_be_set(), reads value. */
uint64_t time_watch(struct time_watch *w, clockid_t clock, uint64_t value);
/* If it is set; neither is used afterwards. */
void time_unwatch(struct time_watch *w);
/* Mend *deadline, which is not 0, if w is set.  false: it was right. */
bool time_moved(struct time_watch *w, uint64_t *deadline);
/*
 * Arm w's callout for *deadline, mended, but not before `soonest`.  While w is set its owner arms
 * the callout in no other way: a setting of the clock arms it, too.
 */
void time_arm(struct time_watch *w, uint64_t *deadline, uint64_t soonest);
/* What a timer has left. */
void time_left(clockid_t clock, uint64_t deadline, uint64_t interval, struct itimerspec *it);

#endif
