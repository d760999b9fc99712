/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ap.c - starting the other virtual CPUs, which Xen does with registers and tables set: they begin
 * in kernel mode, events masked.  Interrupt stack and per-CPU block are two pages of the window
 * above an unmapped one.
 */
#include "pv.h"

#include <errno.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define WAIT_NS 2000000000ULL

static struct vcpu_guest_context context;
static volatile uint32_t entered; /* bit n: CPU n */
static unsigned ncpu;

void pv_ap_main(struct hw_cpu *hc) __attribute__((noreturn));
void pv_ap_main(struct hw_cpu *hc)
{
	pv_control_registers();
	pv_enter_user();
	__atomic_fetch_or(&entered, 1U << hc->index, __ATOMIC_SEQ_CST);
	rumpkern_cpu_main(hc->cpu);
}

unsigned pv_count_cpus(void)
{
	for (ncpu = 1; ncpu < RUMPUSER_MAXCPUS; ncpu++)
		if (xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_is_up, ncpu, 0) < 0)
			break;
	return ncpu;
}

/* The block of a new CPU; kept if the CPU does not come up. */
static struct hw_cpu *block_alloc(unsigned index)
{
	const unsigned rw = RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE;
	uint64_t stack, block;
	uintptr_t va;

	if (hw_cpus[index] != NULL)
		return hw_cpus[index];
	stack = rumpkern_page_alloc();
	block = rumpkern_page_alloc();
	va = hw_window + RUMPUSER_PAGE_SIZE;
	if (stack == 0 || block == 0 || rumpuser_pmap_enter(va, stack, 1, rw) != 0 ||
	    rumpuser_pmap_enter(va + RUMPUSER_PAGE_SIZE, block, 1, rw) != 0) {
		if (stack != 0)
			rumpkern_page_free(stack);
		if (block != 0)
			rumpkern_page_free(block);
		return NULL;
	}
	hw_window = va + 2 * RUMPUSER_PAGE_SIZE;
	pv_block_init((struct hw_cpu *)(va + HW_ISTACK_SIZE), index);
	pv_vcpu_info_init(hw_cpus[index]);
	pv_intr_cpu_init(hw_cpus[index]);
	return hw_cpus[index];
}

static void context_init(struct hw_cpu *hc, uintptr_t stack_top)
{
	struct vcpu_guest_context *c = &context;
	const struct trap_info *t;

	c->flags = VGCF_in_kernel | VGCF_failsafe_disables_events | VGCF_syscall_disables_events;
	c->user_regs.rip = (uintptr_t)pv_ap_entry;
	c->user_regs.rsp = stack_top & ~15UL;
	c->user_regs.rdi = (uintptr_t)hc;
	c->user_regs.rflags = 0x202;
	c->user_regs.cs = PV_CS;
	c->user_regs.ss = PV_SS;
	for (t = pv_trap_table; t->address != 0; t++)
		c->trap_ctxt[t->vector] = *t;
	c->kernel_ss = PV_SS;
	c->kernel_sp = (uintptr_t)hc;
	c->ctrlreg[3] = c->ctrlreg[1] = pv_machine_address(hw_pml4_pa);
	c->event_callback_eip = (uintptr_t)pv_event;
	c->failsafe_callback_eip = (uintptr_t)pv_failsafe;
	c->syscall_callback_eip = (uintptr_t)pv_syscall;
	c->gs_base_kernel = c->gs_base_user = (uintptr_t)hc->cpu;
}

int rumpuser_cpu_start(struct rumpuser_cpu *cpu, uintptr_t stack_top)
{
	uint64_t until = rumpuser_clock_monotonic() + WAIT_NS;
	struct hw_cpu *hc;
	uint32_t bit;

	if (cpu->index == 0 || cpu->index >= ncpu || (hw_online & 1U << cpu->index))
		return EINVAL;
	hc = block_alloc(cpu->index);
	if (hc == NULL)
		return ENOMEM;
	bit = 1U << cpu->index;
	hc->cpu = cpu;
	cpu->self = cpu;
	cpu->platform = hc;
	context_init(hc, stack_top);
	if (xen_hypercall(
		__HYPERVISOR_vcpu_op, VCPUOP_initialise, cpu->index, (uintptr_t)&context) != 0)
		return EIO;
	/* From its first instruction on it uses translations. */
	__atomic_fetch_or(&hw_online, bit, __ATOMIC_SEQ_CST);
	if (xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_up, cpu->index, 0) != 0)
		return EIO;
	while (!(__atomic_load_n(&entered, __ATOMIC_ACQUIRE) & bit)) {
		if (rumpuser_clock_monotonic() > until) {
			(void)xen_hypercall(__HYPERVISOR_vcpu_op, VCPUOP_down, cpu->index, 0);
			return EIO;
		}
		(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
	}
	return 0;
}
