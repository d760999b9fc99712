/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel memory from the host's heap, one heap object per allocation, so that
 * ASan sees every overrun and LSan every leak; with fault injection.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <kern/kmem.h>
#include <kern/systm.h>

#include "native.h"

uintptr_t page_physmap;
static volatile long fail_at = -1;
static volatile unsigned long attempts;
static volatile size_t live_kmem, live_pages, live_objects;

void native_alloc_fail(long n)
{
	fail_at = n;
}

unsigned long native_alloc_count(void)
{
	return attempts;
}

size_t native_alloc_live(void)
{
	return live_kmem + live_pages * PAGE_SIZE + live_objects;
}

static bool must_fail(void)
{
	__atomic_add_fetch(&attempts, 1, __ATOMIC_RELAXED);
	return fail_at >= 0 && __atomic_fetch_sub(&fail_at, 1, __ATOMIC_RELAXED) == 0;
}

static void *obtain(size_t size, size_t align, int fill)
{
	void *p;

	if (must_fail() || posix_memalign(&p, align, size) != 0)
		return NULL;
	memset(p, fill, size);
	return p;
}

static void *kmem_obtain(size_t size, int fill)
{
	void *p;

	KASSERT(size > 0);
	p = obtain(size, size >= PAGE_SIZE ? PAGE_SIZE : 16, fill);
	if (p != NULL)
		__atomic_add_fetch(&live_kmem, size, __ATOMIC_RELAXED);
	return p;
}

void *kmem_alloc(size_t size)
{
	return kmem_obtain(size, 0xa5);
}

void *kmem_zalloc(size_t size)
{
	return kmem_obtain(size, 0);
}

void kmem_free(void *p, size_t size)
{
	KASSERT(p != NULL);
#if __has_feature(address_sanitizer)
	if (malloc_usable_size(p) != size)
		panic("kmem_free(): size %zu, allocated %zu", size, malloc_usable_size(p));
#endif
	__atomic_sub_fetch(&live_kmem, size, __ATOMIC_RELAXED);
	free(p);
}

static void *pool_obtain(struct pool *p, int fill)
{
	void *obj = obtain(p->pr_size, 16, fill);

	if (obj != NULL) {
		__atomic_add_fetch(&live_objects, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&p->pr_nget, 1, __ATOMIC_RELAXED);
	}
	return obj;
}

void *pool_get(struct pool *p)
{
	return pool_obtain(p, 0xa5);
}

void *pool_zget(struct pool *p)
{
	return pool_obtain(p, 0);
}

void pool_put(struct pool *p, void *obj)
{
	KASSERT(obj != NULL);
	__atomic_sub_fetch(&live_objects, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&p->pr_nput, 1, __ATOMIC_RELAXED);
	free(obj);
}

static uint64_t page_obtain(unsigned order, int fill)
{
	void *p = obtain(PAGE_SIZE << order, PAGE_SIZE << order, fill);

	if (p == NULL)
		return 0;
	__atomic_add_fetch(&live_pages, (size_t)1 << order, __ATOMIC_RELAXED);
	return page_pa(p);
}

uint64_t page_alloc(unsigned order)
{
	return page_obtain(order, 0xa5);
}

uint64_t page_zalloc(unsigned order)
{
	return page_obtain(order, 0);
}

void page_free(uint64_t pa, unsigned order)
{
	__atomic_sub_fetch(&live_pages, (size_t)1 << order, __ATOMIC_RELAXED);
	free(page_va(pa));
}

void kmem_stats(struct kmem_stats *ks)
{
	*ks = (struct kmem_stats){
	    .ks_pages_total = 1UL << 20,
	    .ks_pages_free = (1UL << 20) - live_pages,
	    .ks_kmem_bytes = live_kmem,
	    .ks_pool_objects = live_objects,
	};
}
