/* SPDX-License-Identifier: BSD-2-Clause */
/* The map for those who look at it: /proc/self/maps, shmdt(2). */
#include "mem_impl.h"

void vm_map_foreach(void (*func)(const struct vm_map_range *range, void *arg), void *arg)
{
	struct vm_entry *e;

	rw_enter(&vm_lock, RW_READER);
	RB_FOREACH (e, vm_tree, &vm_tree) {
		struct vm_map_range range = {
		    .vr_start = e->ve_start,
		    .vr_end = e->ve_end,
		    .vr_prot = e->ve_prot,
		    .vr_shared = e->ve_shared,
		    .vr_off = e->ve_off,
		    .vr_resident = e->ve_resident,
		};
		if (!e->ve_kernel)
			func(&range, arg);
	}
	rw_exit(&vm_lock);
}

bool vm_map_shows(uintptr_t va, size_t len, const struct vm_object *obj)
{
	uintptr_t end = va + len;
	struct vm_entry *e;

	rw_enter(&vm_lock, RW_READER);
	while (va < end && (e = vm_lookup(va)) != NULL && e->ve_obj == obj)
		va = e->ve_end;
	rw_exit(&vm_lock);
	return va >= end;
}
