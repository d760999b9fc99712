/* SPDX-License-Identifier: BSD-2-Clause */
/* The image itself, for those above who look at it and may not know the platform. */
#include <kern/lwp.h>
#include "mem_impl.h"

void vm_image_range(uintptr_t *start, uintptr_t *end)
{
	*start = kern_bootinfo->image_base;
	*end = kern_bootinfo->image_end;
}

const void *vm_image_rootfs(size_t *size, uint64_t *pa)
{
	uintptr_t va = (uintptr_t)kern_bootinfo->rootfs, last;
	uint64_t last_pa;
	unsigned prot;

	*size = kern_bootinfo->rootfs_size;
	if (!va || *size == 0)
		return NULL;
	last = trunc_page(va + *size - 1);
	if (va & PAGE_MASK || !rumpuser_pmap_extract(va, pa, &prot) ||
	    !rumpuser_pmap_extract(last, &last_pa, &prot) || last_pa - *pa != last - va)
		*pa = UINT64_MAX;
	return kern_bootinfo->rootfs;
}
