/* SPDX-License-Identifier: BSD-2-Clause */
/* timerfd_create(2): counts of expirations, to the nanosecond of a simulated clock. */
#include <fcntl.h>
#include <sys/timerfd.h>

#include <kern/poll.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"
#include "time_impl.h"

#define MSEC 1000000ULL

/* kern/time's, without what it knows of CPU time. */
int time_read(clockid_t clock, uint64_t *ns)
{
	*ns = clock == CLOCK_REALTIME ? nanotime() : nanouptime();
	return 0;
}

static int fd;

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
	fd = (int)do_sys_timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	ck_assert_int_ge(fd, 0);
}

static struct itimerspec spec(uint64_t value, uint64_t interval)
{
	struct itimerspec it;

	ns_to_timespec(value, &it.it_value);
	ns_to_timespec(interval, &it.it_interval);
	return it;
}

static long set(int flags, uint64_t value, uint64_t interval)
{
	struct itimerspec it = spec(value, interval);

	return do_sys_timerfd_settime(fd, flags, &it, NULL);
}

static int64_t take(void)
{
	uint64_t n = 0;
	long r = do_sys_read(fd, &n, sizeof(n));

	return r == sizeof(n) ? (int64_t)n : r;
}

static uint64_t left(void)
{
	struct itimerspec it;
	uint64_t ns;

	ck_assert_int_eq(do_sys_timerfd_gettime(fd, &it), 0);
	ck_assert_int_eq(timespec_to_ns(&it.it_value, &ns), 0);
	return ns;
}

static int polled(void)
{
	struct file *fp;
	int ready;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ready = fp->f_ops->fo_poll(fp, POLLIN | POLLOUT, NULL);
	fd_putfile(fp);
	return ready;
}

START_TEST(timerfd_arguments_are_checked)
{
	struct itimerspec it = spec(1, 0), bad = {{0, 0}, {0, 1000000000}};
	int other = (int)do_sys_timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
	uint64_t n;

	ck_assert_int_eq(do_sys_fcntl(other, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), -EINVAL);
	ck_assert_int_eq(do_sys_timerfd_create(99, 0), -EINVAL);
	ck_assert_int_eq(do_sys_timerfd_create(CLOCK_MONOTONIC, O_APPEND), -EINVAL);
	ck_assert_int_eq(do_sys_timerfd_settime(fd, 8, &it, NULL), -EINVAL);
	ck_assert_int_eq(do_sys_timerfd_settime(fd, 0, &bad, NULL), -EINVAL);
	ck_assert_int_eq(do_sys_timerfd_settime(fd, 0, (void *)8, NULL), -EFAULT);
	ck_assert_int_eq(do_sys_timerfd_settime(999, 0, &it, NULL), -EBADF);
	ck_assert_int_eq(do_sys_timerfd_gettime(999, &it), -EBADF);
	ck_assert_int_eq(do_sys_timerfd_gettime(fd, (void *)8), -EFAULT);
	ck_assert_int_eq(do_sys_read(fd, &n, 7), -EINVAL);
	ck_assert_int_eq(do_sys_write(fd, &n, 8), -EINVAL);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_SET), -ESPIPE);
	ck_assert_int_eq(take(), -EAGAIN);
	ck_assert_uint_eq(left(), 0);
}
END_TEST

START_TEST(timerfd_once)
{
	ck_assert_int_eq(set(0, 10 * MSEC, 0), 0);
	native_advance(10 * MSEC - 1);
	ck_assert_int_eq(take(), -EAGAIN);
	ck_assert_uint_eq(left(), 1);
	ck_assert_int_eq(polled(), 0);
	native_advance(1);
	ck_assert_int_eq(polled(), POLLIN);
	ck_assert_uint_eq(left(), 0);
	native_advance(50 * MSEC);
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(take(), -EAGAIN);
	ck_assert(!native_step());
}
END_TEST

START_TEST(timerfd_period_counts_what_was_missed)
{
	ck_assert_int_eq(set(0, 10 * MSEC, 4 * MSEC), 0);
	native_advance(9 * MSEC);
	ck_assert_int_eq(take(), -EAGAIN);
	native_advance(1 * MSEC);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(left(), 4 * MSEC);
	native_advance(13 * MSEC);
	ck_assert_uint_eq(left(), 3 * MSEC); /* also with a count that nobody has read */
	ck_assert_int_eq(take(), 3);
	ck_assert_int_eq(take(), -EAGAIN);
	native_advance(3 * MSEC); /* no drift by reading late */
	ck_assert_int_eq(take(), 1);
}
END_TEST

/* Nobody needs to be told again before it is read, however short the period. */
START_TEST(timerfd_unread_period_costs_nothing)
{
	unsigned steps = 0;

	ck_assert_int_eq(set(0, 1, 1), 0);
	while (steps < 10 && native_step())
		steps++;
	ck_assert_uint_eq(steps, 1);
	native_advance(NSEC_PER_SEC);
	ck_assert_int_eq(take(), NSEC_PER_SEC + 1);
}
END_TEST

START_TEST(timerfd_absolute_times)
{
	int monotonic = fd;

	ck_assert_int_eq(set(TFD_TIMER_ABSTIME, nanouptime() + 5 * MSEC, 0), 0);
	ck_assert_uint_eq(left(), 5 * MSEC);
	native_advance(5 * MSEC);
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(set(TFD_TIMER_ABSTIME, 1, 0), 0); /* long past: at once */
	native_advance(0);
	ck_assert_int_eq(take(), 1);
	/* Periods that lie in the past are counted. */
	ck_assert_int_eq(set(TFD_TIMER_ABSTIME, 1, MSEC), 0);
	native_advance(0);
	ck_assert_int_ge(take(), 1);
	fd = (int)do_sys_timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	ck_assert_int_eq(set(TFD_TIMER_ABSTIME, nanotime() + 7 * MSEC, 0), 0);
	ck_assert_uint_eq(left(), 7 * MSEC);
	native_advance(7 * MSEC);
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(do_sys_close(monotonic), 0);
}
END_TEST

START_TEST(timerfd_setting_anew_forgets)
{
	struct itimerspec it = spec(8 * MSEC, 0), old;

	ck_assert_int_eq(set(0, 10 * MSEC, 3 * MSEC), 0);
	native_advance(11 * MSEC);
	ck_assert_int_eq(polled(), POLLIN);
	ck_assert_int_eq(do_sys_timerfd_settime(fd, 0, &it, &old), 0);
	ck_assert_int_eq(old.it_value.tv_nsec, 2 * MSEC);
	ck_assert_int_eq(old.it_interval.tv_nsec, 3 * MSEC);
	ck_assert_int_eq(take(), -EAGAIN);
	ck_assert_int_eq(set(0, 0, 3 * MSEC), 0); /* disarmed */
	ck_assert(!native_step());
	native_advance(NSEC_PER_SEC);
	ck_assert_int_eq(take(), -EAGAIN);
	ck_assert_int_eq(do_sys_timerfd_settime(fd, 0, &it, (void *)8), -EFAULT);
}
END_TEST

START_TEST(timerfd_longest_times_never_come)
{
	struct itimerspec it = {{INT64_MAX, 0}, {0, 1}}; /* interval, value */
	unsigned steps = 0;

	ck_assert_int_eq(do_sys_timerfd_settime(fd, 0, &it, NULL), 0);
	native_advance(1);
	ck_assert_int_eq(take(), 1);
	native_advance(1000 * NSEC_PER_SEC);
	ck_assert_int_eq(take(), -EAGAIN);
	it = (struct itimerspec){{0, 0}, {INT64_MAX, 999999999}};
	ck_assert_int_eq(do_sys_timerfd_settime(fd, 0, &it, NULL), 0);
	ck_assert_int_eq(do_sys_timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL), 0);
	native_advance(1000 * NSEC_PER_SEC);
	ck_assert_int_eq(take(), -EAGAIN);
	ck_assert_uint_gt(left(), 1000 * NSEC_PER_SEC);
	ck_assert_uint_eq(steps, 0);
}
END_TEST

static struct reader {
	bool close;
	int64_t value;
	uint64_t until;
} reader;

static void reader_main(void *arg)
{
	reader.value = take();
	reader.until = nanouptime();
}

START_TEST(timerfd_blocked_reader_is_woken)
{
	uint64_t t0 = nanouptime();

	ck_assert_int_eq(do_sys_fcntl(fd, F_SETFL, 0), 0);
	spawn(reader_main, NULL);
	settle();
	ck_assert_int_eq(set(TFD_TIMER_ABSTIME, t0 + 20 * MSEC, 0), 0);
	native_join();
	ck_assert_int_eq(reader.value, 1);
	ck_assert_uint_eq(reader.until, t0 + 20 * MSEC);
	native_signal(EINTR);
	ck_assert_int_eq(take(), -EINTR);
	native_signal(0);
	/* Closed while it is read: the call keeps the timer going. */
	ck_assert_int_eq(set(0, 5 * MSEC, 0), 0);
	reader.value = 0;
	spawn(reader_main, NULL);
	settle();
	ck_assert_int_eq(do_sys_close(fd), 0);
	native_join();
	ck_assert_int_eq(reader.value, 1);
}
END_TEST

static unsigned notices;
static struct selwaiter waiter;

static void noticed(struct selwaiter *sw, int events)
{
	notices += events == 0 || events & POLLIN;
}

static void record(struct polltable *pt, struct selinfo *si)
{
	waiter.sw_notify = noticed;
	selwait_link(si, &waiter);
}

START_TEST(timerfd_tells_who_polls)
{
	struct polltable pt = {record};
	struct file *fp;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ck_assert_int_eq(fp->f_ops->fo_poll(fp, POLLIN, &pt), 0);
	fd_putfile(fp);
	ck_assert_int_eq(set(0, 2 * MSEC, 2 * MSEC), 0);
	native_advance(2 * MSEC);
	ck_assert_uint_eq(notices, 1);
	ck_assert_int_eq(take(), 1);
	native_advance(2 * MSEC);
	ck_assert_uint_eq(notices, 2);
	/* Closing an armed one leaves no callout behind. */
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert(!native_step());
	ck_assert_ptr_null(waiter.sw_info);
}
END_TEST

static long whole_life(void)
{
	long r = do_sys_timerfd_create(CLOCK_MONOTONIC, 0);

	if (r >= 0)
		ck_assert_int_eq(do_sys_close((int)r), 0);
	return r;
}

START_TEST(timerfd_survives_every_failed_allocation)
{
	ck_assert_int_ge(exhaust(whole_life), 1);
	fd_limit = 1;
	ck_assert_int_eq(do_sys_timerfd_create(CLOCK_MONOTONIC, 0), -EMFILE);
	ck_assert_int_eq(do_sys_close(fd), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("timerfd");
	TCase *tc = tcase_create("timerfd");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, timerfd_arguments_are_checked);
	tcase_add_test(tc, timerfd_once);
	tcase_add_test(tc, timerfd_period_counts_what_was_missed);
	tcase_add_test(tc, timerfd_unread_period_costs_nothing);
	tcase_add_test(tc, timerfd_absolute_times);
	tcase_add_test(tc, timerfd_setting_anew_forgets);
	tcase_add_test(tc, timerfd_longest_times_never_come);
	tcase_add_test(tc, timerfd_blocked_reader_is_woken);
	tcase_add_test(tc, timerfd_tells_who_polls);
	tcase_add_test(tc, timerfd_survives_every_failed_allocation);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
