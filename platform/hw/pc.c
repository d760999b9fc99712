/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pc.c - what machine.h wants to know of a PC and no other file of it says.
 */
#include "machine.h"

void hw_machine_die(char c)
{
	hw_outb(0x3f8, c);
	hw_status_write("kiln: panic\n");
	hw_triple_fault();
}

const char *hw_machine_start(void)
{
	hw_lapic_init();
	hw_acpi_init();
	hw_clock_start();
	if (hw_ncpu > 1)
		hw_trampoline_pa = hw_mem_alloc(1);
	if (hw_trampoline_pa == 0 || hw_trampoline_pa >= HW_LOAD_PA)
		hw_ncpu = 1;
	return "hw";
}

void hw_machine_cpu_init(void)
{
	hw_lapic_init();
	hw_clock_cpu_init();
}
