/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel stacks: wired, with an unmapped page below.  Making one costs page-table
 * work and, on several CPUs, TLB flushes when it goes; a few free ones are kept.
 */
#include "mem_impl.h"

#define KEEP 8

static struct {
	uintptr_t base;
	size_t size;
} kept[KEEP];
static unsigned nkept;
static volatile uint32_t kept_lock;

static bool take_kept(size_t size, uintptr_t *base)
{
	bool found = false;

	spin_lock(&kept_lock);
	for (unsigned i = nkept; i-- > 0 && !found;) {
		if (kept[i].size != size)
			continue;
		*base = kept[i].base;
		kept[i] = kept[--nkept];
		found = true;
	}
	spin_unlock(&kept_lock);
	return found;
}

int vm_kstack_alloc(size_t size, uintptr_t *base)
{
	struct vm_entry *e = NULL;
	uintptr_t va;
	uint64_t pa;
	int error = ENOMEM;

	size = round_page(size);
	if (take_kept(size, base))
		return 0;
	rw_enter(&vm_lock, RW_WRITER);
	va = vm_find_kernel_space(size + PAGE_SIZE);
	if (va)
		e = vm_insert(va, size + PAGE_SIZE);
	if (e) {
		e->ve_kernel = true;
		e->ve_resident = size >> PAGE_SHIFT;
	}
	rw_exit(&vm_lock);
	if (!e)
		return ENOMEM;
	/* Page by page: a fragmented memory has no larger pieces. */
	for (uintptr_t v = va + PAGE_SIZE; v < va + PAGE_SIZE + size; v += PAGE_SIZE) {
		pa = page_alloc(0);
		error = pa ? rumpuser_pmap_enter(v, pa, 1, RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE)
			   : ENOMEM;
		if (error) {
			if (pa)
				page_free(pa, 0);
			vm_kstack_free(va + PAGE_SIZE, size);
			return error;
		}
	}
	*base = va + PAGE_SIZE;
	return 0;
}

void vm_kstack_free(uintptr_t base, size_t size)
{
	struct vm_entry *e;
	uint64_t pa;
	unsigned prot;
	bool keep;

	size = round_page(size);
	spin_lock(&kept_lock);
	keep = nkept < KEEP && rumpuser_pmap_extract(base + size - PAGE_SIZE, &pa, &prot);
	if (keep) {
		kept[nkept].base = base;
		kept[nkept++].size = size;
	}
	spin_unlock(&kept_lock);
	if (keep)
		return;
	rw_enter(&vm_lock, RW_WRITER);
	e = vm_lookup(base);
	if (e) {
		(void)vm_unmap_pages(e, base, base + size);
		vm_remove_entry(e);
	}
	rw_exit(&vm_lock);
}
