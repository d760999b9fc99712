/* SPDX-License-Identifier: BSD-2-Clause */
/* extract.c - one page of what rumpuser_pmap_next() finds, however page tables are kept. */
#include "hw.h"

bool rumpuser_pmap_extract(uintptr_t va, uint64_t *pa, unsigned *prot)
{
	uintptr_t page = va & ~(RUMPUSER_PAGE_SIZE - 1UL);

	if (rumpuser_pmap_next(page, page + RUMPUSER_PAGE_SIZE, pa, prot, NULL) != page)
		return false;
	*pa += va - page;
	return true;
}
