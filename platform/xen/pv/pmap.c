/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap.c - the page tables of a PV guest: entries hold machine frames, and once Xen has them
 * (hw_kern_running and a little before) only Xen writes to them, by a list of changes.  There are
 * no large pages.
 *
 * A page that is a table is mapped read-only in the direct map, and nowhere else.  Callers never
 * work on overlapping ranges at once (rumpuser.h), so an entry that maps something has one owner;
 * only when a table is put into place there is a lock.  Tables of the lowest level are freed again,
 * by the owner of all the 2 MB below them, after the translations have been flushed.
 *
 * An entry with PTE_NONE and without PTE_P is a page mapped with PROT_NONE.  It holds the page's
 * number: who saves the domain translates frames, but looks at nothing that is not present.
 * PTE_USER makes no difference but that Xen lets translations with it stay when it switches between
 * our modes (pv.h).
 *
 * Events stay masked from lookup() to finish(), for the domain may be put away (pv.h); so a batch
 * is soon full.
 */
#include "pv.h"

#include <errno.h>

#define PTE_P		 0x1ULL
#define PTE_W		 0x2ULL
#define PTE_USER	 0x4ULL
#define PTE_AD		 0x60ULL
#define PTE_NONE	 0x200ULL
#define PTE_NX		 (1ULL << 63)
#define PTE_ADDR	 0x000ffffffffff000ULL
#define PTE_TABLE	 (PTE_P | PTE_W | PTE_USER | PTE_AD)

#define SHIFT(level)	 (RUMPUSER_PAGE_SHIFT + 9 * (level))
#define SPAN(level)	 (1UL << SHIFT(level)) /* bytes behind an entry of the level */
#define INDEX(va, level) ((va) >> SHIFT(level) & 511)
#define TOP		 3
#define BATCH		 32
#define NTABLES		 8
#define TURNS		 64 /* lookups after which a batch is full, be there much to do or little */
#define FLUSH_ALL	 4  /* pages from which on all is flushed */

uintptr_t hw_physmap;
uint64_t hw_pml4_pa;
bool hw_kern_running;
volatile uint32_t hw_online = 1;

static struct hw_lock tables_lock;

/* What one operation has still to do, from begin() to finish(). */
struct batch {
	uint64_t irq; /* hw_irq_restore()'s */
	bool begun;
	unsigned n, ntables, turns;
	uintptr_t lo, hi;	  /* what the TLBs may hold; hi 0: nothing */
	uint64_t tables[NTABLES]; /* out of use after that */
	struct mmu_update u[BATCH];
};

static bool is_hole(uint64_t e)
{
	return (e & (PTE_P | PTE_NONE)) == 0;
}

static uint64_t entry_pa(uint64_t e)
{
	if (!(e & PTE_P))
		return e & PTE_ADDR;
	return pv_page((e & PTE_ADDR) >> RUMPUSER_PAGE_SHIFT) << RUMPUSER_PAGE_SHIFT;
}

uint64_t pv_machine_address(uint64_t pa)
{
	return pv_frame(pa >> RUMPUSER_PAGE_SHIFT) << RUMPUSER_PAGE_SHIFT |
	       (pa & (RUMPUSER_PAGE_SIZE - 1));
}

/* An entry for the page at pa; 0 if it has no frame. */
static uint64_t entry_for(uint64_t pa, uint64_t bits)
{
	uint64_t frame = pv_frame(pa >> RUMPUSER_PAGE_SHIFT);

	if (frame == PV_NO_FRAME)
		return 0;
	return (bits & PTE_P ? frame << RUMPUSER_PAGE_SHIFT : pa) | bits;
}

static uint64_t prot_bits(unsigned prot)
{
	uint64_t bits = PTE_AD | PTE_USER;

	if ((prot & (RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE | RUMPUSER_PROT_EXEC)) == 0)
		return PTE_AD | PTE_NONE;
	bits |= PTE_P;
	if (prot & RUMPUSER_PROT_WRITE)
		bits |= PTE_W;
	if (!(prot & RUMPUSER_PROT_EXEC) && hw_features.nx)
		bits |= PTE_NX;
	return bits;
}

/* A list of changes, and what is to be flushed then.  Xen refuses none that we make. */
static void commit(struct mmu_update *u, unsigned n, struct mmuext_op *op, unsigned nops)
{
	struct multicall_entry call[2];
	unsigned i, calls = 0;

	if (n > 0)
		call[calls++] = (struct multicall_entry){
		    .op = __HYPERVISOR_mmu_update, .args = {(uintptr_t)u, n, 0, DOMID_SELF}};
	if (nops > 0)
		call[calls++] = (struct multicall_entry){
		    .op = __HYPERVISOR_mmuext_op, .args = {(uintptr_t)op, nops, 0, DOMID_SELF}};
	if (calls == 0)
		return;
	if (xen_hypercall(__HYPERVISOR_multicall, (uintptr_t)call, calls, 0) != 0)
		xen_die("kiln: Xen makes no multicall\n");
	for (i = 0; i < calls; i++)
		if (call[i].result != 0)
			xen_die("kiln: Xen refuses a page table\n");
}

static unsigned flush_ops(const struct batch *b, struct mmuext_op op[FLUSH_ALL])
{
	uintptr_t va = b->lo;
	bool local = (hw_online & (hw_online - 1)) == 0;
	unsigned n;

	if (b->hi == 0)
		return 0;
	if ((b->hi - b->lo) >> RUMPUSER_PAGE_SHIFT > FLUSH_ALL || b->ntables > 0) {
		op[0].cmd = local ? MMUEXT_TLB_FLUSH_LOCAL : MMUEXT_TLB_FLUSH_ALL;
		return 1;
	}
	for (n = 0; va != b->hi; va += RUMPUSER_PAGE_SIZE) {
		op[n].cmd = local ? MMUEXT_INVLPG_LOCAL : MMUEXT_INVLPG_ALL;
		op[n++].arg1.linear_addr = va;
	}
	return n;
}

static uint64_t lookup(uintptr_t va, unsigned *level);

/* The table pages that went out of use become memory, written to as any. */
static void release(const struct batch *b)
{
	struct mmuext_op op = {.cmd = MMUEXT_TLB_FLUSH_ALL};
	struct mmu_update u[NTABLES];
	unsigned i, level;
	uint64_t at;

	for (i = 0; i < b->ntables; i++) {
		level = 0;
		at = lookup(hw_physmap + b->tables[i], &level);
		u[i].ptr = pv_machine_address(at) | MMU_NORMAL_PT_UPDATE;
		u[i].val = *(volatile uint64_t *)hw_phys(at) | PTE_W;
	}
	if (i > 0)
		commit(u, i, &op, 1);
}

/* Mask events.  At boot there is no block to do that in, and nobody to put us away. */
static uint64_t mask(void)
{
	return hw_kern_running ? hw_irq_save() : 1;
}

/* Before each lookup(). */
static void begin(struct batch *b)
{
	if (!b->begun)
		b->irq = mask();
	b->begun = true;
}

static void finish(struct batch *b)
{
	struct mmuext_op op[FLUSH_ALL];
	unsigned nops = flush_ops(b, op);

	commit(b->u, b->n, op, nops);
	release(b);
	if (b->begun)
		hw_irq_restore(b->irq);
	/* kern has locks of its own. */
	while (b->ntables > 0)
		rumpkern_page_free(b->tables[--b->ntables]);
	b->n = b->turns = 0;
	b->hi = 0;
	b->begun = false;
}

/* After a turn: is it enough?  Of nothing, it is, too. */
static void finish_if_full(struct batch *b)
{
	if (b->n == BATCH || b->ntables == NTABLES || b->n == 0 || ++b->turns == TURNS)
		finish(b);
}

/* Give the entry at physical address at, which is for va, the value new.  There is room for it. */
static void change_entry(
    struct batch *b, uint64_t at, uint64_t old, uint64_t new, uintptr_t va, unsigned level)
{
	if (hw_physmap == 0) {
		*(uint64_t *)at = new;
		return;
	}
	if (old & PTE_P) {
		if (b->hi == 0)
			b->lo = va;
		b->hi = va + SPAN(level);
	}
	b->u[b->n].ptr = pv_machine_address(at) | MMU_NORMAL_PT_UPDATE;
	b->u[b->n++].val = new;
	if (level > 0)
		b->tables[b->ntables++] = entry_pa(old);
}

/*
 * Physical address of the entry for va at *level, or above at a hole, and then *level says where.
 */
static uint64_t lookup(uintptr_t va, unsigned *level)
{
	uint64_t table = hw_pml4_pa, at, e;
	unsigned l = TOP;

	for (;;) {
		at = table + INDEX(va, l) * 8;
		if (l == *level)
			return at;
		e = __atomic_load_n((uint64_t *)hw_phys(at), __ATOMIC_ACQUIRE);
		if (!(e & PTE_P)) {
			*level = l;
			return at;
		}
		table = entry_pa(e);
		l--;
	}
}

static void page_clear(uint64_t *p)
{
	for (unsigned i = 0; i < RUMPUSER_PAGE_SIZE / 8; i++)
		__atomic_store_n(&p[i], 0, __ATOMIC_RELAXED);
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

/* Put a new table in place of the hole at `at`. */
static bool install_table(uint64_t at)
{
	uint64_t pa = table_alloc(), flags, own, *e = hw_phys(at), entry;
	struct mmu_update u[2];
	unsigned level = 0;
	bool mine;

	if (pa == 0)
		return false;
	if (hw_physmap == 0) {
		*e = pv_machine_address(pa) | PTE_TABLE;
		return true;
	}
	flags = hw_lock(&tables_lock);
	entry = pv_machine_address(pa) | PTE_TABLE;
	own = lookup(hw_physmap + pa, &level);
	mine = is_hole(__atomic_load_n(e, __ATOMIC_ACQUIRE));
	if (mine) {
		u[0].ptr = pv_machine_address(own) | MMU_NORMAL_PT_UPDATE;
		u[0].val = *(uint64_t *)hw_phys(own) & ~PTE_W;
		u[1].ptr = pv_machine_address(at) | MMU_NORMAL_PT_UPDATE;
		u[1].val = entry;
		commit(u, 2, NULL, 0);
	}
	hw_unlock(&tables_lock, flags);
	if (!mine)
		rumpkern_page_free(pa);
	return true;
}

int rumpuser_pmap_enter(uintptr_t va, uint64_t pa, size_t npages, unsigned prot)
{
	struct batch b = {.n = 0};
	uint64_t bits = prot_bits(prot), at, old, new;
	unsigned level;
	int error = 0;

	while (npages > 0) {
		begin(&b);
		level = 0;
		at = lookup(va, &level);
		if (level > 0) {
			finish(&b);
			if (install_table(at))
				continue;
			error = ENOMEM;
			break;
		}
		do {
			new = entry_for(pa, bits);
			old = *(volatile uint64_t *)hw_phys(at);
			if (new != old)
				change_entry(&b, at, old, new, va, 0);
			at += 8;
			va += RUMPUSER_PAGE_SIZE;
			pa += RUMPUSER_PAGE_SIZE;
			npages--;
		} while (npages > 0 && INDEX(va, 0) != 0 && b.n < BATCH);
		finish_if_full(&b);
	}
	finish(&b);
	return error;
}

/*
 * Give every mapped page of the range `bits`, or take it away if they are 0, and with it the tables
 * that lie wholly in the range.
 */
static void change(uintptr_t va, size_t npages, uint64_t bits)
{
	struct batch b = {.n = 0};
	uintptr_t start = va, len = npages * RUMPUSER_PAGE_SIZE;
	uint64_t at, v, new;
	unsigned level;

	while (va - start < len) {
		begin(&b);
		level = bits == 0 && (va & (SPAN(1) - 1)) == 0 && len - (va - start) >= SPAN(1);
		at = lookup(va, &level);
		v = *(volatile uint64_t *)hw_phys(at);
		if (level > 0) {
			if (!is_hole(v))
				change_entry(&b, at, v, 0, va, level);
			va = (va & ~(SPAN(level) - 1)) + SPAN(level);
			finish_if_full(&b);
			continue;
		}
		do {
			v = *(volatile uint64_t *)hw_phys(at);
			new = bits == 0 ? 0 : entry_for(entry_pa(v), bits);
			if (!is_hole(v) && v != new)
				change_entry(&b, at, v, new, va, 0);
			at += 8;
			va += RUMPUSER_PAGE_SIZE;
		} while (va - start < len && INDEX(va, 0) != 0 && b.n < BATCH);
		finish_if_full(&b);
	}
	finish(&b);
}

void rumpuser_pmap_remove(uintptr_t va, size_t npages)
{
	change(va, npages, 0);
}

int rumpuser_pmap_protect(uintptr_t va, size_t npages, unsigned prot)
{
	change(va, npages, prot_bits(prot));
	return 0;
}

void pv_pages_release(uint64_t pa, uint64_t npages)
{
	change(hw_physmap + pa, npages, prot_bits(RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE));
}

uintptr_t rumpuser_pmap_next(uintptr_t va, uintptr_t end, uint64_t *pa, unsigned *prot, size_t *n)
{
	uintptr_t start = va, len = end - va; /* a hole may reach beyond the end of all addresses */
	uint64_t at, v, irq;
	unsigned level;
	bool found;

	while (va - start < len) {
		irq = mask();
		level = 0;
		at = lookup(va, &level);
		do {
			v = *(volatile uint64_t *)hw_phys(at);
			at += 8;
			found = !is_hole(v) && level == 0;
			if (found)
				*pa = entry_pa(v);
			if (!is_hole(v))
				break;
			va = (va & ~(SPAN(level) - 1)) + SPAN(level);
		} while (INDEX(va, level) != 0 && va - start < len);
		hw_irq_restore(irq);
		if (!found)
			continue;
		*prot = RUMPUSER_PROT_NONE;
		if (n != NULL)
			*n = 1;
		if (v & PTE_P)
			*prot = RUMPUSER_PROT_READ | (v & PTE_W ? RUMPUSER_PROT_WRITE : 0) |
				(v & PTE_NX || !hw_features.nx ? 0 : RUMPUSER_PROT_EXEC);
		return va;
	}
	return end;
}

/* ----------------------------------------------------------------- the window */

uintptr_t hw_window, hw_window_end;

static uintptr_t window_alloc(size_t size)
{
	uintptr_t at = __atomic_fetch_add(&hw_window, size, __ATOMIC_RELAXED);

	return size > hw_window_end - at ? 0 : at;
}

void *pv_window_frame(void *old, uint64_t mfn)
{
	uintptr_t va = old != NULL ? (uintptr_t)old : window_alloc(RUMPUSER_PAGE_SIZE);
	uint64_t at, bits = prot_bits(RUMPUSER_PROT_READ | RUMPUSER_PROT_WRITE);
	struct batch b = {.n = 0};
	unsigned level = 0;

	while (va != 0 && (at = lookup(va, &level), level > 0)) {
		if (!install_table(at))
			return NULL;
		level = 0;
	}
	/* Events are masked: the frame is not of our memory, and whoever knows it keeps it so. */
	if (va != 0) {
		change_entry(&b, at, *(volatile uint64_t *)hw_phys(at),
		    mfn == PV_NO_FRAME ? 0 : mfn << RUMPUSER_PAGE_SHIFT | bits, va, 0);
		finish(&b);
	}
	return (void *)va;
}
