/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel memory.  Allocations may be made in any context but interrupt
 * handlers; they do not sleep and do not wait for memory: NULL means none.
 */
#ifndef KERN_KMEM_H
#define KERN_KMEM_H

#include <stddef.h>
#include <stdint.h>

/* size > 0; aligned to 16, and to a page from one page up.  Contents undefined / zero. */
void *kmem_alloc(size_t size) __attribute__((malloc, alloc_size(1), warn_unused_result));
void *kmem_zalloc(size_t size) __attribute__((malloc, alloc_size(1), warn_unused_result));
/* size must be what was allocated. */
void kmem_free(void *p, size_t size);

/* Objects of one size, per-CPU cached.  align 0: 16. */
struct pool;
typedef struct pool *pool_t;
/* A pool is static: POOL_DEFINE(tcpcb_pool, sizeof(struct tcpcb), "tcpcb"); no start-up needed. */
struct pool {
	const char *pr_name;
	uint32_t pr_size;
	volatile uint32_t pr_lock;
	void *pr_free;			      /* free objects, linked through their first word */
	void *pr_cpu;			      /* per-CPU caches, kern/mem's */
	uint64_t pr_nget, pr_nput, pr_npages; /* under pr_lock */
	struct pool *pr_next;		      /* all pools that were used, for statistics */
	uint32_t pr_stride;   /* bytes from object to object; 0 before the first use */
	uint32_t pr_recip;    /* 2^32 / pr_stride, rounded up */
	uint64_t pr_slabmask; /* address of an object & this: physical address of its slab */
	uint8_t pr_order;     /* pages of a slab: 2^pr_order */
};
#define POOL_DEFINE(var, size, name) struct pool var = {.pr_name = (name), .pr_size = (size)}
/* An object, contents undefined / zero.  Any context but interrupt handlers; NULL: no memory. */
void *pool_get(struct pool *p) __attribute__((malloc, warn_unused_result));
void *pool_zget(struct pool *p) __attribute__((malloc, warn_unused_result));
/* Give one back to the pool that it came from. */
void pool_put(struct pool *p, void *obj);
/* func(p, arg) for each pool that was ever used.  What lies in a CPU's cache counts as in use. */
void pool_foreach(void (*func)(const struct pool *p, void *arg), void *arg);
/* Objects of p that are in use, and not in a cache; exact if nobody uses p meanwhile. */
uint64_t pool_live(const struct pool *p);

/* Physical pages: 2^order contiguous ones; 0 is "none".  Direct-mapped at page_va(). */
uint64_t page_alloc(unsigned order) __attribute__((warn_unused_result));
uint64_t page_zalloc(unsigned order) __attribute__((warn_unused_result));
void page_free(uint64_t pa, unsigned order);
extern uintptr_t page_physmap;
static inline void *page_va(uint64_t pa)
{
	return (void *)(page_physmap + pa);
}
/* Physical address of kernel memory from kmem_alloc, pool_get, page_alloc (not of stacks or the
 * image). */
static inline uint64_t page_pa(const void *va)
{
	return (uintptr_t)va - page_physmap;
}

struct kmem_stats {
	uint64_t ks_pages_total, ks_pages_free; /* pages */
	uint64_t ks_kmem_bytes;			/* live bytes from kmem_alloc */
	uint64_t ks_pool_objects;		/* live objects of all pools */
};
/* Any context that may allocate; the figures are of about the same moment. */
void kmem_stats(struct kmem_stats *ks);

#endif
