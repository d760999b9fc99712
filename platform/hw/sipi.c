/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipi.c - how the CPUs of a PC start: INIT, SIPI, SIPI (Intel SDM vol. 3, 9.4.4.1).
 *
 * The trampoline page is mapped at its own physical address while a CPU starts; and for good if
 * one does not answer, because it may come later.
 */
#include "machine.h"

uint32_t hw_apic_ids[RUMPUSER_MAXCPUS];
uint64_t hw_trampoline_pa;

extern char hw_tramp_gdtr[], hw_tramp_far[], hw_tramp_cr3[], hw_tramp_cr4[], hw_tramp_efer[],
    hw_tramp_entry[];

static void put32(uint8_t *page, const char *at, uint32_t v)
{
	__builtin_memcpy(page + (at - hw_trampoline), &v, sizeof(v));
}

static void prepare_trampoline(void)
{
	uint8_t *page = hw_phys(hw_trampoline_pa);
	uintptr_t entry = (uintptr_t)hw_ap_entry;

	__builtin_memcpy(page, hw_trampoline, hw_trampoline_end - hw_trampoline);
	put32(page, hw_tramp_gdtr + 2, hw_load32(hw_tramp_gdtr + 2) + hw_trampoline_pa);
	put32(page, hw_tramp_far, hw_load32(hw_tramp_far) + hw_trampoline_pa);
	put32(page, hw_tramp_cr3, hw_pml4_pa);
	put32(page, hw_tramp_cr4, HW_CR4_BITS);
	put32(page, hw_tramp_efer, HW_EFER_LME | (hw_features.nx ? HW_EFER_NXE : 0));
	__builtin_memcpy(page + (hw_tramp_entry - hw_trampoline), &entry, sizeof(entry));
}

int hw_machine_cpu_prepare(void)
{
	prepare_trampoline();
	return rumpuser_pmap_enter(
	    hw_trampoline_pa, hw_trampoline_pa, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_EXEC);
}

void hw_machine_cpu_start(struct hw_cpu *hc, unsigned index)
{
	hc->apic_id = hw_apic_ids[index];
	hw_lapic_start_ap(hc->apic_id, hw_trampoline_pa);
}

void hw_machine_cpu_started(void)
{
	rumpuser_pmap_remove(hw_trampoline_pa, 1);
}
