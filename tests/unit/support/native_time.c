/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated clock, callouts and soft interrupts.  Armed callouts stand in
 * an array; c_index is the place in it, plus one.  One thread at a time runs
 * callouts and soft interrupts, as the "softint" lwp.
 */
#include <errno.h>
#include <stdlib.h>

#include <kern/callout.h>
#include <kern/cpu.h>
#include <kern/ktime.h>
#include <kern/proc.h>
#include <kern/softint.h>
#include <kern/systm.h>

#include "native_impl.h"

#define WALL_AT_BOOT (1700000000ULL * NSEC_PER_SEC)
#define NIRQ	     64

struct softint {
	void (*func)(void *);
	void *arg;
	bool scheduled;
	struct softint *next;
};

static volatile uint64_t now = NSEC_PER_SEC;
static callout_t **armed;
static uint32_t narmed, armed_size;
static callout_t *running_callout;
static struct softint *softints;
static volatile bool softints_due;
static struct lwp softint_lwp = {
    .l_lid = 0, .l_name = "softint", .l_kernel = true, .l_proc = &proc_first};
static bool softint_busy;
static struct {
	void (*func)(void *);
	void *arg;
} handlers[NIRQ];

uint64_t native_now(void)
{
	return now;
}

void native_set_now(uint64_t t)
{
	if (t > now)
		now = t;
}

uint64_t nanouptime(void)
{
	return now;
}

volatile int64_t nanotime_offset;

uint64_t nanotime(void)
{
	return WALL_AT_BOOT + now + (uint64_t)nanotime_offset;
}

int timespec_to_ns(const struct timespec *ts, uint64_t *ns)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= (long)NSEC_PER_SEC)
		return EINVAL;
	if (__builtin_mul_overflow((uint64_t)ts->tv_sec, NSEC_PER_SEC, ns) ||
	    __builtin_add_overflow(*ns, (uint64_t)ts->tv_nsec, ns))
		*ns = UINT64_MAX;
	return 0;
}

void ns_to_timespec(uint64_t ns, struct timespec *ts)
{
	ts->tv_sec = (time_t)(ns / NSEC_PER_SEC);
	ts->tv_nsec = (long)(ns % NSEC_PER_SEC);
}

/* Become the softint lwp; false if somebody is it already. */
static bool softint_enter(struct lwp **self)
{
	bool got;

	native_big_lock();
	got = !softint_busy;
	softint_busy = true;
	native_big_unlock();
	if (got) {
		*self = native_curlwp;
		native_curlwp = &softint_lwp;
	}
	return got;
}

static void softint_leave(struct lwp *self)
{
	native_curlwp = self;
	native_big_lock();
	softint_busy = false;
	native_changed();
	native_big_unlock();
}

/* ---------------------------------------------------------------- callouts */

void callout_init(callout_t *c, void (*func)(void *), void *arg)
{
	*c = (callout_t){.c_func = func, .c_arg = arg};
}

static bool callout_remove(callout_t *c)
{
	uint32_t i = c->c_index;

	if (i == 0)
		return false;
	armed[i - 1] = armed[--narmed];
	armed[i - 1]->c_index = i;
	c->c_index = 0;
	return true;
}

void callout_schedule_at(callout_t *c, uint64_t deadline)
{
	native_big_lock();
	callout_remove(c);
	if (narmed == armed_size) {
		armed_size = armed_size ? armed_size * 2 : 64;
		armed = realloc(armed, armed_size * sizeof(armed[0]));
		if (armed == NULL)
			abort();
	}
	armed[narmed] = c;
	c->c_index = ++narmed;
	c->c_deadline = deadline;
	native_big_unlock();
}

void callout_schedule(callout_t *c, uint64_t ns)
{
	callout_schedule_at(c, now + ns);
}

bool callout_stop(callout_t *c)
{
	bool was;

	native_big_lock();
	was = callout_remove(c);
	native_big_unlock();
	return was;
}

void callout_halt(callout_t *c)
{
	native_assert_may_sleep("callout_halt()");
	native_big_lock();
	callout_remove(c);
	if (running_callout == c && native_curlwp == &softint_lwp)
		panic("callout_halt() of a callout by itself");
	while (running_callout == c)
		native_block(UINT64_MAX, "a callout to end");
	native_big_unlock();
}

bool callout_pending(const callout_t *c)
{
	return c->c_index != 0;
}

static callout_t *earliest(void)
{
	callout_t *c = NULL;

	for (uint32_t i = 0; i < narmed; i++) {
		if (c == NULL || armed[i]->c_deadline < c->c_deadline)
			c = armed[i];
	}
	return c;
}

uint64_t native_next_callout(void)
{
	callout_t *c = earliest();

	return c == NULL || softint_busy ? UINT64_MAX : KMAX(c->c_deadline, now);
}

/* Run what is due, earliest first. */
void native_run_callouts(void)
{
	struct lwp *self;

	if (!softint_enter(&self))
		return;
	for (;;) {
		void (*func)(void *);
		void *arg;
		callout_t *c;

		native_big_lock();
		c = earliest();
		if (c == NULL || c->c_deadline > now) {
			native_big_unlock();
			break;
		}
		callout_remove(c);
		running_callout = c;
		func = c->c_func;
		arg = c->c_arg;
		native_big_unlock();
		func(arg);
		native_big_lock();
		running_callout = NULL;
		native_changed();
		native_big_unlock();
	}
	softint_leave(self);
	native_softints();
}

void native_advance(uint64_t ns)
{
	uint64_t until = now + ns, next;

	native_softints();
	while ((next = native_next_callout()) <= until) {
		native_set_now(next);
		native_run_callouts();
	}
	native_big_lock();
	native_set_now(until);
	native_changed();
	native_big_unlock();
}

bool native_step(void)
{
	uint64_t next = native_next_callout();

	if (next == UINT64_MAX)
		return false;
	native_set_now(next);
	native_run_callouts();
	return true;
}

/* --------------------------------------------------------- soft interrupts */

struct softint *softint_establish(void (*func)(void *), void *arg)
{
	struct softint *si = calloc(1, sizeof(*si));

	if (si != NULL) {
		si->func = func;
		si->arg = arg;
		native_big_lock();
		si->next = softints;
		softints = si;
		native_big_unlock();
	}
	return si;
}

void softint_disestablish(struct softint *si)
{
	struct softint **sp;

	native_big_lock();
	for (sp = &softints; *sp != si; sp = &(*sp)->next)
		continue;
	*sp = si->next;
	native_big_unlock();
	free(si);
}

bool native_softints_waiting(void)
{
	return softints_due && !softint_busy;
}

void softint_schedule(struct softint *si)
{
	native_big_lock();
	si->scheduled = softints_due = true;
	native_big_unlock();
	if (native_locks_held() == 0 && native_softints_waiting())
		native_softints();
}

void native_softints(void)
{
	struct lwp *self;
	struct softint *si;

	if (!softints_due || !softint_enter(&self))
		return;
	for (;;) {
		native_big_lock();
		for (si = softints; si != NULL && !si->scheduled; si = si->next)
			continue;
		if (si != NULL)
			si->scheduled = false;
		else
			softints_due = false;
		native_big_unlock();
		if (si == NULL)
			break;
		si->func(si->arg);
	}
	softint_leave(self);
}

int intr_establish(unsigned irq, void (*handler)(void *), void *arg)
{
	if (irq >= NIRQ || handlers[irq].func != NULL)
		return EBUSY;
	handlers[irq].func = handler;
	handlers[irq].arg = arg;
	return 0;
}

bool native_intr(unsigned irq)
{
	if (irq >= NIRQ || handlers[irq].func == NULL)
		return false;
	handlers[irq].func(handlers[irq].arg);
	native_softints();
	return true;
}
