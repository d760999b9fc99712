/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq.c - from an irq number to kern, however the interrupt came, and where numbers come from.
 *
 * While ilevel is above zero an interrupt is only noted in ipending.  Some are the
 * platform's own, and kern hears of them only when there is something to hear.
 */
#include "machine.h"

#include <errno.h>

static uint32_t next_irq = RUMPUSER_IRQ_DEVICE;

bool hw_irq_deliver(unsigned irq, struct rumpuser_trapframe *tf)
{
	struct rumpuser_cpu *cpu = hw_curcpu();

	if (irq == RUMPUSER_IRQ_TIMER && !hw_timer_fired(cpu->platform))
		return false;
	if (irq == HW_IRQ_TLB) {
		hw_tlb_poll();
		return false;
	}
	if (cpu->ilevel == 0)
		return rumpkern_intr(irq, tf);
	__atomic_fetch_or(&cpu->ipending, 1ULL << irq, __ATOMIC_RELEASE);
	return false;
}

int hw_irq_alloc(unsigned *irqp)
{
	uint32_t irq = __atomic_fetch_add(&next_irq, 1, __ATOMIC_RELAXED);

	if (irq >= HW_IRQ_TLB) {
		__atomic_store_n(&next_irq, HW_IRQ_TLB, __ATOMIC_RELAXED);
		return ENOSPC;
	}
	*irqp = irq;
	return 0;
}

void rumpuser_cpu_ipi(unsigned index)
{
	if (index < RUMPUSER_MAXCPUS && (hw_online & 1U << index))
		hw_machine_ipi(index, RUMPUSER_IRQ_IPI);
}
