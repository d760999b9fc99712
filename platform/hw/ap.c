/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ap.c - starting the other CPUs, one at a time and without fixed waits: the CPU says when it is
 * there.  How it is told to start is the machine's (sipi.c, platform/xen).
 *
 * Its interrupt stack and per-CPU block are two pages of the window above an
 * unmapped one.  One that does not answer may come later, and halts when it sees that nobody waits
 * for it.  It would use what another that starts has been given, so none is started after that.
 */
#include "machine.h"

#include <errno.h>

#define MSR_GS_BASE 0xc0000101
#define WAIT_NS	    2000000000ULL

unsigned hw_ncpu = 1;

/* Handed to the one CPU that starts. */
uintptr_t hw_ap_stack;
static struct hw_cpu *ap_cpu;
static volatile enum { AP_AWAITED, AP_THERE, AP_STARTED, AP_GIVEN_UP } ap_state;
static struct hw_lock ap_lock;

void hw_ap_main(void) __attribute__((noreturn));

/* The block of a new CPU; kept if the CPU does not come up. */
static struct hw_cpu *block_alloc(unsigned index)
{
	uint64_t stack, block;
	uintptr_t va;

	if (hw_cpus[index] != NULL)
		return hw_cpus[index];
	stack = rumpkern_page_alloc();
	block = rumpkern_page_alloc();
	va = hw_window + RUMPUSER_PAGE_SIZE;
	if (stack == 0 || block == 0 ||
	    rumpuser_pmap_enter(va, stack, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE) != 0 ||
	    rumpuser_pmap_enter(
		va + RUMPUSER_PAGE_SIZE, block, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE) != 0) {
		if (stack != 0)
			rumpkern_page_free(stack);
		if (block != 0)
			rumpkern_page_free(block);
		return NULL;
	}
	hw_window = va + 2 * RUMPUSER_PAGE_SIZE;
	hw_cpus[index] = (struct hw_cpu *)(va + HW_ISTACK_SIZE);
	return hw_cpus[index];
}

void hw_ap_main(void)
{
	struct hw_cpu *hc;
	struct rumpuser_cpu *cpu;

	while (!__sync_bool_compare_and_swap(&ap_state, AP_AWAITED, AP_THERE))
		__asm__ volatile("cli; hlt");
	hc = ap_cpu;
	cpu = hc->cpu;
	hw_wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
	hw_cpu_init(hc, cpu->index);
	__atomic_fetch_or(&hw_online, 1U << cpu->index, __ATOMIC_SEQ_CST);
	hw_write_cr3(hw_read_cr3()); /* from here on we are told what to flush */
	hw_machine_cpu_init();
	__atomic_store_n(&ap_state, AP_STARTED, __ATOMIC_RELEASE);
	rumpkern_cpu_main(cpu);
}

int rumpuser_cpu_start(struct rumpuser_cpu *cpu, uintptr_t stack_top)
{
	uint64_t flags, end;
	struct hw_cpu *hc;
	int error;

	if (cpu->index == 0 || cpu->index >= hw_ncpu || (hw_online & 1U << cpu->index))
		return EINVAL;
	if (ap_state == AP_GIVEN_UP)
		return EIO;
	hc = block_alloc(cpu->index);
	if (hc == NULL || hw_machine_cpu_prepare() != 0)
		return ENOMEM;
	hc->cpu = cpu;
	cpu->self = cpu;
	cpu->platform = hc;
	flags = hw_lock(&ap_lock);
	ap_cpu = hc;
	hw_ap_stack = stack_top & ~15UL;
	ap_state = AP_AWAITED;
	end = rumpuser_clock_monotonic() + WAIT_NS;
	hw_machine_cpu_start(hc, cpu->index);
	error = 0;
	while (__atomic_load_n(&ap_state, __ATOMIC_ACQUIRE) != AP_STARTED) {
		if (rumpuser_clock_monotonic() > end &&
		    __sync_bool_compare_and_swap(&ap_state, AP_AWAITED, AP_GIVEN_UP)) {
			error = EIO;
			break;
		}
		hw_tlb_poll();
		hw_pause();
	}
	hw_unlock(&ap_lock, flags);
	if (error == 0)
		hw_machine_cpu_started();
	return error;
}
