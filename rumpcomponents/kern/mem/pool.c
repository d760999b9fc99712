/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools: objects of one size, cut from slabs.
 *
 *   slab = 2^order pages: | header | object | object | ...
 *
 * A slab is aligned to its size, so an object's address leads to its header.
 * Slabs with free objects are on the pool's list; an entirely free slab goes
 * back to the page allocator, unless it is the pool's last: that one
 * stays, lest a single object taken and returned costs a slab each time.
 *
 * Free objects are chained by encoded pointers: a write to a freed object
 * or a double free is noticed at the next use, and does not become a
 * write to a place of an attacker's choice.
 *
 * With several CPUs, each has a small cache of objects in front of the slabs.
 */
#include "mem_impl.h"

#define SLAB_ORDER_MAX 3
#define CACHE_MAX      16
#define CACHE_BATCH    8

struct slab {
	struct slab *next, **prevp; /* on the pool's list while it has free objects */
	void *free;
	uint16_t nfree, nobj;
	uint32_t magic;
	struct pool *pool;
	uint64_t pad;
};
_Static_assert(sizeof(struct slab) % 16 == 0, "objects are aligned to 16");
#define SLAB_MAGIC 0x51ab51abU

struct pool_cache {
	void *objs[CACHE_MAX];
	uint32_t count;
};

static struct pool *all_pools;
static volatile uint32_t all_lock;
static uintptr_t secret;

/* The smallest slab that wastes less than an eighth. */
static unsigned slab_order(unsigned size)
{
	unsigned order;

	for (order = 0; order < SLAB_ORDER_MAX; order++) {
		size_t room = (PAGE_SIZE << order) - sizeof(struct slab);
		if (room >= size && room % size <= (PAGE_SIZE << order) / 8)
			break;
	}
	return order;
}

/* Slabs are aligned in physical memory; the direct map need not be. */
static struct slab *slab_of(const struct pool *p, const void *obj)
{
	return page_va(page_pa(obj) & p->pr_slabmask);
}

/* Does obj begin where an object of s begins?  Exact: offsets and strides are below 2^15. */
static bool is_object(const struct pool *p, const struct slab *s, const void *obj)
{
	uint64_t off = (uintptr_t)obj - (uintptr_t)(s + 1);

	return off < PAGE_SIZE << p->pr_order && (off * p->pr_recip >> 32) * p->pr_stride == off;
}

static void *encode(const void *at, const void *p)
{
	return (void *)((uintptr_t)p ^ secret ^ (uintptr_t)at);
}

/* First use: compute what makes later uses fast, learn the secret, join the list of all pools. */
static void pool_join(struct pool *p)
{
	unsigned bits, stride = (p->pr_size + 15) & ~15U;

	KASSERT(p->pr_size > 0 && stride <= (PAGE_SIZE << SLAB_ORDER_MAX) - sizeof(struct slab));
	p->pr_order = slab_order(stride);
	p->pr_slabmask = ~((PAGE_SIZE << p->pr_order) - 1);
	p->pr_recip = (uint32_t)(((1ULL << 32) + stride - 1) / stride);
	p->pr_stride = stride;
	spin_lock(&all_lock);
	if (!secret)
		rumpuser_entropy(&secret, sizeof(secret), &bits);
	p->pr_next = all_pools;
	all_pools = p;
	spin_unlock(&all_lock);
}

/* pr_free heads the slabs with free objects. */
static void slab_link(struct pool *p, struct slab *s)
{
	struct slab **head = (struct slab **)&p->pr_free;

	s->next = *head;
	s->prevp = head;
	if (s->next)
		s->next->prevp = &s->next;
	*head = s;
}

static void slab_unlink(struct slab *s)
{
	*s->prevp = s->next;
	if (s->next)
		s->next->prevp = s->prevp;
}

/* pr_lock held. */
static struct slab *slab_new(struct pool *p)
{
	struct slab *s;
	unsigned order;
	uint64_t pa;
	char *obj;

	if (p->pr_stride == 0)
		pool_join(p);
	order = p->pr_order;
	pa = page_alloc(order);
	if (!pa)
		return NULL;
	p->pr_npages += 1ULL << order;
	s = page_va(pa);
	s->magic = SLAB_MAGIC;
	s->pool = p;
	s->free = NULL;
	s->nobj = s->nfree = ((PAGE_SIZE << order) - sizeof(*s)) / p->pr_stride;
	obj = (char *)(s + 1) + (size_t)s->nobj * p->pr_stride;
	for (unsigned i = 0; i < s->nobj; i++) {
		obj -= p->pr_stride;
		*(void **)obj = encode(obj, s->free);
		s->free = obj;
	}
	slab_link(p, s);
	return s;
}

static void *get_locked(struct pool *p)
{
	struct slab *s = p->pr_free;
	void *obj, *next;

	if (!s && !(s = slab_new(p)))
		return NULL;
	obj = s->free;
	next = encode(obj, *(void **)obj);
	if (next && slab_of(p, next) != s)
		panic("pool %s: a freed object at %p was written to", p->pr_name, obj);
	s->free = next;
	if (--s->nfree == 0)
		slab_unlink(s);
	p->pr_nget++;
	return obj;
}

static void put_locked(struct pool *p, void *obj)
{
	struct slab *s = slab_of(p, obj);

	if (p->pr_stride == 0 || s->magic != SLAB_MAGIC || s->pool != p || !is_object(p, s, obj))
		panic("pool %s: %p was not allocated from it", p->pr_name, obj);
	if (s->free == obj || s->nfree == s->nobj)
		panic("pool %s: %p is freed twice", p->pr_name, obj);
	*(void **)obj = encode(obj, s->free);
	s->free = obj;
	if (s->nfree++ == 0)
		slab_link(p, s);
	p->pr_nput++;
	if (s->nfree == s->nobj && (s->next || (struct slab *)p->pr_free != s)) {
		slab_unlink(s);
		s->magic = 0;
		p->pr_npages -= 1ULL << p->pr_order;
		page_free(page_pa(s), p->pr_order);
	}
}

/* Per-CPU caches, made when a pool is first used on a machine with several CPUs. */
static struct pool_cache *cpu_cache(struct pool *p)
{
	struct pool_cache *c = __atomic_load_n((struct pool_cache **)&p->pr_cpu, __ATOMIC_ACQUIRE);

	return c ? &c[cpu_index()] : NULL;
}

static void make_caches(struct pool *p)
{
	size_t bytes = cpu_count * sizeof(struct pool_cache);
	unsigned order = 0;
	void *expected = NULL, *c;
	uint64_t pa;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	pa = page_zalloc(order);
	if (!pa)
		return;
	c = page_va(pa);
	if (!__atomic_compare_exchange_n(
		&p->pr_cpu, &expected, c, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		page_free(pa, order);
}

void *pool_get(struct pool *p)
{
	struct pool_cache *c;
	void *obj;

	if (lockdebug_fail_alloc())
		return NULL;
	cpu_hold();
	c = cpu_count > 1 ? cpu_cache(p) : NULL;
	if (c && c->count > 0) {
		obj = c->objs[--c->count];
		cpu_release();
		return obj;
	}
	spin_lock(&p->pr_lock);
	obj = get_locked(p);
	while (c && obj && c->count < CACHE_BATCH && p->pr_free)
		c->objs[c->count++] = get_locked(p);
	spin_unlock(&p->pr_lock);
	cpu_release();
	/* Worth a cache once it is busy. */
	if (cpu_count > 1 && !c && p->pr_nget > 64)
		make_caches(p);
	return obj;
}

void *pool_zget(struct pool *p)
{
	void *obj = pool_get(p);

	if (obj)
		memset(obj, 0, p->pr_size);
	return obj;
}

void pool_put(struct pool *p, void *obj)
{
	struct pool_cache *c;

	lockdebug_mem_free(obj, p->pr_size);
	cpu_hold();
	c = cpu_count > 1 ? cpu_cache(p) : NULL;
	if (c && c->count < CACHE_MAX) {
		c->objs[c->count++] = obj;
		cpu_release();
		return;
	}
	spin_lock(&p->pr_lock);
	while (c && c->count > CACHE_BATCH)
		put_locked(p, c->objs[--c->count]);
	put_locked(p, obj);
	spin_unlock(&p->pr_lock);
	cpu_release();
}

void pool_foreach(void (*func)(const struct pool *p, void *arg), void *arg)
{
	struct pool *p;

	spin_lock(&all_lock);
	p = all_pools; /* pools are only ever added, at the head */
	spin_unlock(&all_lock);
	for (; p; p = p->pr_next)
		func(p, arg);
}

uint64_t pool_live(const struct pool *p)
{
	const struct pool_cache *c = __atomic_load_n(&p->pr_cpu, __ATOMIC_ACQUIRE);
	uint64_t n = p->pr_nget - p->pr_nput;

	for (unsigned i = 0; c && i < cpu_count; i++)
		n -= c[i].count;
	return n;
}

/* Live objects of all pools; what lies in caches counts as live. */
uint64_t pool_objects(void)
{
	uint64_t n = 0;

	spin_lock(&all_lock);
	for (struct pool *p = all_pools; p; p = p->pr_next)
		n += p->pr_nget - p->pr_nput;
	spin_unlock(&all_lock);
	return n;
}
