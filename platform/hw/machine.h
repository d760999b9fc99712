/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - what differs between the machines that this code runs on: a PC or a micro-VM of
 * that kind (the files beside this one), or a guest of Xen (platform/xen).  An image has
 * one of each function, chosen when its platform is linked, and so nothing of
 * those that it never calls.  rumpuser_console_write(), rumpuser_console_read() and
 * rumpuser_exit() are the machine's, too.
 */
#ifndef HW_MACHINE_H
#define HW_MACHINE_H

#include "hw.h"

extern const char hw_machine_name[]; /* as struct rumpuser_bootinfo has it */

/* The end of hw_early(), whose rules it obeys (hw.h), when it can't go on; c says where. */
void hw_machine_die(char c) __attribute__((noreturn));

/* Set up what the rest needs.  Boot CPU; traps work, interrupts are off; there is no console yet.
 */
void hw_machine_start(void);

/* What another CPU needs for itself; on that CPU, interrupts off. */
void hw_machine_cpu_init(void);

/* The launch configuration, given the boot loader's command line: that, if it is none. */
const char *hw_machine_config(const char *cmdline);

/* Have the hypervisor keep this CPU's hw_self()->pvclock; false if it doesn't. */
bool hw_machine_pvclock(void);

/*
 * Wall-clock time (ns since 1970) at which the monotonic clock, which now is `now`, was 0.
 * before: the last answer, 0 if there was none.  Interrupts are off.
 */
uint64_t hw_machine_wall_epoch(uint64_t now, uint64_t before);

/*
 * An interrupt by vector HW_IRQ_SPURIOUS, as of hw_intr(): it needs no acknowledgement, and
 * there may be nothing to it.
 */
bool hw_machine_intr(struct rumpuser_trapframe *tf);

/* Let the power button in; was the interrupt it?  Boot CPU. */
void hw_machine_power_init(void);
bool hw_machine_power_intr(void);

#endif
