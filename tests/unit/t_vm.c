/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address-space map against a model: an array with a word per page that says what
 * should be there.  After every operation the tree, the promises and the page
 * tables must agree with it; at the end every page must be back.
 */
#include <stdlib.h>
#include <string.h>

#include <kern/random.h>

#include "check_main.h"
#include "native.h"
#include "vm_world.h"

#define SLOTS 192 /* pages the model covers, from LO on */

static struct {
	bool mapped;
	int prot;
	uint8_t value; /* first byte of the page; 0: never written */
} model[SLOTS];

static void check_model(void)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		uintptr_t va = LO + i * PAGE_SIZE;
		int error = 0;
		uint8_t *p;
		ck_assert_int_eq(vm_map_check(va, PAGE_SIZE, NULL), model[i].mapped);
		if (!model[i].mapped || model[i].value == 0 || !(model[i].prot & PROT_READ))
			continue;
		p = touch(va, 0, &error);
		ck_assert_msg(p != NULL, "page %u: error %d", i, error);
		ck_assert_int_eq(*p, model[i].value);
	}
}

static void pick(unsigned *first, unsigned *n)
{
	*first = random_u32() % SLOTS;
	*n = 1 + random_u32() % KMIN(24U, SLOTS - *first);
}

static const int prots[] = {
    PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};

static void op_map(unsigned first, unsigned n)
{
	uintptr_t va = LO + first * PAGE_SIZE;
	int prot = prots[random_u32() % 5];
	int flags = PRIVATE | MAP_FIXED | (random_u32() % 8 ? 0 : MAP_NORESERVE);

	ck_assert_int_eq(vm_map_enter(&va, n * PAGE_SIZE, prot, flags, NULL, 0), 0);
	ck_assert_uint_eq(va, LO + first * PAGE_SIZE);
	for (unsigned i = first; i < first + n; i++) {
		model[i].mapped = true;
		model[i].prot = prot;
		model[i].value = 0;
	}
}

static void op_unmap(unsigned first, unsigned n)
{
	ck_assert_int_eq(vm_map_remove(LO + first * PAGE_SIZE, n * PAGE_SIZE), 0);
	memset(&model[first], 0, n * sizeof(model[0]));
}

static void op_protect(unsigned first, unsigned n)
{
	int prot = prots[random_u32() % 5], error;
	bool hole = false;

	error = vm_map_protect(LO + first * PAGE_SIZE, n * PAGE_SIZE, prot);
	for (unsigned i = first; i < first + n; i++) {
		hole |= !model[i].mapped;
		if (!hole)
			model[i].prot = prot;
	}
	ck_assert_int_eq(error, hole ? ENOMEM : 0);
}

static void op_touch(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		int write = random_u32() % 4 != 0, error = 0;
		bool allowed = model[i].mapped && model[i].prot & (write ? PROT_WRITE : PROT_READ);
		uint8_t *p = touch(LO + i * PAGE_SIZE + 8 * (random_u32() % 2), write, &error);
		ck_assert_msg(
		    (p != NULL) == allowed, "page %u: error %d, prot %d", i, error, model[i].prot);
		if (p && write) {
			p = (uint8_t *)((uintptr_t)p & ~PAGE_MASK);
			*p = model[i].value = (uint8_t)(1 + random_u32() % 255);
		} else if (p) {
			p = (uint8_t *)((uintptr_t)p & ~PAGE_MASK);
			ck_assert_int_eq(*p, model[i].value);
		}
	}
}

static void op_discard(unsigned first, unsigned n)
{
	bool hole = false;

	for (unsigned i = first; i < first + n; i++) {
		hole |= !model[i].mapped;
		model[i].value = 0;
	}
	ck_assert_int_eq(vm_map_discard(LO + first * PAGE_SIZE, n * PAGE_SIZE), hole ? ENOMEM : 0);
}

/* Move, within the model, one whole mapping to a free place or over something else. */
static void op_move(unsigned first, unsigned n)
{
	unsigned to, newn = 1 + random_u32() % 24;
	uintptr_t va = LO + first * PAGE_SIZE;
	struct vm_entry *e = vm_lookup(va);
	int error;

	if (newn > SLOTS)
		return;
	to = random_u32() % (SLOTS - newn);
	if (!e || e->ve_end < va + n * PAGE_SIZE || (to < first + n && first < to + newn))
		return;
	error = vm_map_move(&va, n * PAGE_SIZE, newn * PAGE_SIZE, true, true, LO + to * PAGE_SIZE);
	ck_assert_int_eq(error, 0);
	for (unsigned i = 0; i < newn; i++) {
		model[to + i] = model[first + KMIN(i, n - 1)];
		if (i >= n)
			model[to + i].value = 0;
	}
	memset(&model[first], 0, n * sizeof(model[0]));
}

START_TEST(vm_random_operations)
{
	static void (*const ops[])(unsigned, unsigned) = {
	    op_map, op_unmap, op_protect, op_touch, op_touch, op_touch, op_discard, op_move};
	uint64_t before = page_nfree;

	for (int i = 0; i < 6000; i++) {
		unsigned first, n;
		pick(&first, &n);
		ops[random_u32() % NELEM(ops)](first, n);
		check_tree();
		if (i % 16 == 0)
			check_model();
	}
	op_unmap(0, SLOTS);
	check_tree();
	ck_assert_uint_eq(mapped_user_pages(), 0);
	ck_assert_int_eq(vm_promised, 0);
	ck_assert_uint_ge(page_nfree + 24, before);
}
END_TEST

/* Every page-table page and every object that cannot be had, in turn. */
START_TEST(vm_entering_fails)
{
	for (int round = 0; round < 300; round++) {
		unsigned first, n;
		int error = 0;
		pick(&first, &n);
		op_map(first, n);
		world_enter_fails = random_u32() % 4;
		(void)touch(LO + first * PAGE_SIZE, 1, &error);
		world_enter_fails = -1;
		check_tree();
		op_unmap(first, n);
		check_tree();
	}
	ck_assert_uint_eq(mapped_user_pages(), 0);
}
END_TEST

/* mprotect fails half way: all is as before, and no access is refused for ever. */
START_TEST(vm_protecting_fails)
{
	static const int to[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};

	for (unsigned i = 0; i < 9; i++) {
		int from = to[i / 3], rw = PROT_READ | PROT_WRITE, error = 0;
		uintptr_t va = LO;
		ck_assert_int_eq(
		    vm_map_enter(&va, 8 * PAGE_SIZE, rw, PRIVATE | MAP_FIXED, NULL, 0), 0);
		for (unsigned k = 0; k < 6; k++)
			*touch(LO + k * PAGE_SIZE, 1, &error) = (uint8_t)(1 + k);
		ck_assert_int_eq(vm_map_protect(LO, 8 * PAGE_SIZE, from), 0);
		world_protect_fails = 0;
		if (from != to[i % 3]) {
			ck_assert_int_eq(vm_map_protect(LO, 8 * PAGE_SIZE, to[i % 3]), ENOMEM);
			ck_assert_int_eq(world_protect_fails, -1);
		}
		world_protect_fails = -1;
		check_tree();
		for (unsigned k = 0; k < 8; k++) {
			uint8_t *p = touch(LO + k * PAGE_SIZE, 0, &error);
			ck_assert_int_eq(p != NULL, from != PROT_NONE);
			ck_assert(!p || *p == (k < 6 ? 1 + k : 0));
			ck_assert_int_eq(
			    touch(LO + k * PAGE_SIZE, 1, &error) != NULL, (from & PROT_WRITE) != 0);
		}
		ck_assert_int_eq(vm_map_remove(LO, 8 * PAGE_SIZE), 0);
		check_tree();
		ck_assert_int_eq(vm_promised, 0);
	}
}
END_TEST

/* Nor is what could not be promised before promised when the pages fail. */
START_TEST(vm_protecting_fails_unpromised)
{
	uintptr_t va = LO;
	int error = 0, code;

	ck_assert_int_eq(
	    vm_map_enter(&va, 8 * PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(*touch(LO, 0, &error), 0);
	world_protect_fails = 0;
	ck_assert_int_eq(vm_map_protect(LO, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE), ENOMEM);
	ck_assert_int_eq(vm_promised, 0);
	check_tree();
	/* A page whose protection lags behind is repaired by the fault, or the fault fails. */
	ck_assert_int_eq(vm_map_protect(LO, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(rumpuser_pmap_protect(LO, 1, RUMPUSER_PROT_READ), 0);
	world_protect_fails = 0;
	ck_assert_int_eq(vm_fault(LO, true, false, &code), ENOMEM);
	ck_assert_ptr_nonnull(touch(LO, 1, &error));
	ck_assert_int_eq(vm_map_remove(LO, 8 * PAGE_SIZE), 0);
	check_tree();
}
END_TEST

START_TEST(vm_promises_are_kept)
{
	uintptr_t va[64] = {0}, extra = 0;
	int n, error = 0;

	for (n = 0; n < 64; n++)
		if (vm_map_enter(
			&va[n], 64 * PAGE_SIZE, PROT_READ | PROT_WRITE, PRIVATE, NULL, 0) != 0)
			break;
	ck_assert_int_gt(n, 20);
	ck_assert_int_lt(n, 64);
	/* What cost nothing costs when it becomes writable. */
	ck_assert_int_eq(vm_map_enter(&extra, 640 * PAGE_SIZE, PROT_NONE, PRIVATE, NULL, 0), 0);
	ck_assert_int_eq(vm_map_protect(extra, 640 * PAGE_SIZE, PROT_READ | PROT_WRITE), ENOMEM);
	check_tree();
	/* All of what was promised can be touched. */
	for (int i = 0; i < n; i++)
		for (int k = 0; k < 64; k++)
			ck_assert_ptr_nonnull(touch(va[i] + (unsigned)k * PAGE_SIZE, 1, &error));
	check_tree();
	ck_assert_int_eq(vm_promised, 0);
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(vm_map_remove(va[i], 64 * PAGE_SIZE), 0);
	ck_assert_int_eq(vm_map_protect(extra, 640 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	check_tree();
}
END_TEST

START_TEST(vm_grows_down)
{
	uintptr_t room = 0, va, other;
	int code, error = 0;

	/* Find room, and put a stack of two pages at its end. */
	ck_assert_int_eq(vm_map_enter(&room, 800 * PAGE_SIZE, PROT_NONE, PRIVATE, NULL, 0), 0);
	ck_assert_int_eq(vm_map_remove(room, 800 * PAGE_SIZE), 0);
	va = room + 798 * PAGE_SIZE;
	ck_assert_int_eq(vm_map_enter(&va, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     PRIVATE | MAP_GROWSDOWN | MAP_FIXED, NULL, 0),
	    0);
	ck_assert_ptr_nonnull(touch(va - PAGE_SIZE, 1, &error));
	ck_assert_ptr_nonnull(touch(va - 20 * PAGE_SIZE + 8, 1, &error));
	ck_assert(vm_map_check(va - 20 * PAGE_SIZE, 22 * PAGE_SIZE, NULL));
	ck_assert(!vm_map_check(va - 21 * PAGE_SIZE, PAGE_SIZE, NULL));
	ck_assert_uint_eq(vm_promised, 22 - 2); /* what was touched was promised */
	check_tree();
	/* Not into the gap above a neighbour, unless that is a guard. */
	other = room + 400 * PAGE_SIZE;
	ck_assert_int_eq(
	    vm_map_enter(&other, PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(vm_fault(other + 2 * PAGE_SIZE, true, false, &code), EFAULT);
	ck_assert_int_eq(code, 1);
	ck_assert_ptr_nonnull(touch(other + 257 * PAGE_SIZE, 1, &error));
	ck_assert_int_eq(vm_map_protect(other, PAGE_SIZE, PROT_NONE), 0);
	ck_assert_int_eq(vm_fault(other, true, false, &code), EFAULT);
	ck_assert_int_eq(vm_map_remove(room, 800 * PAGE_SIZE), 0);
	ck_assert_uint_eq(vm_promised, 0);
	check_tree();
}
END_TEST

START_TEST(vm_reservation_is_one_entry)
{
	uintptr_t va = 0;
	unsigned n = 0;
	struct vm_entry *e;
	uint64_t before = page_nfree;

	ck_assert_int_eq(vm_map_enter(&va, 30000 * PAGE_SIZE, PROT_NONE, PRIVATE, NULL, 0), 0);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(
		    vm_map_protect(va + i * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	RB_FOREACH (e, vm_tree, &vm_tree)
		n++;
	ck_assert_uint_eq(n, 2);
	for (unsigned i = 0; i < 100; i += 2)
		ck_assert_int_eq(vm_map_protect(va + i * PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
	for (unsigned i = 1; i < 100; i += 2)
		ck_assert_int_eq(vm_map_protect(va + i * PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
	n = 0;
	RB_FOREACH (e, vm_tree, &vm_tree)
		n++;
	/* Charged once, such a range may stay apart from its neighbours. */
	ck_assert_uint_le(n, 3);
	check_tree();
	ck_assert_int_eq(vm_map_remove(va, 30000 * PAGE_SIZE), 0);
	ck_assert_int_eq(vm_promised, 0);
	ck_assert_uint_ge(page_nfree + 8, before);
}
END_TEST

/* What an operation costs depends on the pages that are there, not on the address space. */
START_TEST(vm_holes_are_free)
{
	size_t len = 20000 * PAGE_SIZE;
	uintptr_t va, to;
	int error = 0, rw = PROT_READ | PROT_WRITE, fixed = PRIVATE | MAP_FIXED | MAP_NORESERVE;

	for (int round = 0; round < 2; round++) {
		va = WORLD_VA + 30000 * PAGE_SIZE;
		ck_assert_int_eq(vm_map_enter(&va, len, rw, fixed, NULL, 0), 0);
		*touch(va + len - PAGE_SIZE, 1, &error) = 1;
		world_looks = 0;
		/* Cut and join: how many pages are in which part is a guess from here on. */
		ck_assert_int_eq(vm_map_protect(va + 64 * PAGE_SIZE, PAGE_SIZE, PROT_READ), 0);
		ck_assert_int_eq(vm_map_protect(va + 64 * PAGE_SIZE, PAGE_SIZE, rw), 0);
		to = va + len;
		ck_assert_int_eq(vm_map_discard(va, len - PAGE_SIZE), 0);
		if (round == 0) {
			ck_assert_int_eq(vm_map_move(&va, len, len / 2, true, true,
					     WORLD_VA + 50000 * PAGE_SIZE),
			    0);
			ck_assert_int_eq(vm_map_remove(WORLD_VA + 50000 * PAGE_SIZE, len / 2), 0);
		} else {
			ck_assert_int_eq(*touch(to - PAGE_SIZE, 0, &error), 1);
			ck_assert_int_eq(vm_map_remove(va, len), 0);
		}
		ck_assert_uint_lt(world_looks, 40);
		ck_assert_uint_eq(mapped_user_pages(), 0);
		check_tree();
	}
	/* Promising counts what is there. */
	va = LO;
	ck_assert_int_eq(
	    vm_map_enter(&va, 1000 * PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(*touch(va + 500 * PAGE_SIZE, 0, &error), 0);
	world_looks = 0;
	ck_assert_int_eq(vm_map_protect(va, 1000 * PAGE_SIZE, rw), 0);
	ck_assert_int_eq(vm_promised, 999);
	ck_assert_uint_lt(world_looks, 10);
	ck_assert_int_eq(vm_map_remove(va, 1000 * PAGE_SIZE), 0);
	check_tree();
}
END_TEST

/* What consists of whole blocks begins with one, wherever the space before it ended. */
START_TEST(vm_blocks_are_aligned)
{
	static const unsigned npages[] = {3, 16, 1, 32, 7, 16, 256};
	uintptr_t va[NELEM(npages)];

	for (unsigned i = 0; i < NELEM(npages); i++) {
		va[i] = 0;
		ck_assert_int_eq(
		    vm_map_enter(&va[i], npages[i] * PAGE_SIZE, PROT_READ, PRIVATE, NULL, 0), 0);
		ck_assert(npages[i] % 16 != 0 || va[i] % (16 * PAGE_SIZE) == 0);
		check_tree();
	}
	for (unsigned i = 0; i < NELEM(npages); i++)
		ck_assert_int_eq(vm_map_remove(va[i], npages[i] * PAGE_SIZE), 0);
	check_tree();
}
END_TEST

START_TEST(vm_bad_arguments)
{
	uintptr_t va = LO + 1;

	ck_assert_int_eq(
	    vm_map_enter(&va, PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), EINVAL);
	va = 0;
	ck_assert_int_eq(
	    vm_map_enter(&va, PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), ENOMEM);
	ck_assert_int_eq(vm_map_enter(&va, 0, PROT_READ, PRIVATE, NULL, 0), EINVAL);
	ck_assert_int_eq(vm_map_enter(&va, SIZE_MAX, PROT_READ, PRIVATE, NULL, 0), ENOMEM);
	ck_assert_int_eq(vm_map_enter(&va, 1UL << 40, PROT_READ, PRIVATE, NULL, 0), ENOMEM);
	va = LO;
	ck_assert_int_eq(vm_map_enter(&va, PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(
	    vm_map_enter(&va, PAGE_SIZE, PROT_READ, PRIVATE | MAP_FIXED_NOREPLACE, NULL, 0),
	    EEXIST);
	ck_assert_int_eq(vm_map_remove(LO + 1, PAGE_SIZE), EINVAL);
	ck_assert_int_eq(vm_map_remove(LO, 0), EINVAL);
	ck_assert_int_eq(vm_map_remove(LO, SIZE_MAX), EINVAL);
	ck_assert_int_eq(vm_map_protect(LO, PAGE_SIZE, 64), EINVAL);
	ck_assert_int_eq(vm_map_protect(LO + PAGE_SIZE, PAGE_SIZE, PROT_READ), ENOMEM);
	ck_assert_int_eq(vm_map_move(&va, PAGE_SIZE, 0, true, false, 0), EINVAL);
	va = LO + PAGE_SIZE;
	ck_assert_int_eq(vm_map_move(&va, PAGE_SIZE, 2 * PAGE_SIZE, true, false, 0), EFAULT);
}
END_TEST

START_TEST(vm_move_grows_in_place)
{
	uintptr_t va = LO, at = LO;
	int error = 0;

	ck_assert_int_eq(
	    vm_map_enter(&va, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, PRIVATE | MAP_FIXED, NULL, 0),
	    0);
	*touch(LO, 1, &error) = 77;
	ck_assert_int_eq(vm_map_move(&at, 4 * PAGE_SIZE, 8 * PAGE_SIZE, false, false, 0), 0);
	ck_assert_uint_eq(at, LO);
	check_tree();
	/* Now something is in the way. */
	va = LO + 8 * PAGE_SIZE;
	ck_assert_int_eq(vm_map_enter(&va, PAGE_SIZE, PROT_NONE, PRIVATE | MAP_FIXED, NULL, 0), 0);
	ck_assert_int_eq(vm_map_move(&at, 8 * PAGE_SIZE, 9 * PAGE_SIZE, false, false, 0), ENOMEM);
	ck_assert_int_eq(vm_map_move(&at, 8 * PAGE_SIZE, 9 * PAGE_SIZE, true, false, 0), 0);
	ck_assert_uint_ne(at, LO);
	ck_assert_int_eq(*touch(at, 0, &error), 77);
	ck_assert(!vm_map_check(LO, PAGE_SIZE, NULL));
	check_tree();
	ck_assert_int_eq(vm_map_move(&at, 9 * PAGE_SIZE, PAGE_SIZE, false, false, 0), 0);
	ck_assert(!vm_map_check(at + PAGE_SIZE, PAGE_SIZE, NULL));
	check_tree();
}
END_TEST

START_TEST(vm_kernel_stacks_apart)
{
	uintptr_t stack[20], prog = 0, guard;
	uint64_t before;
	int code;

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(vm_kstack_alloc(8192, &stack[i]), 0);
	ck_assert_int_eq(vm_map_enter(&prog, PAGE_SIZE, PROT_READ, PRIVATE, NULL, 0), 0);
	for (int i = 0; i < 20; i++) {
		guard = stack[i] - PAGE_SIZE;
		ck_assert_ptr_null(world_access(guard, 0));
		ck_assert_int_eq(vm_fault(guard, false, false, &code), EFAULT);
		ck_assert_ptr_nonnull(world_access(stack[i], 1));
		ck_assert_ptr_nonnull(world_access(stack[i] + 8191, 1));
		ck_assert_uint_gt(prog, stack[i] + 0x1000000);
		/* The program cannot have it, nor take it away. */
		ck_assert_int_ne(vm_map_remove(stack[i], 8192), 0);
		ck_assert_int_ne(vm_map_protect(stack[i], 8192, PROT_READ), 0);
		ck_assert_int_ne(
		    vm_map_enter(&guard, 8192, PROT_READ, PRIVATE | MAP_FIXED, NULL, 0), 0);
	}
	before = page_nfree;
	for (int i = 0; i < 20; i++)
		vm_kstack_free(stack[i], 8192);
	ck_assert_uint_gt(page_nfree, before);
	check_tree();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("vm");
	TCase *tc = tcase_create("vm");

	tcase_add_checked_fixture(tc, world_init, NULL);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, vm_random_operations);
	tcase_add_test(tc, vm_entering_fails);
	tcase_add_test(tc, vm_protecting_fails);
	tcase_add_test(tc, vm_protecting_fails_unpromised);
	tcase_add_test(tc, vm_promises_are_kept);
	tcase_add_test(tc, vm_grows_down);
	tcase_add_test(tc, vm_reservation_is_one_entry);
	tcase_add_test(tc, vm_holes_are_free);
	tcase_add_test(tc, vm_blocks_are_aligned);
	tcase_add_test(tc, vm_bad_arguments);
	tcase_add_test(tc, vm_move_grows_in_place);
	tcase_add_test(tc, vm_kernel_stacks_apart);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
