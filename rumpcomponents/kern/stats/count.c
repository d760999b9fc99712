/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting: functions that stand before those of kern/base and kern/mem (<kern/hook.h>).  Each CPU
 * has counters of its own and changes them while it is held, so none is atomic.
 */
#include <rumpuser.h>
#include <kern/cpu.h>
#include <kern/hook.h>
#include <kern/kmem.h>
#include <kern/lwp.h>
#include "stats_impl.h"

static struct stats_cpu cpus[RUMPUSER_MAXCPUS];
static volatile uint64_t low = UINT64_MAX;

const struct stats_cpu *stats_of_cpu(unsigned n)
{
	return &cpus[n];
}

uint64_t stats_low_pages(void)
{
	return low;
}

struct lwp *cpu_switchto(struct lwp *old, struct lwp *new)
{
	struct stats_cpu *c = &cpus[cpu_index()];

	/* The idle lwp is nobody: to leave it is no switch of the program's. */
	if (old->l_priority != PRI_IDLE) {
		if (old->l_stat == LSRUN || old->l_migrating)
			c->preemptive++;
		else
			c->voluntary++;
	}
	return cpu_switchto_plain(old, new);
}

void cpu_intr(struct cpu_info *ci, unsigned irq)
{
	unsigned kind = irq == RUMPUSER_IRQ_TIMER ? STATS_TIMER
			: irq == RUMPUSER_IRQ_IPI ? STATS_IPI
						  : STATS_DEVICE;

	cpus[cpu_index()].intr[kind]++;
	cpu_intr_plain(ci, irq);
}

int vm_fault(uintptr_t va, bool write, bool exec, int *sicode)
{
	int error = vm_fault_plain(va, write, exec, sicode);

	if (error == 0) {
		cpu_hold();
		cpus[cpu_index()].faults++;
		cpu_release();
	}
	return error;
}

/* Two CPUs at once may miss the lowest point by what one of them took. */
static void look(void)
{
	uint64_t n = page_nfree;

	if (n < low)
		low = n;
}

uint64_t page_alloc(unsigned order)
{
	uint64_t pa = page_alloc_plain(order);

	look();
	return pa;
}

uint64_t page_alloc_user(unsigned order)
{
	uint64_t pa = page_alloc_user_plain(order);

	look();
	return pa;
}
