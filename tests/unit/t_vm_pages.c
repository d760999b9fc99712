/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of the pages of mappings: many that go at once, those of objects, pinned ones. */
#include <string.h>

#include "check_main.h"
#include "native.h"
#include "vm_world.h"

/* ---- pages that go */

/* More pages than one batch takes, and exactly one batch; nothing beyond the range goes. */
START_TEST(vm_unmaps_in_batches)
{
	static const unsigned sizes[] = {1, 47, 48, 49, 96, 97, 700};
	int error = 0, rw = PROT_READ | PROT_WRITE;

	for (unsigned i = 0; i < NELEM(sizes); i++) {
		uintptr_t va = LO;
		size_t len = sizes[i] * PAGE_SIZE;
		ck_assert_int_eq(
		    vm_map_enter(&va, len + 2 * PAGE_SIZE, rw, PRIVATE | MAP_FIXED, NULL, 0), 0);
		for (unsigned k = 0; k < sizes[i] + 2; k++)
			*touch(LO + k * PAGE_SIZE, 1, &error) = (uint8_t)(k + 1);
		world_removed = 0;
		ck_assert_int_eq(vm_map_remove(LO + PAGE_SIZE, len), 0);
		/* Page tables come back if their whole range goes at once. */
		ck_assert(sizes[i] < 512 || world_removed == sizes[i]);
		check_tree();
		ck_assert_uint_eq(mapped_user_pages(), 2);
		ck_assert_int_eq(*touch(LO, 0, &error), 1);
		ck_assert_int_eq(*touch(LO + PAGE_SIZE + len, 0, &error), (uint8_t)(sizes[i] + 2));
		ck_assert_int_eq(vm_map_remove(LO, len + 2 * PAGE_SIZE), 0);
		ck_assert_uint_eq(mapped_user_pages(), 0);
	}
}
END_TEST

/* Nor do pages go that lie between those that are there: each of these is a run of its own. */
START_TEST(vm_unmaps_scattered)
{
	static const unsigned sizes[] = {1, 31, 32, 33, 64, 65, 400};
	int error = 0, rw = PROT_READ | PROT_WRITE;

	for (unsigned i = 0; i < NELEM(sizes); i++) {
		uintptr_t va = LO;
		size_t len = 2 * sizes[i] * PAGE_SIZE;
		ck_assert_int_eq(vm_map_enter(&va, len, rw, PRIVATE | MAP_FIXED, NULL, 0), 0);
		for (unsigned k = 0; k < sizes[i]; k++)
			(void)touch(LO + (2 * k + 1) * PAGE_SIZE, 1, &error);
		ck_assert_uint_eq(mapped_user_pages(), sizes[i]);
		ck_assert_int_eq(vm_map_remove(LO, len), 0);
		check_tree();
		ck_assert_uint_eq(mapped_user_pages(), 0);
		ck_assert_int_eq(vm_promised, 0);
	}
}
END_TEST

/* What the program walked through goes at once, and comes back as the blocks it was. */
START_TEST(vm_unmaps_a_walk_at_once)
{
	int error = 0, rw = PROT_READ | PROT_WRITE;
	uint64_t before = page_nfree;
	uintptr_t va = LO;

	ck_assert_int_eq(vm_map_enter(&va, 256 * PAGE_SIZE, rw, PRIVATE | MAP_FIXED, NULL, 0), 0);
	for (unsigned k = 0; k < 256; k++)
		(void)touch(LO + k * PAGE_SIZE, 1, &error);
	world_removed = 0;
	ck_assert_int_eq(vm_map_remove(LO, 256 * PAGE_SIZE), 0);
	ck_assert_uint_eq(world_removed, 256);
	ck_assert_uint_eq(mapped_user_pages(), 0);
	ck_assert_uint_ge(page_nfree + 16, before);
}
END_TEST

START_TEST(vm_discard_keeps_shared)
{
	static const int kind[] = {MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE};
	int error = 0, prot = PROT_READ | PROT_WRITE;

	for (unsigned i = 0; i < 3; i++) {
		uintptr_t va = LO + i * PAGE_SIZE;
		ck_assert_int_eq(vm_map_enter(&va, PAGE_SIZE, prot,
				     kind[i] | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
		    0);
		*touch(va, 1, &error) = (uint8_t)(70 + i);
	}
	ck_assert_int_eq(vm_map_discard(LO, 3 * PAGE_SIZE), 0);
	check_tree();
	ck_assert_int_eq(*touch(LO, 0, &error), 0);
	ck_assert_int_eq(*touch(LO + PAGE_SIZE, 0, &error), 71);
	ck_assert_int_eq(*touch(LO + 2 * PAGE_SIZE, 0, &error), 0);
	ck_assert_int_eq(vm_map_discard(LO + PAGE_SIZE, 3 * PAGE_SIZE), ENOMEM);
	ck_assert_int_eq(vm_map_remove(LO, 3 * PAGE_SIZE), 0);
	check_tree();
	ck_assert_uint_eq(mapped_user_pages(), 0);
}
END_TEST

/* ---- an object of 10 pages */

static struct {
	struct vm_object obj;
	uint64_t page[11]; /* the last is one that the file once had */
	int refs, busy[11];
	bool dirty[11];
} file;

static int busy(void)
{
	int n = 0;

	for (unsigned i = 0; i < 11; i++)
		n += file.busy[i];
	return n;
}

static int file_getpage(struct vm_object *obj, uint64_t off, bool shared_write, uint64_t *pa)
{
	if (off >= 10 * PAGE_SIZE)
		return EFBIG;
	file.busy[off >> PAGE_SHIFT]++;
	*pa = file.page[off >> PAGE_SHIFT];
	return 0;
}

static void file_putpage(struct vm_object *obj, uint64_t off, uint64_t pa, bool dirty)
{
	uint64_t i = pa == file.page[10] ? 10 : off >> PAGE_SHIFT;
	int seen = 0;

	ck_assert_uint_eq(pa, file.page[i]);
	file.dirty[i] |= dirty;
	file.busy[i]--;
	/* Whoever still maps it must still hold it: another CPU may be reading. */
	for (unsigned k = 0; k < WORLD_VPAGES; k++)
		seen += world_pt[k].present && world_pt[k].pa == pa;
	ck_assert_int_le(seen, file.busy[i]);
}

static void file_ref(struct vm_object *obj)
{
	file.refs++;
}

static void file_rele(struct vm_object *obj)
{
	file.refs--;
}

static const struct vm_objectops file_ops = {file_getpage, file_putpage, file_ref, file_rele};

static void file_make(void)
{
	file.obj.vo_ops = &file_ops;
	file.refs = 1;
	for (unsigned i = 0; i < 11; i++) {
		file.page[i] = page_alloc(0);
		memset(page_va(file.page[i]), (int)(100 + i), PAGE_SIZE);
	}
}

START_TEST(vm_private_file_copies)
{
	uintptr_t va = 0;
	int error = 0;

	file_make();
	ck_assert_int_eq(
	    vm_map_enter(&va, 12 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, &file.obj, 0),
	    0);
	ck_assert_int_eq(*touch(va + 3 * PAGE_SIZE, 0, &error), 103);
	ck_assert_ptr_null(world_access(va + 3 * PAGE_SIZE, 1));
	*touch(va + 3 * PAGE_SIZE, 1, &error) = 7;
	ck_assert_int_eq(*(uint8_t *)page_va(file.page[3]), 103);
	ck_assert_int_eq(*touch(va + 3 * PAGE_SIZE, 0, &error), 7);
	ck_assert_int_eq(*touch(va + 3 * PAGE_SIZE + 1, 0, &error), 103);
	*touch(va + 4 * PAGE_SIZE, 1, &error) = 8;
	ck_assert_ptr_null(touch(va + 10 * PAGE_SIZE, 0, &error));
	ck_assert_int_eq(error, EFBIG);
	/* A hole in the middle makes two mappings of it. */
	ck_assert_int_eq(vm_map_remove(va + 5 * PAGE_SIZE, PAGE_SIZE), 0);
	ck_assert_int_eq(file.refs, 2);
	ck_assert_int_eq(*touch(va + 6 * PAGE_SIZE, 0, &error), 106);
	ck_assert_int_eq(vm_map_remove(va, 12 * PAGE_SIZE), 0);
	ck_assert_int_eq(file.refs, 0);
	ck_assert_int_eq(busy(), 0);
	ck_assert_int_eq(vm_promised, 0);
	ck_assert_uint_eq(mapped_user_pages(), 0);
}
END_TEST

START_TEST(vm_shared_file_is_written)
{
	uintptr_t va = 0;
	int error = 0;

	file_make();
	ck_assert_int_eq(vm_map_enter(&va, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			     &file.obj, 2 * PAGE_SIZE),
	    0);
	ck_assert_int_eq(*touch(va, 0, &error), 102);
	ck_assert_ptr_null(world_access(va, 1)); /* its object must hear of the first write */
	*touch(va, 1, &error) = 9;
	ck_assert_int_eq(*(uint8_t *)page_va(file.page[2]), 9);
	ck_assert_int_eq(vm_map_remove(va, 8 * PAGE_SIZE), 0);
	ck_assert(file.dirty[2]);
	ck_assert(!file.dirty[3]);
	ck_assert_int_eq(busy(), 0);
	ck_assert_int_eq(file.refs, 0);
}
END_TEST

/* The file gave up a page and has another there: a write goes to the new one. */
START_TEST(vm_shared_file_is_renewed)
{
	uintptr_t va = 0;
	int error = 0, code;
	uint64_t old;

	file_make();
	ck_assert_int_eq(
	    vm_map_enter(&va, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, &file.obj, 0), 0);
	ck_assert_int_eq(*touch(va + PAGE_SIZE, 0, &error), 101);
	old = file.page[1];
	file.page[1] = file.page[10];
	file.page[10] = old;
	file.busy[10] = file.busy[1];
	file.busy[1] = 0;
	world_enter_fails = 0;
	ck_assert_int_eq(vm_fault(va + PAGE_SIZE, true, false, &code), ENOMEM);
	ck_assert_int_eq(busy(), 1);
	ck_assert_int_eq(*touch(va + PAGE_SIZE, 0, &error), 101);
	*touch(va + PAGE_SIZE + 1, 1, &error) = 5;
	ck_assert_int_eq(*touch(va + PAGE_SIZE, 0, &error), 110);
	ck_assert_int_eq(busy(), 1);
	ck_assert_int_eq(file.busy[1], 1);
	ck_assert_int_eq(vm_map_remove(va, 4 * PAGE_SIZE), 0);
	ck_assert(file.dirty[1] && !file.dirty[10]);
	ck_assert_int_eq(busy(), 0);
}
END_TEST

/* More pages than one batch, of the object and of the program, with holes. */
START_TEST(vm_private_file_goes)
{
	uintptr_t va = LO;
	int error = 0;

	file_make();
	for (unsigned i = 0; i < 24; i++, va += 10 * PAGE_SIZE) {
		file.refs++;
		ck_assert_int_eq(vm_map_enter(&va, 10 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_FIXED, &file.obj, 0),
		    0);
		for (unsigned k = i % 2; k < 10; k += 1 + i % 3)
			touch(va + k * PAGE_SIZE, k % 3 == 0, &error);
	}
	check_tree();
	ck_assert_int_eq(vm_map_discard(LO, 100 * PAGE_SIZE), 0);
	check_tree();
	ck_assert_int_eq(vm_map_remove(LO, 240 * PAGE_SIZE), 0);
	check_tree();
	ck_assert_int_eq(file.refs, 1);
	ck_assert_int_eq(busy(), 0);
	ck_assert_int_eq(vm_promised, 0);
	ck_assert_uint_eq(mapped_user_pages(), 0);
}
END_TEST

/* ---- pinned pages */

START_TEST(vm_pinned_pages_stay)
{
	uintptr_t va = LO;
	uint64_t pa[4], again[4];
	struct kmem_stats before, after;
	int error;

	ck_assert_int_eq(
	    vm_map_enter(&va, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, PRIVATE | MAP_FIXED, NULL, 0),
	    0);
	ck_assert_uint_eq(vm_pin(va, 4, true, pa), 4);
	ck_assert_uint_eq(vm_pin(va, 2, false, again), 2);
	ck_assert_uint_eq(again[1], pa[1]);
	*touch(va + PAGE_SIZE, 1, &error) = 77;
	ck_assert_int_eq(vm_map_remove(va, 4 * PAGE_SIZE), 0);
	/* Nobody gets them while they are pinned, nor sees them change. */
	ck_assert_int_eq(
	    vm_map_enter(&va, 64 * PAGE_SIZE, PROT_READ | PROT_WRITE, PRIVATE | MAP_FIXED, NULL, 0),
	    0);
	for (unsigned i = 0; i < 64; i++)
		*touch(va + i * PAGE_SIZE, 1, &error) = 5;
	for (unsigned i = 0; i < WORLD_VPAGES; i++)
		for (unsigned k = 0; k < 4; k++)
			ck_assert(!world_pt[i].present || world_pt[i].pa != pa[k]);
	ck_assert_uint_eq(*(uint8_t *)page_va(pa[1]), 77);
	ck_assert_int_eq(vm_map_remove(va, 64 * PAGE_SIZE), 0);
	page_stats(&before);
	vm_unpin(pa, 4);
	page_stats(&after);
	ck_assert_uint_eq(after.ks_pages_free, before.ks_pages_free + 2);
	vm_unpin(again, 2);
	page_stats(&after);
	ck_assert_uint_eq(after.ks_pages_free, before.ks_pages_free + 4);
	check_tree();
}
END_TEST

/* One of many that are freed together: the others are, and it is afterwards. */
START_TEST(vm_pinned_page_among_others)
{
	uintptr_t va = LO;
	struct kmem_stats start, before, after;
	uint64_t pa;
	int error, rw = PROT_READ | PROT_WRITE;

	/* So that the map has memory for its entries. */
	ck_assert_int_eq(vm_map_enter(&va, PAGE_SIZE, rw, PRIVATE | MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(vm_map_remove(va, PAGE_SIZE), 0);
	page_stats(&start);
	ck_assert_int_eq(vm_map_enter(&va, 64 * PAGE_SIZE, rw, PRIVATE | MAP_FIXED, NULL, 0), 0);
	for (unsigned i = 0; i < 64; i++)
		*touch(va + i * PAGE_SIZE, 1, &error) = 7;
	ck_assert_uint_eq(vm_pin(va + 37 * PAGE_SIZE, 1, true, &pa), 1);
	ck_assert_int_eq(vm_map_remove(va, 64 * PAGE_SIZE), 0);
	page_stats(&before);
	ck_assert_uint_eq(before.ks_pages_free + 1, start.ks_pages_free);
	ck_assert_uint_eq(*(uint8_t *)page_va(pa), 7);
	vm_unpin(&pa, 1);
	page_stats(&after);
	ck_assert_uint_eq(after.ks_pages_free, start.ks_pages_free);
}
END_TEST

START_TEST(vm_pin_takes_what_it_may)
{
	static const uint64_t image = 16; /* no page of ours */
	struct kmem_stats before, after;
	uint64_t pa[16];
	uintptr_t va = LO;

	ck_assert_int_eq(
	    vm_map_enter(&va, 2 * PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), 0);
	ck_assert_uint_eq(vm_pin(va, 3, false, pa), 2); /* then a hole */
	vm_unpin(pa, 2);
	ck_assert_uint_eq(vm_pin(va, 1, true, pa), 0); /* not writable */
	for (unsigned i = 0; i < 15; i++)
		ck_assert_uint_eq(vm_pin(va, 1, false, &pa[i]), 1);
	ck_assert_uint_eq(vm_pin(va, 1, false, &pa[15]), 0); /* very often */
	ck_assert_int_eq(vm_map_remove(va, 2 * PAGE_SIZE), 0);
	page_stats(&before);
	vm_unpin(pa, 14);
	page_stats(&after);
	ck_assert_uint_eq(after.ks_pages_free, before.ks_pages_free);
	vm_unpin(pa, 1);
	vm_unpin(pa, 1); /* of what is free: nothing happens */
	vm_unpin(&image, 1);
	page_stats(&after);
	ck_assert_uint_eq(after.ks_pages_free, before.ks_pages_free + 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("vm_pages");
	TCase *tc = tcase_create("vm_pages");

	tcase_add_checked_fixture(tc, world_init, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, vm_unmaps_in_batches);
	tcase_add_test(tc, vm_unmaps_scattered);
	tcase_add_test(tc, vm_unmaps_a_walk_at_once);
	tcase_add_test(tc, vm_discard_keeps_shared);
	tcase_add_test(tc, vm_private_file_copies);
	tcase_add_test(tc, vm_shared_file_is_written);
	tcase_add_test(tc, vm_shared_file_is_renewed);
	tcase_add_test(tc, vm_private_file_goes);
	tcase_add_test(tc, vm_pinned_pages_stay);
	tcase_add_test(tc, vm_pinned_page_among_others);
	tcase_add_test(tc, vm_pin_takes_what_it_may);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
