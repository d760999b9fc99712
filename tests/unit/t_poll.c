/* SPDX-License-Identifier: BSD-2-Clause */
/* poll(2), ppoll(2), select(2) and pselect(2) over pipes. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/select.h>

#include <kern/poll.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"

#define MSEC 1000000U
#define MANY                                                                                       \
	60 /* pipes: more waiters than lie in one call's own memory, and in its first chunk        \
	    */

static int p[2], q[2];

static void open_pipe(int fds[2])
{
	ck_assert_int_eq(do_sys_pipe2(fds, O_NONBLOCK), 0);
}

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
	open_pipe(p);
	open_pipe(q);
}

static void put(int fd)
{
	ck_assert_int_eq(do_sys_write(fd, "x", 1), 1);
}

/* What another lwp does after a while. */
struct later {
	uint64_t delay;
	int write, close; /* descriptors, -1: none */
};

static void later_main(void *arg)
{
	struct later *l = arg;

	(void)lwp_sleep_until(nanouptime() + l->delay, "later");
	if (l->write >= 0)
		put(l->write);
	if (l->close >= 0)
		ck_assert_int_eq(do_sys_close(l->close), 0);
}

static void later(struct later *l)
{
	spawn(later_main, l);
}

/* -------------------------------------------------------------------- poll */

START_TEST(poll_says_what_each_descriptor_has)
{
	struct pollfd fds[] = {
	    {p[0], POLLIN, -1},
	    {-1, POLLIN, -1},
	    {p[1], POLLOUT | POLLIN, -1},
	    {999, POLLIN, -1},
	    {q[0], 0, -1},
	    {q[0], POLLIN, -1},
	    {p[1], 0, -1},
	};

	put(q[1]);
	ck_assert_int_eq(do_sys_close(q[1]), 0);
	ck_assert_int_eq(do_sys_poll(fds, NELEM(fds), -1), 4);
	ck_assert_int_eq(fds[0].revents, 0);
	ck_assert_int_eq(fds[1].revents, 0);
	ck_assert_int_eq(fds[2].revents, POLLOUT);
	ck_assert_int_eq(fds[3].revents, POLLNVAL);
	ck_assert_int_eq(fds[4].revents, POLLHUP); /* unasked */
	ck_assert_int_eq(fds[5].revents, POLLIN | POLLHUP);
	ck_assert_int_eq(fds[6].revents, 0);
	ck_assert_int_eq(fds[0].events, POLLIN);
}
END_TEST

START_TEST(poll_without_fo_poll_is_always_ready)
{
	static const struct fileops ops;
	struct pollfd pfd = {.events = POLLIN | POLLOUT};

	ck_assert_int_eq(fd_open(&ops, DTYPE_MISC, O_RDWR, NULL, &pfd.fd), 0);
	ck_assert_int_eq(do_sys_poll(&pfd, 1, -1), 1);
	ck_assert_int_eq(pfd.revents, POLLIN | POLLOUT);
	ck_assert_int_eq(fd_open(&ops, DTYPE_MISC, O_PATH, NULL, &pfd.fd), 0);
	ck_assert_int_eq(do_sys_poll(&pfd, 1, -1), 1);
	ck_assert_int_eq(pfd.revents, POLLNVAL);
}
END_TEST

START_TEST(poll_timeout_is_exact)
{
	struct pollfd pfd = {p[0], POLLIN, -1};
	struct timespec ts = {0, 1500};
	uint64_t t0 = nanouptime();

	ck_assert_int_eq(do_sys_poll(&pfd, 1, 0), 0);
	ck_assert_uint_eq(nanouptime(), t0);
	ck_assert_int_eq(do_sys_poll(&pfd, 1, 250), 0);
	ck_assert_int_eq(pfd.revents, 0);
	ck_assert_uint_eq(nanouptime(), t0 + 250 * MSEC);
	ck_assert_int_eq(do_sys_poll(NULL, 0, 50), 0);
	ck_assert_uint_eq(nanouptime(), t0 + 300 * MSEC);
	ck_assert_int_eq(do_sys_ppoll(&pfd, 1, &ts, NULL, 0), 0);
	ck_assert_uint_eq(nanouptime(), t0 + 300 * MSEC + 1500);
	ts.tv_nsec = 1000000000;
	ck_assert_int_eq(do_sys_ppoll(&pfd, 1, &ts, NULL, 0), -EINVAL);
	ts = (struct timespec){-1, 0};
	ck_assert_int_eq(do_sys_ppoll(&pfd, 1, &ts, NULL, 0), -EINVAL);
	put(p[1]);
	ts = (struct timespec){INT64_MAX, 999999999};
	ck_assert_int_eq(do_sys_ppoll(&pfd, 1, &ts, NULL, 0), 1);
}
END_TEST

START_TEST(poll_arguments_are_checked)
{
	struct pollfd pfd = {p[0], POLLIN, 0};
	uint64_t mask = 0;

	ck_assert_int_eq(do_sys_poll((void *)8, 1, 0), -EFAULT);
	ck_assert_int_eq(do_sys_poll((void *)8, 40, 0), -EFAULT);
	ck_assert_int_eq(do_sys_poll(&pfd, ULONG_MAX, 0), -EINVAL);
	ck_assert_int_eq(do_sys_poll(&pfd, 1UL << 61, 0), -EINVAL); /* times 8 is 0 */
	ck_assert_int_eq(do_sys_ppoll(&pfd, 1, (void *)8, NULL, 0), -EFAULT);
	ck_assert_int_eq(do_sys_ppoll(&pfd, 1, NULL, &mask, 4), -EINVAL);
	ck_assert_int_eq(do_sys_ppoll(&pfd, 1, NULL, (void *)8, 8), -EFAULT);
}
END_TEST

START_TEST(poll_is_woken_by_data_and_by_the_end)
{
	struct pollfd fds[2] = {{p[0], POLLIN, 0}, {q[0], POLLIN, 0}};
	uint64_t t0 = nanouptime();
	struct later data = {5 * MSEC, p[1], -1}, end = {5 * MSEC, -1, q[1]};
	char c;

	later(&data);
	ck_assert_int_eq(do_sys_poll(fds, 2, 1000), 1);
	ck_assert_int_eq(fds[0].revents, POLLIN);
	ck_assert_uint_eq(nanouptime(), t0 + 5 * MSEC);
	ck_assert_int_eq(do_sys_read(p[0], &c, 1), 1);
	later(&end);
	ck_assert_int_eq(do_sys_poll(fds, 2, 1000), 1);
	ck_assert_int_eq(fds[1].revents, POLLHUP);
	ck_assert_uint_eq(nanouptime(), t0 + 10 * MSEC);
	native_join();
}
END_TEST

/* Data that somebody else takes before the poller looks: it waits on, for the rest of its time. */
static void take_back(void *arg)
{
	char c;

	(void)lwp_sleep_until(nanouptime() + MSEC, "take_back");
	mutex_enter(arg);
	put(p[1]);
	ck_assert_int_eq(do_sys_read(p[0], &c, 1), 1);
	mutex_exit(arg);
}

START_TEST(poll_false_alarm_is_not_reported)
{
	struct pollfd pfd = {p[0], POLLIN, 0};
	uint64_t t0 = nanouptime();
	kmutex_t mtx;
	long r;

	mutex_init(&mtx, MUTEX_DEFAULT);
	spawn(take_back, &mtx);
	r = do_sys_poll(&pfd, 1, 20);
	native_join();
	if (r == 0)
		ck_assert_uint_eq(nanouptime(), t0 + 20 * MSEC);
	else
		ck_assert_int_eq(pfd.revents, POLLIN); /* it was quicker */
}
END_TEST

START_TEST(poll_of_many_hears_each_of_them)
{
	struct pollfd fds[MANY];
	int m[MANY][2];
	char c;

	for (int i = 0; i < MANY; i++) {
		open_pipe(m[i]);
		fds[i] = (struct pollfd){m[i][0], POLLIN, -1};
	}
	for (int i = 0; i < MANY; i++) {
		struct later l = {MSEC, m[i][1], -1};
		later(&l);
		ck_assert_int_eq(do_sys_poll(fds, MANY, 10), 1);
		ck_assert_int_eq(fds[i].revents, POLLIN);
		ck_assert_int_eq(do_sys_read(m[i][0], &c, 1), 1);
		native_join();
	}
}
END_TEST

START_TEST(poll_descriptor_closed_meanwhile)
{
	struct pollfd pfd = {p[0], POLLIN, 0};
	struct later l = {MSEC, -1, p[0]};

	later(&l);
	ck_assert_int_eq(do_sys_poll(&pfd, 1, 1000), 1);
	ck_assert_int_eq(pfd.revents, POLLNVAL);
	native_join();
}
END_TEST

START_TEST(poll_signal_breaks_only_the_wait)
{
	struct pollfd pfd = {p[0], POLLIN, 0};

	native_signal(ERESTART);
	ck_assert_int_eq(do_sys_poll(&pfd, 1, -1), -EINTR);
	ck_assert_int_eq(do_sys_poll(&pfd, 1, 0), 0);
	put(p[1]);
	ck_assert_int_eq(do_sys_poll(&pfd, 1, -1), 1);
}
END_TEST

static int exhaust_fds[MANY];

static long poll_many(void)
{
	struct pollfd fds[MANY];

	for (int i = 0; i < MANY; i++)
		fds[i] = (struct pollfd){exhaust_fds[i], POLLIN, 0};
	return do_sys_poll(fds, MANY, 1);
}

START_TEST(poll_survives_every_failed_allocation)
{
	int fds[2];

	for (int i = 0; i < MANY; i++) {
		open_pipe(fds);
		exhaust_fds[i] = fds[0];
	}
	ck_assert_int_ge(exhaust(poll_many), 3); /* the array, two chunks of waiters */
	for (int n = 0; n < 3; n++) {		 /* who cannot be told must not wait */
		native_alloc_fail(n);
		ck_assert_int_eq(poll_many(), -ENOMEM);
	}
}
END_TEST

/* ------------------------------------------------------------------ select */

static fd_set rset, wset, xset;

static void sets(int r, int w, int x)
{
	FD_ZERO(&rset);
	FD_ZERO(&wset);
	FD_ZERO(&xset);
	if (r >= 0)
		FD_SET(r, &rset);
	if (w >= 0)
		FD_SET(w, &wset);
	if (x >= 0)
		FD_SET(x, &xset);
}

START_TEST(select_counts_bits_of_all_sets)
{
	int top = q[1] + 1;

	put(p[1]);
	sets(p[0], p[1], p[0]);
	FD_SET(q[0], &rset);
	ck_assert_int_eq(do_sys_select(top, &rset, &wset, &xset, NULL), 2);
	ck_assert(FD_ISSET(p[0], &rset) && !FD_ISSET(q[0], &rset));
	ck_assert(FD_ISSET(p[1], &wset) && !FD_ISSET(p[0], &xset));
	/* Writing to nobody does not block: both the end of a file and an error are readiness. */
	while (do_sys_write(p[1], "x", 1) == 1)
		continue;
	sets(-1, p[1], -1);
	ck_assert_int_eq(do_sys_select(top, NULL, &wset, NULL, &(struct timeval){0, 0}), 0);
	ck_assert_int_eq(do_sys_close(q[1]), 0);
	ck_assert_int_eq(do_sys_close(p[0]), 0);
	sets(q[0], p[1], -1);
	ck_assert_int_eq(do_sys_select(top, &rset, &wset, NULL, NULL), 2);
}
END_TEST

START_TEST(select_looks_below_nfds_only)
{
	struct timeval tv = {0, 0};

	put(p[1]);
	sets(p[0], 999, -1);
	ck_assert_int_eq(do_sys_select(p[0] + 1, &rset, &wset, NULL, &tv), 1);
	sets(p[0], -1, -1);
	ck_assert_int_eq(do_sys_select(p[0], &rset, NULL, NULL, &tv), 0);
	sets(999, -1, -1);
	ck_assert_int_eq(do_sys_select(1000, &rset, NULL, NULL, &tv), -EBADF);
	ck_assert_int_eq(do_sys_select(-1, &rset, NULL, NULL, &tv), -EINVAL);
	ck_assert_int_eq(do_sys_select(INT_MAX, NULL, NULL, NULL, &tv), 0);
	ck_assert_int_eq(do_sys_select(4, (void *)8, NULL, NULL, &tv), -EFAULT);
	ck_assert_int_eq(do_sys_select(4, NULL, NULL, NULL, (void *)8), -EFAULT);
}
END_TEST

START_TEST(select_says_how_much_time_was_left)
{
	struct timeval tv = {1, 500000};
	struct later l = {400 * MSEC, p[1], -1};
	uint64_t t0 = nanouptime();

	later(&l);
	sets(p[0], -1, -1);
	ck_assert_int_eq(do_sys_select(p[0] + 1, &rset, NULL, NULL, &tv), 1);
	native_join();
	ck_assert_int_eq(tv.tv_sec, 1);
	ck_assert_int_eq(tv.tv_usec, 100000);
	sets(q[0], -1, -1);
	tv = (struct timeval){
	    0, 1700000}; /* more than a second of microseconds is taken, as Linux */
	ck_assert_int_eq(do_sys_select(q[0] + 1, &rset, NULL, NULL, &tv), 0);
	ck_assert(!FD_ISSET(q[0], &rset));
	ck_assert_int_eq(tv.tv_sec + tv.tv_usec, 0);
	ck_assert_uint_eq(nanouptime(), t0 + 2100 * MSEC);
}
END_TEST

START_TEST(select_times_out_of_range)
{
	struct timeval tv = {-1, 0};
	struct timespec ts = {0, 1000000000};

	put(p[1]);
	sets(p[0], -1, -1);
	ck_assert_int_eq(do_sys_select(p[0] + 1, &rset, NULL, NULL, &tv), -EINVAL);
	tv = (struct timeval){0, -1};
	ck_assert_int_eq(do_sys_select(p[0] + 1, &rset, NULL, NULL, &tv), -EINVAL);
	tv = (struct timeval){INT64_MAX, INT64_MAX};
	ck_assert_int_eq(do_sys_select(p[0] + 1, &rset, NULL, NULL, &tv), 1);
	ck_assert_int_eq(do_sys_pselect6(p[0] + 1, &rset, NULL, NULL, &ts, NULL), -EINVAL);
	native_signal(ERESTART);
	sets(q[0], -1, -1);
	ck_assert_int_eq(do_sys_select(q[0] + 1, &rset, NULL, NULL, NULL), -EINTR);
	ck_assert(FD_ISSET(q[0], &rset)); /* untouched */
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("poll");
	TCase *tc = tcase_create("poll");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, poll_says_what_each_descriptor_has);
	tcase_add_test(tc, poll_without_fo_poll_is_always_ready);
	tcase_add_test(tc, poll_timeout_is_exact);
	tcase_add_test(tc, poll_arguments_are_checked);
	tcase_add_test(tc, poll_is_woken_by_data_and_by_the_end);
	tcase_add_test(tc, poll_false_alarm_is_not_reported);
	tcase_add_test(tc, poll_of_many_hears_each_of_them);
	tcase_add_test(tc, poll_descriptor_closed_meanwhile);
	tcase_add_test(tc, poll_signal_breaks_only_the_wait);
	tcase_add_test(tc, poll_survives_every_failed_allocation);
	tcase_add_test(tc, select_counts_bits_of_all_sets);
	tcase_add_test(tc, select_looks_below_nfds_only);
	tcase_add_test(tc, select_says_how_much_time_was_left);
	tcase_add_test(tc, select_times_out_of_range);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
