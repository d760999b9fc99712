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

void pv_die(const char *why)
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

/* Xen has the frames already; our page is not needed. */
void *xen_grant_frame(unsigned n, uint64_t pa)
{
	xen_pfn_t list[PV_GRANT_FRAMES];
	struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = n + 1};

	if (n >= PV_GRANT_FRAMES)
		return NULL;
	set_xen_guest_handle(setup.frame_list, list);
	if (xen_hypercall(
		__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (uintptr_t)&setup, 1) != 0 ||
	    setup.status != GNTST_okay)
		return NULL;
	return pv_window_frame(list[n]);
}

uint64_t xen_frame(uint64_t pa)
{
	return pv_frame(pa >> RUMPUSER_PAGE_SHIFT);
}

void pv_vcpu_info_init(struct hw_cpu *hc)
{
	struct vcpu_register_vcpu_info info = {0};
	unsigned prot;
	uint64_t pa;

	if (!rumpuser_pmap_extract((uintptr_t)hc->hypervisor, &pa, &prot))
		pv_die("kiln: vcpu_info is not mapped\n");
	xen_shared_info->vcpu_info[hc->index].evtchn_upcall_mask = 1; /* is taken over */
	info.mfn = pv_frame(pa >> RUMPUSER_PAGE_SHIFT);
	info.offset = pa % RUMPUSER_PAGE_SIZE;
	if (xen_hypercall(
		__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, hc->index, (uintptr_t)&info) != 0)
		pv_die("kiln: Xen refuses vcpu_info\n");
}

const char *hw_machine_start(void)
{
	xen_console_init();
	xen_shared_info = pv_window_frame(pv_start_info->shared_info >> RUMPUSER_PAGE_SHIFT);
	if (xen_shared_info == NULL)
		pv_die("kiln: no shared page\n");
	pv_vcpu_info_init(&hw_cpu0);
	pv_intr_cpu_init(&hw_cpu0);
	xen_time_init();
	return "xen";
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
