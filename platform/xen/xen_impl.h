/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_impl.h - what the files of platform/xen share.  The interface to Xen is that of its public
 * headers (Debian's libxen-dev).
 */
#ifndef XEN_IMPL_H
#define XEN_IMPL_H

#include "machine.h"

#define __XEN_INTERFACE_VERSION__ 0x00040d00
#include <xen/xen.h>
#include <xen/event_channel.h>

/* A hypercall: 0 or more, or -errno.  Any context. */
long xen_hypercall(unsigned op, uintptr_t a, uintptr_t b, uintptr_t c);

/* The first of Xen's CPUID leaves; 0: not a guest of Xen. */
uint32_t xen_cpuid_base(void);

/* Find Xen and have it fill in the hypercall page.  false: not a guest of Xen. */
bool xen_hypercall_init(void);

extern struct shared_info *xen_shared_info;

/* This CPU's struct vcpu_info lies in its struct hw_cpu. */
static inline struct vcpu_info *xen_vcpu_info(struct hw_cpu *hc)
{
	return (struct vcpu_info *)hc->hypervisor;
}

_Static_assert(sizeof(struct vcpu_info) == 64, "as in struct hw_cpu");
_Static_assert(offsetof(struct vcpu_info, time) ==
		   offsetof(struct hw_cpu, pvclock) - offsetof(struct hw_cpu, hypervisor),
    "as in struct hw_cpu");

/*
 * Event channels: those of a CPU, its timer's and, unless it is alone, those for hw_machine_ipi();
 * CPU 0 is the first, once there is a shared page.  What an upcall does on CPU `cpu`, whose
 * vcpu_info is vi; as hw_intr().
 */
int xen_evtchn_cpu_init(unsigned cpu, bool alone);
bool xen_evtchn_upcall(struct vcpu_info *vi, unsigned cpu, struct rumpuser_trapframe *tf);

/* Raise irq when the channel, which Xen has with that CPU already, is notified.  EINVAL a bad port.
 */
int xen_evtchn_open(unsigned port, unsigned cpu, unsigned irq);

/* SHUTDOWN_* for rumpuser_exit(). */
unsigned xen_end_reason(enum rumpuser_end how, int status);

/* The monotonic clock says `now` and goes on from there; once this CPU's pvclock runs. */
void xen_time_set(uint64_t now);

/* config.c: the launch configuration, given the command line; the console works. */
const char *xen_config(const char *cmdline);
/* Tell the launcher how the program ended, if it wants to know. */
void xen_last_word(enum rumpuser_end how, int status);

/* The console, once Xen can be talked to; again in a new domain. */
void xen_console_init(void);

/* The end, before there is a console. */
void xen_die(const char *why) __attribute__((noreturn));

/* CPUs of PVH guests (vcpu.c): set hw_ncpu; have Xen use this CPU's vcpu_info. */
void xen_vcpus_count(void);
void xen_vcpu_register(void);

/*
 * The domain is put away (suspend.c).  At the begin of an upcall, if xen_parking: wait until
 * rumpuser_suspend() is over.
 */
extern volatile bool xen_parking;
void xen_park(void);

/*
 * The grant table: room to keep a copy, ENOMEM; all of it copied, false if it has grown meanwhile;
 * what was copied put into that of another domain; the room given back.
 */
int xen_grants_room(void);
bool xen_grants_keep(void);
void xen_grants_again(void);
void xen_grants_forget(void);

/* ------------------------- what differs between PVH (machine.c) and PV guests */

enum xen_ring { XEN_RING_CONSOLE, XEN_RING_STORE };

/* A page shared with the control domain from the start, and its event channel; ENXIO. */
int xen_ring_map(enum xen_ring which, void **page, unsigned *port);

/* Frame n of the grant table, mapped for ever; pa is a page to have it in.  NULL: no more. */
void *xen_grant_frame(unsigned n, uint64_t pa);

/* The same of another domain, in the same place. */
void xen_grant_frame_again(unsigned n, void *frame);

/*
 * CPU 0, the others parked: have the domain put away.  Returns when it goes on, true if it is
 * another one.
 */
bool xen_machine_suspend(void);
/* Then each CPU has Xen use its vcpu_info again; CPU 0 is first, and does so for the shared page.
 */
void xen_machine_moved(void);
/* The event channels of a CPU, and upcalls; CPU 0 does it for all, itself first. */
void xen_machine_upcalls(unsigned cpu);

/* The number by which Xen knows the page at pa; and the page's own number by that. */
uint64_t xen_frame(uint64_t pa);
uint64_t xen_frame_page(uint64_t frame);

#endif
