/* SPDX-License-Identifier: BSD-2-Clause */
/* The callout heap: order, removal from the middle, re-arming; against an array that is searched.
 */
#include <stdlib.h>
#include <string.h>

#include "base_impl.h"

#include "check_main.h"

#define N 200

static struct cpu_info cpus[2];
struct cpu_info *cpu_infos[RUMPUSER_MAXCPUS] = {&cpus[0], &cpus[1]};
static unsigned running_on;
static uint64_t now, timer;
static bool softint_wanted;

struct cpu_info *curcpu(void)
{
	return &cpus[running_on];
}

uint64_t rumpuser_clock_monotonic(void)
{
	return now;
}

int lwp_sleep_until(uint64_t deadline, const char *wmesg)
{
	abort(); /* only callout_halt() of one that runs */
}

void cpu_timer_at(struct cpu_info *ci, uint64_t deadline)
{
	if (deadline < timer)
		timer = deadline;
}

void softint_schedule_bit(unsigned bit)
{
	ck_assert_uint_eq(bit, SOFTINT_CALLOUT);
	softint_wanted = true;
}

static struct timer {
	callout_t c;
	uint64_t due; /* 0: not armed */
	unsigned ran;
} timers[N];
static uint64_t last;

static void fire(void *arg)
{
	struct timer *t = arg;

	ck_assert_uint_ne(t->due, 0);
	ck_assert_uint_le(t->due, now);
	ck_assert_uint_ge(t->due, last);
	last = t->due;
	t->due = 0;
	t->ran++;
}

static void setup(void)
{
	memset(cpus, 0, sizeof(cpus));
	memset(timers, 0, sizeof(timers));
	now = 1000;
	timer = UINT64_MAX;
	running_on = 0;
	for (unsigned i = 0; i < N; i++)
		callout_init(&timers[i].c, fire, &timers[i]);
}

static void run_due(unsigned cpu)
{
	running_on = cpu;
	last = 0;
	softint_wanted = false;
	callout_intr(&cpus[cpu], now);
	if (softint_wanted)
		callout_softint(&cpus[cpu]);
}

START_TEST(callout_runs_in_order_of_time)
{
	setup();
	for (unsigned i = 0; i < N; i++) {
		timers[i].due = now + 1 + (i * 7919) % 1000;
		callout_schedule_at(&timers[i].c, timers[i].due);
	}
	ck_assert_uint_eq(timer, now + 1);
	now += 2000;
	run_due(0);
	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(timers[i].ran, 1);
}
END_TEST

/* The first callout that should have run, or is not armed as the array says; -1 if none.  Check
 * writes to a file at each ck_assert(): so one of them for all. */
static int first_wrong(void)
{
	for (unsigned i = 0; i < N; i++) {
		if (timers[i].due != 0 && timers[i].due <= now)
			return (int)i;
		if (callout_pending(&timers[i].c) != (timers[i].due != 0))
			return (int)i;
	}
	return -1;
}

START_TEST(callout_agrees_with_a_plain_array)
{
	unsigned seed = (unsigned)(_i * 2654435761U + 1);

	setup();
	for (unsigned step = 0; step < 20000; step++) {
		struct timer *t = &timers[rand_r(&seed) % N];
		running_on = (unsigned)rand_r(&seed) % 2;
		switch (rand_r(&seed) % 4) {
		case 0:
		case 1:
			t->due = now + (unsigned)rand_r(&seed) % 500;
			callout_schedule_at(&t->c, t->due);
			break;
		case 2:
			ck_assert_int_eq(callout_stop(&t->c), t->due != 0);
			t->due = 0;
			break;
		default:
			now += (unsigned)rand_r(&seed) % 20;
			run_due(0);
			run_due(1);
			ck_assert_int_eq(first_wrong(), -1);
		}
	}
}
END_TEST

START_TEST(callout_stopped_while_due_does_not_run)
{
	setup();
	for (unsigned i = 0; i < 5; i++) {
		timers[i].due = now + 1;
		callout_schedule_at(&timers[i].c, timers[i].due);
	}
	now += 5;
	callout_intr(&cpus[0], now);
	ck_assert(callout_stop(&timers[2].c));
	ck_assert(callout_stop(&timers[0].c));
	timers[4].due = now + 100;
	callout_schedule_at(&timers[4].c, timers[4].due);
	last = 0;
	callout_softint(&cpus[0]);
	ck_assert_uint_eq(timers[1].ran + timers[3].ran, 2);
	ck_assert_uint_eq(timers[0].ran + timers[2].ran + timers[4].ran, 0);
	now += 200;
	run_due(0);
	ck_assert_uint_eq(timers[4].ran, 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("callout");
	TCase *tc = tcase_create("callout");

	tcase_add_test(tc, callout_runs_in_order_of_time);
	tcase_add_loop_test(tc, callout_agrees_with_a_plain_array, 0, 4);
	tcase_add_test(tc, callout_stopped_while_due_does_not_run);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
