/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Soft interrupts on two CPUs: one that is taken away does not run any more.  The soft-interrupt
 * lwp of a CPU runs when a test calls go(), until it would wait; lwp_sleep_until() is where others
 * get on.
 */
#include <setjmp.h>
#include <string.h>

#include "base_impl.h"

#include "check_main.h"

static struct cpu_info cpus[2];
struct cpu_info *cpu_infos[RUMPUSER_MAXCPUS] = {&cpus[0], &cpus[1]};
unsigned cpu_count = 2;
static unsigned running_on, sleeps;
static jmp_buf *waits;
static void (*on_sleep)(void);

struct cpu_info *curcpu(void)
{
	return &cpus[running_on];
}

void sched_enqueue(struct lwp *l)
{
}

void sched_block(void)
{
	longjmp(*waits, 1);
}

uint64_t rumpuser_clock_monotonic(void)
{
	return 7;
}

int lwp_sleep_until(uint64_t deadline, const char *wmesg)
{
	ck_assert_uint_gt(deadline, 7);
	ck_assert_uint_lt(sleeps++, 100);
	if (on_sleep)
		on_sleep();
	return 0;
}

void callout_softint(struct cpu_info *ci)
{
}

void lwp_reap(struct cpu_info *ci)
{
}

static void go(unsigned cpu)
{
	unsigned before = running_on;
	jmp_buf *outer = waits, here;

	running_on = cpu;
	waits = &here;
	if (setjmp(here) == 0)
		softint_thread(&cpus[cpu]);
	waits = outer;
	running_on = before;
}

static void schedule_on(unsigned cpu, struct softint *si)
{
	unsigned before = running_on;

	running_on = cpu;
	softint_schedule(si);
	running_on = before;
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

START_TEST(softint_runs_once_on_the_cpu_that_scheduled_it)
{
	unsigned n = 0, other = 0;
	struct softint *a = softint_establish(count, &n), *b = softint_establish(count, &other);

	softint_schedule(a);
	softint_schedule(a);
	schedule_on(1, b);
	go(0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(other, 0);
	go(1);
	ck_assert_uint_eq(other, 1);
	go(0);
	go(1);
	ck_assert_uint_eq(n + other, 2);
	softint_disestablish(a);
	softint_disestablish(b);
	ck_assert_uint_eq(sleeps, 0);
}
END_TEST

static void let_cpu1(void)
{
	go(1);
}

START_TEST(softint_that_is_gone_and_still_due_does_not_run)
{
	unsigned n = 0;
	struct softint *si = softint_establish(count, &n), *next;

	schedule_on(1, si);
	on_sleep = let_cpu1;
	softint_disestablish(si);
	ck_assert_uint_eq(sleeps, 1); /* it was waited for */
	next = softint_establish(count, &n);
	ck_assert_ptr_eq(next, si);
	go(0);
	go(1);
	ck_assert_uint_eq(n, 0); /* nor does who has its place after it */
}
END_TEST

/* Inside the function on CPU 1, CPU 0 takes it away; it is not over until the function is. */
static struct softint *slow;
static jmp_buf taken_away;
static bool inside, after;

static void look(void)
{
	ck_assert(inside);
	ck_assert(!after);
	if (sleeps == 5)
		longjmp(taken_away, 1);
}

static void slowly(void *arg)
{
	inside = true;
	running_on = 0;
	if (setjmp(taken_away) == 0) {
		softint_disestablish(slow);
		after = true;
	}
	running_on = 1;
}

START_TEST(softint_that_runs_is_waited_for)
{
	slow = softint_establish(slowly, NULL);
	schedule_on(1, slow);
	on_sleep = look;
	go(1);
	ck_assert(inside);
	ck_assert(!after);
	/* The wait goes on where it was left. */
	on_sleep = NULL;
	softint_disestablish(slow);
	ck_assert_uint_eq(sleeps, 5);
}
END_TEST

START_TEST(softint_table_has_an_end_and_places_are_used_again)
{
	struct softint *si[64];
	unsigned n = 0, k = 0;

	while ((si[k] = softint_establish(count, &n)) != NULL)
		ck_assert_uint_lt(++k, 64);
	softint_disestablish(si[7]);
	ck_assert_ptr_eq(softint_establish(count, &n), si[7]);
	ck_assert_ptr_null(softint_establish(count, &n));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("softint");
	TCase *tc = tcase_create("softint");

	tcase_add_test(tc, softint_runs_once_on_the_cpu_that_scheduled_it);
	tcase_add_test(tc, softint_that_is_gone_and_still_due_does_not_run);
	tcase_add_test(tc, softint_that_runs_is_waited_for);
	tcase_add_test(tc, softint_table_has_an_end_and_places_are_used_again);
	suite_add_tcase(s, tc);
	return s;
}
CHECK_MAIN(make_suite)
