/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interval timers (setitimer(2), alarm(2)).  ITIMER_REAL alone: the two that count CPU
 * time are refused, not ignored.
 */
#include <signal.h>
#include <sys/time.h>
#include <kern/callout.h>
#include <kern/component.h>
#include <kern/ktime.h>
#include <kern/mutex.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/lwp.h>
#include "time_impl.h"

static struct {
	kmutex_t lock;
	callout_t callout;
	uint64_t deadline; /* 0: off */
	uint64_t interval;
} real;

static void expired(void *arg)
{
	siginfo_t info = {.si_code = SI_KERNEL};
	uint64_t now = nanouptime();
	bool due;

	mutex_enter(&real.lock);
	due = real.deadline != 0 && real.deadline <= now;
	if (due && real.interval) {
		/* Periods that were missed make one signal, and no drift. */
		real.deadline += real.interval * ((now - real.deadline) / real.interval + 1);
		callout_schedule_at(&real.callout, KMAX(real.deadline, now + TIME_MIN_GAP));
	} else if (due) {
		real.deadline = 0;
	}
	mutex_exit(&real.lock);
	if (!due)
		return;
	if (sig_send_proc)
		sig_send_proc(SIGALRM, &info);
	else
		proc_killed(SIGALRM);
}

static uint64_t to_ns(const struct timeval *tv)
{
	return tv->tv_sec > (time_t)(UINT64_MAX / NSEC_PER_SEC / 2)
		   ? UINT64_MAX / 2
		   : tv->tv_sec * NSEC_PER_SEC + tv->tv_usec * 1000;
}

static void to_timeval(uint64_t ns, struct timeval *tv)
{
	tv->tv_sec = ns / NSEC_PER_SEC;
	tv->tv_usec = ns % NSEC_PER_SEC / 1000;
}

/* What is left and the interval; real.lock held. */
static void get_locked(struct itimerval *it)
{
	uint64_t now = nanouptime();

	to_timeval(real.interval, &it->it_interval);
	to_timeval(real.deadline == 0	 ? 0
		   : real.deadline > now ? real.deadline - now + 999
					 : 1000,
	    &it->it_value);
}

static bool valid(const struct timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

static void set(const struct itimerval *new, struct itimerval *old)
{
	uint64_t ns = to_ns(&new->it_value);

	mutex_enter(&real.lock);
	if (!real.callout.c_func)
		callout_init(&real.callout, expired, NULL);
	get_locked(old);
	(void)callout_stop(&real.callout);
	real.deadline = ns ? nanouptime() + ns : 0;
	real.interval = ns ? to_ns(&new->it_interval) : 0;
	if (real.deadline)
		callout_schedule_at(&real.callout, real.deadline);
	mutex_exit(&real.lock);
}

long do_sys_setitimer(int which, const struct itimerval *unew, struct itimerval *uold)
{
	struct itimerval new, old;
	int error = which == ITIMER_REAL ? copyin(unew, &new, sizeof(new)) : EINVAL;

	if (!error && (!valid(&new.it_value) || !valid(&new.it_interval)))
		error = EINVAL;
	if (error)
		return sysret(error, 0);
	set(&new, &old);
	return sysret(uold ? copyout(&old, uold, sizeof(old)) : 0, 0);
}

long do_sys_getitimer(int which, struct itimerval *uvalue)
{
	struct itimerval it;

	if (which != ITIMER_REAL)
		return sysret(EINVAL, 0);
	mutex_enter(&real.lock);
	get_locked(&it);
	mutex_exit(&real.lock);
	return sysret(copyout(&it, uvalue, sizeof(it)), 0);
}

long do_sys_alarm(unsigned seconds)
{
	struct itimerval new = {.it_value = {.tv_sec = seconds}}, old;

	set(&new, &old);
	/* To the nearest second, but what is armed is never "none" (as Linux). */
	if (old.it_value.tv_usec >= 500000 ||
	    (old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0))
		old.it_value.tv_sec++;
	return old.it_value.tv_sec;
}

static int time_init(void)
{
	mutex_init(&real.lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(time, RUMP_PHASE_KERN, time_init);
