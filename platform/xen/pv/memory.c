/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - memory that Xen gets and gives (public/memory.h).  It is told of machine frames, so a
 * page that has none is known as such by the list of frames, and mapped nowhere.
 */
#include "pv.h"

#include <errno.h>
#include <xen/memory.h>

#define BATCH 64

/* How many of the frames, or pages, it was done with; populating puts frames in the places of
 * pages. */
static size_t reservation(unsigned op, xen_pfn_t *list, size_t n)
{
	struct xen_memory_reservation r = {.nr_extents = n, .domid = DOMID_SELF};
	long done;

	set_xen_guest_handle(r.extent_start, list);
	done = n == 0 ? 0 : xen_hypercall(__HYPERVISOR_memory_op, op, (uintptr_t)&r, 0);
	return done > 0 ? done : 0;
}

static int map(uint64_t pfn)
{
	return rumpuser_pmap_enter(hw_physmap + (pfn << RUMPUSER_PAGE_SHIFT),
	    pfn << RUMPUSER_PAGE_SHIFT, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE);
}

/* All of at most BATCH pages that have a frame. */
static size_t release(uint64_t pfn, size_t npages)
{
	xen_pfn_t list[BATCH];
	uint8_t page[BATCH];
	size_t i, n = 0, done;
	uint64_t flags;

	rumpuser_pmap_remove(hw_physmap + (pfn << RUMPUSER_PAGE_SHIFT), npages);
	flags = hw_irq_save();
	for (i = 0; i < npages; i++) {
		if (pv_p2m[pfn + i] == PV_NO_FRAME)
			continue;
		page[n] = i;
		list[n++] = pv_p2m[pfn + i];
		pv_p2m[pfn + i] = PV_NO_FRAME;
	}
	done = reservation(XENMEM_decrease_reservation, list, n);
	for (i = done; i < n; i++)
		pv_p2m[pfn + page[i]] = list[i];
	hw_irq_restore(flags);
	for (i = done; i < n; i++)
		(void)map(pfn + page[i]); /* in a table that is there */
	return done;
}

/* All of at most BATCH pages have a frame then, or it is false. */
static bool reclaim(uint64_t pfn, size_t npages)
{
	xen_pfn_t list[BATCH];
	uint8_t page[BATCH];
	size_t i, n = 0, done;
	uint64_t flags = hw_irq_save();

	for (i = 0; i < npages; i++)
		if (pv_p2m[pfn + i] == PV_NO_FRAME) {
			page[n] = i;
			list[n++] = pfn + i;
		}
	done = reservation(XENMEM_populate_physmap, list, n);
	for (i = 0; i < done; i++)
		pv_p2m[pfn + page[i]] = list[i];
	hw_irq_restore(flags);
	for (i = 0; i < done; i++)
		if (map(pfn + page[i]) != 0)
			return false;
	return done == n;
}

static bool within(uint64_t pa, size_t npages)
{
	uint64_t pfn = pa >> RUMPUSER_PAGE_SHIFT;

	return pfn < pv_npages && npages <= pv_npages - pfn;
}

int rumpuser_memory_release(uint64_t pa, size_t npages)
{
	uint64_t pfn = pa >> RUMPUSER_PAGE_SHIFT;
	size_t i, done = 0;

	if (!within(pa, npages))
		return EINVAL;
	for (i = 0; i < npages; i += BATCH)
		done += release(pfn + i, npages - i < BATCH ? npages - i : BATCH);
	/* What Xen did not take is ours still, but wasted until all is reclaimed. */
	return done > 0 ? 0 : EINVAL;
}

int rumpuser_memory_reclaim(uint64_t pa, size_t npages)
{
	uint64_t pfn = pa >> RUMPUSER_PAGE_SHIFT;
	size_t i;

	if (!within(pa, npages))
		return EINVAL;
	for (i = 0; i < npages; i += BATCH)
		if (!reclaim(pfn + i, npages - i < BATCH ? npages - i : BATCH)) {
			(void)rumpuser_memory_release(pa, npages);
			return ENOMEM;
		}
	return 0;
}

uint64_t rumpuser_memory_present(void)
{
	return pv_npages;
}
