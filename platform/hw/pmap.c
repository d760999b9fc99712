/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap.c - the page tables: four levels, one set for all CPUs.
 *
 * No locks.  Callers never work on overlapping ranges at once (rumpuser.h), so
 * an entry that maps something has one owner; only the upper levels are shared,
 * and there a table is put in place by compare-and-swap, whoever comes second
 * frees his.  Tables of the lowest level are freed again, by the owner of all
 * the 2 MB below them, after the TLB shootdown.
 *
 * An entry with PTE_NONE and without PTE_P is a page mapped with PROT_NONE.
 * Accessed and dirty bits are set beforehand, for nobody reads them and
 * setting them costs the processor a locked cycle.  There are no global pages,
 * as %cr3 is never switched: reloading it flushes all.
 */
#include "hw.h"

#include <errno.h>

#define PTE_P		 0x1ULL
#define PTE_W		 0x2ULL
#define PTE_UC		 0x18ULL /* PCD, PWT: strong uncacheable in the PAT at reset */
#define PTE_AD		 0x60ULL
#define PTE_PS		 0x80ULL
#define PTE_NONE	 0x200ULL
#define PTE_NX		 (1ULL << 63)
#define PTE_ADDR	 0x000ffffffffff000ULL
#define PTE_TABLE	 (PTE_P | PTE_W | 0x20)

#define SHIFT(level)	 (RUMPUSER_PAGE_SHIFT + 9 * (level))
#define SPAN(level)	 (1UL << SHIFT(level)) /* bytes behind an entry of the level */
#define INDEX(va, level) ((va) >> SHIFT(level) & 511)
#define TOP		 3

uintptr_t hw_physmap;
uint64_t hw_pml4_pa;
bool hw_kern_running;

static uint64_t reserve; /* a page for a split that must not fail */

/* What one operation has to clean up. */
struct cleanup {
	uintptr_t lo, hi; /* what the TLBs may hold; hi 0: nothing */
	uint64_t tables;  /* list of freed tables, linked through their first words */
};

static bool is_table(uint64_t e, unsigned level)
{
	return level > 0 && (e & (PTE_P | PTE_PS)) == PTE_P;
}
static bool is_hole(uint64_t e)
{
	return (e & (PTE_P | PTE_NONE)) == 0;
}

static uint64_t prot_bits(unsigned prot)
{
	uint64_t bits = PTE_AD;

	if ((prot & (RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE | RUMPUSER_PROT_EXEC)) == 0)
		return PTE_AD | PTE_NONE;
	bits |= PTE_P;
	if (prot & RUMPUSER_PROT_WRITE)
		bits |= PTE_W;
	if (prot & RUMPUSER_PROT_DEVICE)
		bits |= PTE_UC;
	if (!(prot & RUMPUSER_PROT_EXEC) && hw_features.nx)
		bits |= PTE_NX;
	return bits;
}

/* Written out: under emulation, string instructions go byte by byte. */
static void page_clear(uint64_t *p)
{
	uint64_t *end = p + RUMPUSER_PAGE_SIZE / 8;

	for (; p != end; p += 4) {
		p[0] = p[1] = p[2] = p[3] = 0;
		__asm__ volatile("" : "+r"(p)); /* keeps gcc from making it memset() */
	}
}

static uint64_t table_alloc(void)
{
	uint64_t pa;

	if (hw_kern_running)
		return rumpkern_page_alloc();
	pa = hw_mem_alloc(1);
	if (pa != 0)
		page_clear(hw_phys(pa));
	return pa;
}

static void table_free(uint64_t pa)
{
	if (hw_kern_running)
		rumpkern_page_free(pa);
}

/* Put a new table in place of the hole or large page in *e. */
static bool install_table(uint64_t *e, uint64_t old, unsigned level, bool must)
{
	uint64_t pa = table_alloc(), *t, step = SPAN(level - 1), leaf;
	unsigned i;

	if (pa == 0 && must)
		pa = __atomic_exchange_n(&reserve, 0, __ATOMIC_ACQ_REL);
	if (pa == 0)
		return false;
	t = hw_phys(pa);
	if (!is_hole(old)) {
		leaf = level == 1 ? old & ~PTE_PS : old;
		for (i = 0; i < 512; i++, leaf += step)
			t[i] = leaf;
	}
	if (!__atomic_compare_exchange_n(
		e, &old, pa | PTE_TABLE, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		if (!is_hole(t[0]))
			page_clear(t);
		table_free(pa);
	}
	return true;
}

/*
 * The entry for va at level *level.  Without create, the walk stops above at a
 * hole or a large page, and *level says where; with it, tables are made, and
 * NULL means that there was no page for one.
 */
static uint64_t *lookup(uintptr_t va, unsigned *level, bool create, bool must)
{
	uint64_t table = hw_pml4_pa, *e, v;
	unsigned l = TOP;

	for (;;) {
		e = (uint64_t *)hw_phys(table) + INDEX(va, l);
		if (l == *level)
			return e;
		v = __atomic_load_n(e, __ATOMIC_ACQUIRE);
		if (is_table(v, l)) {
			table = v & PTE_ADDR;
			l--;
		} else if (!create) {
			*level = l;
			return e;
		} else if (!install_table(e, v, l, must)) {
			return NULL;
		}
	}
}

static void replaced(struct cleanup *c, uint64_t old, uintptr_t va, unsigned level)
{
	uint64_t pa;

	if (old & PTE_P) {
		if (c->hi == 0)
			c->lo = va;
		c->hi = va + SPAN(level);
	}
	if (!is_table(old, level))
		return;
	/* As a page-table entry the link has PTE_P clear: its alignment. */
	pa = old & PTE_ADDR;
	*(uint64_t *)hw_phys(pa) = c->tables;
	c->tables = pa;
}

static void finish(struct cleanup *c)
{
	uint64_t pa, next;

	if (c->hi != 0)
		hw_tlb_flush(c->lo, (c->hi - c->lo) >> RUMPUSER_PAGE_SHIFT);
	for (pa = c->tables; pa != 0; pa = next) {
		next = *(uint64_t *)hw_phys(pa);
		table_free(pa);
	}
}

static void fill_reserve(void)
{
	uint64_t pa, none = 0;

	if (!hw_kern_running || reserve != 0)
		return;
	pa = rumpkern_page_alloc();
	if (pa != 0 && !__atomic_compare_exchange_n(
			   &reserve, &none, pa, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		rumpkern_page_free(pa);
}

static unsigned enter_level(uintptr_t va, uint64_t pa, size_t npages)
{
	uint64_t low = va | pa;

	if (npages >= 512 * 512 && (low & (SPAN(2) - 1)) == 0 && hw_features.gbpages)
		return 2;
	if (npages >= 512 && (low & (SPAN(1) - 1)) == 0)
		return 1;
	return 0;
}

int rumpuser_pmap_enter(uintptr_t va, uint64_t pa, size_t npages, unsigned prot)
{
	struct cleanup c = {0, 0, 0};
	uint64_t bits = prot_bits(prot), *e, old, new;
	size_t left = npages;
	unsigned level;
	int error = 0;

	while (left > 0) {
		level = enter_level(va, pa, left);
		e = lookup(va, &level, true, false);
		if (e == NULL) {
			error = ENOMEM;
			break;
		}
		/* Freeing two levels of tables is not worth its code. */
		if (level == 2 && is_table(*e, 2)) {
			level = 1;
			e = lookup(va, &level, true, false);
			if (e == NULL) {
				error = ENOMEM;
				break;
			}
		}
		if (level > 0)
			fill_reserve();
		do {
			new = pa | bits | (level > 0 ? PTE_PS : 0);
			old = __atomic_exchange_n(e++, new, __ATOMIC_ACQ_REL);
			if (old != 0 && old != new)
				replaced(&c, old, va, level);
			va += SPAN(level);
			pa += SPAN(level);
			left -= SPAN(level) >> RUMPUSER_PAGE_SHIFT;
		} while (level == 0 && left > 0 && INDEX(va, 0) != 0);
	}
	finish(&c);
	return error;
}

/*
 * Give every mapped page of the range `bits`, or take it away if they are 0,
 * and with it the tables that lie wholly in the range.  A large page that the
 * range covers in part is split.
 */
static int change(uintptr_t va, size_t npages, uint64_t bits)
{
	struct cleanup c = {0, 0, 0};
	uintptr_t start = va, end = va + npages * RUMPUSER_PAGE_SIZE;
	uint64_t *e, v, new;
	unsigned level;
	bool whole;
	int error = 0;

	while (va != end) {
		level = bits == 0 && (va & (SPAN(1) - 1)) == 0 && end - va >= SPAN(1) ? 1 : 0;
		e = lookup(va, &level, false, false);
		v = *e;
		whole = (va & (SPAN(level) - 1)) == 0 && end - va >= SPAN(level);
		if (!whole && !is_hole(v)) {
			if (install_table(e, v, level, bits == 0))
				continue;
			if (bits != 0) {
				error = ENOMEM;
				break;
			}
			/* No memory: take all of it; kern finds the rest missing and enters it. */
		}
		va &= ~(SPAN(level) - 1);
		do {
			v = *e;
			new = (v & (PTE_ADDR | PTE_UC)) | bits | (level > 0 ? PTE_PS : 0);
			if (bits == 0)
				new = 0;
			if (!is_hole(v) && v != new) {
				v = __atomic_exchange_n(e, new, __ATOMIC_ACQ_REL);
				replaced(&c, v, va, level);
			}
			e++;
			va += SPAN(level);
		} while (level == 0 && va != end && INDEX(va, 0) != 0);
		if (va - start > end - start)
			break; /* a hole reached beyond the end */
	}
	finish(&c);
	return error;
}

void rumpuser_pmap_remove(uintptr_t va, size_t npages)
{
	(void)change(va, npages, 0);
}

int rumpuser_pmap_protect(uintptr_t va, size_t npages, unsigned prot)
{
	return change(va, npages, prot_bits(prot));
}

/* Of the same table: pages that follow e, which maps va and is v, and are alike. */
static size_t run_length(const uint64_t *e, uint64_t v, unsigned level, uintptr_t va, uintptr_t end)
{
	size_t n = 0, left = end - va, page = SPAN(level) - (va & (SPAN(level) - 1));

	if (level > 0)
		return (left < page ? left : page) >> RUMPUSER_PAGE_SHIFT;
	do {
		n++;
		va += RUMPUSER_PAGE_SIZE;
		v += RUMPUSER_PAGE_SIZE;
	} while (va != end && INDEX(va, 0) != 0 && __atomic_load_n(++e, __ATOMIC_ACQUIRE) == v);
	return n;
}

uintptr_t rumpuser_pmap_next(uintptr_t va, uintptr_t end, uint64_t *pa, unsigned *prot, size_t *n)
{
	uintptr_t start = va, len = end - va; /* a hole may reach beyond the end of all addresses */
	uint64_t *e, v;
	unsigned level;

	while (va - start < len) {
		level = 0;
		e = lookup(va, &level, false, false);
		do {
			v = __atomic_load_n(e, __ATOMIC_ACQUIRE);
			if (is_table(v, level))
				break;
			if (is_hole(v)) {
				e++;
				va = (va & ~(SPAN(level) - 1)) + SPAN(level);
				continue;
			}
			*pa = (v & PTE_ADDR & ~(SPAN(level) - 1)) | (va & (SPAN(level) - 1));
			*prot = RUMPUSER_PROT_NONE;
			if (v & PTE_P)
				*prot = RUMPUSER_PROT_READ | (v & PTE_W ? RUMPUSER_PROT_WRITE : 0) |
					(v & PTE_NX || !hw_features.nx ? 0 : RUMPUSER_PROT_EXEC) |
					(v & PTE_UC ? RUMPUSER_PROT_DEVICE : 0);
			if (n != NULL)
				*n = run_length(e, v, level, va, end);
			return va;
		} while (INDEX(va, level) != 0 && va - start < len);
	}
	return end;
}
