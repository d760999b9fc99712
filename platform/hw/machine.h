/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - what differs between the machines that this code runs on: a PC or a micro-VM of
 * that kind (HW_PC_SRCS in hw.mk), or a guest of Xen (platform/xen).  An image has one of
 * each function, chosen when its platform is linked, and so nothing of those that it
 * never calls; or both, and chooses when it starts (platform/xen/any).  Of rumpuser.h the machine
 * has the console, the end, interrupts of devices and the monotonic clock.
 */
#ifndef HW_MACHINE_H
#define HW_MACHINE_H

#include "hw.h"

/* The end of hw_early(), whose rules it obeys (hw.h), when it can't go on; c says where. */
void hw_machine_die(char c) __attribute__((noreturn));

/*
 * Set up what the rest needs: the clock, interrupts, hw_ncpu.  Boot CPU; traps work, interrupts are
 * off; there is no console yet.  Returns what struct rumpuser_bootinfo calls the machine.
 */
const char *hw_machine_start(void);

/*
 * Another CPU is to start (ap.c): get ready for it, errno; have it come to hw_ap_entry, interrupts
 * are off, the CPU may come or not; it has come.
 */
int hw_machine_cpu_prepare(void);
void hw_machine_cpu_start(struct hw_cpu *hc, unsigned index);
void hw_machine_cpu_started(void);

/* What another CPU needs for itself; on that CPU, interrupts off. */
void hw_machine_cpu_init(void);

/* The launch configuration, given the boot loader's command line: that, if it is none. */
const char *hw_machine_config(const char *cmdline);

/*
 * Wall-clock time (ns since 1970) at which the monotonic clock, which now is `now`, was 0.
 * before: the last answer, 0 if there was none.  Interrupts are off.
 */
uint64_t hw_machine_wall_epoch(uint64_t now, uint64_t before);

/*
 * An interrupt by vector HW_VECTOR_BASE + irq; from vectors.S, on the interrupt stack, interrupts
 * off.  True if the interrupted lwp is to be preempted.
 */
bool hw_intr(unsigned irq, struct rumpuser_trapframe *tf);

/* At its begin: the CPU is awake. */
static inline void hw_intr_wakes(struct hw_cpu *hc)
{
	if (hc->idle != HW_RUNNING &&
	    __atomic_exchange_n(&hc->idle, HW_RUNNING, __ATOMIC_ACQ_REL) == HW_IDLE_FLUSH)
		hw_write_cr3(hw_read_cr3());
}

/* Interrupt CPU `index` with irq: RUMPUSER_IRQ_IPI or HW_IRQ_TLB. */
void hw_machine_ipi(unsigned index, unsigned irq);

/* Interrupt this CPU with RUMPUSER_IRQ_TIMER at `deadline`, or earlier; it is `now`. */
void hw_machine_timer(uint64_t deadline, uint64_t now);

/* Let the power button in.  Boot CPU. */
void hw_machine_power_init(void);

#endif
