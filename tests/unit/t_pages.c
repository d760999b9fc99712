/* SPDX-License-Identifier: BSD-2-Clause */
/* The page allocator, pools and kmem: nothing overlaps, nothing is lost, misuse is noticed. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <kern/random.h>

#include "check_main.h"
#include "mem_impl.h"
#include "mem_world.h"

static uint64_t free_pages(void)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	return ks.ks_pages_free;
}

START_TEST(page_blocks_random)
{
	struct {
		uint64_t pa;
		unsigned order;
	} have[400] = {{0}};
	uint64_t before = free_pages();

	for (int i = 0; i < 20000; i++) {
		unsigned n = random_u32() % 400,
			 order = random_u32() % 8 ? random_u32() % 3 : random_u32() % 9;
		uint8_t *p;
		if (have[n].pa) {
			p = page_va(have[n].pa);
			for (size_t at = 0; at < PAGE_SIZE << have[n].order; at += 512)
				ck_assert_int_eq(p[at], (uint8_t)n);
			page_free(have[n].pa, have[n].order);
			have[n].pa = 0;
			continue;
		}
		have[n].pa = page_alloc(order);
		have[n].order = order;
		if (have[n].pa) {
			ck_assert_uint_eq(have[n].pa & ((PAGE_SIZE << order) - 1), 0);
			memset(page_va(have[n].pa), (int)n, PAGE_SIZE << order);
		}
	}
	for (int n = 0; n < 400; n++)
		if (have[n].pa)
			page_free(have[n].pa, have[n].order);
	ck_assert_uint_eq(free_pages(), before);
}
END_TEST

START_TEST(page_exhaustion_whole)
{
	uint64_t before = free_pages(), pa, n = 0, list = 0, largest;

	while ((pa = page_alloc(0)) != 0) {
		*(uint64_t *)page_va(pa) = list;
		list = pa;
		n++;
	}
	ck_assert_uint_eq(n, before);
	ck_assert_uint_eq(page_alloc(3), 0);
	for (; list; list = pa) {
		pa = *(uint64_t *)page_va(list);
		page_free(list, 0);
	}
	ck_assert_uint_eq(free_pages(), before);
	/* All blocks have grown together again. */
	largest = page_alloc(10);
	ck_assert_uint_ne(largest, 0);
	page_free(largest, 10);
}
END_TEST

START_TEST(page_reserve_kept)
{
	uint64_t n = 0, pa;

	while ((pa = page_alloc_user(0)) != 0)
		n++;
	ck_assert_uint_ge(free_pages(), page_reserve);
	ck_assert_uint_ne(pa = page_alloc(0), 0);
	page_free(pa, 0); /* into a cache */
	ck_assert_uint_eq(page_alloc_user(0), 0);
	ck_assert_uint_gt(n, 1000);
}
END_TEST

START_TEST(page_zalloc_zeroes)
{
	uint64_t pa = page_zalloc(4);
	static const uint8_t zeroes[16 * 4096];

	ck_assert_uint_ne(pa, 0);
	ck_assert_int_eq(memcmp(page_va(pa), zeroes, sizeof(zeroes)), 0);
}
END_TEST

START_TEST(page_freed_twice)
{
	uint64_t pa = page_alloc(0);

	page_free(pa, 0);
	page_free(pa, 0);
}
END_TEST

static const size_t sizes[] = {
    1, 8, 16, 17, 48, 100, 500, 1000, 2032, 2033, 4096, 4097, 12288, 20000, 65536, 100000};

START_TEST(kmem_random)
{
	struct {
		uint8_t *p;
		size_t size;
	} have[200] = {{0}};
	uint64_t before = free_pages(), after;
	struct kmem_stats ks;

	for (int i = 0; i < 40000; i++) {
		unsigned n = random_u32() % 200;
		size_t size = sizes[random_u32() % 16];
		if (have[n].p) {
			ck_assert_int_eq(have[n].p[0], (uint8_t)n);
			ck_assert_int_eq(have[n].p[have[n].size - 1], (uint8_t)n);
			kmem_free(have[n].p, have[n].size);
			have[n].p = NULL;
			continue;
		}
		have[n].p = kmem_alloc(size);
		have[n].size = size;
		if (have[n].p) {
			ck_assert_uint_eq((uintptr_t)have[n].p & 15, 0);
			if (size >= PAGE_SIZE)
				ck_assert_uint_eq((uintptr_t)have[n].p & PAGE_MASK, 0);
			memset(have[n].p, (int)n, size);
		}
	}
	for (int n = 0; n < 200; n++)
		kmem_free(have[n].p, have[n].size);
	kmem_stats(&ks);
	ck_assert_uint_eq(ks.ks_kmem_bytes, 0);
	ck_assert_uint_eq(ks.ks_pool_objects, 0);
	after = free_pages();
	/* Each of the size classes in use may keep its last slab. */
	ck_assert_uint_ge(after + 14 * 8, before);
}
END_TEST

START_TEST(kmem_absurd_sizes)
{
	volatile size_t zero = 0, huge = (size_t)1 << 41, all = SIZE_MAX, big = 1UL << 30;

	ck_assert_ptr_null(kmem_alloc(zero));
	ck_assert_ptr_null(kmem_alloc(huge));
	ck_assert_ptr_null(kmem_alloc(all));
	ck_assert_ptr_null(kmem_alloc(big));
	kmem_free(NULL, 1);
}
END_TEST

static POOL_DEFINE(odd_pool, 120, "odd");
static POOL_DEFINE(big_pool, 3000, "big");

START_TEST(pool_fill_and_empty)
{
	static void *objs[3000];
	struct pool *pools[] = {&odd_pool, &big_pool};

	for (int k = 0; k < 2; k++) {
		struct pool *p = pools[k];
		for (int i = 0; i < 1000; i++) {
			objs[i] = pool_zget(p);
			ck_assert_ptr_nonnull(objs[i]);
			memset(objs[i], i, p->pr_size);
		}
		for (int i = 0; i < 1000; i++)
			ck_assert_int_eq(((uint8_t *)objs[i])[p->pr_size - 1], (uint8_t)i);
		for (int i = 0; i < 1000; i++)
			pool_put(p, objs[(i * 7) % 1000]);
		ck_assert_uint_eq(p->pr_nget, p->pr_nput);
		ck_assert_uint_le(p->pr_npages, 8);
	}
}
END_TEST

START_TEST(pool_freed_twice)
{
	void *a = pool_get(&odd_pool);

	pool_put(&odd_pool, a);
	pool_put(&odd_pool, a);
}
END_TEST

START_TEST(pool_wrong_pool)
{
	pool_put(&big_pool, pool_get(&odd_pool));
}
END_TEST

START_TEST(pool_inside_pointer)
{
	char *a = pool_get(&odd_pool);

	pool_put(&odd_pool, a + 16);
}
END_TEST

START_TEST(pool_written_after_free)
{
	uintptr_t *a = pool_get(&odd_pool), *volatile b = pool_get(&odd_pool);

	pool_put(&odd_pool, a);
	*a ^= 0xff00;
	b = pool_get(&odd_pool);
	(void)b;
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("pages");
	TCase *tc = tcase_create("pages");

	tcase_add_checked_fixture(tc, world_init, NULL);
	tcase_add_test(tc, page_blocks_random);
	tcase_add_test(tc, page_exhaustion_whole);
	tcase_add_test(tc, page_reserve_kept);
	tcase_add_test(tc, page_zalloc_zeroes);
	tcase_add_test(tc, kmem_random);
	tcase_add_test(tc, kmem_absurd_sizes);
	tcase_add_test(tc, pool_fill_and_empty);
	tcase_add_test_raise_signal(tc, page_freed_twice, SIGABRT);
	tcase_add_test_raise_signal(tc, pool_freed_twice, SIGABRT);
	tcase_add_test_raise_signal(tc, pool_wrong_pool, SIGABRT);
	tcase_add_test_raise_signal(tc, pool_inside_pointer, SIGABRT);
	tcase_add_test_raise_signal(tc, pool_written_after_free, SIGABRT);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
