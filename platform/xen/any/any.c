/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * any.c - which machine is it?  Until this is asked, it passes for a PC.
 */
#include "xen_impl.h"

extern bool any_is_xen; /* looked at by choose.S */
bool any_is_xen;

const char *pc_hw_machine_start(void);
const char *xen_hw_machine_start(void);

const char *hw_machine_start(void)
{
	any_is_xen = xen_cpuid_base() != 0;
	return any_is_xen ? xen_hw_machine_start() : pc_hw_machine_start();
}
