/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt handlers and soft interrupts.  A handler runs with interrupts and
 * preemption off, so it only quiets its device and schedules a soft interrupt,
 * which runs soon afterwards on the same CPU as a high-priority lwp.
 */
#ifndef KERN_SOFTINT_H
#define KERN_SOFTINT_H

#include <stdbool.h>
#include <stdint.h>

struct softint;

/* func(arg) in the soft-interrupt lwp; may take adaptive locks.  NULL if no memory. */
struct softint *softint_establish(void (*func)(void *), void *arg);
/*
 * Afterwards func does not run and will not: sleeps until it is over on all CPUs, so not from func
 * itself, and holding no lock that it takes.  Nobody schedules si any more.
 */
void softint_disestablish(struct softint *si);
/* Have it run once (more) on this CPU.  Any context; cheap if already scheduled. */
void softint_schedule(struct softint *si);

/* Call handler(arg) for irq (from rumpuser_intr_gsi/msi), for good; EBUSY if taken. */
int intr_establish(unsigned irq, void (*handler)(void *), void *arg);

#endif
