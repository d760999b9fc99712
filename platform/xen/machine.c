/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - a PVH guest of Xen, as machine.h wants it: the shared page, each CPU's vcpu_info with
 * its clock, and the end.
 *
 * The local interrupt controllers, their timers and the start of other CPUs are the
 * processor's, which Xen lets a PVH guest have, if need be emulated.
 */
#include "xen_impl.h"

#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define SEC	   1000000000ULL
#define DEBUG_PORT 0xe9 /* goes to Xen's log, if that is to have guests' messages */

const char hw_machine_name[] = "xen";
struct shared_info *xen_shared_info;

static void debug(const char *s)
{
	while (*s != '\0')
		hw_outb(DEBUG_PORT, *s++);
}

void hw_machine_die(char c)
{
	hw_outb(DEBUG_PORT, c);
	hw_triple_fault();
}

static void die(const char *why) __attribute__((noreturn));
static void die(const char *why)
{
	debug(why);
	hw_triple_fault();
}

/* Xen's page takes the place of one of ours. */
static void shared_info_init(void)
{
	uint64_t pa = hw_mem_alloc(1);
	struct xen_add_to_physmap x = {
	    .domid = DOMID_SELF,
	    .space = XENMAPSPACE_shared_info,
	    .gpfn = pa >> RUMPUSER_PAGE_SHIFT,
	};

	if (pa == 0 ||
	    xen_hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (uintptr_t)&x, 0) != 0)
		die("kiln: no shared page\n");
	xen_shared_info = hw_phys(pa);
}

void hw_machine_start(void)
{
	if (!xen_hypercall_init())
		die("kiln: not a guest of Xen\n");
	shared_info_init();
	hw_machine_cpu_init();
	xen_console_init();
}

void hw_machine_cpu_init(void)
{
	struct hw_cpu *hc = hw_self();
	struct vcpu_register_vcpu_info info = {0};
	unsigned prot;
	uint64_t pa;

	if (!rumpuser_pmap_extract((uintptr_t)hc->hypervisor, &pa, &prot))
		die("kiln: vcpu_info is not mapped\n");
	info.mfn = pa >> RUMPUSER_PAGE_SHIFT;
	info.offset = pa % RUMPUSER_PAGE_SIZE;
	if (xen_hypercall(
		__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, hc->index, (uintptr_t)&info) != 0)
		die("kiln: Xen refuses vcpu_info\n");
}

const char *hw_machine_config(const char *cmdline)
{
	return cmdline;
}

bool hw_machine_pvclock(void)
{
	return true; /* hw_machine_cpu_init() has done it */
}

/* Xen tells the time at which its system time was 0, which is our monotonic clock. */
uint64_t hw_machine_wall_epoch(uint64_t now, uint64_t before)
{
	const volatile struct shared_info *si = xen_shared_info;
	uint64_t epoch;
	uint32_t version;

	do {
		version = si->wc_version & ~1U;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		epoch = ((uint64_t)si->wc_sec_hi << 32 | si->wc_sec) * SEC + si->wc_nsec;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (si->wc_version != version);
	return epoch;
}

void hw_machine_power_init(void)
{
}

bool hw_machine_power_intr(void)
{
	return false;
}

void rumpuser_exit(enum rumpuser_end how, int status)
{
	struct sched_shutdown s = {how == RUMPUSER_END_EXIT ? SHUTDOWN_poweroff : SHUTDOWN_crash};

	__asm__ volatile("cli" : : : "memory");
	(void)status;
	(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&s, 0);
	hw_triple_fault();
}
