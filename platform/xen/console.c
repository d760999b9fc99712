/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.c - the console: two rings in a page that xenconsoled, in another domain, serves
 * (public/io/console.h).  What the other side writes is only believed as far as it makes sense.
 */
#include "xen_impl.h"

#include <xen/io/console.h>
#include <xen/sched.h>

static struct xencons_interface *ring; /* NULL: none yet */
static unsigned port;
static bool input; /* somebody wants to know of it */
static volatile uint32_t console_lock;

static void input_init(void);

void xen_console_init(void)
{
	void *page;

	if (xen_ring_map(XEN_RING_CONSOLE, &page, &port) == 0)
		ring = page;
	if (input)
		input_init();
}

/* As much as fits; what xenconsoled reads too slowly waits. */
static size_t put(const char *buf, size_t len)
{
	XENCONS_RING_IDX prod = ring->out_prod, used;
	size_t n;

	used = prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
	if (used > sizeof(ring->out))
		return len; /* nobody reads that makes sense: as good as written */
	for (n = 0; n < len && used + n < sizeof(ring->out); n++)
		ring->out[MASK_XENCONS_IDX(prod + n, ring->out)] = buf[n];
	__atomic_store_n(&ring->out_prod, prod + n, __ATOMIC_RELEASE);
	return n;
}

void rumpuser_console_write(const char *buf, size_t len)
{
	uint64_t flags = hw_irq_save();
	size_t n;

	while (__atomic_exchange_n(&console_lock, 1, __ATOMIC_ACQUIRE) != 0) {
		hw_tlb_poll();
		hw_pause();
	}
	if (ring == NULL) /* the initial domain, and others early, if Xen lets them */
		(void)xen_hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, len, (uintptr_t)buf);
	while (ring != NULL && len > 0) {
		n = put(buf, len);
		buf += n;
		len -= n;
		rumpuser_evtchn_notify(port);
		if (len > 0)
			(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
		hw_tlb_poll(); /* other CPUs go on meanwhile */
	}
	__atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE);
	hw_irq_restore(flags);
}

/* The channel also tells that output was read, which nobody waits for: it is bound when input is.
 */
static void input_init(void)
{
	unsigned irq = RUMPUSER_IRQ_CONSOLE;

	input = true;
	(void)rumpuser_evtchn_bind(port, 0, &irq);
}

size_t rumpuser_console_read(char *buf, size_t len)
{
	XENCONS_RING_IDX cons, waiting;
	uint64_t flags;
	size_t n;

	if (ring == NULL)
		return 0;
	if (!input)
		input_init();
	flags = hw_irq_save(); /* another domain has an empty ring, with other indices */
	cons = ring->in_cons;
	waiting = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE) - cons;
	if (waiting > sizeof(ring->in))
		waiting = 0;
	for (n = 0; n < len && n < waiting; n++)
		buf[n] = ring->in[MASK_XENCONS_IDX(cons + n, ring->in)];
	if (n > 0) {
		__atomic_store_n(&ring->in_cons, cons + n, __ATOMIC_RELEASE);
		rumpuser_evtchn_notify(port);
	}
	hw_irq_restore(flags);
	return n;
}
