/* SPDX-License-Identifier: BSD-2-Clause */
/* The stand-ins of tests/unit/support behave as the kernel's headers promise. */
#include <signal.h>
#include <string.h>

#include <kern/callout.h>
#include <kern/component.h>
#include <kern/config.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/softint.h>
#include <kern/systm.h>
#include <kern/uio.h>

#include "check_main.h"
#include "native.h"

static kmutex_t mtx;
static kcondvar_t cv;
static int events;

static void bump(void *arg)
{
	events += *(int *)arg;
}

START_TEST(native_callout_runs_at_its_time)
{
	int one = 1, ten = 10;
	uint64_t t0 = nanouptime();
	callout_t a, b;

	events = 0;
	callout_init(&a, bump, &one);
	callout_init(&b, bump, &ten);
	callout_schedule(&a, 100);
	callout_schedule_at(&b, t0 + 50);
	native_advance(60);
	ck_assert_int_eq(events, 10);
	ck_assert(callout_pending(&a) && !callout_pending(&b));
	callout_schedule(&a, 1000);
	native_advance(100);
	ck_assert_int_eq(events, 10);
	ck_assert(callout_stop(&a) && !callout_stop(&a));
	ck_assert(!native_step());
	ck_assert_uint_eq(nanouptime(), t0 + 160);
}
END_TEST

static void wake(void *arg)
{
	mutex_enter(&mtx);
	events = 1;
	cv_broadcast(&cv);
	mutex_exit(&mtx);
}

START_TEST(native_wait_moves_time_to_the_callout)
{
	uint64_t t0 = nanouptime();
	callout_t c;

	events = 0;
	mutex_init(&mtx, MUTEX_DEFAULT);
	cv_init(&cv, "test");
	callout_init(&c, wake, NULL);
	callout_schedule(&c, 5 * NSEC_PER_SEC);
	mutex_enter(&mtx);
	ck_assert_int_eq(cv_timedwait(&cv, &mtx, t0 + NSEC_PER_SEC), EWOULDBLOCK);
	ck_assert_uint_eq(nanouptime(), t0 + NSEC_PER_SEC);
	ck_assert_int_eq(cv_timedwait(&cv, &mtx, t0 + 9 * NSEC_PER_SEC), 0);
	ck_assert_int_eq(events, 1);
	ck_assert_uint_eq(nanouptime(), t0 + 5 * NSEC_PER_SEC);
	native_signal(EINTR);
	ck_assert_int_eq(cv_wait_sig(&cv, &mtx), EINTR);
	native_signal(0);
	mutex_exit(&mtx);
	ck_assert_uint_eq(native_locks_held(), 0);
}
END_TEST

static void worker(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		mutex_enter(&mtx);
		events++;
		cv_signal(&cv);
		mutex_exit(&mtx);
	}
}

START_TEST(native_kthreads_share_locks)
{
	events = 0;
	mutex_init(&mtx, MUTEX_DEFAULT);
	cv_init(&cv, "test");
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(kthread_create(PRI_KTHREAD, -1, worker, NULL, "worker"), 0);
	mutex_enter(&mtx);
	while (events < 4000)
		cv_wait(&cv, &mtx);
	mutex_exit(&mtx);
	native_join();
}
END_TEST

START_TEST(native_softint_waits_for_the_lock)
{
	int one = 1;
	struct softint *si = softint_establish(bump, &one);

	events = 0;
	mutex_init(&mtx, MUTEX_SPIN);
	mutex_enter(&mtx);
	softint_schedule(si);
	softint_schedule(si);
	ck_assert_int_eq(events, 0);
	mutex_exit(&mtx);
	ck_assert_int_eq(events, 1);
	softint_schedule(si);
	ck_assert_int_eq(events, 2);
	softint_disestablish(si);
}
END_TEST

START_TEST(native_mutex_recursion_panics)
{
	mutex_init(&mtx, MUTEX_DEFAULT);
	mutex_enter(&mtx);
	mutex_enter(&mtx);
}
END_TEST

START_TEST(native_sleep_under_spin_lock_panics)
{
	char c = 0, d;

	mutex_init(&mtx, MUTEX_SPIN);
	mutex_enter(&mtx);
	copyin(&c, &d, 1);
}
END_TEST

START_TEST(native_deadlock_panics)
{
	mutex_init(&mtx, MUTEX_DEFAULT);
	cv_init(&cv, "nothing");
	mutex_enter(&mtx);
	cv_wait(&cv, &mtx);
}
END_TEST

START_TEST(native_kmem_wrong_size_panics)
{
	kmem_free(kmem_alloc(24), 25);
}
END_TEST

START_TEST(native_alloc_fails_where_told)
{
	size_t live = native_alloc_live();
	void *p;

	native_alloc_fail(1);
	p = kmem_zalloc(100);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(page_alloc(0), 0);
	kmem_free(p, 100);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(native_uiomove_stops_at_a_bad_buffer)
{
	char a[8] = "abcdefg", b[8] = "";
	struct iovec iov[2] = {{b, 3}, {b + 3, 5}};
	struct uio uio = {iov, 2, 0, 8, UIO_READ, UIO_USERSPACE};

	ck_assert_int_eq(uiomove(a, 8, &uio), 0);
	ck_assert_str_eq(b, a);
	native_bad_range(b + 3, 1);
	iov[0] = (struct iovec){b, 3};
	iov[1] = (struct iovec){b + 3, 5};
	uio = (struct uio){iov, 2, 0, 8, UIO_READ, UIO_USERSPACE};
	ck_assert_int_eq(uiomove(a, 8, &uio), EFAULT);
	native_bad_range(NULL, 0);
}
END_TEST

static int started;

static int start_net(void)
{
	started = started * 10 + 2;
	return 0;
}

static int start_kern(void)
{
	started = started * 10 + 1;
	return 0;
}

RUMP_COMPONENT(second, RUMP_PHASE_NET, start_net);
RUMP_COMPONENT(first, RUMP_PHASE_KERN, start_kern);

START_TEST(native_components_start_by_phase)
{
	const char *key, *value;
	uint64_t n;

	ck_assert_int_eq(native_components(), 0);
	ck_assert_int_eq(started, 12);
	native_config("net.if.0.address", "10.0.0.1");
	native_config("net.if.0.mtu", "1400");
	ck_assert_uint_eq(config_count("net.if"), 1);
	ck_assert(config_pair("net.if.0", 1, &key, &value));
	ck_assert_str_eq(key, "mtu");
	ck_assert_int_eq(config_uint("net.if.0.mtu", 68, 1500, &n), 0);
	ck_assert_int_eq(config_uint("net.if.0.mtu", 68, 1000, &n), EINVAL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("native");
	TCase *tc = tcase_create("support");

	tcase_add_test(tc, native_callout_runs_at_its_time);
	tcase_add_test(tc, native_wait_moves_time_to_the_callout);
	tcase_add_test(tc, native_kthreads_share_locks);
	tcase_add_test(tc, native_softint_waits_for_the_lock);
	tcase_add_test_raise_signal(tc, native_mutex_recursion_panics, SIGABRT);
	tcase_add_test_raise_signal(tc, native_sleep_under_spin_lock_panics, SIGABRT);
	tcase_add_test_raise_signal(tc, native_deadlock_panics, SIGABRT);
	tcase_add_test_raise_signal(tc, native_kmem_wrong_size_panics, SIGABRT);
	tcase_add_test(tc, native_alloc_fails_where_told);
	tcase_add_test(tc, native_uiomove_stops_at_a_bad_buffer);
	tcase_add_test(tc, native_components_start_by_phase);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
