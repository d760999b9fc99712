/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locked memory (mlock(2)).  No page ever leaves memory; locking brings pages in, so that no fault
 * comes later, and is remembered for those who ask (msync(2), MS_INVALIDATE).
 */
#include <sys/mman.h>
#include "mem_impl.h"

int vm_map_populate(uintptr_t va, size_t len)
{
	uintptr_t end = va + len;
	struct vm_entry *e;
	unsigned hwprot;
	uint64_t pa;
	bool write;
	int code;

	for (; va < end; va += PAGE_SIZE) {
		if (rumpuser_pmap_extract(va, &pa, &hwprot))
			continue;
		rw_enter(&vm_lock, RW_READER);
		e = vm_lookup(va);
		write = e && e->ve_prot & PROT_WRITE;
		rw_exit(&vm_lock);
		if (vm_fault(va, write, false, &code) != 0)
			return ENOMEM;
	}
	return 0;
}

/* Is [va, end) mapped without a hole, none of it the kernel's?  => vm_lock */
static bool whole(uintptr_t va, uintptr_t end)
{
	struct vm_entry *e;

	while (va < end) {
		e = vm_lookup(va);
		if (!e || e->ve_kernel)
			return false;
		va = e->ve_end;
	}
	return true;
}

int vm_map_wire(uintptr_t va, size_t len, bool wire)
{
	struct vm_entry *e;
	int error = 0;

	rw_enter(&vm_lock, RW_WRITER);
	if (!whole(va, va + len) || !vm_isolate(va, len))
		error = ENOMEM;
	for (e = vm_lookup_ge(va); !error && e && e->ve_start < va + len;
	     e = RB_NEXT(vm_tree, &vm_tree, e))
		e->ve_wired = wire;
	rw_exit(&vm_lock);
	return error;
}

void vm_map_wire_all(bool now, bool future)
{
	struct vm_entry *e;

	rw_enter(&vm_lock, RW_WRITER);
	vm_wire_future = future;
	RB_FOREACH (e, vm_tree, &vm_tree)
		if (!e->ve_kernel && (now || !future))
			e->ve_wired = now;
	rw_exit(&vm_lock);
}

bool vm_map_wired(uintptr_t va, size_t len)
{
	struct vm_entry *e;
	bool wired = false;

	rw_enter(&vm_lock, RW_READER);
	for (e = vm_lookup_ge(va); e && e->ve_start < va + len && !wired;
	     e = RB_NEXT(vm_tree, &vm_tree, e))
		wired = e->ve_wired;
	rw_exit(&vm_lock);
	return wired;
}
