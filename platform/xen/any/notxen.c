/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notxen.c - what rumpuser.h has for guests of Xen, on a machine that is none.
 */
#include <rumpuser.h>

#include <errno.h>

int rumpuser_xenstore(void **page, unsigned *port)
{
	return ENOTSUP;
}

int rumpuser_evtchn_alloc(unsigned domid, unsigned *port)
{
	return ENOTSUP;
}

int rumpuser_evtchn_bind(unsigned port, unsigned cpu, unsigned *irqp)
{
	return ENOTSUP;
}

void rumpuser_evtchn_notify(unsigned port)
{
}

void rumpuser_evtchn_close(unsigned port)
{
}

int rumpuser_grant(unsigned domid, uint64_t pa, bool readonly, uint32_t *ref)
{
	return ENOTSUP;
}

int rumpuser_grant_end(uint32_t ref)
{
	return ENOTSUP;
}

int rumpuser_suspend(bool *moved)
{
	return ENOTSUP;
}

void rumpuser_exit_asked(bool restart)
{
}

int rumpuser_memory_release(uint64_t pa, size_t npages)
{
	return ENOTSUP;
}

int rumpuser_memory_reclaim(uint64_t pa, size_t npages)
{
	return ENOTSUP;
}

uint64_t rumpuser_memory_present(void)
{
	return 0;
}
