/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks, sleeping, interval timers (setitimer(2)) and POSIX timers (timer_create(2)). */
#include <signal.h>
#include <sys/time.h>

#include <kern/cpu.h>
#include <kern/signalvar.h>
#include <kern/sysproto.h>
#include <kern/timevar.h>

#include "check_main.h"
#include "fdworld.h"
#include "time_impl.h"

#define MSEC 1000000ULL

/* Of kern/base and the entry stubs. */
kmutex_t proc_lock;
struct lwplist alllwp = TAILQ_HEAD_INITIALIZER(alllwp);
long sys_kiln_cputime(clockid_t clock, struct timespec *uts);

long sys_kiln_cputime(clockid_t clock, struct timespec *uts)
{
	return do_sys_kiln_cputime(clock, uts);
}

uint64_t proc_cputime(void)
{
	return 13 * MSEC;
}

uint64_t lwp_cputime(struct lwp *l)
{
	return (uint64_t)l->l_lid * MSEC;
}

struct lwp *lwp_find(int lid)
{
	return lid == 1 ? curlwp : NULL;
}

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
	mutex_init(&proc_lock, MUTEX_DEFAULT);
}

static uint64_t clock_of(clockid_t clock)
{
	struct timespec ts;
	uint64_t ns;

	ck_assert_int_eq(do_sys_clock_gettime(clock, &ts), 0);
	ck_assert_int_eq(timespec_to_ns(&ts, &ns), 0);
	return ns;
}

/* ------------------------------------------------------------------ clocks */

START_TEST(time_clocks_are_known_or_einval)
{
	static const clockid_t known[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
	    CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI,
	    CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
	struct timespec ts;

	for (unsigned i = 0; i < NELEM(known); i++) {
		ck_assert_int_eq(do_sys_clock_gettime(known[i], &ts), 0);
		ck_assert_int_eq(do_sys_clock_gettime(known[i], NULL), -EFAULT);
		ck_assert_int_eq(do_sys_clock_getres(known[i], NULL), 0);
		ck_assert_int_eq(do_sys_clock_getres(known[i], &ts), 0);
		ck_assert(ts.tv_sec == 0 && ts.tv_nsec == 1);
	}
	for (int clock = 12; clock < 40; clock++) {
		ck_assert_int_eq(do_sys_clock_gettime(clock, &ts), -EINVAL);
		ck_assert_int_eq(do_sys_clock_getres(clock, &ts), -EINVAL);
	}
	ck_assert_int_eq(do_sys_clock_gettime(-1, &ts), -EINVAL);
	ck_assert_uint_eq(clock_of(CLOCK_MONOTONIC), nanouptime());
}
END_TEST

START_TEST(time_cputime_is_of_the_thread_or_the_program)
{
	ck_assert_uint_eq(clock_of(CLOCK_PROCESS_CPUTIME_ID), 13 * MSEC);
	ck_assert_uint_eq(clock_of(CLOCK_THREAD_CPUTIME_ID), 1 * MSEC);
}
END_TEST

START_TEST(time_setting_moves_the_wall_clock_only)
{
	struct timespec ts = {1000, 5}, bad = {0, 1000000000}, negative = {-1, 0};
	uint64_t up = nanouptime();
	struct timeval tv;

	ck_assert_int_eq(do_sys_clock_settime(CLOCK_MONOTONIC, &ts), -EINVAL);
	ck_assert_int_eq(do_sys_clock_settime(CLOCK_REALTIME, &bad), -EINVAL);
	ck_assert_int_eq(do_sys_clock_settime(CLOCK_REALTIME, &negative), -EINVAL);
	ck_assert_int_eq(do_sys_clock_settime(CLOCK_REALTIME, NULL), -EFAULT);
	ck_assert_int_eq(do_sys_clock_settime(CLOCK_REALTIME, &ts), 0); /* back, by decades */
	ck_assert_uint_eq(clock_of(CLOCK_REALTIME), 1000 * NSEC_PER_SEC + 5);
	ck_assert_uint_eq(clock_of(CLOCK_MONOTONIC), up);
	native_advance(2 * NSEC_PER_SEC);
	ck_assert_int_eq(do_sys_time(NULL), 1002);
	ck_assert_int_eq(do_sys_gettimeofday(&tv, NULL), 0);
	ck_assert(tv.tv_sec == 1002 && tv.tv_usec == 0);
	tv = (struct timeval){5, 1000000};
	ck_assert_int_eq(do_sys_settimeofday(&tv, NULL), -EINVAL);
	tv = (struct timeval){5, 250000};
	ck_assert_int_eq(do_sys_settimeofday(&tv, NULL), 0);
	ck_assert_uint_eq(clock_of(CLOCK_REALTIME), 5250 * MSEC);
}
END_TEST

/* ---------------------------------------------------------------- sleeping */

static void interrupt(void *arg)
{
	native_signal(EINTR);
	lwp_interrupt(arg);
}

START_TEST(time_sleep_is_exact_or_says_what_is_left)
{
	struct timespec req = {1, 500}, left = {7, 7};
	uint64_t t0 = nanouptime();
	callout_t c;

	ck_assert_int_eq(do_sys_nanosleep(&req, &left), 0);
	ck_assert_uint_eq(nanouptime(), t0 + NSEC_PER_SEC + 500);
	ck_assert_int_eq(left.tv_sec, 7); /* untouched */
	callout_init(&c, interrupt, curlwp);
	callout_schedule(&c, 400 * MSEC);
	ck_assert_int_eq(do_sys_nanosleep(&req, &left), -EINTR);
	ck_assert_int_eq(left.tv_sec, 0);
	ck_assert_int_eq(left.tv_nsec, 600 * MSEC + 500);
	ck_assert_int_eq(do_sys_nanosleep(&req, NULL), -EINTR);
	ck_assert_int_eq(do_sys_nanosleep(&req, (void *)8), -EFAULT);
	native_signal(0);
	req = (struct timespec){0, 0};
	ck_assert_int_eq(do_sys_nanosleep(&req, NULL), 0);
	req.tv_nsec = 1000000000;
	ck_assert_int_eq(do_sys_nanosleep(&req, NULL), -EINVAL);
	req = (struct timespec){-1, 0};
	ck_assert_int_eq(do_sys_nanosleep(&req, NULL), -EINVAL);
	ck_assert_int_eq(do_sys_nanosleep((void *)8, NULL), -EFAULT);
}
END_TEST

static void set_wall_clock(void *arg)
{
	ck_assert_int_eq(do_sys_clock_settime(CLOCK_REALTIME, arg), 0);
}

START_TEST(time_sleep_until)
{
	struct timespec ts, later;
	uint64_t t0 = nanouptime(), wall = nanotime();
	callout_t c;

	ns_to_timespec(t0 + 30 * MSEC, &ts);
	ck_assert_int_eq(do_sys_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, (void *)8), 0);
	ck_assert_uint_eq(nanouptime(), t0 + 30 * MSEC);
	ck_assert_int_eq(do_sys_clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	ck_assert_int_eq(do_sys_clock_nanosleep(CLOCK_MONOTONIC, 2, &ts, NULL), -EINVAL);
	ck_assert_int_eq(do_sys_clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), -EINVAL);
	ck_assert_int_eq(do_sys_clock_nanosleep(77, 0, &ts, NULL), -EINVAL);
	/* The wall clock is set back by 20 ms meanwhile: the absolute sleep takes so much longer.
	 */
	ns_to_timespec(wall + 30 * MSEC + 100 * MSEC, &ts);
	ns_to_timespec(wall + 30 * MSEC + 30 * MSEC, &later);
	callout_init(&c, set_wall_clock, &later);
	callout_schedule(&c, 50 * MSEC);
	t0 = nanouptime();
	ck_assert_int_eq(do_sys_clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);
	ck_assert_uint_eq(nanouptime(), t0 + 120 * MSEC);
	/* A relative one does not care. */
	callout_schedule(&c, 50 * MSEC);
	ts = (struct timespec){0, 100 * MSEC};
	ck_assert_int_eq(do_sys_clock_nanosleep(CLOCK_REALTIME, 0, &ts, NULL), 0);
	ck_assert_uint_eq(nanouptime(), t0 + 220 * MSEC);
}
END_TEST

/* --------------------------------------------------------- interval timers */

static long arm(uint64_t usec, uint64_t interval)
{
	struct itimerval it = {{0, (suseconds_t)interval}, {0, (suseconds_t)usec}};

	return do_sys_setitimer(ITIMER_REAL, &it, NULL);
}

START_TEST(time_itimer_sends_sigalrm)
{
	struct itimerval it, old;

	ck_assert_int_eq(arm(10000, 0), 0);
	native_advance(10 * MSEC - 1);
	ck_assert_int_eq(native_sent_signal(), 0);
	native_advance(1);
	ck_assert_int_eq(native_sent_signal(), SIGALRM);
	ck_assert(!native_step()); /* once */
	ck_assert_int_eq(arm(10000, 3000), 0);
	native_advance(10 * MSEC);
	ck_assert_int_eq(native_sent_signal(), SIGALRM);
	native_advance(2 * MSEC);
	ck_assert_int_eq(do_sys_getitimer(ITIMER_REAL, &it), 0);
	ck_assert_int_eq(it.it_value.tv_usec, 1000);
	ck_assert_int_eq(it.it_interval.tv_usec, 3000);
	ck_assert_int_eq(native_sent_signal(), 0);
	native_advance(1 * MSEC);
	ck_assert_int_eq(native_sent_signal(), SIGALRM);
	it = (struct itimerval){{0, 0}, {0, 0}};
	ck_assert_int_eq(do_sys_setitimer(ITIMER_REAL, &it, &old), 0);
	ck_assert_int_eq(old.it_interval.tv_usec, 3000);
	ck_assert(!native_step());
	ck_assert_int_eq(do_sys_getitimer(ITIMER_REAL, &it), 0);
	ck_assert_int_eq(it.it_value.tv_usec + it.it_interval.tv_usec, 0);
}
END_TEST

START_TEST(time_itimer_arguments_are_checked)
{
	struct itimerval it = {{0, 0}, {0, 1000000}};

	ck_assert_int_eq(do_sys_setitimer(ITIMER_REAL, &it, NULL), -EINVAL);
	it = (struct itimerval){{0, -1}, {1, 0}};
	ck_assert_int_eq(do_sys_setitimer(ITIMER_REAL, &it, NULL), -EINVAL);
	ck_assert_int_eq(do_sys_setitimer(9, &it, NULL), -EINVAL);
	ck_assert_int_eq(do_sys_getitimer(9, &it), -EINVAL);
	ck_assert_int_eq(do_sys_setitimer(ITIMER_REAL, (void *)8, NULL), -EFAULT);
	ck_assert_int_eq(do_sys_getitimer(ITIMER_REAL, NULL), -EFAULT);
	it = (struct itimerval){{INT64_MAX, 999999}, {0, 1}}; /* a period that never comes */
	ck_assert_int_eq(do_sys_setitimer(ITIMER_REAL, &it, NULL), 0);
	native_advance(NSEC_PER_SEC);
	ck_assert_int_eq(native_sent_signal(), SIGALRM);
	native_advance(100 * NSEC_PER_SEC);
	ck_assert_int_eq(native_sent_signal(), 0);
}
END_TEST

START_TEST(time_alarm_counts_whole_seconds)
{
	ck_assert_int_eq(do_sys_alarm(10), 0);
	ck_assert_int_eq(do_sys_alarm(10), 10);
	native_advance(400 * MSEC);
	ck_assert_int_eq(do_sys_alarm(10), 10); /* 9.6 */
	native_advance(600 * MSEC);
	ck_assert_int_eq(do_sys_alarm(1), 9); /* 9.4 */
	native_advance(900 * MSEC);
	ck_assert_int_eq(do_sys_alarm(0), 1); /* 0.1, but it was armed */
	ck_assert_int_eq(do_sys_alarm(0), 0);
	ck_assert(!native_step());
	ck_assert_int_eq(do_sys_alarm(UINT32_MAX), 0);
	ck_assert_int_eq(do_sys_alarm(0), UINT32_MAX);
}
END_TEST

/* ------------------------------------------------------------ POSIX timers */

/* The one signal that is pending, and what became of it. */
static struct ksiginfo *pending;
static siginfo_t taken;
static unsigned sends;
static int send_error;

int sig_send_timer(struct ksiginfo *ksi, int lid)
{
	sends++;
	if (ksi->ksi_queued)
		return EBUSY;
	if (send_error)
		return send_error;
	ck_assert_ptr_null(pending);
	ksi->ksi_queued = true;
	pending = ksi;
	return 0;
}

void sig_unsend_timer(struct ksiginfo *ksi)
{
	if (ksi->ksi_queued)
		pending = NULL;
}

/* A thread takes the signal.  0: none. */
static int taken_signal(void)
{
	struct ksiginfo *ksi = pending;

	pending = NULL;
	if (!ksi)
		return 0;
	taken = ksi->ksi_info;
	ksi->ksi_queued = false;
	ksi->ksi_gone(&taken);
	ck_assert_int_eq(taken.si_code, SI_TIMER);
	return taken.si_signo;
}

static struct sigevent event(int notify, int signo)
{
	return (struct sigevent){.sigev_notify = notify, .sigev_signo = signo};
}

static int create(void)
{
	struct sigevent ev = event(SIGEV_SIGNAL, SIGUSR1);
	int id = -1;

	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
	return id;
}

static long set(int id, int flags, uint64_t value, uint64_t interval)
{
	struct itimerspec it;

	ns_to_timespec(value, &it.it_value);
	ns_to_timespec(interval, &it.it_interval);
	return do_sys_timer_settime(id, flags, &it, NULL);
}

START_TEST(time_timer_sends_its_signal)
{
	struct itimerspec it;
	int id = create();

	ck_assert_int_eq(set(id, 0, 10 * MSEC, 4 * MSEC), 0);
	native_advance(10 * MSEC);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	native_advance(3 * MSEC);
	ck_assert_int_eq(taken_signal(), 0);
	ck_assert_int_eq(do_sys_timer_gettime(id, &it), 0);
	ck_assert_int_eq(it.it_value.tv_nsec, MSEC);
	ck_assert_int_eq(it.it_interval.tv_nsec, 4 * MSEC);
	native_advance(MSEC);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(set(id, 0, 0, 4 * MSEC), 0); /* disarmed: no period either, as Linux */
	ck_assert_int_eq(do_sys_timer_gettime(id, &it), 0);
	ck_assert_int_eq(it.it_value.tv_nsec + it.it_interval.tv_nsec, 0);
	ck_assert(!native_step());
	ck_assert_int_eq(set(id, TIMER_ABSTIME, nanouptime() + 5 * MSEC, 0), 0);
	native_advance(5 * MSEC);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(set(id, TIMER_ABSTIME, 1, 0), 0); /* past: at once */
	native_advance(0);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(do_sys_timer_getoverrun(id), 0);
	ck_assert_int_eq(do_sys_timer_delete(id), 0);
}
END_TEST

START_TEST(time_timer_arguments_are_checked)
{
	struct sigevent ev = event(SIGEV_SIGNAL, 65);
	struct itimerspec it = {{0, 0}, {0, 1000000000}};
	int id = create();

	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, &ev, &id), -EINVAL);
	ev = event(77, SIGUSR1);
	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, &ev, &id), -EINVAL);
	ev = event(SIGEV_THREAD_ID, SIGUSR1); /* of thread 0 */
	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, &ev, &id), -EINVAL);
	ck_assert_int_eq(do_sys_timer_create(99, NULL, &id), -EINVAL);
	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, (void *)8, &id), -EFAULT);
	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, NULL, (void *)8), -EFAULT);
	ck_assert_int_eq(do_sys_timer_settime(id, 0, &it, NULL), -EINVAL);
	ck_assert_int_eq(set(id, 8, 1, 0), -EINVAL);
	ck_assert_int_eq(do_sys_timer_settime(id, 0, NULL, NULL), -EFAULT);
	for (int bad = id + 1; bad != id; bad = bad == id + 1 ? -1 : bad == -1 ? 4096 : id) {
		ck_assert_int_eq(set(bad, 0, 1, 0), -EINVAL);
		ck_assert_int_eq(do_sys_timer_gettime(bad, &it), -EINVAL);
		ck_assert_int_eq(do_sys_timer_getoverrun(bad), -EINVAL);
		ck_assert_int_eq(do_sys_timer_delete(bad), -EINVAL);
	}
	ck_assert_int_eq(do_sys_timer_delete(id), 0);
	ck_assert_int_eq(do_sys_timer_delete(id), -EINVAL);
}
END_TEST

START_TEST(time_timer_silent_and_long_ones)
{
	struct sigevent ev = event(SIGEV_NONE, 0);
	struct itimerspec it = {{INT64_MAX, 0}, {0, 1}};
	int id;

	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
	ck_assert_int_eq(set(id, 0, MSEC, 0), 0);
	native_advance(MSEC);
	ck_assert_int_eq(taken_signal(), 0);
	ck_assert_int_eq(do_sys_timer_gettime(id, &it), 0);
	ck_assert_int_eq(it.it_value.tv_nsec, 0);
	ck_assert_int_eq(do_sys_timer_delete(id), 0);
	id = create();
	it = (struct itimerspec){{INT64_MAX, 0}, {0, 1}};
	ck_assert_int_eq(do_sys_timer_settime(id, 0, &it, NULL), 0);
	native_advance(1);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	native_advance(1000 * NSEC_PER_SEC);
	ck_assert_int_eq(taken_signal(), 0);
	ck_assert_int_eq(do_sys_timer_delete(id), 0);
}
END_TEST

START_TEST(time_timer_table_has_an_end)
{
	int ids[300], n = 0;
	size_t live = native_alloc_live();

	while (n < 300 && do_sys_timer_create(CLOCK_MONOTONIC, NULL, &ids[n]) == 0) {
		ck_assert_int_eq(set(ids[n], 0, NSEC_PER_SEC, NSEC_PER_SEC), 0);
		n++;
	}
	ck_assert_int_eq(n, 256);
	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, NULL, &ids[n]), -EAGAIN);
	while (n > 0) /* armed as they are */
		ck_assert_int_eq(do_sys_timer_delete(ids[--n]), 0);
	ck_assert(!native_step());
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(time_timer_rests_while_its_signal_is_pending)
{
	struct itimerspec it;
	int id = create();

	ck_assert_int_eq(set(id, 0, MSEC, MSEC), 0);
	native_advance(MSEC);
	native_advance(4 * MSEC + MSEC / 2);
	ck_assert_uint_eq(sends, 1);
	ck_assert(!native_step());
	ck_assert_int_eq(do_sys_timer_getoverrun(id), 0); /* of the last that was taken */
	ck_assert_int_eq(do_sys_timer_gettime(id, &it), 0);
	ck_assert_int_eq(it.it_value.tv_nsec, MSEC / 2);
	native_advance(MSEC);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(taken.si_overrun, 5);
	ck_assert_int_eq(do_sys_timer_getoverrun(id), 5);
	native_advance(MSEC / 2); /* in time again */
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(taken.si_overrun, 0);
	ck_assert_int_eq(do_sys_timer_getoverrun(id), 0);
	native_advance(MSEC);
	ck_assert_ptr_nonnull(pending);
	pending->ksi_queued = false; /* its thread has ended, say */
	pending->ksi_gone(NULL);
	pending = NULL;
	native_advance(MSEC);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(taken.si_overrun, 0);
	native_advance(3 * MSEC);
	ck_assert_int_eq(do_sys_timer_delete(id), 0); /* and its signal */
	ck_assert_ptr_null(pending);
	ck_assert(!native_step());
}
END_TEST

START_TEST(time_timer_set_anew_while_its_signal_is_pending)
{
	int id = create();

	ck_assert_int_eq(set(id, 0, MSEC, 0), 0);
	native_advance(MSEC);
	ck_assert_int_eq(set(id, 0, MSEC, 0), 0);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(taken.si_overrun, 0);
	native_advance(MSEC);
	ck_assert_int_eq(set(id, 0, MSEC, MSEC), 0);
	native_advance(2 * MSEC);
	ck_assert_int_eq(taken_signal(), SIGUSR1);
	ck_assert_int_eq(set(id, 0, 0, 0), 0);
	ck_assert(!native_step());
	ck_assert_int_eq(do_sys_timer_delete(id), 0);
}
END_TEST

/* Callouts that run in the next millisecond. */
static unsigned steps_in_msec(void)
{
	uint64_t end = nanouptime() + MSEC;
	unsigned n = 0;

	while (nanouptime() < end && native_step() && n < 10000) {
		n++;
		(void)taken_signal();
	}
	return n;
}

START_TEST(time_no_period_is_too_short)
{
	struct sigevent ev = event(SIGEV_NONE, 0);
	struct itimerval off = {{0, 0}, {0, 0}};
	int id = create(), silent;

	ck_assert_int_eq(set(id, 0, 1, 1), 0);
	ck_assert_uint_le(steps_in_msec(), 50);
	ck_assert_uint_gt(taken.si_overrun, 1000);
	send_error = ECANCELED; /* ignored */
	ck_assert_uint_le(steps_in_msec(), 3);
	send_error = 0;
	ck_assert_uint_ge(steps_in_msec() + steps_in_msec(), 2); /* and back */
	send_error = ESRCH;
	ck_assert_uint_le(steps_in_msec(), 2);
	ck_assert_int_eq(do_sys_timer_delete(id), 0);
	ck_assert_int_eq(do_sys_timer_create(CLOCK_MONOTONIC, &ev, &silent), 0);
	ck_assert_int_eq(set(silent, 0, 1, 1), 0);
	ck_assert(!native_step());
	ck_assert_int_eq(do_sys_timer_delete(silent), 0);
	ck_assert_int_eq(arm(1, 1), 0);
	ck_assert_uint_le(steps_in_msec(), 50);
	ck_assert_int_eq(do_sys_setitimer(ITIMER_REAL, &off, NULL), 0);
}
END_TEST

static long whole_life(void)
{
	int id;
	long r = do_sys_timer_create(CLOCK_MONOTONIC, NULL, &id);

	return r == 0 ? do_sys_timer_delete(id) : r;
}

START_TEST(time_timer_survives_a_failed_allocation)
{
	ck_assert_int_eq(exhaust(whole_life), 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("time");
	TCase *tc = tcase_create("time");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, time_clocks_are_known_or_einval);
	tcase_add_test(tc, time_cputime_is_of_the_thread_or_the_program);
	tcase_add_test(tc, time_setting_moves_the_wall_clock_only);
	tcase_add_test(tc, time_sleep_is_exact_or_says_what_is_left);
	tcase_add_test(tc, time_sleep_until);
	tcase_add_test(tc, time_itimer_sends_sigalrm);
	tcase_add_test(tc, time_itimer_arguments_are_checked);
	tcase_add_test(tc, time_alarm_counts_whole_seconds);
	tcase_add_test(tc, time_timer_sends_its_signal);
	tcase_add_test(tc, time_timer_arguments_are_checked);
	tcase_add_test(tc, time_timer_silent_and_long_ones);
	tcase_add_test(tc, time_timer_rests_while_its_signal_is_pending);
	tcase_add_test(tc, time_timer_set_anew_while_its_signal_is_pending);
	tcase_add_test(tc, time_no_period_is_too_short);
	tcase_add_test(tc, time_timer_table_has_an_end);
	tcase_add_test(tc, time_timer_survives_a_failed_allocation);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
