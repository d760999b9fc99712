/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn.c - event channels (public/event_channel.h): Xen's interrupts.
 *
 * Each channel in use has an irq number and a CPU; Xen tells that CPU by an upcall that something
 * is pending, and xen_evtchn_upcall() takes it from there, with what kern is told being the same as
 * for any edge-triggered interrupt (irq.c).  The 2-level ABI: a bit for each port in the
 * shared page, a bit for each word of those in the CPU's struct vcpu_info.  The words are all CPUs'
 * together, so each takes from them only what is its own.
 *
 * Ports are Xen's to choose; it takes the lowest that is free, and there are fewer numbers for
 * interrupts than fit below PORTS.
 */
#include "xen_impl.h"

#include <errno.h>

#define PORTS	  512
#define WORD_BITS 64

/* By port; irq 0: not bound, and masked. */
static struct {
	uint8_t irq, cpu;
} channels[PORTS];

/* Those by which CPUs interrupt each other, by CPU: RUMPUSER_IRQ_IPI, HW_IRQ_TLB. */
static evtchn_port_t ipis[RUMPUSER_MAXCPUS][2];

static int evtchn_op(unsigned op, void *arg)
{
	return -xen_hypercall(__HYPERVISOR_event_channel_op, op, (uintptr_t)arg, 0);
}

void xen_evtchn_init(void)
{
	__builtin_memset(xen_shared_info->evtchn_mask, 0xff, sizeof(xen_shared_info->evtchn_mask));
}

int xen_evtchn_open(unsigned port, unsigned cpu, unsigned irq)
{
	struct evtchn_unmask unmask = {port};

	if (port >= PORTS)
		return EINVAL;
	channels[port].cpu = cpu;
	__atomic_store_n(&channels[port].irq, irq, __ATOMIC_RELEASE);
	/* Xen looks whether it is pending, too. */
	return evtchn_op(EVTCHNOP_unmask, &unmask) != 0 ? EINVAL : 0;
}

static int open_ipi(unsigned cpu, unsigned irq, evtchn_port_t *port)
{
	struct evtchn_bind_ipi ipi = {.vcpu = cpu};

	if (evtchn_op(EVTCHNOP_bind_ipi, &ipi) != 0)
		return EIO;
	*port = ipi.port;
	return xen_evtchn_open(ipi.port, cpu, irq);
}

int xen_evtchn_cpu_init(unsigned cpu, bool alone)
{
	struct evtchn_bind_virq timer = {.virq = VIRQ_TIMER, .vcpu = cpu};
	int error;

	if (evtchn_op(EVTCHNOP_bind_virq, &timer) != 0)
		return EIO;
	error = xen_evtchn_open(timer.port, cpu, RUMPUSER_IRQ_TIMER);
	if (error == 0 && !alone)
		error = open_ipi(cpu, RUMPUSER_IRQ_IPI, &ipis[cpu][0]);
	if (error == 0 && !alone)
		error = open_ipi(cpu, HW_IRQ_TLB, &ipis[cpu][1]);
	return error;
}

void hw_machine_ipi(unsigned index, unsigned irq)
{
	rumpuser_evtchn_notify(ipis[index][irq == HW_IRQ_TLB]);
}

/* Of one word's channels, those that are bound to this CPU. */
static bool take(unsigned word, unsigned cpu, struct rumpuser_trapframe *tf)
{
	xen_ulong_t *pending = &xen_shared_info->evtchn_pending[word], bits;
	bool preempt = false;
	unsigned port;

	bits = __atomic_load_n(pending, __ATOMIC_ACQUIRE) & ~xen_shared_info->evtchn_mask[word];
	for (; bits != 0; bits &= bits - 1) {
		port = word * WORD_BITS + __builtin_ctzll(bits);
		if (channels[port].irq == 0 || channels[port].cpu != cpu)
			continue;
		/* Before the handler looks: what comes from now on comes again. */
		__atomic_fetch_and(pending, ~(1ULL << port % WORD_BITS), __ATOMIC_SEQ_CST);
		preempt |= hw_irq_deliver(channels[port].irq, tf);
	}
	return preempt;
}

bool xen_evtchn_upcall(struct vcpu_info *vi, unsigned cpu, struct rumpuser_trapframe *tf)
{
	bool preempt = false;
	xen_ulong_t words;

	while (vi->evtchn_upcall_pending != 0) {
		vi->evtchn_upcall_pending = 0;
		words = __atomic_exchange_n(&vi->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
		for (words &= (1ULL << PORTS / WORD_BITS) - 1; words != 0; words &= words - 1)
			preempt |= take(__builtin_ctzll(words), cpu, tf);
	}
	return preempt;
}

int rumpuser_evtchn_alloc(unsigned domid, unsigned *port)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = domid};
	int error = evtchn_op(EVTCHNOP_alloc_unbound, &alloc);

	if (error != 0)
		return error;
	if (alloc.port >= PORTS) {
		rumpuser_evtchn_close(alloc.port);
		return ENOSPC;
	}
	*port = alloc.port;
	return 0;
}

int rumpuser_evtchn_bind(unsigned port, unsigned cpu, unsigned *irqp)
{
	struct evtchn_bind_vcpu bind = {.port = port, .vcpu = cpu};
	int error = 0;

	if (port == 0 || port >= PORTS || cpu >= RUMPUSER_MAXCPUS || !(hw_online & 1U << cpu))
		return EINVAL;
	/* A channel starts out with CPU 0. */
	if (channels[port].cpu != cpu)
		error = evtchn_op(EVTCHNOP_bind_vcpu, &bind);
	if (error == 0 && *irqp == 0)
		error = hw_irq_alloc(irqp);
	if (error != 0)
		return error == ENOSPC ? ENOSPC : EINVAL;
	return xen_evtchn_open(port, cpu, *irqp);
}

void rumpuser_evtchn_notify(unsigned port)
{
	struct evtchn_send send = {port};

	(void)evtchn_op(EVTCHNOP_send, &send);
}

void rumpuser_evtchn_close(unsigned port)
{
	struct evtchn_close close = {port};

	if (port < PORTS) {
		__atomic_fetch_or(&xen_shared_info->evtchn_mask[port / WORD_BITS],
		    1ULL << port % WORD_BITS, __ATOMIC_SEQ_CST);
		channels[port].irq = channels[port].cpu = 0;
	}
	(void)evtchn_op(EVTCHNOP_close, &close);
}
