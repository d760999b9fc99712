/* SPDX-License-Identifier: BSD-2-Clause */
/* What we and a back end share: pages of rings, and event channels. */
#include <rumpuser.h>
#include <dev/xenbus.h>
#include <kern/kmem.h>
#include <kern/softint.h>
#include <kern/spin.h>
#include <kern/systm.h>

/* ------------------------------------------------------------------- rings */

/* Pages that a back end didn't let go when it should have; maybe it has by now. */
struct stuck {
	void *va;
	uint32_t ref;
	struct stuck *next;
};
static struct stuck *stuck;
static volatile uint32_t lock; /* stuck, free_channels */

static bool take_back(void *va, uint32_t ref)
{
	if (rumpuser_grant_end(ref) != 0)
		return false;
	page_free(page_pa(va), 0);
	return true;
}

static void keep(struct stuck *s)
{
	spin_lock(&lock);
	s->next = stuck;
	stuck = s;
	spin_unlock(&lock);
}

static void retry_stuck(void)
{
	struct stuck *s, *next;

	spin_lock(&lock);
	s = stuck;
	stuck = NULL;
	spin_unlock(&lock);
	for (; s != NULL; s = next) {
		next = s->next;
		if (take_back(s->va, s->ref))
			kmem_free(s, sizeof(*s));
		else
			keep(s);
	}
}

int xenbus_ring_alloc(struct xenbus_device *xd, void **va, uint32_t *ref)
{
	uint64_t pa;
	int error;

	retry_stuck();
	pa = page_zalloc(0);
	if (pa == 0)
		return ENOMEM;
	error = rumpuser_grant(xd->xd_backend_domid, pa, false, ref);
	if (error) {
		page_free(pa, 0);
		return error;
	}
	*va = page_va(pa);
	return 0;
}

void xenbus_ring_free(void *va, uint32_t ref)
{
	struct stuck *s;

	if (take_back(va, ref))
		return;
	s = kmem_alloc(sizeof(*s));
	if (s == NULL)
		return;
	*s = (struct stuck){.va = va, .ref = ref};
	keep(s);
}

/* ---------------------------------------------------------------- channels */

/*
 * Never freed, but used again: the irq number is the platform's for good, and an interrupt that was
 * on its way may still come.
 */
struct xenbus_channel {
	unsigned port, irq;
	struct softint *softint;
	struct xenbus_channel *next;
};
static struct xenbus_channel *free_channels;

static struct xenbus_channel *channel_get(void)
{
	struct xenbus_channel *ch;

	spin_lock(&lock);
	ch = free_channels;
	if (ch != NULL)
		free_channels = ch->next;
	spin_unlock(&lock);
	return ch != NULL ? ch : kmem_zalloc(sizeof(*ch));
}

static void channel_put(struct xenbus_channel *ch)
{
	if (ch->softint != NULL)
		softint_disestablish(ch->softint);
	spin_lock(&lock);
	ch->next = free_channels;
	free_channels = ch;
	spin_unlock(&lock);
}

static void interrupt(void *arg)
{
	struct xenbus_channel *ch = arg;

	softint_schedule(ch->softint);
}

int xenbus_channel_alloc(struct xenbus_device *xd, unsigned cpu, void (*func)(void *), void *arg,
    struct xenbus_channel **chp)
{
	struct xenbus_channel *ch = channel_get();
	int error;

	if (ch == NULL)
		return ENOMEM;
	ch->softint = softint_establish(func, arg);
	error = ch->softint ? rumpuser_evtchn_alloc(xd->xd_backend_domid, &ch->port) : ENOSPC;
	if (error)
		goto no_port;
	error = rumpuser_evtchn_bind(ch->port, cpu, &ch->irq);
	if (!error)
		error = intr_establish(ch->irq, interrupt, ch);
	if (error)
		goto no_irq;
	*chp = ch;
	return 0;
no_irq:
	rumpuser_evtchn_close(ch->port);
no_port:
	channel_put(ch);
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

void xenbus_channel_free(struct xenbus_channel *ch)
{
	rumpuser_evtchn_close(ch->port);
	intr_disestablish(ch->irq);
	channel_put(ch);
}
