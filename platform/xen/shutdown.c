/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shutdown.c - the domain's end, for one of the reasons that Xen knows; what follows from it is in
 * the domain's configuration (on_poweroff, on_reboot, on_crash).
 */
#include "xen_impl.h"

#include <xen/sched.h>

#define SIGTERM 15

static volatile bool asked, restart_asked;

void rumpuser_exit_asked(bool restart)
{
	restart_asked = restart;
	asked = true;
}

unsigned xen_end_reason(enum rumpuser_end how, int status)
{
	if (how == RUMPUSER_END_EXIT || (how == RUMPUSER_END_SIGNAL && status == SIGTERM && asked))
		return restart_asked ? SHUTDOWN_reboot : SHUTDOWN_poweroff;
	return SHUTDOWN_crash;
}
