/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a binary buddy allocator.
 *
 * A free block of 2^order pages is linked through its own first bytes, which the
 * direct map reaches; one byte per page says whether it heads a free block and of
 * which order.  That byte is all the metadata there is: 1 KB for 4 MiB.
 *
 * Single pages are most of the traffic and go through a small cache per CPU.
 * The last page_reserve pages are not given to the program (page_alloc_user), so
 * that a program that takes all memory gets ENOMEM and the kernel goes on.
 * What lies in caches is not counted in page_nfree.
 *
 * Memory that was never used is in no list, since a link in it would be a write:
 * the host gives a guest its memory at the first touch, by large pages, and clearing
 * one takes it longer than we take to boot.  Such memory is broken off in chunks.
 */
#include <kern/hook.h>
#include <kern/mem_init.h>
#include "mem_impl.h"

#define MAXORDER      12 /* 16 MiB */
#define CHUNK_ORDER   9	 /* 2 MiB, the host's large page */
#define UNTOUCHED_MAX 8
#define STATE_FREE    0x80
#define STATE_ANON    0x40 /* holds the program's own data: freed when it is unmapped */
#define STATE_CACHED  0x20 /* free, in a CPU's cache */
_Static_assert(PAGE_UNUSED == (STATE_FREE | STATE_CACHED), "mem_impl.h");
#define CACHE_MAX    16
#define CACHE_SMALL  4	  /* on a machine with less than ... */
#define CACHE_PLENTY 4096 /* pages */

struct free_block {
	struct free_block *next, **prevp;
};

struct page_cache {
	uint32_t count;
	uint64_t pages[CACHE_MAX];
};

uintptr_t page_physmap;
uint64_t page_reserve, page_nfree, page_ntotal;
bool (*page_gone)(uint64_t pa);

struct untouched {
	uint64_t pn, end;
};

static volatile uint32_t page_lock;
static struct untouched untouched[UNTOUCHED_MAX];
static unsigned nuntouched; /* regions; an empty one has pn == end */
static struct free_block *free_lists[MAXORDER + 1];
static uint8_t *page_state; /* by page number - first_page */
static uint64_t first_page, end_page;
static struct page_cache caches[RUMPUSER_MAXCPUS];
static unsigned cache_max; /* 0: no caches */

static struct free_block *block_at(uint64_t pn)
{
	return page_va(pn << PAGE_SHIFT);
}

static void list_insert(uint64_t pn, unsigned order)
{
	struct free_block *b = block_at(pn), **head = &free_lists[order];

	b->next = *head;
	b->prevp = head;
	if (b->next)
		b->next->prevp = &b->next;
	*head = b;
	page_state[pn - first_page] = STATE_FREE | order;
}

static void list_remove(uint64_t pn)
{
	struct free_block *b = block_at(pn);

	*b->prevp = b->next;
	if (b->next)
		b->next->prevp = b->prevp;
	page_state[pn - first_page] = 0;
}

static void free_locked(uint64_t pn, unsigned order)
{
	page_nfree += 1ULL << order;
	while (order < MAXORDER) {
		uint64_t buddy = pn ^ (1ULL << order);
		if (buddy < first_page || buddy + (1ULL << order) > end_page ||
		    page_state[buddy - first_page] != (STATE_FREE | order))
			break;
		list_remove(buddy);
		pn &= buddy;
		order++;
	}
	list_insert(pn, order);
}

/* The largest aligned block at the start of u, of at most `most`, becomes an ordinary free one. */
static unsigned break_off(struct untouched *u, unsigned most)
{
	unsigned order = u->pn ? (unsigned)KMIN(__builtin_ctzll(u->pn), (int)most) : most;

	while (u->pn + (1ULL << order) > u->end)
		order--;
	page_nfree -= 1ULL << order; /* free_locked() counts it again */
	free_locked(u->pn, order);
	u->pn += 1ULL << order;
	return order;
}

/* Have a free block of at least `order`.  false: there is none. */
static bool refill(unsigned order)
{
	for (struct untouched *u = untouched; u < untouched + nuntouched; u++)
		while (u->pn < u->end)
			if (break_off(u, KMAX(order, CHUNK_ORDER)) >= order)
				return true;
	return false;
}

static uint64_t alloc_locked(unsigned order, uint64_t keep)
{
	unsigned o = order;
	uint64_t pn;

	if (page_nfree < (1ULL << order) + keep)
		return 0;
	while (o <= MAXORDER && !free_lists[o])
		o++;
	if (o > MAXORDER) {
		if (!refill(order))
			return 0;
		for (o = order; !free_lists[o];)
			o++;
	}
	pn = ((uintptr_t)free_lists[o] - page_physmap) >> PAGE_SHIFT;
	list_remove(pn);
	while (o > order) {
		o--;
		list_insert(pn + (1ULL << o), o);
	}
	page_nfree -= 1ULL << order;
	return pn << PAGE_SHIFT;
}

static uint8_t *state_of(uint64_t pa)
{
	return &page_state[(pa >> PAGE_SHIFT) - first_page];
}

/* => page_lock held.  Down to `keep` pages. */
static void cache_drain(struct page_cache *c, unsigned keep)
{
	while (c->count > keep) {
		uint64_t pa = c->pages[--c->count];
		*state_of(pa) = 0;
		free_locked(pa >> PAGE_SHIFT, 0);
	}
}

static uint64_t alloc_cached(uint64_t keep)
{
	struct page_cache *c;
	uint64_t pa = 0;

	cpu_hold();
	c = &caches[cpu_index()];
	if (c->count == 0) {
		spin_lock(&page_lock);
		while (c->count <= cache_max / 2 && (pa = alloc_locked(0, keep)) != 0) {
			c->pages[c->count++] = pa;
			*state_of(pa) = STATE_CACHED;
		}
		spin_unlock(&page_lock);
	}
	pa = 0;
	/* The kernel's reserve stays the kernel's also when it comes by here. */
	if (c->count > 0 && page_nfree >= keep) {
		pa = c->pages[--c->count];
		*state_of(pa) = 0;
	}
	cpu_release();
	return pa;
}

static uint64_t alloc(unsigned order, uint64_t keep)
{
	uint64_t pa;

	if (order > MAXORDER || lockdebug_fail_alloc())
		return 0;
	if (order == 0 && cache_max)
		return alloc_cached(keep);
	spin_lock(&page_lock);
	pa = alloc_locked(order, keep);
	if (!pa && cache_max) {
		cache_drain(&caches[cpu_index()], 0);
		pa = alloc_locked(order, keep);
	}
	spin_unlock(&page_lock);
	return pa;
}

HOOK_POINT(page_alloc);
uint64_t page_alloc(unsigned order)
{
	return alloc(order, 0);
}

HOOK_POINT(page_alloc_user);
uint64_t page_alloc_user(unsigned order)
{
	uint64_t pa = alloc(order, page_reserve);

	for (uint64_t i = 0; pa && i < 1ULL << order; i++)
		*state_of(pa + i * PAGE_SIZE) = STATE_ANON;
	return pa;
}

void page_free_users(uint64_t pa, size_t npages)
{
	size_t n, i;

	for (; npages > 0; npages -= n, pa += n << PAGE_SHIFT) {
		uint8_t *state = state_of(pa);
		n = 1U << USER_ORDER;
		if (npages < n || pa & ((PAGE_SIZE << USER_ORDER) - 1))
			n = 1;
		for (i = 0; i < n && state[i] == STATE_ANON; i++) /* not pinned */
			continue;
		if (i < n)
			n = 1;
		if (n > 1)
			memset(state, 0, n);
		page_free(pa, n > 1 ? USER_ORDER : 0);
	}
}

uint8_t *page_stateof(uint64_t pa)
{
	uint64_t pn = pa >> PAGE_SHIFT;

	return pn - first_page < end_page - first_page ? state_of(pa) : NULL;
}

bool page_is_user(uint64_t pa)
{
	uint64_t n = (pa >> PAGE_SHIFT) - first_page;

	return n < end_page - first_page && page_state[n] & STATE_ANON;
}

uint64_t page_zalloc(unsigned order)
{
	uint64_t pa = page_alloc(order);

	if (pa)
		memset(page_va(pa), 0, PAGE_SIZE << order);
	return pa;
}

void page_free(uint64_t pa, unsigned order)
{
	uint64_t pn = pa >> PAGE_SHIFT;
	uint8_t *state = state_of(pa);

	KASSERT(pn >= first_page && pn + (1ULL << order) <= end_page && !(pa & PAGE_MASK));
	if (*state & (STATE_FREE | STATE_CACHED))
		panic("page %llx is freed twice", (unsigned long long)pa);
	if (*state & PAGE_PINS && page_gone(pa))
		return;
	if (order == 0 && cache_max) {
		struct page_cache *c;
		*state = STATE_CACHED;
		cpu_hold();
		c = &caches[cpu_index()];
		if (c->count == cache_max) {
			spin_lock(&page_lock);
			cache_drain(c, cache_max / 2);
			spin_unlock(&page_lock);
		}
		c->pages[c->count++] = pa;
		cpu_release();
		return;
	}
	*state = 0;
	spin_lock(&page_lock);
	free_locked(pn, order);
	spin_unlock(&page_lock);
}

uint64_t rumpkern_page_alloc(void)
{
	return page_zalloc(0);
}

void rumpkern_page_free(uint64_t pa)
{
	page_free(pa, 0);
}

/* Pages that lie in per-CPU caches count as free. */
static uint64_t cached_pages(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < RUMPUSER_MAXCPUS; i++)
		n += caches[i].count;
	return n;
}

void page_stats(struct kmem_stats *ks)
{
	ks->ks_pages_total = page_ntotal;
	ks->ks_pages_free = page_nfree + cached_pages();
}

static void add_region(uint64_t pn, uint64_t end)
{
	struct untouched u = {pn, end};

	if (pn >= end)
		return;
	page_ntotal += end - pn;
	page_nfree += end - pn;
	if (nuntouched < UNTOUCHED_MAX)
		untouched[nuntouched++] = u;
	else /* a strange memory map: then it is touched */
		while (u.pn < u.end)
			(void)break_off(&u, MAXORDER);
}

void page_init(
    const struct rumpuser_memregion *mem, unsigned nmem, uintptr_t physmap, unsigned ncpu)
{
	uint64_t need, taken = 0;
	unsigned i, home = nmem;

	page_physmap = physmap;
	first_page = UINT64_MAX;
	for (i = 0; i < nmem; i++) {
		first_page = KMIN(first_page, mem[i].pa >> PAGE_SHIFT);
		end_page = KMAX(end_page, (mem[i].pa + mem[i].size) >> PAGE_SHIFT);
	}
	/* The state bytes live at the start of the first region that holds them. */
	need = round_page(nmem ? end_page - first_page : 1);
	for (i = 0; i < nmem && home == nmem; i++)
		if (mem[i].size > need)
			home = i;
	if (home == nmem)
		panic("no memory for the page table of %llu pages",
		    (unsigned long long)(end_page - first_page));
	page_state = page_va(mem[home].pa);
	memset(page_state, 0, need);
	for (i = 0; i < nmem; i++) {
		taken = i == home ? need : 0;
		add_region(
		    (mem[i].pa + taken) >> PAGE_SHIFT, (mem[i].pa + mem[i].size) >> PAGE_SHIFT);
	}
	page_reserve = KMAX(KMIN(page_ntotal / 64, 1024U), 16U);
	cache_max = page_ntotal >= CACHE_PLENTY ? CACHE_MAX : CACHE_SMALL;
	(void)ncpu;
}
