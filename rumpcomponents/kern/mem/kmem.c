/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmem: kernel memory of any size.  Small sizes come from pools of a few size
 * classes; from half a page up, whole pages, of which the unneeded tail of the
 * power of two is given back at once.
 */
#include "mem_impl.h"

#define KMEM_CLASS(n)                                                                              \
	{                                                                                          \
		.pr_name = "kmem-" #n, .pr_size = (n)                                              \
	}

static struct pool classes[] = {KMEM_CLASS(16), KMEM_CLASS(32), KMEM_CLASS(48), KMEM_CLASS(64),
    KMEM_CLASS(96), KMEM_CLASS(128), KMEM_CLASS(192), KMEM_CLASS(256), KMEM_CLASS(384),
    KMEM_CLASS(496), KMEM_CLASS(672), KMEM_CLASS(1008), KMEM_CLASS(1344), KMEM_CLASS(2032)};
#define KMEM_SMALL_MAX 2032

static volatile uint64_t live_bytes;

static struct pool *class_of(size_t size)
{
	struct pool *p = classes;

	while (p->pr_size < size)
		p++;
	return p;
}

static unsigned pages_order(size_t npages)
{
	return npages <= 1 ? 0 : 64 - __builtin_clzll(npages - 1);
}

static void *large_alloc(size_t size)
{
	size_t npages = round_page(size) >> PAGE_SHIFT, n;
	unsigned order = pages_order(npages);
	uint64_t pa = page_alloc(order);

	if (!pa)
		return NULL;
	/* Give the tail back in blocks that are aligned to their size. */
	for (n = npages; n < 1UL << order; n += n & -n)
		page_free(pa + (n << PAGE_SHIFT), __builtin_ctzll(n));
	return page_va(pa);
}

static void large_free(void *p, size_t size)
{
	size_t npages = round_page(size) >> PAGE_SHIFT, n = 0;
	uint64_t pa = page_pa(p);

	while (n < npages) {
		unsigned order = n ? (unsigned)__builtin_ctzll(n) : pages_order(npages);
		while (n + (1UL << order) > npages)
			order--;
		page_free(pa + (n << PAGE_SHIFT), order);
		n += 1UL << order;
	}
}

void *kmem_alloc(size_t size)
{
	void *p;

	if (size == 0 || size > 1UL << 40)
		return NULL;
	p = size <= KMEM_SMALL_MAX ? pool_get(class_of(size)) : large_alloc(size);
	if (p)
		__atomic_add_fetch(&live_bytes, size, __ATOMIC_RELAXED);
	return p;
}

void *kmem_zalloc(size_t size)
{
	void *p = kmem_alloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

void kmem_free(void *p, size_t size)
{
	if (!p)
		return;
	lockdebug_mem_free(p, size);
	__atomic_sub_fetch(&live_bytes, size, __ATOMIC_RELAXED);
	if (size <= KMEM_SMALL_MAX)
		pool_put(class_of(size), p);
	else
		large_free(p, size);
}

void kmem_stats(struct kmem_stats *ks)
{
	page_stats(ks);
	ks->ks_kmem_bytes = live_bytes;
	ks->ks_pool_objects = pool_objects();
}
