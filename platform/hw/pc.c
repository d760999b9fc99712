/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pc.c - what machine.h wants to know of a PC and no other file of it says.
 */
#include "machine.h"

const char hw_machine_name[] = "hw";

void hw_machine_die(char c)
{
	hw_outb(0x3f8, c);
	hw_status_write("kiln: panic\n");
	hw_triple_fault();
}

void hw_machine_start(void)
{
}

void hw_machine_cpu_init(void)
{
}

bool hw_machine_intr(struct rumpuser_trapframe *tf)
{
	return false;
}
