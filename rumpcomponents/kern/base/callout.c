/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callouts: a pairing heap per CPU, through the callouts themselves, so that
 * arming needs no memory.  c_child is the first child, c_next the next sibling,
 * c_prev the previous sibling, or the parent for a first child; NULL for the root.
 *
 * The timer interrupt takes what is due off the heap.  Sleep deadlines
 * (CALLOUT_INTR) run there and then, under the heap's lock, so that callout_stop()
 * also means "is not running".  The rest goes to a list, ci_due, that
 * the soft interrupt works off one by one.
 *
 * c_cpu is valid while c_index is set, and changes only under the lock of the CPU it
 * names; blocks of CPUs are never freed, so a stale one can be locked and looked at.
 */
#include "base_impl.h"

enum { IDLE, ARMED, DUE }; /* c_index */

static struct callout *meld(struct callout *a, struct callout *b)
{
	struct callout *t;

	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	if (b->c_deadline < a->c_deadline) {
		t = a;
		a = b;
		b = t;
	}
	b->c_next = a->c_child;
	if (b->c_next != NULL)
		b->c_next->c_prev = b;
	b->c_prev = a;
	a->c_child = b;
	return a;
}

/* Join a list of siblings: in pairs from the left, then all from the right. */
static struct callout *combine(struct callout *c)
{
	struct callout *pairs = NULL, *a, *b, *rest, *root = NULL;

	while ((a = c) != NULL) {
		b = a->c_next;
		rest = b != NULL ? b->c_next : NULL;
		a->c_next = a->c_prev = NULL;
		if (b != NULL)
			b->c_next = b->c_prev = NULL;
		a = meld(a, b);
		a->c_next = pairs;
		pairs = a;
		c = rest;
	}
	while ((a = pairs) != NULL) {
		pairs = a->c_next;
		a->c_next = NULL;
		root = meld(root, a);
	}
	return root;
}

/* Take c out of the heap.  => locked. */
static void heap_remove(struct cpu_info *ci, struct callout *c)
{
	struct callout *sub = combine(c->c_child);

	if (ci->ci_callouts == c) {
		ci->ci_callouts = sub;
	} else {
		if (c->c_prev->c_child == c)
			c->c_prev->c_child = c->c_next;
		else
			c->c_prev->c_next = c->c_next;
		if (c->c_next != NULL)
			c->c_next->c_prev = c->c_prev;
		ci->ci_callouts = meld(ci->ci_callouts, sub);
	}
	c->c_child = c->c_next = c->c_prev = NULL;
}

static void due_insert(struct cpu_info *ci, struct callout *c)
{
	struct callout **pp = &ci->ci_due, *prev = NULL;

	while (*pp != NULL) {
		prev = *pp;
		pp = &prev->c_next;
	}
	c->c_prev = prev;
	*pp = c;
	c->c_index = DUE;
}

static void due_remove(struct cpu_info *ci, struct callout *c)
{
	if (c->c_prev != NULL)
		c->c_prev->c_next = c->c_next;
	else
		ci->ci_due = c->c_next;
	if (c->c_next != NULL)
		c->c_next->c_prev = c->c_prev;
	c->c_next = c->c_prev = NULL;
}

/* Disarm.  => locked. */
static void unlink_callout(struct cpu_info *ci, struct callout *c)
{
	if (c->c_index == ARMED)
		heap_remove(ci, c);
	else
		due_remove(ci, c);
	c->c_index = IDLE;
}

void callout_init(callout_t *c, void (*func)(void *), void *arg)
{
	*c = (callout_t){.c_func = func, .c_arg = arg};
}

/* If c is armed: the CPU whose heap it is in, locked and this one held.  NULL: held. */
static struct cpu_info *lock_armed(struct callout *c)
{
	struct cpu_info *ci;

	cpu_hold();
	while (c->c_index != IDLE && (ci = c->c_cpu) != NULL) {
		spin_enter(&ci->ci_callout_lock);
		if (c->c_index != IDLE && c->c_cpu == ci)
			return ci;
		spin_exit(&ci->ci_callout_lock);
	}
	return NULL;
}

void callout_schedule_at(callout_t *c, uint64_t deadline)
{
	struct cpu_info *self, *ci = lock_armed(c);

	if (ci != NULL) {
		unlink_callout(ci, c);
		spin_exit(&ci->ci_callout_lock);
	}
	self = curcpu();
	spin_enter(&self->ci_callout_lock);
	c->c_deadline = deadline;
	c->c_cpu = self;
	c->c_index = ARMED;
	self->ci_callouts = meld(self->ci_callouts, c);
	if (self->ci_callouts == c)
		cpu_timer_at(self, deadline);
	spin_exit(&self->ci_callout_lock);
	cpu_release();
}

void callout_schedule(callout_t *c, uint64_t ns)
{
	uint64_t now = rumpuser_clock_monotonic();

	callout_schedule_at(c, ns < UINT64_MAX - now ? now + ns : UINT64_MAX - 1);
}

bool callout_stop(callout_t *c)
{
	struct cpu_info *ci = lock_armed(c);

	if (ci != NULL) {
		unlink_callout(ci, c);
		spin_exit(&ci->ci_callout_lock);
	} else if ((c->c_flags & CALLOUT_INTR) && (ci = c->c_cpu) != NULL) {
		/* It may run just now: under this lock. */
		spin_enter(&ci->ci_callout_lock);
		spin_exit(&ci->ci_callout_lock);
		ci = NULL;
	}
	cpu_release();
	return ci != NULL;
}

/* Is its function being called, on any CPU?  It may have been armed elsewhere since. */
static bool is_running(const struct callout *c)
{
	bool running = false;

	for (unsigned i = 0; i < cpu_count && !running; i++) {
		cpu_hold();
		spin_enter(&cpu_infos[i]->ci_callout_lock);
		running = cpu_infos[i]->ci_callout_running == c;
		spin_exit(&cpu_infos[i]->ci_callout_lock);
		cpu_release();
	}
	return running;
}

void callout_halt(callout_t *c)
{
	LOCKDEBUG_CALL_WAIT(c->c_func);
	for (;;) {
		callout_stop(c);
		if (!is_running(c) && !callout_pending(c))
			break;
		lwp_sleep_until(rumpuser_clock_monotonic() + 100000, "callout");
	}
}

bool callout_pending(const callout_t *c)
{
	return c->c_index != IDLE;
}

/* From the timer interrupt: what is due at `now`. */
void callout_intr(struct cpu_info *ci, uint64_t now)
{
	bool due = false;
	struct callout *c;

	spin_enter(&ci->ci_callout_lock);
	while ((c = ci->ci_callouts) != NULL && c->c_deadline <= now) {
		heap_remove(ci, c);
		if (c->c_flags & CALLOUT_INTR) {
			c->c_index = IDLE;
			c->c_func(c->c_arg);
		} else {
			due_insert(ci, c);
			due = true;
		}
	}
	if (c != NULL)
		cpu_timer_at(ci, c->c_deadline);
	spin_exit(&ci->ci_callout_lock);
	if (due)
		softint_schedule_bit(SOFTINT_CALLOUT);
}

/* In the soft-interrupt lwp. */
void callout_softint(struct cpu_info *ci)
{
	struct callout *c;
	void (*func)(void *);
	void *arg;

	for (;;) {
		cpu_hold();
		spin_enter(&ci->ci_callout_lock);
		c = ci->ci_due;
		/* Running before it is idle: callout_halt() must see the one or the other. */
		ci->ci_callout_running = c;
		if (c != NULL) {
			unlink_callout(ci, c);
			func = c->c_func;
			arg = c->c_arg;
		}
		spin_exit(&ci->ci_callout_lock);
		cpu_release();
		if (c == NULL)
			break;
		lockdebug_call_enter(func);
		func(arg); /* may free or rearm c */
		lockdebug_call_exit(func);
	}
}
