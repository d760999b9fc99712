/* SPDX-License-Identifier: BSD-2-Clause */
/* The Xen block front end against a back end made of memory: what it asks, and what it makes of the
 * answers. */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <kern/cpu.h>
#include <kern/kmem.h>

#include "blkfront_world.h"
#include "check_main.h"
#include "native.h"

static struct world_back back[8];

static void connect_all(void)
{
	ck_assert_int_eq(world_connect(), 0);
	ck_assert_int_eq(world_connected(), 0);
	for (unsigned i = 0; i < world_blkfront()->bf_nqueues; i++)
		world_back_attach(&back[i], i, world_blkfront()->bf_nqueues);
}

static void setup(void)
{
	world_init(1);
	world_fill_store();
	cpu_count = 4;
	native_cpu = 0;
	ck_assert_int_eq(world_attach(), 0);
}

static struct world_xfer *begin(enum buf_op op, uint64_t blkno, size_t len)
{
	struct world_xfer *x = world_xfer(op, blkno, len, (unsigned)rand());

	for (size_t i = 0; op == BUF_WRITE && i < len; i++)
		*world_xfer_byte(x, i) = (uint8_t)rand();
	world_xfer_begin(x);
	return x;
}

/* Is what it read, or wrote, what the disk holds? */
static void check_data(struct world_xfer *x)
{
	const uint8_t *at = world_store + x->x_buf.b_blkno * DEV_BSIZE;

	for (size_t i = 0; i < x->x_buf.b_bcount; i++)
		ck_assert_uint_eq(*world_xfer_byte(x, i), at[i]);
}

static void end(struct world_xfer *x, int error)
{
	ck_assert_uint_eq(x->x_done, 1);
	ck_assert_int_eq(x->x_buf.b_error, error);
	world_xfer_free(x);
}

START_TEST(blkfront_describes_the_disk)
{
	struct disk *dk = &world_blkfront()->bf_disk;

	world_set(WORLD_BACKEND, "info", "4");
	world_set(WORLD_BACKEND, "sector-size", "4096");
	connect_all();
	ck_assert_str_eq(dk->dk_name, "xvda");
	ck_assert_uint_eq(dk->dk_rdev, makedev(202, 0));
	ck_assert_uint_eq(dk->dk_nblocks, 4096);
	ck_assert_uint_eq(dk->dk_secsize, 4096);
	ck_assert(dk->dk_readonly && dk->dk_flush && dk->dk_maxdiscard);
	ck_assert_uint_eq(world_attached, 1);
	ck_assert_str_eq(world_get("device/vbd/0", "protocol"), "x86_64-abi");
	ck_assert_str_eq(world_get("device/vbd/0", "feature-persistent"), "1");
	world_disconnect();
	ck_assert_ptr_null(world_get("device/vbd/0", "ring-ref"));
	ck_assert_uint_eq(world_live_channels(), 0);
	ck_assert_uint_eq(world_live_grants(), 0);
	connect_all();
	ck_assert_uint_eq(world_attached, 1);
	world_disconnect();
}
END_TEST

START_TEST(blkfront_reads_and_writes)
{
	struct world_xfer *x;

	connect_all();
	x = begin(BUF_READ, 5, 512);
	world_back_work(&back[0]);
	check_data(x);
	end(x, 0);
	x = begin(BUF_WRITE, 100, 300 * 512); /* more than a request */
	world_back_work(&back[0]);
	check_data(x);
	end(x, 0);
	x = begin(BUF_READ, 0, 1 << 20);
	world_back_work(&back[0]);
	check_data(x);
	end(x, 0);
	x = begin(BUF_DISCARD, 10, 90 * 512);
	world_back_work(&back[0]);
	ck_assert_uint_eq(world_store[99 * 512 + 511], 0);
	end(x, 0);
	x = begin(BUF_FLUSH, 0, 0);
	world_back_work(&back[0]);
	end(x, 0);
	ck_assert_uint_eq(world_flushes, 1);
	world_disconnect();
}
END_TEST

/* One page after the other: the last used again; and nothing but them. */
START_TEST(blkfront_pages_stay_granted)
{
	struct world_xfer *x;
	unsigned grants;

	connect_all();
	for (int i = 0; i < 50; i++) {
		x = begin(i % 2 ? BUF_WRITE : BUF_READ, 0, 5 * 4096);
		world_back_work(&back[0]);
		end(x, 0);
		if (i == 0)
			grants = world_live_grants();
		ck_assert_uint_eq(world_live_grants(), grants);
	}
	ck_assert_uint_eq(grants, 1 + 5);
	world_disconnect();
	ck_assert_uint_eq(world_live_grants(), 5);
	connect_all();
	ck_assert_uint_eq(world_live_grants(), 6);
	world_disconnect();
	/* Another domain sees none of them; one that this one doesn't let go is nobody's. */
	for (unsigned i = 0, held = 0; i < WORLD_GRANTS && !held; i++)
		if (world_grants[i].live && world_grants[i].domid == 0)
			world_grants[i].held = held = 1;
	world_move(7);
	connect_all();
	x = begin(BUF_READ, 0, 5 * 4096);
	world_back_work(&back[0]);
	end(x, 0);
	grants = 0;
	for (unsigned i = 0; i < WORLD_GRANTS; i++)
		grants += world_grants[i].live && world_grants[i].domid == 0;
	ck_assert_uint_eq(grants, 1);
	world_disconnect();
	for (unsigned i = 0; i < WORLD_GRANTS; i++)
		if (world_grants[i].held)
			page_free(page_pa(world_grants[i].page), 0);
}
END_TEST

START_TEST(blkfront_batches_are_one_notification)
{
	struct world_xfer *x[40];

	connect_all();
	for (unsigned i = 0; i < 40; i++)
		x[i] = begin(BUF_READ, i, 512);
	/* The back end asked for an event at the first; the ring is full at the 32nd. */
	ck_assert_uint_eq(back[0].chan->notified, 1);
	ck_assert_uint_eq(back[0].ring->req_prod, BLKFRONT_RING);
	world_back_work(&back[0]);
	for (unsigned i = 0; i < 40; i++) {
		check_data(x[i]);
		end(x[i], 0);
	}
	world_disconnect();
}
END_TEST

START_TEST(blkfront_goes_on_with_few_pages)
{
	struct world_xfer *x[3];

	connect_all();
	world_grant_limit = (long)world_live_grants() + 2;
	for (unsigned i = 0; i < 3; i++)
		x[i] = begin(i == 1 ? BUF_WRITE : BUF_READ, 50 * i, 40 * 512);
	world_back_work(&back[0]);
	for (unsigned i = 0; i < 3; i++) {
		check_data(x[i]);
		end(x[i], 0);
	}
	world_disconnect();
	/* None at all: an error, as there is nothing to wait for. */
	world_move(7);
	connect_all();
	world_grant_limit = 0;
	end(begin(BUF_READ, 0, 512), ENOMEM);
	world_disconnect();
}
END_TEST

START_TEST(blkfront_errors_are_eio)
{
	union blkfront_words w;
	struct world_xfer *x, *y;

	connect_all();
	x = begin(BUF_READ, 0, 512);
	y = begin(BUF_WRITE, 0, 300 * 512); /* of several requests one fails */
	ck_assert(world_back_take(&back[0], &w));
	world_back_answer(&back[0], world_request_id(&w), BLKIF_RSP_ERROR);
	end(x, EIO);
	ck_assert(world_back_take(&back[0], &w));
	world_back_answer(&back[0], world_request_id(&w), -77);
	ck_assert_uint_eq(y->x_done, 0);
	world_back_work(&back[0]);
	end(y, EIO);
	ck_assert_uint_eq(world_complaints, 0);
	world_disconnect();
}
END_TEST

START_TEST(blkfront_unsupported_is_not_asked_again)
{
	struct disk *dk = &world_blkfront()->bf_disk;
	union blkfront_words w;
	struct world_xfer *x;

	connect_all();
	x = begin(BUF_FLUSH, 0, 0);
	ck_assert(world_back_take(&back[0], &w));
	world_back_answer(&back[0], world_request_id(&w), BLKIF_RSP_EOPNOTSUPP);
	end(x, 0);
	ck_assert(!dk->dk_flush);
	x = begin(BUF_DISCARD, 0, 512);
	ck_assert(world_back_take(&back[0], &w));
	world_back_answer(&back[0], world_request_id(&w), BLKIF_RSP_EOPNOTSUPP);
	end(x, EOPNOTSUPP);
	ck_assert_uint_eq(dk->dk_maxdiscard, 0);
	x = begin(BUF_READ, 0, 512);
	ck_assert(world_back_take(&back[0], &w));
	world_back_answer(&back[0], world_request_id(&w), BLKIF_RSP_EOPNOTSUPP);
	end(x, EIO);
	world_disconnect();
}
END_TEST

/* What a back end had is issued anew, once, also by one that can do less. */
START_TEST(blkfront_restart_loses_nothing)
{
	union blkfront_words w;
	struct world_xfer *x[45];

	world_set(WORLD_BACKEND, "multi-queue-max-queues", "3");
	connect_all();
	for (unsigned i = 0; i < 40; i++) {
		native_cpu = i % 4;
		x[i] = begin(i % 3 ? BUF_READ : BUF_WRITE, i * 100, 8192 * (1 + i % 9));
	}
	native_cpu = 0;
	x[40] = begin(BUF_FLUSH, 0, 0);
	x[41] = begin(BUF_DISCARD, 4090, 512);
	/* Some requests are answered, of some transfers only a part. */
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 4 && world_back_take(&back[i], &w); k++) {
			int16_t status = world_back_do(&w);
			world_back_answer(
			    &back[i], world_request_id(&w), k % 2 ? status : BLKIF_RSP_OKAY);
		}
	world_disconnect();
	ck_assert_uint_eq(world_live_channels(), 0);
	native_cpu = 2;
	x[42] = begin(BUF_READ, 0, 1024); /* these wait */
	x[43] = begin(BUF_WRITE, 4000, 1024);
	native_cpu = 0;
	x[44] = begin(BUF_READ, 0, 1024);
	ck_assert_uint_lt(world_done, 42);
	world_set(WORLD_BACKEND, "multi-queue-max-queues", NULL);
	world_set(WORLD_BACKEND, "feature-max-indirect-segments", NULL);
	connect_all();
	ck_assert_uint_eq(world_blkfront()->bf_nqueues, 1);
	world_back_work(&back[0]);
	ck_assert_uint_eq(world_done, 45);
	for (unsigned i = 0; i < 45; i++)
		end(x[i], 0);
	world_disconnect();
}
END_TEST

START_TEST(blkfront_restart_keeps_the_data)
{
	struct world_xfer *x, *y;
	union blkfront_words w;

	connect_all();
	x = begin(BUF_WRITE, 0, 70 * 4096);
	y = begin(BUF_READ, 2000, 70 * 4096);
	ck_assert(world_back_take(&back[0], &w)); /* done, but not answered */
	ck_assert_int_eq(world_back_do(&w), 0);
	world_disconnect();
	connect_all();
	world_back_work(&back[0]);
	check_data(x);
	check_data(y);
	end(x, 0);
	end(y, 0);
	world_disconnect();
}
END_TEST

START_TEST(blkfront_detached_is_eio)
{
	struct world_xfer *x[40];

	connect_all();
	for (unsigned i = 0; i < 40; i++)
		x[i] = begin(BUF_WRITE, i, 4096);
	world_set(WORLD_BACKEND, "online", "0");
	world_disconnect();
	for (unsigned i = 0; i < 40; i++)
		end(x[i], EIO);
	end(begin(BUF_READ, 0, 512), EIO);
	world_set(WORLD_BACKEND, "online", "1"); /* attached again */
	connect_all();
	x[0] = begin(BUF_READ, 0, 512);
	world_back_work(&back[0]);
	end(x[0], 0);
	world_disconnect();
}
END_TEST

START_TEST(blkfront_another_disk_is_refused)
{
	struct world_xfer *x;

	connect_all();
	world_disconnect();
	x = begin(BUF_READ, 0, 512);
	world_set(WORLD_BACKEND, "sector-size", "4096");
	ck_assert_int_eq(world_connect(), 0);
	ck_assert_int_eq(world_connected(), EINVAL);
	world_disconnect();
	end(x, EIO);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const sizes[] = {"0", "513", "8192", "18446744073709551615"};
		world_set(WORLD_BACKEND, "sector-size", sizes[i]);
		ck_assert_int_eq(world_connect(), 0);
		ck_assert_int_eq(world_connected(), ENOTSUP);
		world_disconnect();
	}
}
END_TEST

static void nonsense(void (*speak)(struct world_back *))
{
	struct world_xfer *x[40];

	connect_all();
	for (unsigned i = 0; i < 40; i++)
		x[i] = begin(BUF_READ, i, 40960);
	world_complaints = 0;
	speak(&back[0]);
	back[0].chan->func(back[0].chan->arg);
	for (unsigned i = 0; i < 40; i++)
		end(x[i], EIO);
	end(begin(BUF_READ, 0, 512), EIO);
	back[0].chan->func(back[0].chan->arg);
	ck_assert_uint_eq(world_complaints, 1);
	world_disconnect();
	connect_all();
	x[0] = begin(BUF_READ, 3, 4096);
	world_back_work(&back[0]);
	check_data(x[0]);
	end(x[0], 0);
	world_disconnect();
}

static void too_many(struct world_back *b)
{
	b->ring->rsp_prod = b->ring->req_prod + 1;
}

static void far_away(struct world_back *b)
{
	b->ring->rsp_prod = 0x80000000;
}

static void unknown_id(struct world_back *b)
{
	world_back_answer(b, BLKFRONT_RING, 0);
}

static void huge_id(struct world_back *b)
{
	world_back_answer(b, UINT64_MAX, 0);
}

static void twice(struct world_back *b)
{
	/* Both at once, before we can use the slot again. */
	for (unsigned i = 0; i < 2; i++)
		b->ring->ring[i].rsp = (struct blkif_response){.id = 3, .status = BLKIF_RSP_ERROR};
	b->ring->rsp_prod = 2;
}

START_TEST(blkfront_nonsense_is_eio)
{
	static void (*const speeches[])(struct world_back *) = {
	    too_many, far_away, unknown_id, huge_id, twice};

	nonsense(speeches[_i]);
}
END_TEST

START_TEST(blkfront_queues_have_their_own_names)
{
	struct world_xfer *x[4];

	world_set(WORLD_BACKEND, "multi-queue-max-queues", "64");
	connect_all();
	ck_assert_uint_eq(world_blkfront()->bf_nqueues, 4);
	ck_assert_str_eq(world_get("device/vbd/0", "multi-queue-num-queues"), "4");
	ck_assert_ptr_null(world_get("device/vbd/0", "ring-ref"));
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(back[i].chan->cpu, i);
		native_cpu = i;
		x[i] = begin(BUF_READ, i, 4096);
		ck_assert_uint_eq(back[i].ring->req_prod, 1);
	}
	for (unsigned i = 0; i < 4; i++) {
		world_back_work(&back[i]);
		end(x[i], 0);
	}
	native_cpu = 0;
	world_disconnect();
	ck_assert_ptr_null(world_get("device/vbd/0/queue-2", "ring-ref"));
	ck_assert_ptr_null(world_get("device/vbd/0", "multi-queue-num-queues"));
}
END_TEST

/* Without the first queue there is nothing; without others there are fewer. */
START_TEST(blkfront_connecting_fails_wholly)
{
	unsigned nqueues = 0, failures = 0, fewer = 0;
	size_t live;

	world_set(WORLD_BACKEND, "multi-queue-max-queues", "3");
	connect_all(); /* its queues stay from here on */
	world_disconnect();
	live = native_alloc_live();
	for (long n = 0; nqueues < 3; n++) {
		native_alloc_fail(n);
		if (world_connect() == 0) {
			nqueues = world_blkfront()->bf_nqueues;
			fewer += nqueues < 3;
			ck_assert_uint_eq(world_live_channels(), nqueues);
			native_alloc_fail(-1);
			world_disconnect();
		} else {
			failures++;
			end(begin(BUF_READ, 0, 512), EIO);
		}
		ck_assert_uint_eq(world_live_channels() + world_live_grants(), 0);
		ck_assert_uint_eq(native_alloc_live(), live);
	}
	native_alloc_fail(-1);
	ck_assert(failures > 0 && fewer >= 2);
	world_channel_limit = 0;
	ck_assert_int_eq(world_connect(), ENOSPC);
	ck_assert_uint_eq(world_live_channels() + world_live_grants(), 0);
}
END_TEST

START_TEST(blkfront_goes_on_with_few_interrupts)
{
	struct world_xfer *x[4];

	world_set(WORLD_BACKEND, "multi-queue-max-queues", "4");
	for (world_channel_limit = 1; world_channel_limit <= 4; world_channel_limit++) {
		unsigned n = (unsigned)world_channel_limit;

		connect_all();
		ck_assert_uint_eq(world_blkfront()->bf_nqueues, n);
		ck_assert_uint_eq(
		    world_get_uint("device/vbd/0", "multi-queue-num-queues"), n > 1 ? n : 0);
		for (unsigned i = 0; i < 4; i++) {
			native_cpu = i;
			x[i] = begin(BUF_READ, i, 4096);
		}
		for (unsigned i = 0; i < n; i++)
			world_back_work(&back[i]);
		for (unsigned i = 0; i < 4; i++) {
			check_data(x[i]);
			end(x[i], 0);
		}
		native_cpu = 0;
		world_disconnect();
		ck_assert_uint_eq(world_live_channels(), 0);
	}
}
END_TEST

START_TEST(blkfront_attach_fails_wholly)
{
	size_t live = native_alloc_live();
	long n;

	for (n = 0;; n++) {
		native_alloc_fail(n);
		if (world_attach() == 0)
			break;
		ck_assert_uint_eq(native_alloc_live(), live);
	}
	native_alloc_fail(-1);
	ck_assert_int_eq(n, 3);
	live = native_alloc_live();
	world_set(world_device.xd_path, "virtual-device", "1");
	ck_assert_int_eq(world_attach(), ENXIO);
	world_set(world_device.xd_path, "virtual-device", NULL);
	ck_assert_int_eq(world_attach(), ENOENT);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(blkfront_names_as_linux_has_them)
{
	static const struct {
		uint64_t vdev;
		const char *name;
		unsigned minor;
	} names[] = {{51712, "xvda", 0}, {51713, "xvda1", 1}, {51728, "xvdb", 16},
	    {51727, "xvda15", 15}, {51952, "xvdp", 240}, {268439552, "xvdq", 4096},
	    {268435456 + 25 * 256, "xvdz", 6400}, {268435456 + 26 * 256 + 3, "xvdaa3", 6659},
	    {268435456 + 701 * 256, "xvdzz", 179456}, {768, "xvda", 0}, {833, "xvdb1", 17},
	    {5632, "xvdc", 32}, {5698, "xvdd2", 50}, {2048, "xvda", 0}, {2065, "xvdb1", 17}};
	static const uint64_t wrong[] = {
	    0, 1, 767, 768 + 128, 768 + 16, 51968, 536870912, 268435456 + 702 * 256, UINT64_MAX};
	char name[16];
	uint64_t rdev;

	for (unsigned i = 0; i < NELEM(names); i++) {
		ck_assert(blkfront_name(names[i].vdev, name, sizeof(name), &rdev));
		ck_assert_str_eq(name, names[i].name);
		ck_assert_uint_eq(rdev, makedev(202, names[i].minor));
	}
	for (unsigned i = 0; i < NELEM(wrong); i++)
		ck_assert(!blkfront_name(wrong[i], name, sizeof(name), &rdev));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("blkfront");
	TCase *tc = tcase_create("blkfront");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, blkfront_describes_the_disk);
	tcase_add_test(tc, blkfront_reads_and_writes);
	tcase_add_test(tc, blkfront_pages_stay_granted);
	tcase_add_test(tc, blkfront_batches_are_one_notification);
	tcase_add_test(tc, blkfront_goes_on_with_few_pages);
	tcase_add_test(tc, blkfront_errors_are_eio);
	tcase_add_test(tc, blkfront_unsupported_is_not_asked_again);
	tcase_add_test(tc, blkfront_restart_loses_nothing);
	tcase_add_test(tc, blkfront_restart_keeps_the_data);
	tcase_add_test(tc, blkfront_detached_is_eio);
	tcase_add_test(tc, blkfront_another_disk_is_refused);
	tcase_add_loop_test(tc, blkfront_nonsense_is_eio, 0, 5);
	tcase_add_test(tc, blkfront_queues_have_their_own_names);
	tcase_add_test(tc, blkfront_connecting_fails_wholly);
	tcase_add_test(tc, blkfront_goes_on_with_few_interrupts);
	tcase_add_test(tc, blkfront_attach_fails_wholly);
	tcase_add_test(tc, blkfront_names_as_linux_has_them);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
