/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rumpuser.h>
#include <kern/kmem.h>
#include <kern/mem_init.h>
#include <kern/systm.h>

#include "mem_world.h"

#define BASE_PA 0x200000UL
#define HOLE	(300 * PAGE_SIZE) /* between the two regions */

struct world_pte world_pt[WORLD_VPAGES];
long world_enter_fails = -1;
long world_protect_fails = -1;
unsigned long world_looks, world_removed;

void rumpuser_entropy(void *buf, size_t len, unsigned *bits)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)rand();
	*bits = (unsigned)len * 8;
}

void world_init(void)
{
	size_t size = WORLD_PAGES * PAGE_SIZE + HOLE;
	void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rumpuser_memregion mem[2] = {{BASE_PA, 77 * PAGE_SIZE},
	    {BASE_PA + 77 * PAGE_SIZE + HOLE, (WORLD_PAGES - 77) * PAGE_SIZE}};

	if (arena == MAP_FAILED)
		abort();
	memset(arena, 0xa5, size); /* nothing is zero unless somebody has made it so */
	page_init(mem, 2, (uintptr_t)arena - BASE_PA, 1);
	vm_init(WORLD_VA, WORLD_VA + WORLD_VPAGES * PAGE_SIZE);
}

static struct world_pte *pte(uintptr_t va)
{
	KASSERT(va >= WORLD_VA && va < WORLD_VA + WORLD_VPAGES * PAGE_SIZE);
	return &world_pt[(va - WORLD_VA) >> PAGE_SHIFT];
}

int rumpuser_pmap_enter(uintptr_t va, uint64_t pa, size_t npages, unsigned prot)
{
	KASSERT(!(va & PAGE_MASK) && !(pa & PAGE_MASK));
	if (world_enter_fails >= 0 && world_enter_fails-- == 0)
		return ENOMEM;
	for (size_t i = 0; i < npages; i++)
		*pte(va + i * PAGE_SIZE) = (struct world_pte){pa + i * PAGE_SIZE, prot, 1};
	return 0;
}

void rumpuser_pmap_remove(uintptr_t va, size_t npages)
{
	world_removed = KMAX(world_removed, npages);
	for (size_t i = 0; i < npages; i++)
		pte(va + i * PAGE_SIZE)->present = 0;
}

int rumpuser_pmap_protect(uintptr_t va, size_t npages, unsigned prot)
{
	bool fails = world_protect_fails >= 0 && world_protect_fails-- == 0;

	for (size_t i = 0; i < (fails ? npages / 2 : npages); i++)
		pte(va + i * PAGE_SIZE)->prot = prot;
	return fails ? ENOMEM : 0;
}

bool rumpuser_pmap_extract(uintptr_t va, uint64_t *pa, unsigned *prot)
{
	struct world_pte *p = pte(va);

	world_looks++;
	*pa = p->pa | (va & PAGE_MASK);
	*prot = p->prot;
	return p->present;
}

uintptr_t rumpuser_pmap_next(uintptr_t va, uintptr_t end, uint64_t *pa, unsigned *prot, size_t *n)
{
	KASSERT(!((va | end) & PAGE_MASK) && va <= end);
	world_looks++;
	for (; va < end; va += PAGE_SIZE) {
		if (!pte(va)->present)
			continue;
		*pa = pte(va)->pa;
		*prot = pte(va)->prot;
		for (uintptr_t next = va + PAGE_SIZE; n; next += PAGE_SIZE) {
			*n = (next - va) >> PAGE_SHIFT;
			if (next == end || !pte(next)->present || pte(next)->prot != *prot ||
			    pte(next)->pa != *pa + (next - va))
				break;
		}
		return va;
	}
	return end;
}

void *world_access(uintptr_t va, int write)
{
	struct world_pte *p = pte(va);

	if (!p->present || !(p->prot & (write ? RUMPUSER_PROT_WRITE : RUMPUSER_PROT_READ)))
		return NULL;
	return (char *)page_va(p->pa) + (va & PAGE_MASK);
}
