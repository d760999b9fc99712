/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - what a PV guest has around it: the page shared with Xen, the console, the end; and
 * what it has not.
 */
#include "pv.h"

#include <errno.h>
#include <xen/grant_table.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define PV_GRANT_FRAMES 64 /* Xen's own default limit */

struct shared_info *xen_shared_info;

void hw_machine_die(char c)
{
	struct sched_shutdown s = {SHUTDOWN_crash};
	char text[2];

	text[0] = c;
	text[1] = '\n';
	(void)xen_hypercall(
	    __HYPERVISOR_console_io, CONSOLEIO_write, sizeof(text), (uintptr_t)text);
	for (;;)
		(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&s, 0);
}

void xen_die(const char *why)
{
	size_t n = 0;

	while (why[n] != '\0')
		n++;
	rumpuser_console_write(why, n);
	hw_machine_die('!');
}

int xen_ring_map(enum xen_ring which, void **page, unsigned *port)
{
	const struct start_info *si = pv_start_info;
	uint64_t pfn;

	if (si->flags & SIF_INITDOMAIN)
		return ENXIO; /* has no other domain to serve it */
	*port = which == XEN_RING_STORE ? si->store_evtchn : si->console.domU.evtchn;
	pfn = pv_page(which == XEN_RING_STORE ? si->store_mfn : si->console.domU.mfn);
	if (pfn == PV_NO_FRAME)
		return ENXIO;
	*page = hw_phys(pfn << RUMPUSER_PAGE_SHIFT);
	return 0;
}

int rumpuser_xenstore(void **page, unsigned *port)
{
	return xen_ring_map(XEN_RING_STORE, page, port);
}

static void *grant_frames[PV_GRANT_FRAMES]; /* where they are mapped */

/* The machine frame; PV_NO_FRAME if there are no more. */
static uint64_t grant_frame(unsigned n)
{
	xen_pfn_t list[PV_GRANT_FRAMES];
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = n + 1};

	if (n >= PV_GRANT_FRAMES)
		return PV_NO_FRAME;
	set_xen_guest_handle(setup.frame_list, list);
	if (xen_hypercall(
		__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (uintptr_t)&setup, 1) != 0 ||
	    setup.status != GNTST_okay)
		return PV_NO_FRAME;
	return list[n];
}

/* Xen has the frames already; our page is not needed. */
void *xen_grant_frame(unsigned n, uint64_t pa)
{
	uint64_t mfn = grant_frame(n);

	if (mfn == PV_NO_FRAME)
		return NULL;
	grant_frames[n] = pv_window_frame(NULL, mfn);
	return grant_frames[n];
}

void xen_grant_frame_again(unsigned n, void *frame)
{
	uint64_t mfn = grant_frame(n);

	if (mfn == PV_NO_FRAME)
		xen_die("kiln: no grant table\n");
	(void)pv_window_frame(frame, mfn);
}

uint64_t xen_frame(uint64_t pa)
{
	return pv_frame(pa >> RUMPUSER_PAGE_SHIFT);
}

uint64_t xen_frame_page(uint64_t frame)
{
	return pv_page(frame);
}

void pv_vcpu_info_init(struct hw_cpu *hc)
{
	struct vcpu_register_vcpu_info info = {0};
	unsigned prot;
	uint64_t pa;

	if (!rumpuser_pmap_extract((uintptr_t)hc->hypervisor, &pa, &prot))
		xen_die("kiln: vcpu_info is not mapped\n");
	xen_shared_info->vcpu_info[hc->index].evtchn_upcall_mask = 1; /* is taken over */
	info.mfn = pv_frame(pa >> RUMPUSER_PAGE_SHIFT);
	info.offset = pa % RUMPUSER_PAGE_SIZE;
	if (xen_hypercall(
		__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, hc->index, (uintptr_t)&info) != 0)
		xen_die("kiln: Xen refuses vcpu_info\n");
}

/* The shared page, in which the tools find what there is to save: our list of frames. */
static void shared_info_map(void)
{
	xen_shared_info =
	    pv_window_frame(xen_shared_info, pv_start_info->shared_info >> RUMPUSER_PAGE_SHIFT);
	if (xen_shared_info == NULL)
		xen_die("kiln: no shared page\n");
	xen_shared_info->arch.max_pfn = pv_npages;
	xen_shared_info->arch.p2m_vaddr = (uintptr_t)pv_p2m;
	xen_shared_info->arch.p2m_cr3 = pv_machine_address(hw_pml4_pa);
}

const char *hw_machine_start(void)
{
	xen_console_init();
	shared_info_map();
	pv_vcpu_info_init(&hw_cpu0);
	xen_machine_upcalls(0);
	xen_time_set(0);
	return "xen";
}

/* ------------------------------------------------------------ put away (suspend.c) */

/*
 * What is saved of a PV guest is pages by their numbers: the tools turn the frames in its page
 * tables, the list of frames and the start_info page into numbers, and these into the frames of the
 * new domain.  Frames that are Xen's have none: nothing may map them.
 */
static void unmap_frames(void)
{
	(void)pv_window_frame(xen_shared_info, PV_NO_FRAME);
	for (unsigned n = 0; n < PV_GRANT_FRAMES && grant_frames[n] != NULL; n++)
		(void)pv_window_frame(grant_frames[n], PV_NO_FRAME);
}

bool xen_machine_suspend(void)
{
	struct sched_shutdown s = {SHUTDOWN_suspend};
	struct start_info *si = pv_start_info, was = *si;

	si->store_mfn = pv_page(si->store_mfn);
	si->console.domU.mfn = pv_page(si->console.domU.mfn);
	unmap_frames();
	if (xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&s,
		pv_frame(((uintptr_t)si - hw_physmap) >> RUMPUSER_PAGE_SHIFT)) == 0)
		return true;
	*si = was;
	shared_info_map();
	for (unsigned n = 0; n < PV_GRANT_FRAMES && grant_frames[n] != NULL; n++)
		xen_grant_frame_again(n, grant_frames[n]);
	return false;
}

void xen_machine_moved(void)
{
	struct hw_cpu *hc = hw_self();

	if (hc->index == 0)
		shared_info_map();
	pv_vcpu_info_init(hc);
}

void xen_machine_upcalls(unsigned cpu)
{
	pv_intr_cpu_init(hw_cpus[cpu]);
}

/* The initial domain's end is the machine's, which Xen would let stand, or start again after a
 * while. */
void rumpuser_exit(enum rumpuser_end how, int status)
{
	struct sched_shutdown s = {xen_end_reason(how, status)};

	if (pv_start_info->flags & SIF_INITDOMAIN)
		s.reason = SHUTDOWN_reboot;
	xen_last_word(how, status);
	(void)hw_irq_save();
	for (;;)
		(void)xen_hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&s, 0);
}

/* ---------------------------------------------------------------- devices */

uint64_t rumpuser_dma_addr(uint64_t pa)
{
	return pv_machine_address(pa);
}

void rumpuser_dma_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int rumpuser_mmio_map(uint64_t pa, size_t len, void **va)
{
	return ENXIO;
}

bool rumpuser_pci_present(void)
{
	return false;
}

uint32_t rumpuser_pci_read(unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width)
{
	return UINT32_MAX;
}

void rumpuser_pci_write(
    unsigned bus, unsigned dev, unsigned func, unsigned reg, unsigned width, uint32_t value)
{
}

bool rumpuser_virtio_mmio(unsigned n, uint64_t *pa, uint64_t *size, unsigned *gsi)
{
	return false;
}
