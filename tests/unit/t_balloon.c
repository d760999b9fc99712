/* SPDX-License-Identifier: BSD-2-Clause */
/* The balloon: what Xen's tools want against what there is. */
#include <stdio.h>
#include <string.h>

#include <rumpuser.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/systm.h>

#include "check_main.h"
#include "native.h"
#include "xenworld.h"

#define TOTAL 4096U /* pages */
#define KEPT  128U  /* of them, for the program, when there are so few */

static uint64_t present, xens, xen_has = UINT64_MAX; /* pages; present 0: all */
static unsigned releases, refuse_release;
static unsigned used; /* by the program */

static const struct rumpuser_memregion regions[] = {{.pa = 1 << 20, .size = TOTAL / 2 * PAGE_SIZE},
    {.pa = 64 << 20, .size = TOTAL / 2 * PAGE_SIZE}};
static const struct rumpuser_bootinfo bootinfo = {
    .image_base = 0x500000000000, .image_end = 0x500000100000, .mem = regions, .nmem = 2};
const struct rumpuser_bootinfo *kern_bootinfo = &bootinfo;

static char memory[TOTAL * PAGE_SIZE] __attribute__((aligned(2 << 20)));
static bool taken[TOTAL], with_xen[TOTAL];
static unsigned ntaken, fail_in; /* the n-th allocation from now fails; 0 none */

static unsigned page_number(uint64_t pa, unsigned npages)
{
	size_t n = (pa - page_pa(memory)) / PAGE_SIZE;

	ck_assert_uint_eq(pa % (npages * PAGE_SIZE), 0);
	ck_assert_uint_le(n + npages, TOTAL);
	return (unsigned)n;
}

/* Mark npages that are all marked otherwise now. */
static void mark(bool *what, unsigned n, unsigned npages, bool value)
{
	for (unsigned i = n; i < n + npages; i++) {
		ck_assert(what[i] != value);
		what[i] = value;
	}
}

uint64_t small_alloc(unsigned order)
{
	unsigned size = 1U << order, n, i;

	if (fail_in > 0 && --fail_in == 0)
		return 0;
	for (n = 0; n < TOTAL; n += size) {
		for (i = 0; i < size && !taken[n + i]; i++)
			continue;
		if (i < size)
			continue;
		mark(taken, n, size, true);
		ntaken += size;
		return page_pa(memory + n * PAGE_SIZE);
	}
	return 0;
}

void small_free(uint64_t pa, unsigned order)
{
	unsigned n = page_number(pa, 1U << order);

	for (unsigned i = n; i < n + (1U << order); i++)
		ck_assert(!with_xen[i]);
	mark(taken, n, 1U << order, false);
	ntaken -= 1U << order;
}

void small_stats(struct kmem_stats *ks);
void small_stats(struct kmem_stats *ks)
{
	*ks = (struct kmem_stats){.ks_pages_total = TOTAL, .ks_pages_free = TOTAL - ntaken - used};
}

int rumpuser_memory_release(uint64_t pa, size_t npages)
{
	if (refuse_release)
		return EINVAL;
	mark(with_xen, page_number(pa, npages), npages, true);
	xens += npages;
	releases++;
	return 0;
}

int rumpuser_memory_reclaim(uint64_t pa, size_t npages)
{
	if (xen_has < npages)
		return ENOMEM;
	mark(with_xen, page_number(pa, npages), npages, false);
	xen_has -= npages;
	xens -= npages;
	return 0;
}

uint64_t rumpuser_memory_present(void)
{
	return present;
}

void proc_power_button(void)
{
}

static void want(const char *target)
{
	store_set("memory/target", target);
	xenworld_settle();
}

static void setup(void)
{
	native_quiet = true;
	store_set("memory/static-max", "16384");
	store_set("memory/target", "16384");
	ck_assert_int_eq(xenworld_start(), 0);
	xenworld_settle();
	ck_assert_uint_eq(xens, 0);
}

static void teardown(void)
{
	ck_assert_uint_eq(native_locks_held(), 0);
	ck_assert_uint_eq(ntaken, xens);
}

START_TEST(lower_target_gives_back)
{
	want("8192");
	ck_assert_uint_eq(xens, 2048);
	ck_assert_uint_eq(releases, 4); /* of 2 MB each */
	want("8000");
	ck_assert_uint_eq(xens, 2096);
}
END_TEST

START_TEST(higher_target_takes_again)
{
	size_t live = native_alloc_live();

	want("4096");
	ck_assert_uint_eq(xens, 3072);
	want("10000");
	ck_assert_uint_eq(xens, 1600); /* in blocks of 8 at least */
	want("12288");
	ck_assert_uint_eq(xens, 1024);
	want("16384");
	ck_assert_uint_eq(xens, 0);
	want("99999");
	ck_assert_uint_eq(xens, 0);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(some_is_left_for_the_program)
{
	want("0");
	ck_assert_uint_le(xens, TOTAL - KEPT);
	ck_assert_uint_gt(xens, TOTAL - KEPT - 16);
}
END_TEST

/* It is of what there is, not of what there might be. */
START_TEST(share_of_the_program_shrinks_with_the_rest)
{
	used = 1024;
	want("0");
	ck_assert_uint_eq(TOTAL - xens - used, KEPT);
	used = 0;
	want("16384");
	ck_assert_uint_eq(xens, 0);
	want("600"); /* KB: less than a sixteenth of all */
	ck_assert_uint_le(TOTAL - xens, 150 + 8);
	want("16384");
	used = TOTAL - 256;
	want("12288");
	ck_assert_uint_eq(xens, 0); /* of much that is used, that is the share */
}
END_TEST

START_TEST(what_is_freed_later_is_given_later)
{
	used = 3000;
	want("8192");
	ck_assert_uint_lt(xens, TOTAL - 3000);
	used = 0;
	native_advance(6 * NSEC_PER_SEC);
	xenworld_settle();
	ck_assert_uint_eq(xens, 2048);
}
END_TEST

START_TEST(memory_that_xen_lacks_is_asked_for_again)
{
	want("8192");
	xen_has = 600;
	want("16384");
	ck_assert_uint_ge(xens, 2048 - 600);
	ck_assert_uint_le(xens, 2048 - 512);
	xen_has = 10000;
	native_advance(6 * NSEC_PER_SEC);
	xenworld_settle();
	ck_assert_uint_eq(xens, 0);
}
END_TEST

START_TEST(refusal_leaves_all_as_it_was)
{
	size_t live = native_alloc_live();

	refuse_release = 1;
	want("8192");
	ck_assert_uint_eq(xens, 0);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(allocations_may_fail)
{
	native_alloc_fail(_i % 2 ? _i / 2 : -1);
	fail_in = _i % 2 ? 0 : _i / 2 + 1;
	want("8192");
	native_alloc_fail(-1);
	fail_in = 0;
	native_advance(6 * NSEC_PER_SEC);
	xenworld_settle();
	ck_assert_uint_eq(xens, 2048);
	native_alloc_fail(_i % 2 ? _i / 2 : -1);
	fail_in = _i % 2 ? 0 : _i / 2 + 1;
	want("12000");
	native_alloc_fail(-1);
	fail_in = 0;
	native_advance(6 * NSEC_PER_SEC);
	xenworld_settle();
	ck_assert_uint_eq(xens, 1096);
}
END_TEST

START_TEST(nonsense_does_nothing)
{
	static const char *const bad[] = {"", "x", "-5", "99999999999999999999999"};

	for (size_t i = 0; i < NELEM(bad); i++) {
		want(bad[i]);
		ck_assert_uint_eq(xens, 0);
	}
	store_set("memory/static-max", NULL);
	want("4");
	ck_assert_uint_eq(xens, 0);
	store_set("memory/static-max", "18446744073709551615");
	want("0");
	ck_assert_uint_le(xens, TOTAL - KEPT);
}
END_TEST

/* As the store says at first, once it is asked. */
START_TEST(missing_from_the_start_is_given_back_at_once)
{
	native_quiet = true;
	store_set("memory/static-max", "18432");
	store_set("memory/target", "10240");
	present = 2560; /* 256 the image's, 256 nobody's */
	ck_assert_int_eq(xenworld_start(), 0);
	ck_assert_uint_ge(xens, 2048);
	ck_assert_uint_le(xens, 2048 + 8);
	xenworld_settle();
	ck_assert_uint_eq(xens, 2048);
}
END_TEST

START_TEST(nothing_missing_leaves_all)
{
	native_quiet = true;
	present = TOTAL + 256;
	ck_assert_int_eq(xenworld_start(), 0);
	ck_assert_uint_eq(xens, 0);
}
END_TEST

/* A PV guest's map has only what there is, though it may be told that it could have more. */
START_TEST(what_there_never_was_is_not_given_back)
{
	char kb[24];

	native_quiet = true;
	present = TOTAL + 256;
	store_set("memory/static-max", "1048576");
	snprintf(kb, sizeof(kb), "%u", (unsigned)(present - 512) * 4);
	store_set("memory/target", kb);
	ck_assert_int_eq(xenworld_start(), 0);
	ck_assert_uint_eq(xens, 0);
	xenworld_settle();
	ck_assert_uint_eq(xens, 512);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("balloon");
	TCase *tc = tcase_create("running"), *start = tcase_create("start");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lower_target_gives_back);
	tcase_add_test(tc, higher_target_takes_again);
	tcase_add_test(tc, some_is_left_for_the_program);
	tcase_add_test(tc, share_of_the_program_shrinks_with_the_rest);
	tcase_add_test(tc, what_is_freed_later_is_given_later);
	tcase_add_test(tc, memory_that_xen_lacks_is_asked_for_again);
	tcase_add_test(tc, refusal_leaves_all_as_it_was);
	tcase_add_loop_test(tc, allocations_may_fail, 0, 12);
	tcase_add_test(tc, nonsense_does_nothing);
	suite_add_tcase(s, tc);
	tcase_add_test(start, missing_from_the_start_is_given_back_at_once);
	tcase_add_test(start, what_there_never_was_is_not_given_back);
	tcase_add_test(start, nothing_missing_leaves_all);
	suite_add_tcase(s, start);
	return s;
}

CHECK_MAIN(make_suite)
