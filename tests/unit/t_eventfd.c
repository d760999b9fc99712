/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd(2). */
#include <fcntl.h>
#include <sys/eventfd.h>

#include <kern/poll.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "desc_impl.h"
#include "fdworld.h"

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
}

static int open_event(unsigned count, int flags)
{
	long fd = do_sys_eventfd2(count, flags);

	ck_assert_int_ge(fd, 0);
	return (int)fd;
}

static long add(int fd, uint64_t n)
{
	return do_sys_write(fd, &n, sizeof(n));
}

/* The value read, or the error below zero. */
static int64_t take(int fd)
{
	uint64_t n = 0;
	long r = do_sys_read(fd, &n, sizeof(n));

	ck_assert(r < 0 || r == sizeof(n));
	return r < 0 ? r : (int64_t)n;
}

static int polled(int fd)
{
	struct file *fp;
	int ready;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ready = fp->f_ops->fo_poll(fp, POLLIN | POLLOUT, NULL);
	fd_putfile(fp);
	return ready;
}

START_TEST(eventfd_counts_and_resets)
{
	int fd = open_event(7, EFD_NONBLOCK);

	ck_assert_int_eq(polled(fd), POLLIN | POLLOUT);
	ck_assert_int_eq(add(fd, 5), 8);
	ck_assert_int_eq(add(fd, 0), 8);
	ck_assert_int_eq(take(fd), 12);
	ck_assert_int_eq(polled(fd), POLLOUT);
	ck_assert_int_eq(take(fd), -EAGAIN);
	ck_assert_int_eq(add(fd, 0), 8);
	ck_assert_int_eq(take(fd), -EAGAIN);
	ck_assert_int_eq(take(open_event(UINT32_MAX, 0)), UINT32_MAX);
}
END_TEST

START_TEST(eventfd_semaphore_gives_one_at_a_time)
{
	int fd = open_event(2, EFD_NONBLOCK | EFD_SEMAPHORE);

	ck_assert_int_eq(add(fd, 1), 8);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(take(fd), 1);
	ck_assert_int_eq(take(fd), -EAGAIN);
}
END_TEST

START_TEST(eventfd_arguments_are_checked)
{
	int fd = open_event(3, EFD_CLOEXEC);
	uint64_t n = 1;

	ck_assert_int_eq(do_sys_eventfd2(0, O_APPEND), -EINVAL);
	ck_assert_int_eq(do_sys_fcntl(fd, F_GETFD, 0), FD_CLOEXEC);
	ck_assert_int_eq(do_sys_read(fd, &n, 7), -EINVAL);
	ck_assert_int_eq(do_sys_write(fd, &n, 7), -EINVAL);
	ck_assert_int_eq(do_sys_read(fd, &n, 0), -EINVAL);
	ck_assert_int_eq(do_sys_write(fd, (void *)8, 8), -EFAULT);
	ck_assert_int_eq(add(fd, UINT64_MAX), -EINVAL);
	ck_assert_int_eq(do_sys_lseek(fd, 0, SEEK_SET), -ESPIPE);
	ck_assert_int_eq(do_sys_pread64(fd, &n, 8, 0), -ESPIPE);
	ck_assert_int_eq(take(fd), 3);
}
END_TEST

START_TEST(eventfd_full_counter_takes_no_more)
{
	int fd = open_event(1, EFD_NONBLOCK);

	ck_assert_int_eq(add(fd, UINT64_MAX - 2), 8);
	ck_assert_int_eq(polled(fd), POLLIN);
	ck_assert_int_eq(add(fd, 0), 8);
	ck_assert_int_eq(add(fd, 1), -EAGAIN);
	ck_assert_int_eq(add(fd, UINT64_MAX - 1), -EAGAIN);
	ck_assert_int_eq(do_sys_fcntl(fd, F_SETFL, 0), 0);
	native_signal(EINTR);
	ck_assert_int_eq(add(fd, 1), -EINTR);
	native_signal(0);
	ck_assert_uint_eq((uint64_t)take(fd), UINT64_MAX - 1);
	ck_assert_int_eq(polled(fd), POLLOUT);
}
END_TEST

/* ----------------------------------------------------------------- waiting */

static struct taker {
	int fd;
	bool done;
	int64_t value;
} takers[3];

static void taker_main(void *arg)
{
	struct taker *t = arg;

	t->value = take(t->fd);
	t->done = true;
}

static unsigned ntaken(void)
{
	unsigned n = 0;

	settle();
	for (unsigned i = 0; i < NELEM(takers); i++)
		n += takers[i].done;
	return n;
}

static void start_takers(int fd)
{
	for (unsigned i = 0; i < NELEM(takers); i++) {
		takers[i] = (struct taker){.fd = fd};
		spawn(taker_main, &takers[i]);
	}
	ck_assert_uint_eq(ntaken(), 0);
}

START_TEST(eventfd_semaphore_wakes_as_many_as_it_has)
{
	int fd = open_event(0, EFD_SEMAPHORE);

	start_takers(fd);
	ck_assert_int_eq(add(fd, 2), 8);
	ck_assert_uint_eq(ntaken(), 2);
	ck_assert_int_eq(add(fd, 1), 8);
	ck_assert_uint_eq(ntaken(), 3);
	native_join();
}
END_TEST

START_TEST(eventfd_counter_goes_to_one_reader)
{
	int fd = open_event(0, 0);
	int64_t sum = 0;

	start_takers(fd);
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_int_eq(add(fd, 10 * i), 8);
		ck_assert_uint_eq(ntaken(), i);
	}
	native_join();
	for (unsigned i = 0; i < NELEM(takers); i++)
		sum += takers[i].value;
	ck_assert_int_eq(sum, 60);
}
END_TEST

static long writer_result;

static void writer_main(void *arg)
{
	writer_result = add(*(int *)arg, 5);
}

START_TEST(eventfd_blocked_writer_goes_on_when_there_is_room)
{
	int fd = open_event(0, EFD_SEMAPHORE);

	ck_assert_int_eq(add(fd, UINT64_MAX - 2), 8);
	writer_result = 0;
	spawn(writer_main, &fd);
	settle();
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(writer_result, 0); /* not until all of it fits */
		ck_assert_int_eq(take(fd), 1);
		settle();
	}
	native_join();
	ck_assert_int_eq(writer_result, 8);
	ck_assert_int_eq(polled(fd), POLLIN);
}
END_TEST

START_TEST(eventfd_interrupted_read_takes_nothing)
{
	int fd = open_event(0, 0);

	native_signal(ERESTART);
	ck_assert_int_eq(take(fd), -ERESTART);
	native_signal(0);
	ck_assert_int_eq(add(fd, 4), 8);
	ck_assert_int_eq(take(fd), 4);
}
END_TEST

START_TEST(eventfd_closed_while_read_lives_until_the_call_ends)
{
	int fd = open_event(0, 0), dup = (int)do_sys_dup(fd);

	takers[0] = (struct taker){.fd = fd};
	spawn(taker_main, &takers[0]);
	settle();
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_int_eq(add(dup, 9), 8);
	ck_assert_int_eq(do_sys_close(dup), 0);
	native_join();
	ck_assert_int_eq(takers[0].value, 9);
}
END_TEST

static unsigned notices;

static void noticed(struct selwaiter *sw, int events)
{
	notices++;
}

static struct selwaiter waiter;

static void record(struct polltable *pt, struct selinfo *si)
{
	waiter.sw_notify = noticed;
	selwait_link(si, &waiter);
}

START_TEST(eventfd_tells_who_polls)
{
	int fd = open_event(0, 0);
	struct polltable pt = {record};
	struct file *fp;

	ck_assert_int_eq(fd_getfile(fd, &fp), 0);
	ck_assert_int_eq(fp->f_ops->fo_poll(fp, POLLIN, &pt), 0);
	fd_putfile(fp);
	ck_assert_int_eq(add(fd, 1), 8);
	ck_assert_uint_eq(notices, 1);
	ck_assert_int_eq(take(fd), 1);
	ck_assert_uint_eq(notices, 2);
	ck_assert_int_eq(do_sys_close(fd), 0);
	ck_assert_ptr_null(waiter.sw_info);
}
END_TEST

static long open_close(void)
{
	long fd = do_sys_eventfd(0);

	if (fd >= 0)
		ck_assert_int_eq(do_sys_close((int)fd), 0);
	return fd;
}

START_TEST(eventfd_survives_every_failed_allocation)
{
	int fd = open_event(0, 0);

	ck_assert_int_ge(exhaust(open_close), 1);
	fd_limit = 1;
	ck_assert_int_eq(do_sys_eventfd(0), -EMFILE); /* a leak would be seen at the end */
	ck_assert_int_eq(do_sys_close(fd), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("eventfd");
	TCase *tc = tcase_create("eventfd");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, eventfd_counts_and_resets);
	tcase_add_test(tc, eventfd_semaphore_gives_one_at_a_time);
	tcase_add_test(tc, eventfd_arguments_are_checked);
	tcase_add_test(tc, eventfd_full_counter_takes_no_more);
	tcase_add_test(tc, eventfd_semaphore_wakes_as_many_as_it_has);
	tcase_add_test(tc, eventfd_counter_goes_to_one_reader);
	tcase_add_test(tc, eventfd_blocked_writer_goes_on_when_there_is_room);
	tcase_add_test(tc, eventfd_interrupted_read_takes_nothing);
	tcase_add_test(tc, eventfd_closed_while_read_lives_until_the_call_ends);
	tcase_add_test(tc, eventfd_tells_who_polls);
	tcase_add_test(tc, eventfd_survives_every_failed_allocation);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
