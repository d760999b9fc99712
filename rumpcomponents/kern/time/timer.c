/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX timers (timer_create(2)).  A timer is a callout that sends a signal; what comes due while
 * that signal is still pending counts as overrun, as far as the timer can tell: expirations that
 * were missed because the callout ran late.
 *
 * timers_lock guards the table and every timer in it.
 */
#include <signal.h>
#include <kern/callout.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include <kern/timevar.h>
#include "time_impl.h"

#define TIMERS_MAX 256

/* Linux's struct sigevent, as far as it is looked at. */
struct ksigevent {
	union sigval value;
	int signo, notify, tid, pad[11];
};
_Static_assert(sizeof(struct ksigevent) == 64, "Linux's structure");

struct timer {
	callout_t t_callout;
	int t_id;
	clockid_t t_clock;
	uint64_t t_deadline; /* monotonic; 0: disarmed */
	uint64_t t_interval;
	int t_overrun; /* of the last expiration */
	struct ksigevent t_event;
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

static void send(const struct timer *t)
{
	siginfo_t info;
	struct lwp *l;

	if (t->t_event.notify == SIGEV_NONE)
		return;
	memset(&info, 0, sizeof(info));
	info.si_signo = t->t_event.signo;
	info.si_code = SI_TIMER;
	info.si_timerid = t->t_id;
	info.si_overrun = t->t_overrun;
	info.si_value = t->t_event.value;
	if (t->t_event.notify != SIGEV_THREAD_ID) {
		if (sig_send_proc)
			sig_send_proc(info.si_signo, &info);
		else
			proc_killed(info.si_signo);
		return;
	}
	mutex_enter(&proc_lock);
	l = lwp_find(t->t_event.tid);
	if (l && sig_send_lwp)
		sig_send_lwp(l, info.si_signo, &info);
	mutex_exit(&proc_lock);
}

/* Callout; arg is the number, because the timer may be deleted meanwhile. */
static void expired(void *arg)
{
	uint64_t now = nanouptime(), missed;
	struct timer *t;

	lock_timers();
	t = timers[(uintptr_t)arg];
	if (t && t->t_deadline && t->t_deadline <= now) {
		t->t_overrun = 0;
		if (t->t_interval) {
			missed = (now - t->t_deadline) / t->t_interval;
			t->t_overrun = (int)KMIN(missed, (uint64_t)INT32_MAX);
			t->t_deadline += t->t_interval * (missed + 1);
			callout_schedule_at(&t->t_callout, t->t_deadline);
		} else {
			t->t_deadline = 0;
		}
		send(t);
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
		callout_init(&t->t_callout, expired, (void *)(uintptr_t)i);
		error = 0;
	}
	mutex_exit(&timers_lock);
	return error;
}

static struct timer *find(int id)
{
	return id >= 0 && id < TIMERS_MAX ? timers[id] : NULL;
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
	callout_halt(&t->t_callout);
	kmem_free(t, sizeof(*t));
	return 0;
}

long do_sys_timer_create(clockid_t clock, struct sigevent *uevent, int *uid)
{
	struct ksigevent ev = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	struct timer *t;
	uint64_t now;
	int error = time_settable(clock) ? time_read(clock, &now) : EINVAL;

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
	error = enter(t);
	if (error) {
		kmem_free(t, sizeof(*t));
		return sysret(error, 0);
	}
	if (!uevent)
		t->t_event.value.sival_int = t->t_id;
	error = copyout(&t->t_id, uid, sizeof(*uid));
	if (error)
		(void)do_sys_timer_delete(t->t_id);
	return sysret(error, 0);
}

static void get(const struct timer *t, struct itimerspec *it)
{
	time_left(t->t_deadline, t->t_interval, it);
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
		(void)callout_stop(&t->t_callout);
		t->t_deadline = value ? time_deadline(t->t_clock, value, flags & TIMER_ABSTIME) : 0;
		t->t_interval = value ? interval : 0;
		t->t_overrun = 0;
		if (t->t_deadline)
			callout_schedule_at(&t->t_callout, t->t_deadline);
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
