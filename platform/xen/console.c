/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.c - the console: two rings in a page that xenconsoled, in another domain, serves
 * (public/io/console.h).  What the other side writes is only believed as far as it makes sense.
 */
#include "xen_impl.h"

#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/sched.h>

static struct xencons_interface *ring; /* NULL: none yet */
static evtchn_port_t port;
static volatile uint32_t console_lock;

void xen_console_init(void)
{
	uint64_t pfn = xen_hvm_param(HVM_PARAM_CONSOLE_PFN);

	port = xen_hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
	if (pfn != 0)
		ring = hw_window_map(pfn << RUMPUSER_PAGE_SHIFT, RUMPUSER_PAGE_SIZE,
		    RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE);
}

static void notify(void)
{
	struct evtchn_send send = {port};

	(void)xen_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uintptr_t)&send, 0);
}

/* As much as fits; what xenconsoled reads too slowly waits. */
static size_t put(const char *buf, size_t len)
{
	XENCONS_RING_IDX prod = ring->out_prod, used;
	size_t n;

	used = prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
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
	while (ring != NULL && len > 0) {
		n = put(buf, len);
		buf += n;
		len -= n;
		notify();
		if (len > 0)
			(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	}
	__atomic_store_n(&console_lock, 0, __ATOMIC_RELEASE);
	hw_irq_restore(flags);
}

size_t rumpuser_console_read(char *buf, size_t len)
{
	XENCONS_RING_IDX cons, waiting;
	size_t n;

	if (ring == NULL)
		return 0;
	cons = ring->in_cons;
	waiting = __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE) - cons;
	if (waiting > sizeof(ring->in))
		waiting = 0;
	for (n = 0; n < len && n < waiting; n++)
		buf[n] = ring->in[MASK_XENCONS_IDX(cons + n, ring->in)];
	if (n > 0) {
		__atomic_store_n(&ring->in_cons, cons + n, __ATOMIC_RELEASE);
		notify();
	}
	return n;
}
