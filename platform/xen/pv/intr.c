/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intr.c - events: from Xen's bits to kern.
 *
 * A CPU has an event channel for its timer and one for interrupts from other CPUs.  While ilevel is
 * above zero what comes is only noted in ipending.
 */
#include "pv.h"

#include <errno.h>
#include <xen/vcpu.h>

#define EARLY_OK_NS 500		 /* a wake-up that much too early is in time */
#define NEVER	    (1ULL << 62) /* Xen's times are signed */

static evtchn_port_t ipi_port[RUMPUSER_MAXCPUS];

bool pv_upcall(struct rumpuser_trapframe *tf);

/* Events masked; from vectors.S.  True if the interrupted lwp is to be preempted. */
bool pv_upcall(struct rumpuser_trapframe *tf)
{
	struct hw_cpu *hc = hw_self();

	return xen_evtchn_upcall(xen_vcpu_info(hc), hc->index, tf);
}

/* => ilevel above zero, events masked. */
void pv_poll(void)
{
	(void)pv_upcall(NULL);
}

void hw_tlb_intr(void)
{
}

/* Any CPU may do it for another. */
void pv_intr_cpu_init(struct hw_cpu *hc)
{
	struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = hc->index};
	struct evtchn_bind_ipi ipi = {.vcpu = hc->index};

	if (xen_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (uintptr_t)&virq, 0) !=
		0 ||
	    xen_hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (uintptr_t)&ipi, 0) !=
		0 ||
	    xen_evtchn_open(virq.port, hc->index, RUMPUSER_IRQ_TIMER) != 0 ||
	    xen_evtchn_open(ipi.port, hc->index, RUMPUSER_IRQ_IPI) != 0)
		pv_die("kiln: no event channels\n");
	/* Xen begins with a hundred ticks a second. */
	(void)xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, hc->index, 0);
	ipi_port[hc->index] = ipi.port;
}

void rumpuser_intr_start(void)
{
	hw_irq_restore(0);
}

void rumpuser_intr_replayed(unsigned irq)
{
}

void rumpuser_cpu_ipi(unsigned index)
{
	if (index < RUMPUSER_MAXCPUS && (hw_online & 1U << index))
		rumpuser_evtchn_notify(ipi_port[index]);
}

int rumpuser_intr_gsi(unsigned gsi, bool level, bool active_low, unsigned cpu, unsigned *irqp)
{
	return ENOTSUP;
}

int rumpuser_intr_msi(unsigned cpu, unsigned *irqp, uint64_t *addr, uint32_t *data)
{
	return ENOTSUP;
}

/* ------------------------------------------------------------------ locks */

uint64_t hw_lock(struct hw_lock *l)
{
	uint64_t flags = hw_irq_save();
	unsigned turns = 0;

	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE) != 0)
		while (l->held != 0)
			hw_spin(&turns);
	return flags;
}

void hw_unlock(struct hw_lock *l, uint64_t flags)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
	hw_irq_restore(flags);
}

void hw_tlb_poll(void)
{
	/* Xen flushes for us. */
}

/* ------------------------------------------------------------------ timer */

uint64_t rumpuser_clock_monotonic(void)
{
	return hw_pvclock_read();
}

/* Xen's clock is ours. */
static void arm(struct hw_cpu *hc, uint64_t deadline)
{
	struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = deadline};

	hc->armed = deadline;
	(void)xen_hypercall(
	    __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, hc->index, (uintptr_t)&op);
}

/* A timer that is armed for an earlier moment is left alone: hw_timer_fired() arms it again. */
void rumpuser_timer_set(uint64_t deadline)
{
	uint64_t flags = hw_irq_save();
	struct hw_cpu *hc = hw_self();

	hc->deadline = deadline;
	if (deadline < hc->armed && deadline < NEVER)
		arm(hc, deadline);
	hw_irq_restore(flags);
}

bool hw_timer_fired(struct hw_cpu *hc)
{
	hc->armed = UINT64_MAX;
	if (hc->deadline >= NEVER)
		return false;
	if (hw_pvclock_read() + EARLY_OK_NS < hc->deadline) {
		arm(hc, hc->deadline);
		return false;
	}
	hc->deadline = UINT64_MAX;
	return true;
}
