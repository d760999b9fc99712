/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll(7) over pipes: what is reported how often, to whom, and what becomes of items. */
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include <kern/poll.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"

#define MSEC 1000000U

static int ep;
static struct epoll_event ev[64];

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
	ep = (int)do_sys_epoll_create1(0);
	ck_assert_int_ge(ep, 0);
}

static void open_pipe(int fds[2])
{
	ck_assert_int_eq(do_sys_pipe2(fds, O_NONBLOCK), 0);
}

static long control(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = {.events = events, .data.u64 = data};

	return do_sys_epoll_ctl(epfd, op, fd, &e);
}

static void add(int fd, uint32_t events)
{
	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, fd, events, (uint64_t)fd), 0);
}

static void put(int fd)
{
	ck_assert_int_eq(do_sys_write(fd, "x", 1), 1);
}

static void take(int fd)
{
	char c;

	ck_assert_int_eq(do_sys_read(fd, &c, 1), 1);
}

/* What is reported now. */
static long look(void)
{
	memset(ev, 0xee, sizeof(ev));
	return do_sys_epoll_wait(ep, ev, NELEM(ev), 0);
}

static void expect_one(int fd, uint32_t events)
{
	ck_assert_int_eq(look(), 1);
	ck_assert_uint_eq(ev[0].data.u64, (uint64_t)fd);
	ck_assert_uint_eq(ev[0].events, events);
}

START_TEST(epoll_arguments_are_checked)
{
	static const struct fileops regular_ops; /* no fo_poll: as a regular file */
	struct epoll_event e = {.events = EPOLLIN};
	int p[2], file;

	open_pipe(p);
	ck_assert_int_eq(fd_open(&regular_ops, DTYPE_MISC, O_RDWR, NULL, &file), 0);
	ck_assert_int_eq(do_sys_epoll_create(0), -EINVAL);
	ck_assert_int_eq(do_sys_epoll_create1(O_NONBLOCK), -EINVAL);
	ck_assert_int_eq(
	    do_sys_fcntl((int)do_sys_epoll_create1(EPOLL_CLOEXEC), F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(control(-1, EPOLL_CTL_ADD, p[0], EPOLLIN, 0), -EBADF);
	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, 999, EPOLLIN, 0), -EBADF);
	ck_assert_int_eq(control(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN, 0), -EINVAL);
	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 0), -EINVAL);
	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, file, EPOLLIN, 0), -EPERM);
	ck_assert_int_eq(control(ep, 77, p[0], EPOLLIN, 0), -EINVAL);
	ck_assert_int_eq(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0), -ENOENT);
	ck_assert_int_eq(do_sys_epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), -ENOENT);
	ck_assert_int_eq(do_sys_epoll_ctl(ep, EPOLL_CTL_ADD, p[0], NULL), -EFAULT);
	add(p[0], EPOLLIN);
	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, p[0], EPOLLOUT, 0), -EEXIST);
	ck_assert_int_eq(do_sys_epoll_wait(ep, &e, 0, 0), -EINVAL);
	ck_assert_int_eq(do_sys_epoll_wait(ep, &e, -1, 0), -EINVAL);
	ck_assert_int_eq(do_sys_epoll_wait(999, &e, 1, 0), -EBADF);
	ck_assert_int_eq(do_sys_epoll_wait(p[0], &e, 1, 0), -EINVAL);
	put(p[1]);
	ck_assert_int_eq(do_sys_epoll_wait(ep, (void *)8, 1, 0), -EFAULT);
	ck_assert_int_eq(do_sys_epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	ck_assert_int_eq(look(), 0);
}
END_TEST

START_TEST(epoll_exclusive_is_for_plain_events)
{
	int p[2], inner = (int)do_sys_epoll_create1(0);

	open_pipe(p);
	ck_assert_int_eq(
	    control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0), -EINVAL);
	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE, 0), -EINVAL);
	ck_assert_int_eq(
	    control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET | EPOLLEXCLUSIVE, 0), 0);
	ck_assert_int_eq(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0), -EINVAL);
	add(p[1], EPOLLOUT);
	ck_assert_int_eq(control(ep, EPOLL_CTL_MOD, p[1], EPOLLOUT | EPOLLEXCLUSIVE, 0), -EINVAL);
}
END_TEST

START_TEST(epoll_level_reports_until_it_is_over)
{
	int p[2];

	open_pipe(p);
	add(p[0], EPOLLIN | EPOLLOUT);
	ck_assert_int_eq(look(), 0);
	put(p[1]);
	put(p[1]);
	expect_one(p[0], EPOLLIN);
	expect_one(p[0], EPOLLIN);
	take(p[0]);
	expect_one(p[0], EPOLLIN);
	take(p[0]);
	ck_assert_int_eq(look(), 0);
	add(p[1], EPOLLOUT);
	expect_one(p[1], EPOLLOUT);
}
END_TEST

START_TEST(epoll_edge_reports_each_change_once)
{
	int p[2];

	open_pipe(p);
	put(p[1]);
	add(p[0], EPOLLIN | EPOLLET); /* ready when it is added: that is the first edge */
	expect_one(p[0], EPOLLIN);
	ck_assert_int_eq(look(), 0);
	put(p[1]);
	expect_one(p[0], EPOLLIN);
	ck_assert_int_eq(look(), 0);
	put(p[1]);
	take(p[0]);
	take(p[0]);
	take(p[0]); /* gone before anybody looked */
	ck_assert_int_eq(look(), 0);
	put(p[1]);
	expect_one(p[0], EPOLLIN);
	ck_assert_int_eq(control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 5), 0);
	expect_one(5, EPOLLIN); /* changing it looks anew, with the new data */
}
END_TEST

START_TEST(epoll_oneshot_is_silent_until_modified)
{
	int p[2];

	open_pipe(p);
	add(p[0], EPOLLIN | EPOLLONESHOT);
	put(p[1]);
	expect_one(p[0], EPOLLIN);
	put(p[1]);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(do_sys_close(p[1]), 0); /* nor does hanging up speak */
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(
	    control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, (uint64_t)p[0]), 0);
	expect_one(p[0], EPOLLIN | EPOLLHUP);
	ck_assert_int_eq(look(), 0);
}
END_TEST

START_TEST(epoll_errors_are_reported_unasked)
{
	int p[2], q[2], r[2];

	open_pipe(p);
	open_pipe(q);
	open_pipe(r);
	add(p[0], 0);
	add(q[1], EPOLLET);
	add(r[0], EPOLLONESHOT);
	put(p[1]);
	put(r[1]);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(do_sys_close(p[1]), 0);
	expect_one(p[0], EPOLLHUP);
	ck_assert_int_eq(do_sys_close(p[0]), 0);
	ck_assert_int_eq(do_sys_close(q[0]), 0);
	expect_one(q[1], EPOLLERR);
	ck_assert_int_eq(do_sys_close(r[1]), 0);
	expect_one(r[0], EPOLLHUP);
	ck_assert_int_eq(look(), 0);
}
END_TEST

/* With room for fewer than are ready, each has its turn. */
START_TEST(epoll_small_buffer_is_fair)
{
	enum { N = 40 };
	int p[N][2], seen[256] = {0};

	for (int i = 0; i < N; i++) {
		open_pipe(p[i]);
		add(p[i][0], EPOLLIN);
		put(p[i][1]);
	}
	for (int i = 0; i < N; i += 8) {
		ck_assert_int_eq(do_sys_epoll_wait(ep, ev, 8, 0), 8);
		for (int k = 0; k < 8; k++)
			seen[ev[k].data.u64]++;
	}
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(seen[p[i][0]], 1);
	ck_assert_int_eq(look(), N); /* more than one batch */
	for (int i = 0; i < N; i++)
		take(p[i][0]);
	ck_assert_int_eq(look(), 0);
}
END_TEST

START_TEST(epoll_items_go_while_ready)
{
	int p[2], q[2], dup;

	open_pipe(p);
	open_pipe(q);
	add(p[0], EPOLLIN);
	add(q[0], EPOLLIN);
	put(p[1]);
	put(q[1]);
	ck_assert_int_eq(do_sys_epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	expect_one(q[0], EPOLLIN);
	add(p[0], EPOLLIN);
	ck_assert_int_eq(look(), 2);
	/* Closing the last descriptor takes it off, closing one of two does not (epoll(7), Q6). */
	dup = (int)do_sys_dup(q[0]);
	ck_assert_int_eq(do_sys_close(q[0]), 0);
	ck_assert_int_eq(do_sys_close(p[0]), 0);
	expect_one(q[0], EPOLLIN);
	ck_assert_int_eq(do_sys_close(dup), 0);
	ck_assert_int_eq(look(), 0);
	/* The number may be used again, for another file. */
	open_pipe(p);
	add(p[0], EPOLLIN);
	put(p[1]);
	expect_one(p[0], EPOLLIN);
	/* The same file under two numbers is two items. */
	dup = (int)do_sys_dup(p[0]);
	add(dup, EPOLLIN);
	ck_assert_int_eq(look(), 2);
	ck_assert_int_eq(do_sys_close(ep), 0); /* before what it watches */
	take(p[0]);
}
END_TEST

/* ----------------------------------------------------------------- waiting */

struct waiter {
	int timeout, signal;
	long result;
	uint64_t until;
	struct epoll_event ev;
	bool done;
};

static void wait_one(void *arg)
{
	struct waiter *w = arg;

	native_signal(w->signal);
	w->result = do_sys_epoll_wait(ep, &w->ev, 1, w->timeout);
	w->until = nanouptime();
	w->done = true;
}

static void start(struct waiter *w, int timeout)
{
	*w = (struct waiter){.timeout = timeout};
	spawn(wait_one, w);
	settle();
	ck_assert(!w->done);
}

START_TEST(epoll_wait_ends_at_its_time)
{
	uint64_t t0 = nanouptime();

	ck_assert_int_eq(do_sys_epoll_wait(ep, ev, 1, 250), 0);
	ck_assert_uint_eq(nanouptime(), t0 + 250 * MSEC);
	ck_assert_int_eq(do_sys_epoll_wait(ep, ev, 1, 0), 0);
	ck_assert_uint_eq(nanouptime(), t0 + 250 * MSEC);
	for (int signal = EINTR; signal != 0; signal = signal == EINTR ? ERESTART : 0) {
		native_signal(signal); /* SA_RESTART or not: signal(7) */
		ck_assert_int_eq(do_sys_epoll_wait(ep, ev, 1, -1), -EINTR);
	}
}
END_TEST

START_TEST(epoll_blocked_waiter_is_woken)
{
	struct waiter w;
	int p[2];

	open_pipe(p);
	add(p[0], EPOLLIN);
	start(&w, -1);
	put(p[1]);
	native_join();
	ck_assert_int_eq(w.result, 1);
	ck_assert_int_eq(w.ev.data.u64, p[0]);
	take(p[0]);
	start(&w, -1); /* by something ready that is added */
	add(p[1], EPOLLOUT);
	native_join();
	ck_assert_int_eq(w.ev.data.u64, p[1]);
	ck_assert_int_eq(control(ep, EPOLL_CTL_MOD, p[1], 0, 9), 0);
	start(&w, -1); /* by a wish that comes true */
	ck_assert_int_eq(control(ep, EPOLL_CTL_MOD, p[1], EPOLLOUT, 9), 0);
	native_join();
	ck_assert_int_eq(w.ev.data.u64, 9);
	ck_assert_int_eq(do_sys_close(p[1]), 0);
	ck_assert_int_eq(do_sys_epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	start(&w, 20); /* ready, but gone before the waiter has looked: it waits on */
	ck_assert_int_eq(do_sys_close(p[0]), 0);
	native_join();
	ck_assert_int_eq(w.result, 0);
}
END_TEST

START_TEST(epoll_one_edge_wakes_one_waiter)
{
	struct waiter w[2];
	int p[2];
	uint64_t t0;

	open_pipe(p);
	add(p[0], EPOLLIN | EPOLLET);
	t0 = nanouptime();
	start(&w[0], 100);
	start(&w[1], 100);
	put(p[1]);
	native_join();
	ck_assert_int_eq(w[0].result + w[1].result, 1);
	ck_assert_uint_lt(w[w[0].result ? 0 : 1].until, t0 + MSEC);
	ck_assert_uint_ge(w[w[0].result ? 1 : 0].until, t0 + 100 * MSEC);
}
END_TEST

START_TEST(epoll_two_events_wake_two_waiters)
{
	struct waiter w[2];
	int p[2], q[2];

	open_pipe(p);
	open_pipe(q);
	add(p[0], EPOLLIN | EPOLLET);
	add(q[0], EPOLLIN | EPOLLET);
	start(&w[0], -1);
	start(&w[1], -1);
	put(p[1]);
	put(q[1]);
	native_join();
	ck_assert_int_eq(w[0].result, 1);
	ck_assert_int_eq(w[1].result, 1);
	ck_assert_uint_ne(w[0].ev.data.u64, w[1].ev.data.u64);
}
END_TEST

/* ------------------------------------------------------ epolls in epolls */

static int polled(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	ck_assert_int_ge(do_sys_poll(&pfd, 1, 0), 0);
	return pfd.revents;
}

START_TEST(epoll_is_ready_when_it_has_something_to_report)
{
	int inner = (int)do_sys_epoll_create1(0), p[2];
	struct waiter w;

	open_pipe(p);
	add(inner, EPOLLIN);
	ck_assert_int_eq(control(inner, EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 3), 0);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(polled(inner), 0);
	start(&w, -1);
	put(p[1]);
	native_join();
	ck_assert_int_eq(w.ev.data.u64, inner);
	ck_assert_int_eq(polled(inner), POLLIN);
	ck_assert_int_eq(polled(ep), POLLIN);
	ck_assert_int_eq(do_sys_epoll_wait(inner, ev, 8, 0), 1);
	/* Reported once: no more to report, whatever becomes of the pipe. */
	ck_assert_int_eq(polled(inner), 0);
	ck_assert_int_eq(do_sys_close(p[1]), 0);
	ck_assert_int_eq(polled(inner), 0);
	ck_assert_int_eq(polled(ep), 0);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(do_sys_close(inner), 0);
	ck_assert_int_eq(look(), 0);
}
END_TEST

START_TEST(epoll_circles_are_eloop)
{
	int b = (int)do_sys_epoll_create1(0), c = (int)do_sys_epoll_create1(0);

	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, b, EPOLLIN, 0), 0);
	ck_assert_int_eq(control(b, EPOLL_CTL_ADD, c, EPOLLIN, 0), 0);
	ck_assert_int_eq(control(c, EPOLL_CTL_ADD, ep, EPOLLIN, 0), -ELOOP);
	ck_assert_int_eq(control(b, EPOLL_CTL_ADD, ep, EPOLLIN, 0), -ELOOP);
	ck_assert_int_eq(control(ep, EPOLL_CTL_ADD, c, EPOLLIN, 0), 0); /* a diamond is none */
	ck_assert_int_eq(do_sys_epoll_ctl(b, EPOLL_CTL_DEL, c, NULL), 0);
	ck_assert_int_eq(do_sys_epoll_ctl(ep, EPOLL_CTL_DEL, c, NULL), 0);
	ck_assert_int_eq(control(c, EPOLL_CTL_ADD, ep, EPOLLIN, 0), 0);
}
END_TEST

/* The chain is as long from whichever end it is made, or when two halves are joined. */
START_TEST(epoll_chains_have_an_end)
{
	enum { N = 12 };
	int up[N], down[N], half[2][4], n_up = 1, n_down = 1;

	for (int i = 0; i < N; i++) {
		up[i] = (int)do_sys_epoll_create1(0);
		down[i] = (int)do_sys_epoll_create1(0);
	}
	while (n_up < N && control(up[n_up], EPOLL_CTL_ADD, up[n_up - 1], EPOLLIN, 0) == 0)
		n_up++;
	while (
	    n_down < N && control(down[n_down - 1], EPOLL_CTL_ADD, down[n_down], EPOLLIN, 0) == 0)
		n_down++;
	ck_assert_int_eq(n_up, 6); /* five below one: epoll_ctl(2), ELOOP */
	ck_assert_int_eq(n_down, n_up);
	ck_assert_int_eq(control(down[5], EPOLL_CTL_ADD, down[6], EPOLLIN, 0), -ELOOP);
	for (int h = 0; h < 2; h++) {
		for (int i = 0; i < 4; i++)
			half[h][i] = (int)do_sys_epoll_create1(0);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(
			    control(half[h][i], EPOLL_CTL_ADD, half[h][i + 1], EPOLLIN, 0), 0);
	}
	ck_assert_int_eq(control(half[0][3], EPOLL_CTL_ADD, half[1][0], EPOLLIN, 0), -ELOOP);
	ck_assert_int_eq(control(half[0][1], EPOLL_CTL_ADD, half[1][0], EPOLLIN, 0), 0);
}
END_TEST

/* -------------------------------------------------------- memory and races */

static long whole_life(void)
{
	static int p[2];
	int epfd = (int)do_sys_epoll_create1(0);
	long r = epfd;

	if (epfd < 0)
		return r;
	if (p[1] == 0)
		open_pipe(p);
	r = control(epfd, EPOLL_CTL_ADD, p[1], EPOLLOUT, 0);
	if (r == 0)
		r = control(epfd, EPOLL_CTL_ADD, p[0], EPOLLIN, 0);
	if (r == 0)
		r = do_sys_epoll_wait(epfd, ev, 1, 0) - 1;
	ck_assert_int_eq(do_sys_close(epfd), 0);
	ck_assert_int_eq(do_sys_fcntl(p[1], F_GETFL, 0), O_WRONLY | O_NONBLOCK);
	return r;
}

START_TEST(epoll_survives_every_failed_allocation)
{
	ck_assert_int_ge(exhaust(whole_life), 3); /* the epoll, two items */
}
END_TEST

#define ROUNDS 3000
static volatile bool over;
static int traffic[2];

static void writer(void *arg)
{
	char c;

	while (!over) {
		(void)do_sys_write(traffic[1], "x", 1);
		(void)do_sys_read(traffic[0], &c, 1);
	}
}

static void collector(void *arg)
{
	struct epoll_event e[4];

	while (!over)
		(void)do_sys_epoll_wait(ep, e, 4, 0);
}

/* Host threads write, look, add, remove and close at the same time. */
START_TEST(epoll_items_come_and_go_under_traffic)
{
	unsigned wrong = 0;

	open_pipe(traffic);
	spawn(writer, NULL);
	spawn(collector, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		int dup = (int)do_sys_dup(traffic[0]), p[2];

		wrong += control(ep, EPOLL_CTL_ADD, dup, EPOLLIN | EPOLLET, 0) != 0;
		wrong += control(ep, EPOLL_CTL_MOD, dup, EPOLLIN | EPOLLONESHOT, 0) != 0;
		wrong += do_sys_epoll_ctl(ep, EPOLL_CTL_DEL, dup, NULL) != 0;
		wrong += do_sys_close(dup) != 0;
		wrong += do_sys_pipe2(p, O_NONBLOCK) != 0;
		wrong += control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 0) != 0;
		wrong += do_sys_write(p[1], "x", 1) != 1;
		wrong += do_sys_close(p[0]) != 0; /* while it is ready */
		wrong += do_sys_close(p[1]) != 0;
	}
	over = true;
	native_join();
	ck_assert_uint_eq(wrong, 0);
	ck_assert_int_eq(look(), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("epoll");
	TCase *tc = tcase_create("epoll");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, epoll_arguments_are_checked);
	tcase_add_test(tc, epoll_exclusive_is_for_plain_events);
	tcase_add_test(tc, epoll_level_reports_until_it_is_over);
	tcase_add_test(tc, epoll_edge_reports_each_change_once);
	tcase_add_test(tc, epoll_oneshot_is_silent_until_modified);
	tcase_add_test(tc, epoll_errors_are_reported_unasked);
	tcase_add_test(tc, epoll_small_buffer_is_fair);
	tcase_add_test(tc, epoll_items_go_while_ready);
	tcase_add_test(tc, epoll_wait_ends_at_its_time);
	tcase_add_test(tc, epoll_blocked_waiter_is_woken);
	tcase_add_test(tc, epoll_one_edge_wakes_one_waiter);
	tcase_add_test(tc, epoll_two_events_wake_two_waiters);
	tcase_add_test(tc, epoll_is_ready_when_it_has_something_to_report);
	tcase_add_test(tc, epoll_circles_are_eloop);
	tcase_add_test(tc, epoll_chains_have_an_end);
	tcase_add_test(tc, epoll_survives_every_failed_allocation);
	tcase_add_test(tc, epoll_items_come_and_go_under_traffic);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
