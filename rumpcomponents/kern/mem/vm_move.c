/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving, discarding and looking at mappings: what mremap, madvise and mincore need. */
#include <sys/mman.h>
#include "mem_impl.h"

/* Make the pages of `from` appear at `to` as well; on failure they do not. */
static int alias_pages(uintptr_t from, uintptr_t to, size_t len)
{
	uintptr_t va = from, end = from + len;
	uint64_t pa;
	unsigned prot;
	int error;

	for (; (va = rumpuser_pmap_next(va, end, &pa, &prot, NULL)) < end; va += PAGE_SIZE) {
		error = rumpuser_pmap_enter(to + (va - from), pa, 1, prot);
		if (error) {
			rumpuser_pmap_remove(to, len >> PAGE_SHIFT);
			return error;
		}
	}
	return 0;
}

/* vm_lock is held as writer; e is exactly the old mapping. */
static int move_entry(struct vm_entry *e, uintptr_t to, size_t newlen)
{
	size_t oldlen = e->ve_end - e->ve_start;
	struct vm_entry *n = vm_insert(to, newlen);
	int error;

	if (!n)
		return ENOMEM;
	n->ve_obj = e->ve_obj;
	n->ve_off = e->ve_off;
	n->ve_prot = e->ve_prot;
	n->ve_shared = e->ve_shared;
	n->ve_noreserve = e->ve_noreserve;
	n->ve_wired = e->ve_wired;
	error = e->ve_resident ? alias_pages(e->ve_start, to, KMIN(oldlen, newlen)) : 0;
	if (error) {
		vm_remove_entry(n);
		return error;
	}
	n->ve_resident = e->ve_resident;
	n->ve_charged = e->ve_charged;
	if (e->ve_resident)
		rumpuser_pmap_remove(e->ve_start, oldlen >> PAGE_SHIFT);
	vm_remove_entry(e); /* its object reference and promises are n's now */
	if (n->ve_charged)
		__atomic_add_fetch(
		    &vm_promised, (int64_t)((newlen - oldlen) >> PAGE_SHIFT), __ATOMIC_RELAXED);
	return 0;
}

static bool room_behind(const struct vm_entry *e, size_t newlen)
{
	struct vm_entry *next = vm_lookup_ge(e->ve_end);

	return !next || next->ve_start >= e->ve_start + newlen;
}

static int grow_locked(
    uintptr_t *vap, size_t oldlen, size_t newlen, bool may_move, bool fixed, uintptr_t to)
{
	struct vm_entry *e = vm_lookup(*vap);
	size_t more = newlen - oldlen;

	if (!e || e->ve_kernel || e->ve_end < *vap + oldlen)
		return EFAULT;
	if (e->ve_charged && !vm_can_promise(more >> PAGE_SHIFT))
		return ENOMEM;
	if (!fixed && e->ve_end == *vap + oldlen &&
	    vm_in_range(e->ve_start, e->ve_end - e->ve_start + more) &&
	    room_behind(e, e->ve_end - e->ve_start + more)) {
		e->ve_end += more;
		if (e->ve_charged)
			__atomic_add_fetch(&vm_promised, more >> PAGE_SHIFT, __ATOMIC_RELAXED);
		return 0;
	}
	if (!may_move)
		return ENOMEM;
	if (!fixed)
		to = vm_find_space(newlen);
	if (!to)
		return ENOMEM;
	e = vm_isolate(*vap, oldlen);
	if (!e)
		return ENOMEM;
	if (!move_entry(e, to, newlen)) {
		*vap = to;
		return 0;
	}
	return ENOMEM;
}

int vm_map_move(
    uintptr_t *vap, size_t oldlen, size_t newlen, bool may_move, bool fixed, uintptr_t to)
{
	int error = 0;

	if (*vap & PAGE_MASK || newlen == 0 || newlen > SIZE_MAX / 2 || oldlen > SIZE_MAX / 2)
		return EINVAL;
	oldlen = round_page(oldlen);
	newlen = round_page(newlen);
	if (oldlen == 0 || !vm_in_range(*vap, oldlen))
		return oldlen ? EFAULT : EINVAL;
	if (fixed) {
		if (to & PAGE_MASK || (to < *vap + oldlen && *vap < to + newlen))
			return EINVAL;
		if (!vm_in_range(to, newlen))
			return ENOMEM;
	}
	if (newlen < oldlen) {
		error = vm_map_remove(*vap + newlen, oldlen - newlen);
		oldlen = newlen;
	}
	if (error || (newlen == oldlen && !fixed))
		return error;
	rw_enter(&vm_lock, RW_WRITER);
	/* In one go: else another thread is given the place before we have it. */
	if (fixed)
		error = vm_remove_locked(to, newlen);
	if (!error)
		error = grow_locked(vap, oldlen, newlen, may_move, fixed, to);
	rw_exit(&vm_lock);
	return error;
}

int vm_map_discard(uintptr_t va, size_t len)
{
	uintptr_t end = va + round_page(len), at = va;
	struct vm_entry *e;
	int error = 0;

	rw_enter(&vm_lock, RW_WRITER);
	for (e = vm_lookup_ge(va); e && e->ve_start < end; e = RB_NEXT(vm_tree, &vm_tree, e)) {
		uint64_t freed;
		if (e->ve_kernel) {
			error = EINVAL;
			break;
		}
		if (e->ve_start > at)
			error = ENOMEM;
		at = e->ve_end;
		/* Shared and anonymous: the pages are the only copy of what all its users see. */
		if (e->ve_shared && !e->ve_obj)
			continue;
		if (vm_cut_large(e, KMAX(e->ve_start, va)) != 0 ||
		    (end < e->ve_end && vm_cut_large(e, end) != 0)) {
			error = ENOMEM;
			break;
		}
		freed = vm_unmap_pages(e, KMAX(e->ve_start, va), KMIN(e->ve_end, end));
		if (e->ve_charged)
			__atomic_add_fetch(&vm_promised, freed, __ATOMIC_RELAXED);
	}
	if (!error && at < end)
		error = ENOMEM;
	rw_exit(&vm_lock);
	return error;
}

bool vm_map_check(uintptr_t va, size_t len, unsigned char *resident)
{
	uintptr_t end = va + round_page(len), at = va;
	struct vm_entry *e;
	uint64_t pa;
	unsigned prot;

	rw_enter(&vm_lock, RW_READER);
	for (e = vm_lookup_ge(va); e && at < end && e->ve_start <= at;
	     e = RB_NEXT(vm_tree, &vm_tree, e))
		at = e->ve_end;
	for (uintptr_t v = va; resident && at >= end && v < end; v += PAGE_SIZE)
		resident[(v - va) >> PAGE_SHIFT] = rumpuser_pmap_extract(v, &pa, &prot);
	rw_exit(&vm_lock);
	return at >= end;
}

#define GROW_MOST (8UL << 20) /* RLIMIT_STACK as it is by default */
#define GROW_GAP  (1UL << 20) /* free below it: stack_guard_gap */

int vm_grow_down(uintptr_t va)
{
	struct vm_entry *e, *below;
	int error = EFAULT;
	uint64_t n;

	va = trunc_page(va);
	rw_enter(&vm_lock, RW_WRITER);
	e = vm_lookup_ge(va);
	if (!e || !e->ve_growsdown || e->ve_end - va > GROW_MOST || !vm_in_range(va, PAGE_SIZE))
		goto out;
	if (e->ve_start <= va) { /* another thread was faster */
		error = 0;
		goto out;
	}
	below = RB_PREV(vm_tree, &vm_tree, e);
	if (below &&
	    (below->ve_end > va || (below->ve_prot != PROT_NONE && va - below->ve_end < GROW_GAP)))
		goto out;
	n = (e->ve_start - va) >> PAGE_SHIFT;
	error = e->ve_charged && !vm_can_promise(n) ? ENOMEM : 0;
	if (!error) {
		if (e->ve_charged)
			__atomic_add_fetch(&vm_promised, n, __ATOMIC_RELAXED);
		e->ve_start = va; /* its place in the tree stays the same */
	}
out:
	rw_exit(&vm_lock);
	return error;
}
