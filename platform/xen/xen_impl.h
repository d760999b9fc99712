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

/* Find Xen and have it fill in the hypercall page.  false: not a guest of Xen. */
bool xen_hypercall_init(void);

/* A parameter of the domain (public/hvm/params.h); 0 if there is none. */
uint64_t xen_hvm_param(unsigned index);

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

/* The console's page, once Xen can be talked to. */
void xen_console_init(void);

#endif
