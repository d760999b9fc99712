/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory.c - memory that Xen gets and gives (public/memory.h).  The pages keep their place in the
 * guest's address space; there is nothing behind it meanwhile.
 */
#include "xen_impl.h"

#include <errno.h>
#include <xen/memory.h>

#define BATCH	    64
#define LARGE_ORDER 9
#define LARGE_PAGES (1UL << LARGE_ORDER)

/* How many of so many blocks of 2^order pages it was done with. */
static size_t reservation(unsigned op, uint64_t pa, size_t nblocks, unsigned order)
{
	xen_pfn_t list[BATCH];
	size_t done = 0;
	long n = BATCH;

	while (n == BATCH && done < nblocks) {
		struct xen_memory_reservation r = {
		    .nr_extents = nblocks - done < BATCH ? nblocks - done : BATCH,
		    .extent_order = order,
		    .domid = DOMID_SELF,
		};

		for (unsigned i = 0; i < r.nr_extents; i++)
			list[i] = (pa >> RUMPUSER_PAGE_SHIFT) + ((done + i) << order);
		set_xen_guest_handle(r.extent_start, list);
		n = xen_hypercall(__HYPERVISOR_memory_op, op, (uintptr_t)&r, 0);
		if (n > 0)
			done += n;
	}
	return done;
}

/* All of it at once, where Xen lets us. */
static bool large(unsigned op, uint64_t pa, size_t npages)
{
	return npages == LARGE_PAGES && pa % (LARGE_PAGES * RUMPUSER_PAGE_SIZE) == 0 &&
	       reservation(op, pa, 1, LARGE_ORDER) == 1;
}

int rumpuser_memory_release(uint64_t pa, size_t npages)
{
	size_t done;

	if (large(XENMEM_decrease_reservation, pa, npages))
		return 0;
	done = reservation(XENMEM_decrease_reservation, pa, npages, 0);
	if (done == npages)
		return 0;
	/*
	 * All or nothing: kern has pages that it gave back for gone, and reclaiming those that
	 * never went would put others in their places.  Xen has just got these.
	 */
	if (reservation(XENMEM_populate_physmap, pa, done, 0) == done)
		return EINVAL;
	/* No more: then all are gone, and those that Xen has left are wasted. */
	return 0;
}

int rumpuser_memory_reclaim(uint64_t pa, size_t npages)
{
	size_t done;

	if (large(XENMEM_populate_physmap, pa, npages))
		return 0;
	done = reservation(XENMEM_populate_physmap, pa, npages, 0);
	if (done == npages)
		return 0;
	if (done > 0)
		(void)reservation(XENMEM_decrease_reservation, pa, done, 0);
	return ENOMEM;
}

uint64_t rumpuser_memory_present(void)
{
	domid_t self = DOMID_SELF;
	long n =
	    xen_hypercall(__HYPERVISOR_memory_op, XENMEM_current_reservation, (uintptr_t)&self, 0);

	return n > 0 ? n : 0;
}
