/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address-space map.
 *
 * One entry per range of like pages, in a tree by address.  Neighbours that are
 * alike become one entry, so that a heap that grows stays one entry; a
 * terabyte of PROT_NONE is one entry and nothing else.
 *
 * PROMISES.  Writable private memory is promised when it is mapped: the page counts into
 * vm_promised until it is filled, and mmap fails with ENOMEM when the free pages do not
 * cover all promises.  So malloc returns NULL, instead of a later touch killing the
 * program.  MAP_NORESERVE, which most of a stack has, and PROT_NONE promise nothing.
 */
#include <sys/mman.h>
#include <kern/mem_init.h>
#include "mem_impl.h"

struct vm_tree vm_tree = RB_INITIALIZER(&vm_tree);
krwlock_t vm_lock;
volatile int64_t vm_promised;

static uintptr_t vm_klo;       /* [klo, lo) is for kernel stacks: far from the program's own */
static uintptr_t vm_lo, vm_hi; /* [lo, hi) is the program's; hi moved down at random */
static uintptr_t vm_hint;      /* where to look for space first */
#define KSTACK_SHARE 16
#define KSTACK_MOST  (1UL << 36)
volatile bool vm_wire_future;
static POOL_DEFINE(entry_pool, sizeof(struct vm_entry), "vm_entry");

static int vm_compare(const struct vm_entry *a, const struct vm_entry *b)
{
	return a->ve_start < b->ve_start ? -1 : a->ve_start > b->ve_start;
}
RB_GENERATE(vm_tree, vm_entry, ve_node, vm_compare)

void vm_init(uintptr_t va_lo, uintptr_t va_hi)
{
	uintptr_t slide[2] = {0};
	unsigned bits;

	rw_init(&vm_lock);
	vm_fault_init();
	rumpuser_entropy(slide, sizeof(slide), &bits);
	vm_klo = round_page(va_lo);
	vm_hi = trunc_page(va_hi);
	vm_lo = vm_klo + trunc_page(KMIN((vm_hi - vm_klo) / KSTACK_SHARE, KSTACK_MOST));
	/* Within the first half of theirs. */
	vm_klo += (slide[1] % ((vm_lo - vm_klo) >> (PAGE_SHIFT + 1))) << PAGE_SHIFT;
	/* At most an eighth of the range, at most 28 bits of pages. */
	vm_hi -= (slide[0] % (KMIN((vm_hi - vm_lo) >> (PAGE_SHIFT + 3), 1UL << 28) + 1))
		 << PAGE_SHIFT;
	vm_hint = vm_hi;
}

unsigned vm_hwprot(int prot)
{
	return (prot & (PROT_READ | PROT_WRITE | PROT_EXEC) ? RUMPUSER_PROT_READ : 0) |
	       (prot & PROT_WRITE ? RUMPUSER_PROT_WRITE : 0) |
	       (prot & PROT_EXEC ? RUMPUSER_PROT_EXEC : 0);
}

struct vm_entry *vm_lookup_ge(uintptr_t va)
{
	struct vm_entry *e = RB_ROOT(&vm_tree), *best = NULL;

	while (e) {
		if (e->ve_end > va) {
			best = e;
			e = RB_LEFT(e, ve_node);
		} else {
			e = RB_RIGHT(e, ve_node);
		}
	}
	return best;
}

struct vm_entry *vm_lookup(uintptr_t va)
{
	struct vm_entry *e = vm_lookup_ge(va);

	return e && e->ve_start <= va ? e : NULL;
}

/* Highest gap of len bytes that ends at or below limit. */
static uintptr_t space_below(uintptr_t limit, size_t len)
{
	/* What consists of whole blocks is filled by them, if it begins with one. */
	uintptr_t mask = len % USER_BLOCK ? UINTPTR_MAX : ~(USER_BLOCK - 1);
	struct vm_entry *e;

	limit &= mask;
	e = vm_lookup_ge(limit - 1);
	if (!e)
		e = RB_MAX(vm_tree, &vm_tree);
	else if (e->ve_start >= limit)
		e = RB_PREV(vm_tree, &vm_tree, e);
	for (; e; e = RB_PREV(vm_tree, &vm_tree, e)) {
		uintptr_t floor = KMAX(e->ve_end, vm_lo); /* below are kernel stacks */

		if (floor <= limit && limit - floor >= len)
			return limit - len;
		limit = KMIN(limit, e->ve_start) & mask;
	}
	return limit - vm_lo >= len && limit > vm_lo ? limit - len : 0;
}

uintptr_t vm_find_space(size_t len)
{
	uintptr_t va = space_below(vm_hint, len);

	if (!va && vm_hint != vm_hi)
		va = space_below(vm_hi, len);
	if (va)
		vm_hint = va;
	return va;
}

uintptr_t vm_find_kernel_space(size_t len)
{
	uintptr_t va = vm_klo;
	struct vm_entry *e;

	for (e = RB_MIN(vm_tree, &vm_tree); e && e->ve_start < va + len;
	     e = RB_NEXT(vm_tree, &vm_tree, e))
		va = e->ve_end;
	return len <= vm_lo - va ? va : 0;
}

struct vm_entry *vm_insert(uintptr_t start, size_t len)
{
	struct vm_entry *e = pool_zget(&entry_pool);

	if (e) {
		e->ve_start = start;
		e->ve_end = start + len;
		e->ve_proc = curproc;
		RB_INSERT(vm_tree, &vm_tree, e);
	}
	return e;
}

static void take_out(struct vm_entry *e)
{
	RB_REMOVE(vm_tree, &vm_tree, e);
	if (e->ve_end > vm_hint)
		vm_hint = KMIN(e->ve_end, vm_hi);
}

void vm_remove_entry(struct vm_entry *e)
{
	take_out(e);
	pool_put(&entry_pool, e);
}

static uint64_t entry_pages(const struct vm_entry *e)
{
	return (e->ve_end - e->ve_start) >> PAGE_SHIFT;
}

/* May n more pages be promised?  A hint under concurrency; the reserve takes what slips through. */
bool vm_can_promise(uint64_t n)
{
	int64_t room = (int64_t)page_nfree - (int64_t)page_reserve - vm_promised;

	return room >= 0 && n <= (uint64_t)room;
}

static bool wants_charge(const struct vm_entry *e)
{
	return !e->ve_noreserve && !e->ve_kernel && e->ve_prot & PROT_WRITE &&
	       (!e->ve_shared || !e->ve_obj);
}

/* A promise for the pages of e that are not there yet. */
static int charge(struct vm_entry *e)
{
	uint64_t n, pa;
	unsigned prot;

	if (e->ve_charged || !wants_charge(e))
		return 0;
	n = entry_pages(e);
	if (e->ve_resident > 0)
		for (uintptr_t va = e->ve_start;
		     (va = rumpuser_pmap_next(va, e->ve_end, &pa, &prot, NULL)) < e->ve_end;
		     va += PAGE_SIZE)
			n -= page_is_user(pa);
	if (!vm_can_promise(n))
		return ENOMEM;
	__atomic_add_fetch(&vm_promised, n, __ATOMIC_RELAXED);
	e->ve_charged = true;
	return 0;
}

#define UNMAP_BATCH 32
#define TABLE_SPAN  (2UL << 20) /* what a page table maps; any guess would do */

/* Pages on their way out: one of an object, or some of the program's own. */
struct gone {
	uintptr_t va;
	uint64_t pa; /* | GONE_* */
	size_t n;
};
#define GONE_OBJECT 1 /* the object's, not the program's own */
#define GONE_DIRTY  2

/* Nobody can reach them any more.  How many were the program's own? */
static uint64_t let_go(struct vm_entry *e, const struct gone *g)
{
	uint64_t pa = g->pa & ~PAGE_MASK;

	if (g->pa & GONE_OBJECT) {
		e->ve_obj->vo_ops->vo_putpage(
		    e->ve_obj, e->ve_off + (g->va - e->ve_start), pa, g->pa & GONE_DIRTY);
		return 0;
	}
	page_free_users(pa, g->n);
	return g->n;
}

/* The next pages of e in [va, end): where they begin, end if there are none. */
static uintptr_t next_gone(struct vm_entry *e, uintptr_t va, uintptr_t end, struct gone *g)
{
	unsigned prot;

	va = rumpuser_pmap_next(va, end, &g->pa, &prot, &g->n);
	g->va = va;
	if (va == end || !e->ve_obj)
		return va;
	g->n = 1;
	if (!page_is_user(g->pa))
		g->pa |=
		    GONE_OBJECT | (e->ve_shared && prot & RUMPUSER_PROT_WRITE ? GONE_DIRTY : 0);
	return va;
}

uint64_t vm_unmap_pages(struct vm_entry *e, uintptr_t start, uintptr_t end)
{
	struct gone gone[UNMAP_BATCH];
	uint64_t freed = 0;
	uintptr_t va = start, from = start;

	while (va < end && e->ve_resident > 0) {
		struct gone *g = gone;
		while (g < gone + UNMAP_BATCH && e->ve_resident > 0 &&
		       (va = next_gone(e, va, end, g)) < end) {
			va += g->n << PAGE_SHIFT;
			e->ve_resident -= g++->n;
		}
		/* The last time all of it, for the page tables: no batch may cover one wholly. */
		if (end - start >= TABLE_SPAN && (va == end || e->ve_resident == 0)) {
			from = start;
			va = end;
		}
		rumpuser_pmap_remove(from, (va - from) >> PAGE_SHIFT);
		from = va;
		while (g > gone)
			freed += let_go(e, --g);
	}
	return freed;
}

/* What is in no tree any more: pages, promises, object reference and the entry itself. */
static void destroy(struct vm_entry *e)
{
	uint64_t freed = vm_unmap_pages(e, e->ve_start, e->ve_end);

	if (e->ve_charged)
		__atomic_sub_fetch(&vm_promised, entry_pages(e) - freed, __ATOMIC_RELAXED);
	if (e->ve_obj)
		e->ve_obj->vo_ops->vo_rele(e->ve_obj);
	pool_put(&entry_pool, e);
}

/* Cut e at va: e keeps the lower part, the upper part is returned.  NULL: no memory. */
static struct vm_entry *split(struct vm_entry *e, uintptr_t va)
{
	uintptr_t end = e->ve_end;
	struct vm_entry *upper;

	e->ve_end = va;
	upper = vm_insert(va, end - va);
	if (!upper) {
		e->ve_end = end;
		return NULL;
	}
	upper->ve_obj = e->ve_obj;
	upper->ve_off = e->ve_off + (va - e->ve_start);
	if (e->ve_obj)
		e->ve_obj->vo_ops->vo_ref(e->ve_obj);
	upper->ve_proc = e->ve_proc;
	upper->ve_prot = e->ve_prot;
	upper->ve_shared = e->ve_shared;
	upper->ve_noreserve = e->ve_noreserve;
	upper->ve_charged = e->ve_charged;
	upper->ve_kernel = e->ve_kernel;
	upper->ve_wired = e->ve_wired;
	upper->ve_large = e->ve_large;
	/* Upper bounds: nobody counted which half the pages are in. */
	upper->ve_resident = KMIN(e->ve_resident, entry_pages(upper));
	e->ve_resident = KMIN(e->ve_resident, entry_pages(e));
	return upper;
}

int vm_cut_large(const struct vm_entry *e, uintptr_t va)
{
	uint64_t pa;
	unsigned prot;

	if (!e->ve_large || !(va & (LARGE_PAGE - 1)) || !rumpuser_pmap_extract(va, &pa, &prot))
		return 0;
	return rumpuser_pmap_protect(va, 1, prot);
}

/* Make va a border between entries, if it lies within one. */
static int clip(uintptr_t va)
{
	struct vm_entry *e = vm_lookup(va);

	if (!e || e->ve_start == va)
		return 0;
	if (e->ve_kernel)
		return EINVAL;
	return vm_cut_large(e, va) == 0 && split(e, va) ? 0 : ENOMEM;
}

struct vm_entry *vm_isolate(uintptr_t va, size_t len)
{
	return clip(va) == 0 && clip(va + len) == 0 ? vm_lookup(va) : NULL;
}

static bool alike(const struct vm_entry *a, const struct vm_entry *b)
{
	return a->ve_end == b->ve_start && a->ve_proc == b->ve_proc && a->ve_prot == b->ve_prot &&
	       a->ve_shared == b->ve_shared && a->ve_noreserve == b->ve_noreserve &&
	       a->ve_charged == b->ve_charged && a->ve_wired == b->ve_wired && !a->ve_kernel &&
	       !b->ve_kernel && !a->ve_obj && !b->ve_obj && !a->ve_growsdown && !b->ve_growsdown;
}

/* Join e with its neighbours where they are alike; returns the entry that now holds it. */
static void merge(struct vm_entry *e)
{
	struct vm_entry *prev = RB_PREV(vm_tree, &vm_tree, e),
			*next = RB_NEXT(vm_tree, &vm_tree, e);

	if (next && alike(e, next)) {
		e->ve_resident += next->ve_resident;
		e->ve_large |= next->ve_large;
		RB_REMOVE(vm_tree, &vm_tree, next);
		e->ve_end = next->ve_end;
		pool_put(&entry_pool, next);
	}
	if (prev && alike(prev, e)) {
		prev->ve_resident += e->ve_resident;
		prev->ve_large |= e->ve_large;
		RB_REMOVE(vm_tree, &vm_tree, e);
		prev->ve_end = e->ve_end;
		pool_put(&entry_pool, e);
	}
}

bool vm_in_range(uintptr_t va, size_t len)
{
	return va >= vm_lo && va < vm_hi && len <= vm_hi - va;
}

/* Does a kernel stack lie in [va, va + len)? */
static bool holds_kernel(uintptr_t va, size_t len)
{
	struct vm_entry *e;

	for (e = vm_lookup_ge(va); e && e->ve_start < va + len; e = RB_NEXT(vm_tree, &vm_tree, e))
		if (e->ve_kernel)
			return true;
	return false;
}

/*
 * Unmap [va, va + len).  With `downgrade`, only taking the entries out of the tree is done as
 * writer: the rest takes long, and others' faults need not wait for it; but who wants to map
 * has to, for he may be given these addresses.
 */
static int remove(uintptr_t va, size_t len, bool downgrade)
{
	struct vm_entry *e, *next, *list = NULL;
	int error;

	if (holds_kernel(va, len))
		return EINVAL;
	error = clip(va);
	if (!error)
		error = clip(va + len);
	if (error)
		return error;
	for (e = vm_lookup_ge(va); e && e->ve_start < va + len; e = next) {
		next = RB_NEXT(vm_tree, &vm_tree, e);
		take_out(e);
		RB_LEFT(e, ve_node) = list;
		list = e;
	}
	if (downgrade)
		rw_downgrade(&vm_lock);
	for (e = list; e; e = next) {
		next = RB_LEFT(e, ve_node);
		destroy(e);
	}
	return 0;
}

int vm_remove_locked(uintptr_t va, size_t len)
{
	return remove(va, len, false);
}

/* Where the new mapping goes, and what has to be removed for it. */
static int place(uintptr_t *vap, size_t len, int flags)
{
	uintptr_t va = *vap;
	struct vm_entry *e;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (va & PAGE_MASK)
			return EINVAL;
		if (!vm_in_range(va, len))
			return ENOMEM;
		e = vm_lookup_ge(va);
		if (!e || e->ve_start >= va + len)
			return 0;
		return flags & MAP_FIXED_NOREPLACE ? EEXIST : vm_remove_locked(va, len);
	}
	va = trunc_page(va);
	if (va && vm_in_range(va, len)) {
		e = vm_lookup_ge(va);
		if (!e || e->ve_start >= va + len) {
			*vap = va;
			return 0;
		}
	}
	*vap = vm_find_space(len);
	return *vap ? 0 : ENOMEM;
}

int vm_map_enter(
    uintptr_t *vap, size_t len, int prot, int flags, struct vm_object *obj, uint64_t off)
{
	struct vm_entry *e;
	uintptr_t va = *vap;
	int error;

	if (len == 0)
		return EINVAL;
	if (len > SIZE_MAX - PAGE_SIZE)
		return ENOMEM;
	len = round_page(len);
	rw_enter(&vm_lock, RW_WRITER);
	error = place(&va, len, flags);
	if (error)
		goto out;
	e = vm_insert(va, len);
	if (!e) {
		error = ENOMEM;
		goto out;
	}
	e->ve_prot = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
	e->ve_shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	e->ve_noreserve = flags & MAP_NORESERVE;
	e->ve_growsdown = flags & MAP_GROWSDOWN && !obj;
	e->ve_wired = vm_wire_future || flags & MAP_LOCKED;
	e->ve_obj = obj;
	e->ve_off = off;
	error = charge(e);
	if (error) {
		vm_remove_entry(e);
		goto out;
	}
	merge(e);
	*vap = va;
out:
	rw_exit(&vm_lock);
	return error;
}

int vm_map_remove(uintptr_t va, size_t len)
{
	int error;

	if (va & PAGE_MASK || len == 0 || len > SIZE_MAX - PAGE_SIZE ||
	    !vm_in_range(va, round_page(len)))
		return EINVAL;
	rw_enter(&vm_lock, RW_WRITER);
	error = remove(va, round_page(len), true);
	rw_exit(&vm_lock);
	return error;
}

void vm_map_remove_proc(uintptr_t keep, size_t len)
{
	struct proc *p = curproc;
	struct vm_entry *e, *next;

	rw_enter(&vm_lock, RW_WRITER);
	for (e = RB_MIN(vm_tree, &vm_tree); e; e = next) {
		next = RB_NEXT(vm_tree, &vm_tree, e);
		if (e->ve_proc == p && !e->ve_kernel && e->ve_start - keep >= len) {
			take_out(e);
			destroy(e);
		}
	}
	rw_exit(&vm_lock);
	p->p_brk = p->p_brk_end = 0;
}

static int protect_pages(const struct vm_entry *e, int prot)
{
	unsigned hw = vm_hwprot(prot);

	/* The object's pages must not become writable without a fault that sees it. */
	if (e->ve_obj)
		hw &= ~(unsigned)RUMPUSER_PROT_WRITE;
	return rumpuser_pmap_protect(e->ve_start, entry_pages(e), hw);
}

static int protect_entry(struct vm_entry *e, int prot)
{
	int64_t promised = vm_promised; /* only we change it while we are the writer */
	int old = e->ve_prot, error;
	bool charged = e->ve_charged;

	e->ve_prot = prot;
	error = charge(e);
	if (error) {
		e->ve_prot = old;
		return error;
	}
	if (e->ve_resident == 0 || old == prot)
		return 0;
	error = protect_pages(e, prot);
	if (error) {
		e->ve_prot = old;
		e->ve_charged = charged;
		vm_promised = promised;
		/* Takes back what was done; what this leaves undone, faults repair. */
		(void)protect_pages(e, old);
	}
	return error;
}

int vm_map_protect(uintptr_t va, size_t len, int prot)
{
	uintptr_t end = va + round_page(len), at = va;
	struct vm_entry *e, *next;
	int error;

	if (va & PAGE_MASK || prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
		return EINVAL;
	if (len == 0)
		return 0;
	if (len > SIZE_MAX - PAGE_SIZE || !vm_in_range(va, round_page(len)))
		return ENOMEM;
	rw_enter(&vm_lock, RW_WRITER);
	error = holds_kernel(va, end - va) ? EACCES : clip(va);
	if (!error)
		error = clip(end);
	for (e = vm_lookup_ge(va); !error && at < end; e = next) {
		if (!e ||
		    e->ve_start != at) { /* a hole: what lies before it is changed (mprotect(2)) */
			error = ENOMEM;
			break;
		}
		at = e->ve_end;
		next = RB_NEXT(vm_tree, &vm_tree, e);
		error = protect_entry(e, prot);
	}
	/* Neighbours may have become alike: join from the left border on. */
	for (e = vm_lookup_ge(va > vm_lo ? va - 1 : va); e && e->ve_start <= end; e = next) {
		next = RB_NEXT(vm_tree, &vm_tree, e);
		if (next && next->ve_start <= end && alike(e, next)) {
			uintptr_t start = e->ve_start;
			merge(next);
			next = vm_lookup(start);
		}
	}
	rw_exit(&vm_lock);
	return error;
}
