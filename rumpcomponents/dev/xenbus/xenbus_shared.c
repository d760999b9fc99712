/* SPDX-License-Identifier: BSD-2-Clause */
/* What we and a back end share: pages of rings, and event channels. */
#include <rumpuser.h>
#include <kern/callout.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/mutex.h>
#include <kern/softint.h>
#include <kern/spin.h>
#include <kern/systm.h>
#include "xenbus_impl.h"

/* ------------------------------------------------------------------- pages */

/*
 * Pages of rings that a back end may keep, of one device, before that gets no more: of four
 * connections with two rings for each CPU.  One that unmaps late keeps those of one.
 */
#define STUCK_MAX (8 * cpu_count)
#define RETRY	  (5 * NSEC_PER_SEC) /* when somebody keeps a page */

static void retry_stuck(void *arg);

/*
 * Pages that a back end didn't let go when it should have; maybe it has by now.  For each page that
 * is shared there is a spare one, since there may be no memory by the time that it is needed.
 */
struct stuck {
	void *va;
	uint32_t ref;
	struct xenbus_device *xd; /* whom it counts for; NULL: none */
	struct stuck *next;
};
static struct stuck *stuck, *spares;
static callout_t again = {.c_func = retry_stuck}; /* armed if there are any; under lock */
static volatile uint32_t lock;			  /* stuck, spares, free_channels */

static bool take_back(void *va, uint32_t ref)
{
	if (rumpuser_grant_end(ref) != 0)
		return false;
	page_free(page_pa(va), 0);
	return true;
}

static void count(struct xenbus_device *xd, int n)
{
	if (xd != NULL)
		__atomic_fetch_add(&xd->xd_stuck, n, __ATOMIC_RELAXED);
}

static void put(struct stuck **list, struct stuck *s)
{
	spin_lock(&lock);
	if (list == &stuck && stuck == NULL)
		callout_schedule(&again, RETRY);
	s->next = *list;
	*list = s;
	spin_unlock(&lock);
}

static void retry_stuck(void *arg)
{
	struct stuck *s, *next;

	(void)arg;
	spin_lock(&lock);
	s = stuck;
	stuck = NULL;
	spin_unlock(&lock);
	for (; s != NULL; s = next) {
		next = s->next;
		if (take_back(s->va, s->ref)) {
			count(s->xd, -1);
			kmem_free(s, sizeof(*s));
		} else {
			put(&stuck, s);
		}
	}
}

static void give_back(struct xenbus_device *xd, void *va, uint32_t ref)
{
	struct stuck *s;

	spin_lock(&lock);
	s = spares;
	spares = s->next;
	spin_unlock(&lock);
	if (take_back(va, ref)) {
		kmem_free(s, sizeof(*s));
		return;
	}
	count(xd, 1);
	*s = (struct stuck){.va = va, .ref = ref, .xd = xd};
	put(&stuck, s);
}

bool xenbus_keeps_too_much(struct xenbus_device *xd)
{
	retry_stuck(NULL);
	return xd->xd_stuck >= STUCK_MAX;
}

int xenbus_page_alloc(struct xenbus_device *xd, bool readonly, void **va, uint32_t *ref)
{
	struct stuck *spare = kmem_alloc(sizeof(*spare));
	uint64_t pa = page_zalloc(0);
	int error = ENOMEM;

	if (pa == 0) {
		retry_stuck(NULL);
		pa = page_zalloc(0);
	}
	if (pa != 0 && spare != NULL)
		error = rumpuser_grant(xd->xd_backend_domid, pa, readonly, ref);
	if (error) {
		if (pa != 0)
			page_free(pa, 0);
		if (spare != NULL)
			kmem_free(spare, sizeof(*spare));
		return error;
	}
	put(&spares, spare);
	*va = page_va(pa);
	return 0;
}

int xenbus_ring_alloc(struct xenbus_device *xd, void **va, uint32_t *ref)
{
	return xenbus_page_alloc(xd, false, va, ref);
}

void xenbus_ring_free(struct xenbus_device *xd, void *va, uint32_t ref)
{
	give_back(xd, va, ref);
}

void xenbus_page_free(void *va, uint32_t ref)
{
	give_back(NULL, va, ref);
}

/* ---------------------------------------------------------------- channels */

#define REST (1 * NSEC_PER_MSEC) /* before a function goes on that has had its turn */

/*
 * Never freed, but used again: with their irq numbers, which are the platform's for good, and their
 * handlers, soft interrupts and callouts.  One of these that was on its way when the channel was
 * freed still comes; it finds no function, or the next one, called for nothing.
 *
 * The function runs under ch_lock: on one CPU at a time, although an interrupt of a former use may
 * have come on another; and xenbus_channel_free() sleeps until it is over.
 *
 * While it rests no event calls it: however many there are, it goes on when the callout says so.
 *
 * LOCK ORDER: ch_lock is taken before the driver's.
 */
struct xenbus_channel {
	unsigned port, irq;
	bool established; /* irq has its handler */
	struct softint *softint;
	callout_t again;
	volatile bool resting; /* until `again` */
	kmutex_t ch_lock;
	void (*func)(void *); /* NULL: nobody's.  ch_lock */
	void *arg;
	struct xenbus_channel *next, *older;
};
static struct xenbus_channel *free_channels, *newest;

static void interrupt(void *arg)
{
	struct xenbus_channel *ch = arg;

	if (!ch->resting)
		softint_schedule(ch->softint);
}

static void rested(void *arg)
{
	struct xenbus_channel *ch = arg;

	ch->resting = false;
	softint_schedule(ch->softint);
}

static void run(void *arg)
{
	struct xenbus_channel *ch = arg;

	mutex_enter(&ch->ch_lock);
	if (ch->func != NULL && !ch->resting)
		ch->func(ch->arg);
	mutex_exit(&ch->ch_lock);
}

static struct xenbus_channel *channel_create(void)
{
	struct xenbus_channel *ch = kmem_zalloc(sizeof(*ch));

	if (ch == NULL)
		return NULL;
	ch->softint = softint_establish(run, ch);
	if (ch->softint == NULL) {
		kmem_free(ch, sizeof(*ch));
		return NULL;
	}
	callout_init(&ch->again, rested, ch);
	mutex_init(&ch->ch_lock, MUTEX_DEFAULT);
	spin_lock(&lock);
	ch->older = newest;
	newest = ch;
	spin_unlock(&lock);
	return ch;
}

static struct xenbus_channel *channel_get(void)
{
	struct xenbus_channel *ch;

	spin_lock(&lock);
	ch = free_channels;
	if (ch != NULL)
		free_channels = ch->next;
	spin_unlock(&lock);
	return ch != NULL ? ch : channel_create();
}

static void set_func(struct xenbus_channel *ch, void (*func)(void *), void *arg)
{
	mutex_enter(&ch->ch_lock);
	ch->func = func;
	ch->arg = arg;
	ch->resting = false; /* a former use's callout, if still to come, ends no rest but early */
	mutex_exit(&ch->ch_lock);
}

/* Port 0 is nobody's. */
void xenbus_channels_lost(void)
{
	for (struct xenbus_channel *ch = newest; ch != NULL; ch = ch->older)
		ch->port = 0;
}

static void channel_put(struct xenbus_channel *ch)
{
	set_func(ch, NULL, NULL);
	spin_lock(&lock);
	ch->next = free_channels;
	free_channels = ch;
	spin_unlock(&lock);
}

static int open_port(struct xenbus_channel *ch, unsigned domid, unsigned cpu)
{
	int error = rumpuser_evtchn_alloc(domid, &ch->port);

	if (error)
		return error;
	error = rumpuser_evtchn_bind(ch->port, cpu, &ch->irq);
	if (!error && !ch->established) {
		error = intr_establish(ch->irq, interrupt, ch);
		ch->established = !error;
	}
	if (error)
		rumpuser_evtchn_close(ch->port);
	return error;
}

int xenbus_channel_alloc(struct xenbus_device *xd, unsigned cpu, void (*func)(void *), void *arg,
    struct xenbus_channel **chp)
{
	struct xenbus_channel *ch = channel_get();
	int error;

	*chp = ch; /* func may be called before we return */
	if (ch == NULL)
		return ENOMEM;
	set_func(ch, func, arg);
	error = open_port(ch, xd->xd_backend_domid, cpu);
	if (error) {
		channel_put(ch);
		*chp = NULL;
	}
	return error;
}

unsigned xenbus_channel_port(const struct xenbus_channel *ch)
{
	return ch->port;
}

void xenbus_channel_notify(struct xenbus_channel *ch)
{
	rumpuser_evtchn_notify(ch->port);
}

void xenbus_channel_later(struct xenbus_channel *ch)
{
	ch->resting = true;
	callout_schedule(&ch->again, REST);
}

void xenbus_channel_free(struct xenbus_channel *ch)
{
	rumpuser_evtchn_close(ch->port);
	channel_put(ch);
}
