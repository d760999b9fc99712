/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a PVH guest gives and takes, against a Xen that knows which pages have memory, and
 * stops at one where it cannot do what it is asked, or has no more.
 */
#include "check_main.h"
#include "xen_impl.h"

#include <errno.h>
#include <xen/memory.h>

#define NPAGES 2048
#define LARGE  512

static bool there[NPAGES];
static long xen_has; /* pages that Xen can give */
static bool no_large;
static unsigned calls;

static bool change(unsigned op, xen_pfn_t first, unsigned npages)
{
	bool give = op == XENMEM_populate_physmap;

	ck_assert_uint_le(first + npages, NPAGES);
	if ((give && xen_has < npages) || (npages > 1 && no_large))
		return false;
	for (unsigned i = 0; i < npages; i++) {
		ck_assert(!give || !there[first + i]); /* memory would be lost */
		if (!give && !there[first + i])
			return false;
	}
	for (unsigned i = 0; i < npages; i++)
		there[first + i] = give;
	xen_has += give ? -(long)npages : (long)npages;
	return true;
}

long xen_hypercall(unsigned n, uintptr_t op, uintptr_t arg, uintptr_t unused)
{
	const struct xen_memory_reservation *r = (void *)arg;
	unsigned i;

	calls++;
	ck_assert_uint_eq(n, __HYPERVISOR_memory_op);
	ck_assert_uint_eq(r->domid, DOMID_SELF);
	ck_assert_uint_gt(r->nr_extents, 0);
	for (i = 0; i < r->nr_extents; i++)
		if (!change((unsigned)op, r->extent_start.p[i], 1U << r->extent_order))
			break;
	return i;
}

static unsigned present(unsigned first, unsigned npages)
{
	unsigned n = 0;

	for (unsigned i = first; i < first + npages; i++)
		n += there[i];
	return n;
}

static void setup(void)
{
	for (unsigned i = 0; i < NPAGES; i++)
		there[i] = true;
	xen_has = 0;
	calls = 0;
}

static int release(unsigned first, unsigned npages)
{
	return rumpuser_memory_release(first * RUMPUSER_PAGE_SIZE, npages);
}

static int reclaim(unsigned first, unsigned npages)
{
	return rumpuser_memory_reclaim(first * RUMPUSER_PAGE_SIZE, npages);
}

START_TEST(release_and_reclaim_move_all)
{
	static const unsigned sizes[] = {8, 64, 128, LARGE};

	no_large = _i;
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(release(LARGE, sizes[i]), 0);
		ck_assert_uint_eq(present(0, NPAGES), NPAGES - sizes[i]);
		ck_assert_uint_eq(present(LARGE, sizes[i]), 0);
		ck_assert_int_eq(reclaim(LARGE, sizes[i]), 0);
		ck_assert_uint_eq(present(0, NPAGES), NPAGES);
	}
	calls = 0;
	ck_assert_int_eq(release(LARGE, LARGE), 0);
	ck_assert_uint_eq(calls, no_large ? 1 + LARGE / 64 : 1);
}
END_TEST

START_TEST(release_of_a_part_is_undone)
{
	static const unsigned holes[] = {0, 1, 63, 64, 65, 200, LARGE - 1};
	unsigned hole = holes[_i];

	there[LARGE + hole] = false;
	ck_assert_int_eq(release(LARGE, LARGE), EINVAL);
	ck_assert_uint_eq(present(LARGE, LARGE), LARGE - 1);
	ck_assert_uint_eq(xen_has, 0);
}
END_TEST

START_TEST(reclaim_of_a_part_is_undone)
{
	static const long has[] = {0, 1, 63, 64, 65, 200, LARGE - 1};

	ck_assert_int_eq(release(LARGE, LARGE), 0);
	xen_has = has[_i];
	ck_assert_int_eq(reclaim(LARGE, LARGE), ENOMEM);
	ck_assert_uint_eq(present(LARGE, LARGE), 0);
	ck_assert_uint_eq(xen_has, has[_i]);
	xen_has = LARGE;
	ck_assert_int_eq(reclaim(LARGE, LARGE), 0);
	ck_assert_uint_eq(present(LARGE, LARGE), LARGE);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("xenmemory");
	TCase *tc = tcase_create("xenmemory");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, release_and_reclaim_move_all, 0, 2);
	tcase_add_loop_test(tc, release_of_a_part_is_undone, 0, 7);
	tcase_add_loop_test(tc, reclaim_of_a_part_is_undone, 0, 7);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
