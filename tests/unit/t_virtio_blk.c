/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio disk driver against a queue and a disk made of memory. */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <dev/disk.h>
#include <dev/virtio.h>
#include <kern/kmem.h>
#include <kern/systm.h>

#include "check_main.h"
#include "native.h"

#define RING   32U
#define BLOCKS 256U

LINK_SET_DECLARE(virtio_drivers, const struct virtio_driver);

/* ---- the queue: requests in the order in which they came */

struct virtqueue {
	unsigned nfree, kicked;
	void (*func)(void *);
	void *arg;
	struct {
		struct virtio_sg sg[RING];
		unsigned n;
		void *cookie;
	} request[RING];
	unsigned nrequests;
	void *done[RING];
	unsigned ndone;
	bool broken;
};
static struct virtqueue *queue;
static struct virtio_device *const dev = (void *)&queue; /* only its address is used */
static uint64_t offers, accepted;
static uint32_t config[16];
static uint8_t store[BLOCKS * DEV_BSIZE];
static struct disk *disk;
static int fails_setup, fails_attach;

int virtio_negotiate(struct virtio_device *d, uint64_t wanted, uint64_t *got)
{
	*got = accepted = offers & wanted;
	return 0;
}
uint32_t virtio_config_read(struct virtio_device *d, unsigned off, unsigned width)
{
	ck_assert_uint_eq(width, 4);
	return config[off / 4];
}
void virtio_ready(struct virtio_device *d)
{
}
int virtio_queue_setup(struct virtio_device *d, unsigned index, unsigned max_size,
    void (*func)(void *), void *arg, struct virtqueue **vqp)
{
	static struct virtqueue queues[16]; /* LSan finds what they know */
	static unsigned n;

	ck_assert_uint_eq(index, 0);
	if (fails_setup)
		return fails_setup;
	queue = &queues[n++];
	queue->nfree = RING;
	queue->func = func;
	queue->arg = arg;
	*vqp = queue;
	return 0;
}
unsigned virtqueue_size(const struct virtqueue *vq)
{
	return RING;
}
int virtqueue_add(struct virtqueue *vq, const struct virtio_sg *sg, unsigned n, void *cookie)
{
	unsigned i = vq->nrequests;

	ck_assert_uint_ge(n, 2);
	if (n > vq->nfree || vq->broken)
		return ENOSPC;
	vq->nfree -= n;
	memcpy(vq->request[i].sg, sg, n * sizeof(*sg));
	vq->request[i].n = n;
	vq->request[i].cookie = cookie;
	vq->nrequests++;
	return 0;
}
void virtqueue_kick(struct virtqueue *vq)
{
	vq->kicked++;
}
void *virtqueue_get(struct virtqueue *vq, uint32_t *len)
{
	*len = 1;
	return vq->ndone ? vq->done[--vq->ndone] : NULL;
}
bool virtqueue_enable(struct virtqueue *vq, unsigned n)
{
	return vq->ndone > 0;
}
bool virtqueue_broken(const struct virtqueue *vq)
{
	return vq->broken;
}
void virtqueue_poll(struct virtqueue *vq)
{
	vq->func(vq->arg);
}

/* The device does its i-th request. */
static void serve(unsigned i, int status)
{
	unsigned n = queue->request[i].n;
	const struct virtio_sg *sg = queue->request[i].sg;
	const struct {
		uint32_t type, reserved;
		uint64_t sector;
	} *head = page_va(sg[0].pa);
	uint8_t *at = store + head->sector * DEV_BSIZE;

	ck_assert_uint_eq(sg[0].len, 16);
	ck_assert(!sg[0].device_writes && sg[n - 1].device_writes && sg[n - 1].len == 1);
	for (unsigned k = 1; k < n - 1; k++) {
		void *mem = page_va(sg[k].pa);

		switch (head->type) {
		case 0:
			ck_assert(sg[k].device_writes);
			memcpy(mem, at, sg[k].len);
			break;
		case 1:
			ck_assert(!sg[k].device_writes);
			memcpy(at, mem, sg[k].len);
			break;
		case 11:
			ck_assert_uint_eq(sg[k].len, 16);
			memset(store + *(uint64_t *)mem * DEV_BSIZE, 0,
			    ((uint32_t *)mem)[2] * (size_t)DEV_BSIZE);
			break;
		default:
			ck_abort_msg("request %u with data", head->type);
		}
		at += sg[k].len;
	}
	*(uint8_t *)page_va(sg[n - 1].pa) = (uint8_t)status;
	queue->done[queue->ndone++] = queue->request[i].cookie;
	queue->nfree += n;
	queue->nrequests--;
	memmove(&queue->request[i], &queue->request[i + 1],
	    (queue->nrequests - i) * sizeof(queue->request[0]));
}

/* ---- above */

int disk_attach(struct disk *dk)
{
	disk = dk;
	return fails_attach;
}
void biodone(struct buf *bp, int error)
{
	bp->b_error = error;
	bp->b_iodone(bp);
}
static unsigned ndone;
static void iodone(struct buf *bp)
{
	ck_assert_uint_eq(native_locks_held(), 0);
	bp->b_private = (void *)((uintptr_t)bp->b_private + 1);
	ndone++;
}

static int attach(void)
{
	return (*__start_link_set_virtio_drivers)->vd_attach(dev);
}

static void setup(void)
{
	offers = ~0ULL;
	config[0] = BLOCKS;
	config[3] = 8;	 /* seg_max */
	config[5] = 512; /* blk_size */
	config[9] = 64;	 /* max_discard_sectors */
	for (unsigned i = 0; i < sizeof(store); i++)
		store[i] = (uint8_t)(i * 3 + i / 512);
}

static uint8_t mem[64][4096];

/* Begins in the i-th memory; two pieces. */
static struct buf *begin(enum buf_op op, unsigned i, uint64_t blkno)
{
	static struct buf bufs[64];
	static struct disk_seg seg[64][2];

	seg[i][0] = (struct disk_seg){page_pa(mem[i]) + 100, 600};
	seg[i][1] = (struct disk_seg){page_pa(mem[i]) + 1000, 424};
	bufs[i] = (struct buf){.b_op = op,
	    .b_seg = seg[i],
	    .b_nseg = 2,
	    .b_blkno = blkno,
	    .b_bcount = 1024,
	    .b_iodone = iodone};
	disk->dk_strategy(disk, &bufs[i]);
	return &bufs[i];
}

static void check_data(unsigned i, uint64_t blkno)
{
	ck_assert(memcmp(mem[i] + 100, store + blkno * 512, 600) == 0);
	ck_assert(memcmp(mem[i] + 1000, store + blkno * 512 + 600, 424) == 0);
}

static bool over(const struct buf *bp)
{
	ck_assert_uint_le((uintptr_t)bp->b_private, 1);
	return bp->b_private != NULL;
}

START_TEST(virtio_blk_describes_the_disk)
{
	config[1] = 1; /* 2 TiB and some */
	config[5] = 4096;
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(disk->dk_name, "vda");
	ck_assert_uint_eq(disk->dk_rdev, makedev(254, 0));
	ck_assert_uint_eq(disk->dk_nblocks, (1ULL << 32) + BLOCKS);
	ck_assert_uint_eq(disk->dk_secsize, 4096);
	ck_assert_uint_eq(disk->dk_maxsegs, 8);
	ck_assert_uint_eq(disk->dk_maxdiscard, 64);
	ck_assert(disk->dk_readonly && disk->dk_flush);
	offers = 0;
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(disk->dk_name, "vdb");
	ck_assert_uint_eq(disk->dk_rdev, makedev(254, 16));
	ck_assert_uint_eq(disk->dk_secsize, 512);
	ck_assert_uint_eq(disk->dk_maxsegs, RING - 2);
	ck_assert(!disk->dk_readonly && !disk->dk_flush && !disk->dk_maxdiscard);
}
END_TEST

START_TEST(virtio_blk_does_everything)
{
	static const enum buf_op ops[] = {BUF_READ, BUF_WRITE, BUF_FLUSH, BUF_DISCARD};

	ck_assert_int_eq(attach(), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct buf *bp;

		memset(mem[i], 0x55, sizeof(mem[i]));
		bp = begin(ops[i], i, 10 + 2 * i);
		ck_assert_uint_eq(queue->kicked, 2 * i + 1);
		ck_assert(!over(bp));
		serve(0, 0);
		queue->func(queue->arg);
		ck_assert(over(bp));
		ck_assert_int_eq(bp->b_error, 0);
		if (i < 2)
			check_data(i, 10 + 2 * i);
	}
	ck_assert_uint_eq(store[16 * 512] | store[17 * 512 + 511], 0);
	ck_assert_uint_ne(store[15 * 512 + 511] | store[18 * 512], 0);
}
END_TEST

START_TEST(virtio_blk_waits_for_room)
{
	struct buf *bp[64];

	ck_assert_int_eq(attach(), 0);
	for (unsigned i = 0; i < 64; i++)
		bp[i] = begin(i % 2 ? BUF_WRITE : BUF_READ, i, 2 * i);
	ck_assert_uint_eq(queue->nrequests, RING / 4);
	while (queue->nrequests > 0) {
		for (unsigned n = 0; n < 3 && queue->nrequests > 0; n++)
			serve((unsigned)rand() % queue->nrequests, 0);
		queue->func(queue->arg);
	}
	for (unsigned i = 0; i < 64; i++) {
		ck_assert(over(bp[i]));
		ck_assert_int_eq(bp[i]->b_error, 0);
		check_data(i, 2 * i);
	}
}
END_TEST

START_TEST(virtio_blk_status_is_an_error)
{
	static const int status[] = {0, 1, 2, 3, 255}, error[] = {0, EIO, EOPNOTSUPP, EIO, EIO};

	ck_assert_int_eq(attach(), 0);
	for (unsigned i = 0; i < NELEM(status); i++) {
		struct buf *bp = begin(BUF_READ, 0, 0);

		serve(0, status[i]);
		queue->func(queue->arg);
		ck_assert(over(bp));
		ck_assert_int_eq(bp->b_error, error[i]);
	}
}
END_TEST

START_TEST(virtio_blk_broken_queue_is_eio)
{
	struct buf *bp[64];

	ck_assert_int_eq(attach(), 0);
	for (unsigned i = 0; i < 20; i++)
		bp[i] = begin(BUF_READ, i, 0);
	serve(2, 0);
	queue->broken = true;
	queue->func(queue->arg);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert(over(bp[i]));
		ck_assert_int_eq(bp[i]->b_error, i == 2 ? 0 : EIO);
	}
	bp[0] = begin(BUF_READ, 0, 0);
	ck_assert(over(bp[0]));
	ck_assert_int_eq(bp[0]->b_error, EIO);
	queue->func(queue->arg);
	ck_assert_uint_eq(ndone, 21);
}
END_TEST

START_TEST(virtio_blk_attach_fails_wholly)
{
	size_t live = native_alloc_live();

	for (long n = 0; n < 2; n++) {
		native_alloc_fail(n);
		ck_assert_int_eq(attach(), ENOMEM);
		ck_assert_uint_eq(native_alloc_live(), live);
	}
	native_alloc_fail(-1);
	fails_setup = ENOENT;
	ck_assert_int_eq(attach(), ENOENT);
	ck_assert_uint_eq(native_alloc_live(), live);
	fails_setup = 0;
	fails_attach = EINVAL;
	ck_assert_int_eq(attach(), EINVAL);
	fails_attach = 0;
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(disk->dk_name, "vda");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("virtio_blk");
	TCase *tc = tcase_create("virtio_blk");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, virtio_blk_describes_the_disk);
	tcase_add_test(tc, virtio_blk_does_everything);
	tcase_add_test(tc, virtio_blk_waits_for_room);
	tcase_add_test(tc, virtio_blk_status_is_an_error);
	tcase_add_test(tc, virtio_blk_broken_queue_is_eio);
	tcase_add_test(tc, virtio_blk_attach_fails_wholly);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
