/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults: filling the address space on demand.
 *
 * Faults hold the map's lock as readers, so they run side by side; two faults on the
 * same page are kept apart by a lock that is chosen by the 64-KB block the page lies
 * in.  Within such a block more than the page asked for is filled when memory
 * is plentiful and the program walks through it: under virtualisation a fault
 * costs far more than clearing a page.  Where it walks on, and memory is more than plentiful, it
 * is a large page of 2 MiB, for which all of these locks are taken.
 */
#include <sys/mman.h>
#include <kern/hook.h>
#include "mem_impl.h"

#define BLOCK_ORDER USER_ORDER
#define BLOCK_SHIFT (PAGE_SHIFT + BLOCK_ORDER)
#define BLOCK_SIZE  (1UL << BLOCK_SHIFT)
#define NLOCKS	    8
#define PLENTY	    2048 /* free pages from which blocks are filled whole */

static kmutex_t fault_locks[NLOCKS];
uint64_t vm_large_plenty = 16384;

void vm_fault_init(void)
{
	for (unsigned i = 0; i < NLOCKS; i++) {
		mutex_init(&fault_locks[i], MUTEX_DEFAULT);
		LOCKDEBUG_MUTEX_NESTS(&fault_locks[i], LOCK_BY_ADDRESS);
	}
}

static void filled(struct vm_entry *e, uint64_t n)
{
	__atomic_add_fetch(&e->ve_resident, n, __ATOMIC_RELAXED);
	if (e->ve_charged)
		__atomic_sub_fetch(&vm_promised, n, __ATOMIC_RELAXED);
}

/* Is nothing of [va, va + len) there, but, if it is e's, the page before it?  A walk. */
static bool walks_into(const struct vm_entry *e, uintptr_t va, size_t len)
{
	uint64_t pa;
	unsigned prot;

	return va >= e->ve_start && len <= e->ve_end - va &&
	       (va == e->ve_start || rumpuser_pmap_extract(va - PAGE_SIZE, &pa, &prot)) &&
	       rumpuser_pmap_next(va, va + len, &pa, &prot, NULL) == va + len;
}

/* Cleared memory, or 0. */
static uint64_t alloc_cleared(unsigned order)
{
	uint64_t pa = page_alloc_user(order);

	if (pa)
		memset(page_va(pa), 0, PAGE_SIZE << order);
	return pa;
}

/* The pages at pa become those at va; where that fails they are freed. */
static bool fill(struct vm_entry *e, uintptr_t va, uint64_t pa, unsigned order)
{
	size_t n = 1UL << order;

	if (rumpuser_pmap_enter(va, pa, n, vm_hwprot(e->ve_prot)) != 0) {
		rumpuser_pmap_remove(va, n);
		page_free_users(pa, n);
		return false;
	}
	filled(e, n);
	return true;
}

static bool fill_block(struct vm_entry *e, uintptr_t va)
{
	uint64_t pa;

	if (page_nfree < PLENTY || va & (BLOCK_SIZE - 1) || !walks_into(e, va, BLOCK_SIZE))
		return false;
	pa = alloc_cleared(BLOCK_ORDER);
	return pa && fill(e, va, pa, BLOCK_ORDER);
}

/* No fault lock held. */
static bool fill_large(struct vm_entry *e, uintptr_t va)
{
	uint64_t pa;
	bool done;

	if (e->ve_obj || va & (LARGE_PAGE - 1) || va == e->ve_start ||
	    page_nfree < vm_large_plenty || !walks_into(e, va, LARGE_PAGE))
		return false;
	pa = alloc_cleared(LARGE_ORDER);
	if (!pa)
		return false;
	for (unsigned i = 0; i < NLOCKS; i++)
		mutex_enter(&fault_locks[i]);
	e->ve_large = true;
	done = walks_into(e, va, LARGE_PAGE);
	if (!done)
		page_free_users(pa, 1UL << LARGE_ORDER);
	else
		done = fill(e, va, pa, LARGE_ORDER);
	for (unsigned i = 0; i < NLOCKS; i++)
		mutex_exit(&fault_locks[i]);
	return done;
}

/* A page of the entry's own, zero or a copy of the page at `from`. */
static int fill_page(struct vm_entry *e, uintptr_t va, const void *from)
{
	uint64_t pa = page_alloc_user(0);
	int error;

	if (!pa)
		return ENOMEM;
	if (from)
		memcpy(page_va(pa), from, PAGE_SIZE);
	else
		memset(page_va(pa), 0, PAGE_SIZE);
	error = rumpuser_pmap_enter(va, pa, 1, vm_hwprot(e->ve_prot));
	if (error) {
		page_free_user(pa);
		return error;
	}
	filled(e, 1);
	return 0;
}

/* An object's own page is writable only once it is written to. */
static unsigned object_hwprot(const struct vm_entry *e, bool write)
{
	unsigned prot = vm_hwprot(e->ve_prot);

	return write ? prot : prot & ~(unsigned)RUMPUSER_PROT_WRITE;
}

/*
 * There is a page at va already.  The program's own: another CPU was faster, or the page's
 * protection lags behind; without a repair the fault would come again and again.  The object's:
 * written to, it becomes writable, or private memory gets its copy.
 */
static int fault_mapped(struct vm_entry *e, uintptr_t va, uint64_t pa, bool write)
{
	uint64_t off = e->ve_off + (va - e->ve_start), again;
	int error;

	if (page_is_user(pa))
		return rumpuser_pmap_protect(va, 1, vm_hwprot(e->ve_prot));
	if (!write)
		return rumpuser_pmap_protect(va, 1, object_hwprot(e, false));
	if (!e->ve_shared) {
		error = fill_page(e, va, page_va(pa));
		if (!error) {
			__atomic_sub_fetch(&e->ve_resident, 1, __ATOMIC_RELAXED);
			e->ve_obj->vo_ops->vo_putpage(e->ve_obj, off, pa, false);
		}
		return error;
	}
	error = e->ve_obj->vo_ops->vo_getpage(e->ve_obj, off, true, &again);
	if (error)
		return error;
	error = rumpuser_pmap_enter(va, again, 1, vm_hwprot(e->ve_prot));
	e->ve_obj->vo_ops->vo_putpage(e->ve_obj, off, error ? again : pa, false);
	return error;
}

static int fault_object(struct vm_entry *e, uintptr_t va, bool write)
{
	uint64_t off = e->ve_off + (va - e->ve_start), pa;
	int error = e->ve_obj->vo_ops->vo_getpage(e->ve_obj, off, write && e->ve_shared, &pa);

	if (error)
		return error;
	if (write && !e->ve_shared) {
		error = fill_page(e, va, page_va(pa));
		e->ve_obj->vo_ops->vo_putpage(e->ve_obj, off, pa, false);
		return error;
	}
	error = rumpuser_pmap_enter(va, pa, 1, object_hwprot(e, write));
	if (error)
		e->ve_obj->vo_ops->vo_putpage(e->ve_obj, off, pa, false);
	else
		__atomic_add_fetch(&e->ve_resident, 1, __ATOMIC_RELAXED);
	return error;
}

static int fault_locked(struct vm_entry *e, uintptr_t va, bool write)
{
	uint64_t pa;
	unsigned prot;

	if (rumpuser_pmap_extract(va, &pa, &prot))
		return fault_mapped(e, va, pa, write);
	if (e->ve_obj)
		return fault_object(e, va, write);
	return fill_block(e, va) ? 0 : fill_page(e, va, NULL);
}

HOOK_POINT(vm_fault);
int vm_fault(uintptr_t va, bool write, bool exec, int *sicode)
{
	kmutex_t *lock = &fault_locks[(va >> BLOCK_SHIFT) % NLOCKS];
	struct vm_entry *e;
	int error = EFAULT;

	*sicode = 1; /* SEGV_MAPERR */
	rw_enter(&vm_lock, RW_READER);
	e = vm_lookup_ge(va);
	if (e && e->ve_start > va) {
		bool grows = e->ve_growsdown;

		rw_exit(&vm_lock);
		if (!grows || vm_grow_down(va) != 0)
			return EFAULT;
		rw_enter(&vm_lock, RW_READER);
		e = vm_lookup(va);
	}
	if (e && !e->ve_kernel) {
		*sicode = 2; /* SEGV_ACCERR */
		if (e->ve_prot & (write	    ? PROT_WRITE
				     : exec ? PROT_EXEC
					    : PROT_READ | PROT_EXEC | PROT_WRITE)) {
			error = 0;
			if (!fill_large(e, trunc_page(va))) {
				mutex_enter(lock);
				error = fault_locked(e, trunc_page(va), write);
				mutex_exit(lock);
			}
		}
	}
	rw_exit(&vm_lock);
	return error;
}

static bool pin_mapped(uintptr_t va, bool write, uint64_t *pa)
{
	kmutex_t *lock = &fault_locks[(va >> BLOCK_SHIFT) % NLOCKS];
	unsigned prot;
	bool ok;

	rw_enter(&vm_lock, RW_READER);
	mutex_enter(lock);
	/* What is being unmapped is in the page tables still, but has no entry any more. */
	ok = rumpuser_pmap_extract(va, pa, &prot) && (!page_stateof(*pa) || vm_lookup(va)) &&
	     prot & (write ? RUMPUSER_PROT_WRITE : RUMPUSER_PROT_READ) &&
	     !(prot & RUMPUSER_PROT_DEVICE) && page_pin(*pa);
	mutex_exit(lock);
	rw_exit(&vm_lock);
	return ok;
}

size_t vm_pin(uintptr_t va, size_t npages, bool write, uint64_t *pa)
{
	size_t n;
	int code;

	for (n = 0; n < npages; n++, va += PAGE_SIZE)
		if (!pin_mapped(va, write, &pa[n]) &&
		    (vm_fault(va, write, false, &code) != 0 || !pin_mapped(va, write, &pa[n])))
			break;
	return n;
}
