/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interval timers (setitimer(2), alarm(2)).  Time in the program and in the kernel is not told
 * apart: ITIMER_VIRTUAL and ITIMER_PROF both count all of the program's CPU time.
 */
#include <signal.h>
#include <sys/time.h>
#include <kern/callout.h>
#include <kern/component.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/mutex.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/proc.h>
#include "time_impl.h"

static kmutex_t itimers_lock;
struct itimer {
	clockid_t clock;
	int signo;
	struct proc *proc;
	callout_t callout;
	uint64_t deadline; /* as time_now(clock); 0: off */
	uint64_t interval;
};

/* The first process's; others have copies. */
static struct itimer itimers[] = {
    [ITIMER_REAL] = {.clock = CLOCK_MONOTONIC, .signo = SIGALRM},
    [ITIMER_VIRTUAL] = {.clock = CLOCK_PROCESS_CPUTIME_ID, .signo = SIGVTALRM},
    [ITIMER_PROF] = {.clock = CLOCK_PROCESS_CPUTIME_ID, .signo = SIGPROF},
};

static struct itimer *of_process(int which)
{
	return (curproc->p_itimers ? curproc->p_itimers : itimers) + which;
}

static void expired(void *arg)
{
	siginfo_t info = {.si_code = SI_KERNEL};
	struct itimer *t = arg;
	uint64_t now = time_now(t->clock);
	bool due;

	mutex_enter(&itimers_lock);
	due = t->deadline != 0 && t->deadline <= now;
	if (due) /* Periods that were missed make one signal, and no drift. */
		t->deadline =
		    t->interval
			? t->deadline + t->interval * ((now - t->deadline) / t->interval + 1)
			: 0;
	if (t->deadline)
		callout_schedule_at(&t->callout,
		    KMAX(time_look(t->clock, t->deadline), nanouptime() + TIME_MIN_GAP));
	mutex_exit(&itimers_lock);
	if (!due)
		return;
	if (sig_send_to)
		sig_send_to(t->proc->p_sig, t->signo, &info);
	else
		proc_killed(t->signo);
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

/* What is left and the interval; itimers_lock held. */
static void get_locked(const struct itimer *t, struct itimerval *it)
{
	uint64_t now = time_now(t->clock);

	to_timeval(t->interval, &it->it_interval);
	to_timeval(t->deadline == 0    ? 0
		   : t->deadline > now ? t->deadline - now + 999
				       : 1000,
	    &it->it_value);
}

static bool valid(const struct timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

static void set(struct itimer *t, const struct itimerval *new, struct itimerval *old)
{
	uint64_t ns = to_ns(&new->it_value);

	mutex_enter(&itimers_lock);
	if (!t->callout.c_func)
		callout_init(&t->callout, expired, t);
	get_locked(t, old);
	(void)callout_stop(&t->callout);
	t->proc = curproc;
	t->deadline = ns ? time_now(t->clock) + ns : 0;
	t->interval = ns ? to_ns(&new->it_interval) : 0;
	if (t->deadline)
		callout_schedule_at(&t->callout, time_look(t->clock, t->deadline));
	mutex_exit(&itimers_lock);
}

long do_sys_setitimer(int which, const struct itimerval *unew, struct itimerval *uold)
{
	struct itimerval new, old;
	int error =
	    which >= 0 && which < (int)NELEM(itimers) ? copyin(unew, &new, sizeof(new)) : EINVAL;

	if (!error && (!valid(&new.it_value) || !valid(&new.it_interval)))
		error = EINVAL;
	if (error)
		return sysret(error, 0);
	set(of_process(which), &new, &old);
	return sysret(uold ? copyout(&old, uold, sizeof(old)) : 0, 0);
}

long do_sys_getitimer(int which, struct itimerval *uvalue)
{
	struct itimerval it;

	if (which < 0 || which >= (int)NELEM(itimers))
		return sysret(EINVAL, 0);
	mutex_enter(&itimers_lock);
	get_locked(of_process(which), &it);
	mutex_exit(&itimers_lock);
	return sysret(copyout(&it, uvalue, sizeof(it)), 0);
}

long do_sys_alarm(unsigned seconds)
{
	struct itimerval new = {.it_value = {.tv_sec = seconds}}, old;

	set(of_process(ITIMER_REAL), &new, &old);
	/* To the nearest second, but what is armed is never "none" (as Linux). */
	if (old.it_value.tv_usec >= 500000 ||
	    (old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0))
		old.it_value.tv_sec++;
	return old.it_value.tv_sec;
}

int time_proc_fork(struct proc *new)
{
	struct itimer *t = kmem_zalloc(sizeof(itimers));

	if (!t)
		return ENOMEM;
	for (size_t i = 0; i < NELEM(itimers); i++) {
		t[i].clock = itimers[i].clock;
		t[i].signo = itimers[i].signo;
	}
	new->p_itimers = t;
	return 0;
}

void time_proc_exit(struct proc *p)
{
	struct itimer *t = p->p_itimers;

	if (!t)
		return;
	p->p_itimers = NULL;
	for (size_t i = 0; i < NELEM(itimers); i++) {
		mutex_enter(&itimers_lock);
		t[i].deadline = 0;
		mutex_exit(&itimers_lock);
		if (t[i].callout.c_func)
			callout_halt(&t[i].callout);
	}
	kmem_free(t, sizeof(itimers));
}

static int time_init(void)
{
	mutex_init(&itimers_lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(time, RUMP_PHASE_KERN, time_init);
