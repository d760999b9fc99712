/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn.c - event channels (public/event_channel.h): Xen's interrupts.
 *
 * Each channel in use has an irq number and a CPU; Xen tells that CPU by an upcall that something
 * is pending, and xen_evtchn_upcall() takes it from there, with what kern is told being the same as
 * for any edge-triggered interrupt (irq.c).  How Xen says what is pending is one of two ABIs.
 */
#include "evtchn_impl.h"

#include <errno.h>

struct evtchn_channel xen_channels[EVTCHN_PORTS];
static const struct evtchn_abi *abi;

/* Those by which CPUs interrupt each other, by CPU: RUMPUSER_IRQ_IPI, HW_IRQ_TLB. */
static evtchn_port_t ipis[RUMPUSER_MAXCPUS][2];

int xen_evtchn_op(unsigned op, void *arg)
{
	return -xen_hypercall(__HYPERVISOR_event_channel_op, op, (uintptr_t)arg, 0);
}

int xen_evtchn_open(unsigned port, unsigned cpu, unsigned irq)
{
	struct evtchn_unmask unmask = {port};

	if (port >= EVTCHN_PORTS)
		return EINVAL;
	__atomic_store(&xen_channels[port], &(struct evtchn_channel){irq, cpu}, __ATOMIC_RELEASE);
	/* Xen looks whether it is pending, too. */
	return xen_evtchn_op(EVTCHNOP_unmask, &unmask) != 0 ? EINVAL : 0;
}

static int open_ipi(unsigned cpu, unsigned irq, evtchn_port_t *port)
{
	struct evtchn_bind_ipi ipi = {.vcpu = cpu};

	if (xen_evtchn_op(EVTCHNOP_bind_ipi, &ipi) != 0)
		return EIO;
	*port = ipi.port;
	return xen_evtchn_open(ipi.port, cpu, irq);
}

int xen_evtchn_cpu_init(unsigned cpu, bool alone)
{
	struct evtchn_bind_virq timer = {.virq = VIRQ_TIMER, .vcpu = cpu};
	int error = 0;

	if (cpu == 0) {
		__builtin_memset(xen_channels, 0, sizeof(xen_channels));
		abi = &xen_evtchn_2l;
		xen_evtchn_2l_init();
		error = xen_evtchn_fifo_init(cpu);
		if (error == 0)
			abi = &xen_evtchn_fifo;
		else if (error == ENOTSUP)
			error = 0;
	} else if (abi == &xen_evtchn_fifo) {
		error = xen_evtchn_fifo_init(cpu);
	}
	if (error != 0 || xen_evtchn_op(EVTCHNOP_bind_virq, &timer) != 0)
		return EIO;
	error = xen_evtchn_open(timer.port, cpu, RUMPUSER_IRQ_TIMER);
	if (error == 0 && !alone)
		error = open_ipi(cpu, RUMPUSER_IRQ_IPI, &ipis[cpu][0]);
	if (error == 0 && !alone)
		error = open_ipi(cpu, HW_IRQ_TLB, &ipis[cpu][1]);
	return error;
}

/* Interrupts off: another domain has other channels. */
void hw_machine_ipi(unsigned index, unsigned irq)
{
	uint64_t flags = hw_irq_save();

	rumpuser_evtchn_notify(ipis[index][irq == HW_IRQ_TLB]);
	hw_irq_restore(flags);
}

bool xen_evtchn_upcall(struct vcpu_info *vi, unsigned cpu, struct rumpuser_trapframe *tf)
{
	bool preempt = false;

	if (xen_parking)
		xen_park();
	while (vi->evtchn_upcall_pending != 0) {
		__atomic_store_n(&vi->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
		preempt |= abi->upcall(vi, cpu, tf);
	}
	return preempt;
}

int rumpuser_evtchn_alloc(unsigned domid, unsigned *port)
{
	struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = domid};
	int error = xen_evtchn_op(EVTCHNOP_alloc_unbound, &alloc);

	if (error != 0)
		return error;
	if (alloc.port >= EVTCHN_PORTS) {
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

	if (port == 0 || port >= EVTCHN_PORTS || cpu >= RUMPUSER_MAXCPUS ||
	    !(hw_online & 1U << cpu))
		return EINVAL;
	/* A channel starts out with CPU 0. */
	if (xen_channels[port].cpu != cpu)
		error = xen_evtchn_op(EVTCHNOP_bind_vcpu, &bind);
	if (error == 0 && *irqp == 0)
		error = hw_irq_alloc(irqp);
	if (error != 0)
		return error == ENOSPC ? ENOSPC : EINVAL;
	return xen_evtchn_open(port, cpu, *irqp);
}

void rumpuser_evtchn_notify(unsigned port)
{
	struct evtchn_send send = {port};

	(void)xen_evtchn_op(EVTCHNOP_send, &send);
}

void rumpuser_evtchn_close(unsigned port)
{
	struct evtchn_close close = {port};

	if (port < EVTCHN_PORTS) {
		abi->mask(port);
		xen_channels[port].irq = xen_channels[port].cpu = 0;
	}
	(void)xen_evtchn_op(EVTCHNOP_close, &close);
}
