/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A component's start-up function.  Order is by phase; within a phase the
 * order is unspecified.  All run on the first kernel lwp, all CPUs' interrupts
 * on, and may sleep.  A positive errno stops the boot with a message that names
 * the component.
 */
#ifndef KERN_COMPONENT_H
#define KERN_COMPONENT_H

#include <kern/linkset.h>

enum rump_phase {
	RUMP_PHASE_KERN, /* kern's own: descriptors, timers, random ... */
	RUMP_PHASE_VFS,	 /* vfs core, then file systems register */
	RUMP_PHASE_FS,	 /* root is mounted */
	RUMP_PHASE_NET,	 /* interfaces can attach after this, protocols register */
	RUMP_PHASE_PROTO,
	RUMP_PHASE_DEV,	 /* buses attach their devices */
	RUMP_PHASE_CONF, /* addresses are configured, DHCP runs */
	RUMP_NPHASES
};

struct rump_component {
	const char *rc_name;
	enum rump_phase rc_phase;
	int (*rc_init)(void); /* 0 or errno */
};

#define RUMP_COMPONENT(name, phase, func)                                                          \
	static const struct rump_component rump_component_##name = {#name, phase, func};           \
	LINK_SET_ADD(components, rump_component_##name)

#endif
