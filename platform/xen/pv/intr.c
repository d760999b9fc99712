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

/* Any CPU may do it for another. */
void pv_intr_cpu_init(struct hw_cpu *hc)
{
	if (xen_evtchn_cpu_init(hc->index, false) != 0)
		xen_die("kiln: no event channels\n");
	/* Xen begins with a hundred ticks a second. */
	(void)xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, hc->index, 0);
}

void rumpuser_intr_start(void)
{
	hw_irq_restore(0);
}

void rumpuser_intr_replayed(unsigned irq)
{
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
