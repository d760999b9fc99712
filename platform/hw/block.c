/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.c - the per-CPU block that GS points at: kern's own, and what stands in for the boot
 * CPU's until kern attaches it.
 */
#include "hw.h"

static struct rumpuser_cpu boot_cpu;

void hw_boot_block(void)
{
	hw_cpu0.cpu = boot_cpu.self = &boot_cpu;
	boot_cpu.platform = &hw_cpu0;
	boot_cpu.ilevel = 1; /* no interrupts */
	boot_cpu.kstack_base = (uintptr_t)hw_boot_stack;
	boot_cpu.kstack_top = (uintptr_t)hw_boot_stack_top;
	boot_cpu.canary = hw_random() & ~0xffUL;
	hw_set_gs(&boot_cpu);
}

void rumpuser_cpu_attach(struct rumpuser_cpu *cpu)
{
	struct hw_cpu *hc = hw_self();

	cpu->self = cpu;
	cpu->platform = hc;
	if (cpu->canary == 0)
		cpu->canary = boot_cpu.canary;
	if (cpu->kstack_top == 0) {
		cpu->kstack_base = boot_cpu.kstack_base;
		cpu->kstack_top = boot_cpu.kstack_top;
	}
	hc->cpu = cpu;
	hw_set_gs(cpu);
}
