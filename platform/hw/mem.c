/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c - the machine's free memory until kern takes it over: a short list of
 * page-aligned regions, from which the first page tables are taken too.
 */
#include "hw.h"

struct rumpuser_memregion hw_mem[HW_MAXREGIONS];
unsigned hw_nmem;

#define PAGE_MASK (RUMPUSER_PAGE_SIZE - 1)
#define MAX_PA	  (1ULL << 46)

static void region_remove(unsigned i)
{
	hw_nmem--;
	for (; i < hw_nmem; i++)
		hw_mem[i] = hw_mem[i + 1];
}

void hw_mem_add(uint64_t pa, uint64_t size)
{
	uint64_t lo, hi;

	if (pa >= MAX_PA)
		return;
	hi = size > MAX_PA - pa ? MAX_PA : pa + size;
	lo = (pa + PAGE_MASK) & ~PAGE_MASK;
	hi &= ~PAGE_MASK;
	if (lo == 0)
		lo = RUMPUSER_PAGE_SIZE;
	if (lo >= hi || hw_nmem == HW_MAXREGIONS)
		return;
	hw_mem[hw_nmem].pa = lo;
	hw_mem[hw_nmem++].size = hi - lo;
}

void hw_mem_exclude(uint64_t pa, uint64_t size)
{
	uint64_t lo = pa & ~PAGE_MASK, hi, rlo, rhi;
	unsigned i;

	if (size == 0 || pa >= MAX_PA || size > MAX_PA)
		return;
	hi = (pa + size + PAGE_MASK) & ~PAGE_MASK;
	for (i = 0; i < hw_nmem; i++) {
		rlo = hw_mem[i].pa;
		rhi = rlo + hw_mem[i].size;
		if (hi <= rlo || lo >= rhi)
			continue;
		if (lo <= rlo && hi >= rhi) {
			region_remove(i--);
			continue;
		}
		if (lo <= rlo) {
			hw_mem[i].pa = hi;
			hw_mem[i].size = rhi - hi;
			continue;
		}
		hw_mem[i].size = lo - rlo;
		if (hi < rhi)
			hw_mem_add(hi, rhi - hi);
	}
}

uint64_t hw_mem_alloc(size_t npages)
{
	uint64_t size = npages * RUMPUSER_PAGE_SIZE, pa;
	unsigned i;

	for (i = 0; i < hw_nmem; i++) {
		if (hw_mem[i].size < size ||
		    (hw_physmap == 0 && hw_mem[i].pa + size > hw_identity_end))
			continue;
		pa = hw_mem[i].pa;
		hw_mem[i].pa += size;
		hw_mem[i].size -= size;
		if (hw_mem[i].size == 0)
			region_remove(i);
		return pa;
	}
	return 0;
}
