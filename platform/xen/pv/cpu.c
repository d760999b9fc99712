/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c - virtual CPUs: features, what Xen is told of each, idling.
 */
#include "pv.h"

#include <errno.h>
#include <xen/callback.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define CR4_FSGSBASE (1ULL << 16)

struct hw_features hw_features;
struct hw_cpu *hw_cpus[RUMPUSER_MAXCPUS];
struct trap_info pv_trap_table[PV_NTRAPS + 1];

void hw_features_init(void)
{
	struct hw_cpuid r = hw_cpuid(1, 0);

	hw_features.xsave = r.c >> 26 & 1;
	hw_features.rdrand = r.c >> 30 & 1;
	hw_features.hypervisor = true;
	if (hw_cpuid(0, 0).a >= 7) {
		r = hw_cpuid(7, 0);
		hw_features.fsgsbase = r.b & 1;
		hw_features.rdseed = r.b >> 18 & 1;
	}
	hw_features.nx = hw_cpuid(0x80000001, 0).d >> 20 & 1;
}

/* Events are masked in the handlers; who goes back says again whether they are. */
static void traps_init(void)
{
	const uint32_t software = 1U << RUMPUSER_TRAPNO_BREAKPOINT | 1U << 4;
	unsigned i, n = 0;

	for (i = 0; i < PV_NTRAPS; i++) {
		if (i == RUMPUSER_TRAPNO_NMI || i == RUMPUSER_TRAPNO_DOUBLE ||
		    i == RUMPUSER_TRAPNO_MACHINE)
			continue;
		pv_trap_table[n].vector = i;
		pv_trap_table[n].cs = PV_CS;
		pv_trap_table[n].address = (uintptr_t)pv_traps + i * PV_TRAP_STUB_SIZE;
		TI_SET_DPL(&pv_trap_table[n], software >> i & 1 ? 3 : 0);
		TI_SET_IF(&pv_trap_table[n], 1);
		n++;
	}
}

static void callback(unsigned type, const char *address)
{
	struct callback_register r = {
	    .type = type, .flags = CALLBACKF_mask_events, .address = (uintptr_t)address};

	if (xen_hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, (uintptr_t)&r, 0) != 0)
		xen_die("kiln: no callback\n");
}

void hw_set_gs(struct rumpuser_cpu *cpu)
{
	(void)xen_hypercall(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL, (uintptr_t)cpu, 0);
	(void)xen_hypercall(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, (uintptr_t)cpu, 0);
}

void pv_block_init(struct hw_cpu *hc, unsigned index)
{
	hw_cpus[index] = hc;
	hc->index = index;
	hc->deadline = hc->armed = UINT64_MAX;
}

/* Control registers are as Xen lets us have them; it emulates access.  Kernel mode. */
void pv_control_registers(void)
{
	hw_control_registers();
	if (!(hw_read_cr4() & CR4_FSGSBASE))
		hw_features.fsgsbase = false;
}

/* Kernel mode, events masked. */
void hw_cpu_boot_init(void)
{
	pv_block_init(&hw_cpu0, 0);
	hw_boot_block();
	traps_init();
	if (xen_hypercall(__HYPERVISOR_set_trap_table, (uintptr_t)pv_trap_table, 0, 0) != 0 ||
	    xen_hypercall(__HYPERVISOR_stack_switch, PV_SS, (uintptr_t)&hw_cpu0, 0) != 0)
		xen_die("kiln: no trap table\n");
	callback(CALLBACKTYPE_event, pv_event);
	callback(CALLBACKTYPE_failsafe, pv_failsafe);
	callback(CALLBACKTYPE_syscall, pv_syscall);
	pv_control_registers();
}

/* vectors.S comes here on the fatal stack. */
void pv_fatal(struct rumpuser_trapframe *tf, unsigned why) __attribute__((noreturn));
void pv_fatal(struct rumpuser_trapframe *tf, unsigned why)
{
	rumpkern_fatal_trap(
	    tf, why == 1 ? "kernel stack overflow" : "trap in an interrupt handler");
}

/* Xen unmasks events when the CPU sleeps, and vectors.S delivers the one that wakes it. */
void rumpuser_cpu_idle(struct rumpuser_cpu *cpu)
{
	(void)hw_irq_save();
	if (cpu->ipending == 0)
		(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0);
	hw_irq_restore(0);
}

void rumpuser_tls_set(uintptr_t fsbase)
{
	if (hw_features.fsgsbase)
		__asm__ volatile("wrfsbase %0" : : "r"(fsbase));
	else
		(void)xen_hypercall(__HYPERVISOR_set_segment_base, SEGBASE_FS, fsbase, 0);
}
