/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's accesses to its address space, and what must hold of the map. */
#include "check_main.h"
#include "mem_world.h"
#include "native.h"
#include "vm_world.h"

uint8_t *touch(uintptr_t va, int write, int *error)
{
	uint8_t *p;
	int code;

	for (int i = 0; i < 3; i++) {
		p = world_access(va, write);
		if (p)
			return p;
		*error = vm_fault(va, write, false, &code);
		if (*error)
			return NULL;
	}
	ck_abort_msg("the fault at %lx is resolved again and again", va);
	return NULL;
}

uint64_t mapped_user_pages(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < WORLD_VPAGES; i++)
		n += world_pt[i].present && page_is_user(world_pt[i].pa);
	return n;
}

void check_tree(void)
{
	uintptr_t last = 0;
	int64_t promised = 0;
	struct vm_entry *e;
	unsigned prot;
	uint64_t pa;

	RB_FOREACH (e, vm_tree, &vm_tree) {
		uint64_t present = 0, own = 0;
		ck_assert_uint_lt(e->ve_start, e->ve_end);
		ck_assert_uint_ge(e->ve_start, last);
		ck_assert_uint_eq((e->ve_start | e->ve_end) & PAGE_MASK, 0);
		last = e->ve_end;
		for (uintptr_t va = e->ve_start; va < e->ve_end; va += PAGE_SIZE) {
			if (!rumpuser_pmap_extract(va, &pa, &prot))
				continue;
			present++;
			own += page_is_user(pa);
		}
		ck_assert_uint_ge(e->ve_resident + (e->ve_kernel ? UINT32_MAX : 0), present);
		if (e->ve_charged)
			promised += (int64_t)(((e->ve_end - e->ve_start) >> PAGE_SHIFT) - own);
	}
	ck_assert_int_eq(promised, vm_promised);
	ck_assert_uint_eq(native_locks_held(), 0);
}
