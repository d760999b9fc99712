/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - a PVH guest of Xen, as machine.h wants it: the shared page, upcalls, and the end;
 * and what is different for other guests of Xen (xen_impl.h).
 */
#include "xen_impl.h"

#include <errno.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>

#define RFLAGS_IF  0x200
#define DEBUG_PORT 0xe9 /* goes to Xen's log, if that is to have guests' messages */

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

void xen_die(const char *why)
{
	debug(why);
	hw_triple_fault();
}

/* A page of Xen's takes the place of ours at pa. */
static bool replace(uint64_t pa, unsigned space, unsigned index)
{
	struct xen_add_to_physmap x = {
	    .domid = DOMID_SELF,
	    .space = space,
	    .idx = index,
	    .gpfn = pa >> RUMPUSER_PAGE_SHIFT,
	};

	return xen_hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (uintptr_t)&x, 0) == 0;
}

static void shared_info_map(uint64_t pa)
{
	if (pa == 0 || !replace(pa, XENMAPSPACE_shared_info, 0))
		xen_die("kiln: no shared page\n");
	xen_shared_info = hw_phys(pa);
}

void *xen_grant_frame(unsigned n, uint64_t pa)
{
	return replace(pa, XENMAPSPACE_grant_table, n) ? hw_phys(pa) : NULL;
}

void xen_grant_frame_again(unsigned n, void *frame)
{
	if (!replace((uintptr_t)frame - hw_physmap, XENMAPSPACE_grant_table, n))
		xen_die("kiln: no grant table\n");
}

uint64_t xen_frame(uint64_t pa)
{
	return pa >> RUMPUSER_PAGE_SHIFT;
}

uint64_t xen_frame_page(uint64_t frame)
{
	return frame;
}

/* A parameter of the domain (public/hvm/params.h); 0 if there is none. */
static uint64_t param_get(unsigned index)
{
	struct xen_hvm_param p = {.domid = DOMID_SELF, .index = index};

	if (xen_hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, (uintptr_t)&p, 0) != 0)
		return 0;
	return p.value;
}

int xen_ring_map(enum xen_ring which, void **page, unsigned *port)
{
	static void *pages[2]; /* that are mapped: they stay where they are */
	bool store = which == XEN_RING_STORE;
	uint64_t pfn;

	*port = param_get(store ? HVM_PARAM_STORE_EVTCHN : HVM_PARAM_CONSOLE_EVTCHN);
	if (pages[which] == NULL) {
		pfn = param_get(store ? HVM_PARAM_STORE_PFN : HVM_PARAM_CONSOLE_PFN);
		if (pfn == 0)
			return ENXIO;
		pages[which] = hw_window_map(pfn << RUMPUSER_PAGE_SHIFT, RUMPUSER_PAGE_SIZE,
		    RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE);
	}
	*page = pages[which];
	return *page != NULL ? 0 : ENOMEM;
}

int rumpuser_xenstore(void **page, unsigned *port)
{
	return xen_ring_map(XEN_RING_STORE, page, port);
}

/*
 * Upcalls come by a vector as if from a local controller, but there is nothing to acknowledge: it
 * is asserted until evtchn_upcall_pending is cleared.  That of the one irq that no machine has.
 */
void xen_machine_upcalls(unsigned cpu)
{
	struct xen_hvm_param p = {
	    .domid = DOMID_SELF,
	    .index = HVM_PARAM_CALLBACK_IRQ,
	    .value = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 |
		     (HW_VECTOR_BASE + RUMPUSER_IRQ_RESCHED),
	};

	if (xen_evtchn_cpu_init(cpu, hw_ncpu == 1) != 0 ||
	    xen_hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)&p, 0) != 0)
		xen_die("kiln: no upcalls\n");
}

bool hw_intr(unsigned irq, struct rumpuser_trapframe *tf)
{
	struct hw_cpu *hc = hw_self();

	/*
	 * Delivered twice, and the frame of the one that was to run is overwritten.  Xen under QEMU
	 * 7.2's emulation of SVM does it, if rarely; better this than a damaged stack.
	 */
	if (!(tf->rflags & RFLAGS_IF))
		xen_die("kiln: an interrupt while they are off\n");
	hw_intr_wakes(hc);
	return xen_evtchn_upcall(xen_vcpu_info(hc), hc->index, tf);
}

const char *hw_machine_start(void)
{
	if (!xen_hypercall_init())
		xen_die("kiln: not a guest of Xen\n");
	shared_info_map(hw_mem_alloc(1));
	xen_vcpu_register();
	xen_time_set(0);
	xen_vcpus_count();
	xen_machine_upcalls(0);
	xen_console_init();
	return "xen";
}

bool xen_machine_suspend(void)
{
	struct sched_shutdown s = {SHUTDOWN_suspend};

	return xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&s, 0) == 0;
}

void xen_machine_moved(void)
{
	if (hw_self()->index == 0)
		shared_info_map((uintptr_t)xen_shared_info - hw_physmap);
	xen_vcpu_register();
}

const char *hw_machine_config(const char *cmdline)
{
	return xen_config(cmdline);
}

void hw_machine_power_init(void)
{
}

/* No device is the machine's. */
void rumpuser_intr_replayed(unsigned irq)
{
}

int rumpuser_intr_gsi(unsigned gsi, bool level, bool active_low, unsigned cpu, unsigned *irqp)
{
	return ENOTSUP;
}

int rumpuser_intr_msi(unsigned cpu, unsigned *irqp, uint64_t *addr, uint32_t *data)
{
	return ENOTSUP;
}

void rumpuser_exit(enum rumpuser_end how, int status)
{
	struct sched_shutdown s = {xen_end_reason(how, status)};

	xen_last_word(how, status);
	/* Of all CPUs at once. */
	(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&s, 0);
	hw_triple_fault();
}
