/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping pages.  The host's page tables do the work (mmap of the memfd at a
 * fixed address); a shadow of three levels, in pages from kern, remembers
 * what is mapped where, because the host cannot be asked cheaply and because
 * changing the protection of a hole would turn it into memory.
 *
 *   leaf entry    physical address | VALID | RUMPUSER_PROT_*; 0 is a hole
 *   table entry   physical address of the next table, 0 if none
 *
 * Calls for disjoint ranges run at once: entries are single words, a missing
 * table is put in by compare-and-swap, and a leaf table is freed only by the
 * removal of all of its range, which nobody else can then be working in.
 *
 * Every discontiguous page costs the host a mapping, of which it allows 65,530
 * (vm.max_map_count); beyond that rumpuser_pmap_enter() gives ENOMEM.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "hosted.h"
#include "syscall.h"

#define VALID	     0x8UL
#define PROT_MASK    0x7UL
#define PA_MASK	     (~0xfffUL)
#define PAGE	     RUMPUSER_PAGE_SIZE
#define TABLE_SHIFT  9
#define TABLE_SIZE   (1UL << TABLE_SHIFT)
#define HOST_PROT(p) ((unsigned)((p)&PROT_MASK)) /* the host's bits are ours */

uintptr_t hosted_physmap;
static uintptr_t lo, hi;
static uint64_t root[TABLE_SIZE];

void hosted_pmap_init(uintptr_t va_lo, uintptr_t va_hi)
{
	lo = va_lo;
	hi = va_hi;
}

static bool in_range(uintptr_t va, size_t npages)
{
	return va >= lo && va <= hi && npages <= (hi - va) / PAGE && va % PAGE == 0;
}

static uint64_t *table_va(uint64_t pa)
{
	return (uint64_t *)(hosted_physmap + pa);
}

/* The table behind *slot, made if need be; NULL if there is none (or no memory). */
static uint64_t *descend(uint64_t *slot, bool make)
{
	uint64_t pa = __atomic_load_n(slot, __ATOMIC_ACQUIRE), new;

	if (pa == 0 && make && (new = rumpkern_page_alloc()) != 0) {
		if (__atomic_compare_exchange_n(
			slot, &pa, new, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			pa = new;
		else
			rumpkern_page_free(new);
	}
	return pa == 0 ? NULL : table_va(pa);
}

/* Where the leaf table of va hangs; NULL as above. */
static uint64_t *leaf_slot(uintptr_t va, bool make)
{
	size_t n = (va - lo) / PAGE;
	uint64_t *table = descend(&root[n >> (2 * TABLE_SHIFT)], make);

	return table == NULL ? NULL : &table[(n >> TABLE_SHIFT) % TABLE_SIZE];
}

/* The entry of va and how many follow it in the same table (at most npages). */
static uint64_t *entries(uintptr_t va, size_t npages, bool make, size_t *count)
{
	uint64_t *slot = leaf_slot(va, make);
	uint64_t *leaf = slot == NULL ? NULL : descend(slot, make);
	size_t index = ((va - lo) / PAGE) % TABLE_SIZE;

	*count = npages < TABLE_SIZE - index ? npages : TABLE_SIZE - index;
	return leaf == NULL ? NULL : leaf + index;
}

static int prot_check(unsigned prot)
{
	return (prot & RUMPUSER_PROT_EXEC) != 0 && !hosted_config.exec ? EACCES : 0;
}

int rumpuser_pmap_enter(uintptr_t va, uint64_t pa, size_t npages, unsigned prot)
{
	size_t count;
	long result;
	int error = prot_check(prot);

	if (error != 0)
		return error;
	if (!in_range(va, npages) || pa < HOSTED_PA_BASE || pa % PAGE != 0 ||
	    npages > (HOSTED_PA_BASE + hosted_config.memory - pa) / PAGE)
		return EINVAL;
	for (size_t done = 0; done < npages; done += count) {
		if (entries(va + done * PAGE, npages - done, true, &count) == NULL)
			return ENOMEM;
	}
	result = hosted_mmap(va, npages * PAGE, HOST_PROT(prot), MAP_SHARED | MAP_FIXED,
	    hosted_memfd, pa - HOSTED_PA_BASE);
	if (result != (long)va)
		return ENOMEM;
	for (size_t done = 0; done < npages; done += count) {
		uint64_t *e = entries(va + done * PAGE, npages - done, false, &count);

		for (size_t i = 0; i < count; i++)
			e[i] = (pa + (done + i) * PAGE) | VALID | (prot & PROT_MASK);
	}
	return 0;
}

/* Give [va, end) back to the reservation. */
static void unmap(uintptr_t va, uintptr_t end)
{
	long result = hosted_mmap(
	    va, end - va, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	/* Only splitting a mapping beyond vm.max_map_count does this. */
	if (result != (long)va)
		hosted_die("the host allows no more mappings: raise vm.max_map_count", result);
}

void rumpuser_pmap_remove(uintptr_t va, size_t npages)
{
	uintptr_t first = 0, end = 0;
	size_t count;

	if (!in_range(va, npages))
		return;
	for (size_t done = 0; done < npages; done += count) {
		uintptr_t at = va + done * PAGE;
		uint64_t *e = entries(at, npages - done, false, &count), *slot;

		for (size_t i = 0; e != NULL && i < count; i++) {
			if (e[i] == 0)
				continue;
			e[i] = 0;
			first = first ? first : at + i * PAGE;
			end = at + (i + 1) * PAGE;
		}
		if (e != NULL && count == TABLE_SIZE) {
			slot = leaf_slot(at, false);
			rumpkern_page_free(*slot);
			__atomic_store_n(slot, 0, __ATOMIC_RELEASE);
		}
	}
	if (end != 0)
		unmap(first, end);
}

/* One mprotect() for a run of mapped pages; the shadow follows when the host has done it. */
static int protect_run(uintptr_t va, uintptr_t end, unsigned prot)
{
	size_t npages = (end - va) / PAGE, count;

	if (host_syscall3(__NR_mprotect, (long)va, (long)(end - va), HOST_PROT(prot)) != 0)
		return ENOMEM;
	for (size_t done = 0; done < npages; done += count) {
		uint64_t *e = entries(va + done * PAGE, npages - done, false, &count);

		for (size_t i = 0; i < count; i++)
			e[i] = (e[i] & ~PROT_MASK) | (prot & PROT_MASK);
	}
	return 0;
}

int rumpuser_pmap_protect(uintptr_t va, size_t npages, unsigned prot)
{
	uintptr_t end = va + npages * PAGE, run;
	int error = prot_check(prot);

	if (error != 0)
		return error;
	if (!in_range(va, npages))
		return EINVAL;
	while (error == 0 && (run = rumpuser_pmap_next(va, end, NULL, NULL, NULL)) < end) {
		for (va = run + PAGE; va < end && rumpuser_pmap_extract(va, NULL, NULL); va += PAGE)
			;
		error = protect_run(run, va, prot);
	}
	return error;
}

uintptr_t rumpuser_pmap_next(uintptr_t va, uintptr_t end, uint64_t *pa, unsigned *prot, size_t *n)
{
	uintptr_t stop = end < hi ? end : hi;

	va = va < lo ? lo : va;
	while (va < stop) {
		size_t number = (va - lo) / PAGE, skip;
		uint64_t *slot = leaf_slot(va, false);
		uint64_t *leaf = slot == NULL ? NULL : descend(slot, false);
		uint64_t e = leaf == NULL ? 0 : leaf[number % TABLE_SIZE];

		if (e != 0) {
			if (pa != NULL)
				*pa = e & PA_MASK;
			if (prot != NULL)
				*prot = (unsigned)(e & PROT_MASK);
			if (n != NULL)
				*n = 1;
			return va;
		}
		/* Pages behind what is missing: an entry, a leaf table, a middle table. */
		skip = leaf != NULL ? 1 : slot != NULL ? TABLE_SIZE : TABLE_SIZE * TABLE_SIZE;
		va = lo + ((number | (skip - 1)) + 1) * PAGE;
	}
	return end;
}

bool rumpuser_pmap_extract(uintptr_t va, uint64_t *pa, unsigned *prot)
{
	uintptr_t page = va & PA_MASK;

	if (rumpuser_pmap_next(page, page + PAGE, pa, prot, NULL) != page)
		return false;
	if (pa != NULL)
		*pa += va - page;
	return true;
}
