/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and setting clocks.  The LEAF calls here run on the program's stack: they take no
 * lock and hold off no interrupt, since a fault, a signal handler or the end of the thread
 * may come at any instruction.  Clocks of CPU time need both and are a call of their own.
 */
#ifndef KILN_NATIVE
#include <rumpuser.h> /* before <kern/cpu.h>, which defines curlwp */
#endif
#include <sys/time.h>
#include <sys/times.h>
#include <kern/cpu.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/sysproto.h>
#include <kern/systm.h>
#include "time_impl.h"

#define YEARS_LEFT (30ULL * 365 * 86400 * NSEC_PER_SEC)

/* The stub: this file's LEAF calls call it as the program would. */
long sys_kiln_cputime(clockid_t clock, struct timespec *uts);

/*
 * The platform's clock may turn interrupts off for some instructions, in which the program's stack
 * must not fault: have what it will use of it there before.
 */
static inline void stack_is_there(void)
{
	__asm__ volatile("testb $0, -1024(%%rsp)" ::: "cc");
}

#define CLOCKS_MONOTONIC                                                                           \
	(1U << CLOCK_MONOTONIC | 1U << CLOCK_MONOTONIC_RAW | 1U << CLOCK_MONOTONIC_COARSE |        \
	    1U << CLOCK_BOOTTIME)
#define CLOCKS_REAL (1U << CLOCK_REALTIME | 1U << CLOCK_REALTIME_COARSE | 1U << CLOCK_TAI)

static inline bool is_among(clockid_t clock, unsigned clocks)
{
	return (unsigned)clock < 32 && clocks & 1U << clock;
}

/* Clocks that everybody can read anywhere. */
static int read_common(clockid_t clock, uint64_t *ns)
{
	if (!is_among(clock, CLOCKS_MONOTONIC | CLOCKS_REAL))
		return EINVAL;
	*ns = is_among(clock, CLOCKS_REAL) ? nanotime() : nanouptime();
	return 0;
}

/*
 * Clocks that clock_getcpuclockid(3) and pthread_getcpuclockid(3) name: a process or thread,
 * inverted, above three bits that say whose time it is (Linux's include/linux/posix-timers.h).
 */
#define CPUCLOCK_WHICH	3 /* 0 user and system, 1 user, 2 what was on the CPU: all the same here */
#define CPUCLOCK_THREAD 4

static int read_cpuclock(clockid_t clock, uint64_t *ns)
{
	int id = ~(clock >> 3);
	struct lwp *l;

	if ((clock & CPUCLOCK_WHICH) == 3)
		return EINVAL;
	if (!(clock & CPUCLOCK_THREAD)) {
		*ns = proc_cputime();
		return id == 0 || id == 1 ? 0 : EINVAL;
	}
	if (id == 0) {
		*ns = lwp_cputime(curlwp);
		return 0;
	}
	mutex_enter(&proc_lock);
	l = lwp_find(id);
	if (l)
		*ns = lwp_cputime(l);
	mutex_exit(&proc_lock);
	return l ? 0 : EINVAL;
}

int time_read(clockid_t clock, uint64_t *ns)
{
	if (clock < 0)
		return read_cpuclock(clock, ns);
	switch (clock) {
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = proc_cputime();
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = lwp_cputime(curlwp);
		return 0;
	}
	return read_common(clock, ns);
}

static long give(int error, uint64_t ns, struct timespec *uts)
{
	struct timespec ts;

	if (error)
		return sysret(error, 0);
	ns_to_timespec(ns, &ts);
	return sysret(copyout(&ts, uts, sizeof(ts)), 0);
}

long do_sys_kiln_cputime(clockid_t clock, struct timespec *uts)
{
	uint64_t ns = 0;
	int error = time_read(clock, &ns);

	return give(error, ns, uts);
}

#ifndef KILN_NATIVE
/*
 * The program's most frequent question, answered without a call: with the platform's parameters,
 * divisions by a constant that are none (ns_to_timespec() is compiled for size), and two stores
 * that may fault.  false: ask again, the long way.
 */
static inline bool answer(clockid_t clock, struct timespec *uts)
{
	uint64_t ns, sec;

	if (!rumpuser_clock_read(&ns))
		return false;
	if (!is_among(clock, CLOCKS_MONOTONIC)) {
		if (!is_among(clock, CLOCKS_REAL) || ns >= rumpuser_clock.until)
			return false;
		ns += rumpuser_clock.wall + (uint64_t)nanotime_offset;
	}
	sec = ns / NSEC_PER_SEC;
	__asm__ goto("1:	mov %0, (%2)\n"
		     "	mov %1, 8(%2)\n"
		     "2:\n"
		     "	.pushsection ex_table, \"a\", @progbits\n"
		     "	.balign 4\n"
		     "	.long 1b - ., 2b - ., %l[fault] - .\n"
		     "	.popsection"
		     :
		     : "r"(sec), "r"(ns - sec * NSEC_PER_SEC), "r"(uts)
		     : "memory"
		     : fault);
	return true;
fault:
	return false;
}
#else
static inline bool answer(clockid_t clock, struct timespec *uts)
{
	return false;
}
#endif

static __attribute__((noinline)) long answer_slowly(clockid_t clock, struct timespec *uts)
{
	uint64_t ns = 0;
	int error;

	stack_is_there();
	error = read_common(clock, &ns);
	return error ? sys_kiln_cputime(clock, uts) : give(0, ns, uts);
}

long do_sys_clock_gettime(clockid_t clock, struct timespec *uts)
{
	return answer(clock, uts) ? 0 : answer_slowly(clock, uts);
}

long do_sys_clock_getres(clockid_t clock, struct timespec *uts)
{
	struct timespec ts;
	bool known = is_among(clock, CLOCKS_MONOTONIC | CLOCKS_REAL) ||
		     clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;

	if (!known && (clock > 0 || sys_kiln_cputime(clock, &ts) != 0))
		return -EINVAL;
	ts = (struct timespec){0, 1};
	return sysret(uts ? copyout(&ts, uts, sizeof(ts)) : 0, 0);
}

long do_sys_gettimeofday(struct timeval *utv, void *tz)
{
	struct timeval tv;
	uint64_t ns;

	stack_is_there();
	ns = nanotime();
	tv = (struct timeval){.tv_sec = ns / NSEC_PER_SEC, .tv_usec = ns % NSEC_PER_SEC / 1000};
	return sysret(utv ? copyout(&tv, utv, sizeof(tv)) : 0, 0);
}

long do_sys_time(time_t *ut)
{
	time_t t;
	int error;

	stack_is_there();
	t = (time_t)(nanotime() / NSEC_PER_SEC);
	error = ut ? copyout(&t, ut, sizeof(t)) : 0;

	return sysret(error, t);
}

static int set_clock(const struct timespec *ts)
{
	struct time_watch *w;
	uint64_t ns;
	int error = timespec_to_ns(ts, &ns);

	/* Linux, too, wants some years left before the clock overflows. */
	if (!error && ns > INT64_MAX - YEARS_LEFT)
		error = EINVAL;
	if (error)
		return error;
	mutex_enter(&time_set_lock);
	nanotime_offset += (int64_t)(ns - nanotime());
	LIST_FOREACH (w, &time_watches, tw_list) {
		if (w->tw_callout)
			callout_schedule_at(w->tw_callout, nanouptime());
		if (w->tw_cv)
			cv_broadcast(w->tw_cv);
	}
	mutex_exit(&time_set_lock);
	return 0;
}

long do_sys_clock_settime(clockid_t clock, const struct timespec *uts)
{
	struct timespec ts;
	int error = clock == CLOCK_REALTIME ? copyin(uts, &ts, sizeof(ts)) : EINVAL;

	return sysret(error ? error : set_clock(&ts), 0);
}

long do_sys_settimeofday(const struct timeval *utv, const void *tz)
{
	struct timeval tv;
	struct timespec ts;
	int error;

	if (!utv)
		return 0;
	error = copyin(utv, &tv, sizeof(tv));
	if (!error && (tv.tv_usec < 0 || tv.tv_usec > 999999))
		error = EINVAL;
	ts = (struct timespec){tv.tv_sec, tv.tv_usec * 1000};
	return sysret(error ? error : set_clock(&ts), 0);
}

long do_sys_times(struct tms *ubuf)
{
	const uint64_t tick = NSEC_PER_SEC / 100; /* AT_CLKTCK */
	struct tms tms = {.tms_utime = (clock_t)(proc_cputime() / tick)};
	int error = ubuf ? copyout(&tms, ubuf, sizeof(tms)) : 0;

	return sysret(error, (long)(nanouptime() / tick));
}
