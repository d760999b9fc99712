/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers (timer_create(2)).  A timer is a callout that sends a signal, which is pending at
 * most once.  While it is, a periodic timer rests: when a thread takes the signal, signal_gone()
 * computes the periods that have gone by, which are the overrun, and arms the callout again.  So a
 * signal that nobody takes costs nothing, and no period is too short.
 *
 * timers_lock guards the table and every timer in it.
 * LOCK ORDER: timers_lock, then proc_lock, those of kern/signal, time_set_lock, those of callouts.
 */
#include <signal.h>
#include <kern/callout.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/proc.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/timevar.h>
#include "time_impl.h"

#define TIMERS_MAX  256
#define IGNORED_GAP 1000000 /* ns: a timer whose signal is ignored looks no more often */

struct timer {
	callout_t t_callout;
	int t_id;
	clockid_t t_clock;
	uint64_t t_deadline; /* as time_now(t_clock); 0: disarmed */
	uint64_t t_interval;
	struct time_watch t_watch; /* set if the deadline is a time of a clock that can be set */
	bool t_resting;		   /* armed again when t_signal is taken */
	uint64_t t_expired;	   /* times since its signal was taken last */
	int t_overrun;		   /* when its signal was taken last */
	struct proc *t_proc;
	struct ksigevent t_event;
	struct ksiginfo t_signal;
};

static kmutex_t timers_lock;
static volatile uint32_t timers_ready;
static struct timer *timers[TIMERS_MAX];

static void lock_timers(void)
{
	uint32_t none = 0;

	if (__atomic_load_n(&timers_ready, __ATOMIC_ACQUIRE) != 2) {
		if (__atomic_compare_exchange_n(
			&timers_ready, &none, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			mutex_init(&timers_lock, MUTEX_DEFAULT);
			__atomic_store_n(&timers_ready, 2, __ATOMIC_RELEASE);
		}
		while (__atomic_load_n(&timers_ready, __ATOMIC_ACQUIRE) != 2)
			lwp_yield();
	}
	mutex_enter(&timers_lock);
}

/* Count what has come due, and move the deadline of a periodic timer behind now. */
static void count(struct timer *t, uint64_t now)
{
	uint64_t n = 1;

	if (t->t_interval) {
		n += (now - t->t_deadline) / t->t_interval;
		t->t_deadline += n * t->t_interval;
	} else {
		t->t_deadline = 0;
	}
	t->t_expired = KMIN(t->t_expired + n, (uint64_t)INT32_MAX);
}

static bool due(struct timer *t, uint64_t now)
{
	if (t->t_deadline)
		(void)time_moved(&t->t_watch, &t->t_deadline);
	return t->t_deadline && t->t_deadline <= now;
}

static void arm(struct timer *t, uint64_t gap)
{
	uint64_t soonest = nanouptime() + gap, look = time_look(t->t_clock, t->t_deadline);

	if (t->t_watch.tw_set)
		time_arm(&t->t_watch, &t->t_deadline, soonest);
	else if (look != 0) /* 0: its thread has ended */
		callout_schedule_at(&t->t_callout, KMAX(look, soonest));
}

static int send(struct timer *t)
{
	if (sig_send_timer)
		return sig_send_timer(
		    &t->t_signal, t->t_event.notify == SIGEV_THREAD_ID ? t->t_event.tid : 0);
	proc_killed(t->t_event.signo);
}

/* Callout; arg is the number, because the timer may be deleted meanwhile. */
static void expired(void *arg)
{
	uint64_t now;
	struct timer *t;
	int error;

	lock_timers();
	t = timers[(uintptr_t)arg];
	if (t && t->t_event.notify == SIGEV_NONE) /* came for the one that had the number before */
		t = NULL;
	now = t ? time_now(t->t_clock) : 0;
	if (t && due(t, now)) {
		count(t, now);
		error = send(t);
		if (error == ECANCELED) {
			t->t_expired = 0;
			if (t->t_interval)
				arm(t, IGNORED_GAP);
		} else {
			/* For ever, if there is no such thread any more. */
			t->t_resting = t->t_interval != 0;
		}
	} else if (t && t->t_deadline && !t->t_resting) { /* CPU time, or the clock was set back */
		arm(t, 0);
	}
	mutex_exit(&timers_lock);
}

static void resume(struct timer *t)
{
	uint64_t now;

	if (!t->t_resting || t->t_signal.ksi_queued)
		return;
	now = time_now(t->t_clock);
	if (due(t, now))
		count(t, now);
	t->t_resting = false;
	arm(t, TIME_MIN_GAP);
}

static struct timer *find(int id)
{
	struct timer *t = id >= 0 && id < TIMERS_MAX ? timers[id] : NULL;

	return t && t->t_proc == curproc ? t : NULL;
}

/* A thread takes the signal that info says.  NULL: some were forgotten. */
static void signal_gone(siginfo_t *info)
{
	struct timer *t;

	lock_timers();
	for (int i = 0; i < TIMERS_MAX && !info; i++) {
		t = timers[i];
		if (t && t->t_resting && !t->t_signal.ksi_queued) {
			t->t_expired = 0;
			resume(t);
		}
	}
	t = info ? find(info->si_timerid) : NULL;
	if (t && !t->t_signal.ksi_queued) {
		resume(t);
		t->t_overrun = t->t_expired ? (int)t->t_expired - 1 : 0;
		t->t_expired = 0;
		info->si_overrun = t->t_overrun;
	}
	mutex_exit(&timers_lock);
}

static int check_event(struct ksigevent *ev)
{
	struct lwp *l;

	if (ev->notify == SIGEV_NONE)
		return 0;
	if (ev->signo < 1 || ev->signo > 64)
		return EINVAL;
	if (ev->notify == SIGEV_SIGNAL)
		return 0;
	if (ev->notify != SIGEV_THREAD_ID)
		return EINVAL;
	mutex_enter(&proc_lock);
	l = lwp_find(ev->tid);
	mutex_exit(&proc_lock);
	return l ? 0 : EINVAL;
}

/* Enter t into the table.  EAGAIN: it is full. */
static int enter(struct timer *t)
{
	int error = EAGAIN;

	lock_timers();
	for (unsigned i = 0; i < TIMERS_MAX && error; i++) {
		if (timers[i])
			continue;
		timers[i] = t;
		t->t_id = (int)i;
		t->t_signal.ksi_info.si_timerid = t->t_id;
		callout_init(&t->t_callout, expired, (void *)(uintptr_t)i);
		if (t->t_event.notify != SIGEV_NONE)
			t->t_watch.tw_callout = &t->t_callout;
		error = 0;
	}
	mutex_exit(&timers_lock);
	return error;
}

long do_sys_timer_delete(int id)
{
	struct timer *t;

	lock_timers();
	t = find(id);
	if (t)
		timers[id] = NULL;
	mutex_exit(&timers_lock);
	if (!t)
		return sysret(EINVAL, 0);
	time_unwatch(&t->t_watch);
	callout_halt(&t->t_callout);
	if (sig_unsend_timer)
		sig_unsend_timer(&t->t_signal);
	kmem_free(t, sizeof(*t));
	return 0;
}

long do_sys_timer_create(clockid_t clock, struct sigevent *uevent, int *uid)
{
	struct ksigevent ev = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	struct timer *t;
	uint64_t now;
	int error = time_settable(&clock) ? time_read(clock, &now) : EINVAL;

	if (!error && uevent)
		error = copyin(uevent, &ev, sizeof(ev));
	if (!error)
		error = check_event(&ev);
	if (error)
		return sysret(error, 0);
	t = kmem_zalloc(sizeof(*t));
	if (!t)
		return sysret(EAGAIN, 0);
	t->t_clock = clock;
	t->t_event = ev;
	t->t_proc = curproc;
	t->t_signal.ksi_proc = curproc->p_sig;
	t->t_signal.ksi_info.si_signo = ev.signo;
	t->t_signal.ksi_info.si_code = SI_TIMER;
	t->t_signal.ksi_info.si_value = ev.value;
	t->t_signal.ksi_gone = signal_gone;
	error = enter(t);
	if (error) {
		kmem_free(t, sizeof(*t));
		return sysret(error, 0);
	}
	if (!uevent)
		t->t_signal.ksi_info.si_value.sival_int = t->t_id;
	error = copyout(&t->t_id, uid, sizeof(*uid));
	if (error)
		(void)do_sys_timer_delete(t->t_id);
	return sysret(error, 0);
}

/* One that rests, or sends nothing, has not been looked at when it came due. */
static void get(struct timer *t, struct itimerspec *it)
{
	uint64_t now = time_now(t->t_clock);

	if (t->t_deadline)
		(void)time_moved(&t->t_watch, &t->t_deadline);
	if ((t->t_resting || t->t_event.notify == SIGEV_NONE) && due(t, now))
		count(t, now);
	time_left(t->t_clock, t->t_deadline, t->t_interval, it);
}

long do_sys_timer_settime(
    int id, int flags, const struct itimerspec *uvalue, struct itimerspec *uold)
{
	struct itimerspec it, old;
	uint64_t interval, value;
	struct timer *t;
	int error = copyin(uvalue, &it, sizeof(it));

	if (!error && flags & ~TIMER_ABSTIME)
		error = EINVAL;
	if (!error)
		error = time_from_itimerspec(&it, &value, &interval);
	if (error)
		return sysret(error, 0);
	lock_timers();
	t = find(id);
	if (t) {
		get(t, &old);
		time_unwatch(&t->t_watch);
		(void)callout_stop(&t->t_callout);
		if (!value)
			t->t_deadline = 0;
		else if (flags & TIMER_ABSTIME && time_can_be_set(t->t_clock))
			t->t_deadline = time_watch(&t->t_watch, t->t_clock, value);
		else
			t->t_deadline = time_deadline(t->t_clock, value, flags & TIMER_ABSTIME);
		t->t_interval = value ? interval : 0;
		t->t_overrun = 0;
		t->t_expired = 0;
		t->t_resting = false;
		if (t->t_deadline && t->t_event.notify != SIGEV_NONE)
			arm(t, 0);
	}
	mutex_exit(&timers_lock);
	if (!t)
		return sysret(EINVAL, 0);
	return sysret(uold ? copyout(&old, uold, sizeof(old)) : 0, 0);
}

long do_sys_timer_gettime(int id, struct itimerspec *uvalue)
{
	struct itimerspec it;
	struct timer *t;

	lock_timers();
	t = find(id);
	if (t)
		get(t, &it);
	mutex_exit(&timers_lock);
	return sysret(t ? copyout(&it, uvalue, sizeof(it)) : EINVAL, 0);
}

long do_sys_timer_getoverrun(int id)
{
	struct timer *t;
	int overrun = 0;

	lock_timers();
	t = find(id);
	if (t)
		overrun = t->t_overrun;
	mutex_exit(&timers_lock);
	return sysret(t ? 0 : EINVAL, overrun);
}

void time_proc_exec(void)
{
	for (int id = 0; id < TIMERS_MAX; id++)
		if (find(id))
			(void)do_sys_timer_delete(id);
}
