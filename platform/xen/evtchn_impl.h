/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_impl.h - evtchn.c, and the two ways in which Xen says what is pending.
 */
#ifndef EVTCHN_IMPL_H
#define EVTCHN_IMPL_H

#include "xen_impl.h"

/*
 * Ports are Xen's to choose; it takes the lowest that is free, and there are fewer numbers for
 * interrupts than fit below this.
 */
#define EVTCHN_PORTS 512

/* By port; irq 0: not bound, and masked. */
struct evtchn_channel {
	uint8_t irq, cpu;
};
extern struct evtchn_channel xen_channels[EVTCHN_PORTS] __attribute__((aligned(2)));

/* As it is at one moment: others open and close it. */
static inline struct evtchn_channel xen_evtchn_channel(unsigned port)
{
	struct evtchn_channel ch;

	__atomic_load(&xen_channels[port], &ch, __ATOMIC_ACQUIRE);
	return ch;
}

struct evtchn_abi {
	/* An upcall; as hw_intr(). */
	bool (*upcall)(struct vcpu_info *vi, unsigned cpu, struct rumpuser_trapframe *tf);
	void (*mask)(unsigned port);
};

extern const struct evtchn_abi xen_evtchn_2l, xen_evtchn_fifo;

/* All channels masked. */
void xen_evtchn_2l_init(void);

/*
 * FIFOs for a CPU's events.  CPU 0 is first: ENOTSUP if Xen has none; after any other error there
 * is no way back.
 */
int xen_evtchn_fifo_init(unsigned cpu);

/* A hypercall; 0 or errno. */
int xen_evtchn_op(unsigned op, void *arg);

#endif
