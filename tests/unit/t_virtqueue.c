/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues against a device made of memory: it reads the available ring
 * and fills the used ring as virtio v1.2, 2.7, says, or, on purpose, not.
 */
#include "check_main.h"
#include "native.h"

#include <kern/kmem.h>
#include <kern/systm.h>
#include <rumpuser.h>
#include <dev/virtio_transport.h>

#define SIZE	  8
#define EVENT_IDX (1ULL << 29)
#define VERSION_1 (1ULL << 32)

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* The device's side. */
static struct {
	uint8_t status;
	uint64_t offers, accepted;
	unsigned max;
	bool refuse;
	struct desc *desc;
	uint16_t *avail; /* flags, idx, ring[SIZE], used_event */
	uint16_t *used;	 /* flags, idx, {id, len}[SIZE] as 16-bit words, avail_event */
	uint16_t seen;
	uint32_t notify;
	void (*intr)(void *);
	void *intr_arg;
} dv;

uint64_t rumpuser_dma_addr(uint64_t pa)
{
	return pa;
}

void rumpuser_dma_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint8_t get_status(struct virtio_device *dev)
{
	return dv.status;
}
static void set_status(struct virtio_device *dev, uint8_t status)
{
	dv.status = dv.refuse ? status & ~8 : status;
}
static uint64_t get_features(struct virtio_device *dev)
{
	return dv.offers;
}
static void set_features(struct virtio_device *dev, uint64_t features)
{
	dv.accepted = features;
}
static uint32_t config_read(struct virtio_device *dev, unsigned off, unsigned width)
{
	return 0;
}
static unsigned queue_max(struct virtio_device *dev, unsigned index)
{
	return index == 0 ? dv.max : 0;
}
static int queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
    const struct virtio_queue_addr *addr, void (*intr)(void *), void *arg, volatile void **notify)
{
	ck_assert_uint_eq(size, SIZE);
	dv.desc = page_va(addr->desc);
	dv.avail = page_va(addr->avail);
	dv.used = page_va(addr->used);
	dv.intr = intr;
	dv.intr_arg = arg;
	*notify = &dv.notify;
	return 0;
}

static const struct virtio_transport transport = {
    .vt_get_status = get_status,
    .vt_set_status = set_status,
    .vt_get_features = get_features,
    .vt_set_features = set_features,
    .vt_config_read = config_read,
    .vt_queue_max = queue_max,
    .vt_queue_enable = queue_enable,
    .vt_notify32 = true,
};

static struct virtio_device dev;
static struct virtqueue *vq;
static unsigned ncalls;

static void queue_work(void *arg)
{
	ncalls++;
}

static uint16_t *avail_event(void)
{
	return dv.used + 2 + 4 * SIZE;
}

static uint16_t used_event(void)
{
	return dv.avail[2 + SIZE];
}

/* The device uses the next available chain: returns its head. */
static uint16_t device_use(uint32_t len)
{
	uint16_t head, slot;

	ck_assert_uint_ne(dv.seen, dv.avail[1]);
	head = dv.avail[2 + dv.seen++ % SIZE];
	slot = dv.used[1] % SIZE;
	dv.used[2 + 4 * slot] = head;
	dv.used[2 + 4 * slot + 1] = 0;
	dv.used[2 + 4 * slot + 2] = len;
	dv.used[2 + 4 * slot + 3] = 0;
	dv.used[1]++;
	if ((uint16_t)(used_event() + 1) == dv.used[1])
		dv.intr(dv.intr_arg);
	return head;
}

static void setup(void)
{
	uint64_t got;

	memset(&dv, 0, sizeof(dv));
	memset(&dev, 0, sizeof(dev));
	dv.offers = VERSION_1 | EVENT_IDX;
	dv.max = 1024;
	dv.notify = ~0U;
	dev.dv_transport = &transport;
	ncalls = 0;
	ck_assert_int_eq(virtio_negotiate(&dev, 0, &got), 0);
	ck_assert_int_eq(virtio_queue_setup(&dev, 0, SIZE, queue_work, NULL, &vq), 0);
}

static int add(unsigned n, void *cookie)
{
	struct virtio_sg sg[SIZE + 1];

	for (unsigned i = 0; i < n; i++)
		sg[i] = (struct virtio_sg){
		    .pa = 0x1000 * (i + 1), .len = 10 + i, .device_writes = i > 0};
	return virtqueue_add(vq, sg, n, cookie);
}

START_TEST(negotiate_refuses_legacy_and_unwilling_devices)
{
	uint64_t got;

	dv.offers = EVENT_IDX;
	ck_assert_int_eq(virtio_negotiate(&dev, 0, &got), ENOTSUP);
	dv.offers = VERSION_1 | 1;
	ck_assert_int_eq(virtio_negotiate(&dev, 1, &got), 0);
	ck_assert_uint_eq(got, VERSION_1 | 1);
	dv.refuse = true;
	ck_assert_int_eq(virtio_negotiate(&dev, 1, &got), ENOTSUP);
}
END_TEST

START_TEST(setup_absent_queue_is_enoent)
{
	struct virtqueue *other;
	ck_assert_int_eq(virtio_queue_setup(&dev, 1, SIZE, NULL, NULL, &other), ENOENT);
}
END_TEST

START_TEST(setup_survives_every_failed_allocation)
{
	unsigned long before = native_alloc_count(), n;
	struct virtqueue *other;
	size_t live = native_alloc_live();

	ck_assert_int_eq(virtio_queue_setup(&dev, 0, SIZE, queue_work, NULL, &other), 0);
	n = native_alloc_count() - before;
	ck_assert_uint_gt(n, 1);
	live = native_alloc_live();
	for (unsigned long i = 0; i < n; i++) {
		native_alloc_fail(i);
		ck_assert_int_eq(
		    virtio_queue_setup(&dev, 0, SIZE, queue_work, NULL, &other), ENOMEM);
		native_alloc_fail(-1);
		ck_assert_uint_eq(native_alloc_live(), live);
	}
}
END_TEST

START_TEST(chain_reaches_device_as_specified)
{
	int cookie;

	ck_assert_int_eq(add(3, &cookie), 0);
	ck_assert_uint_eq(virtqueue_free(vq), SIZE - 3);
	uint16_t head = dv.avail[2];
	ck_assert_uint_eq(dv.avail[1], 1);
	ck_assert_uint_eq(dv.desc[head].addr, 0x1000);
	ck_assert_uint_eq(dv.desc[head].flags, 1); /* NEXT */
	uint16_t second = dv.desc[head].next;
	ck_assert_uint_eq(dv.desc[second].flags, 3);		   /* NEXT | WRITE */
	ck_assert_uint_eq(dv.desc[dv.desc[second].next].flags, 2); /* WRITE */
}
END_TEST

START_TEST(full_ring_is_enospc_and_recovers)
{
	uint32_t len;
	int c[4];

	ck_assert_int_eq(add(4, &c[0]), 0);
	ck_assert_int_eq(add(5, &c[1]), ENOSPC);
	ck_assert_int_eq(add(0, &c[1]), ENOSPC);
	ck_assert_int_eq(add(4, &c[1]), 0);
	ck_assert_int_eq(add(1, &c[2]), ENOSPC);
	device_use(77);
	ck_assert_ptr_eq(virtqueue_get(vq, &len), &c[0]);
	ck_assert_uint_eq(len, 77);
	ck_assert_uint_eq(virtqueue_free(vq), 4);
	ck_assert_ptr_null(virtqueue_get(vq, &len));
	ck_assert_int_eq(add(4, &c[3]), 0);
}
END_TEST

START_TEST(many_rounds_wrap_the_indices)
{
	uint32_t len;
	int cookies[3];

	for (unsigned round = 0; round < 70000; round++) {
		for (unsigned i = 0; i < 3; i++)
			ck_assert_int_eq(add(1 + i % 2, &cookies[i]), 0);
		for (unsigned i = 0; i < 3; i++)
			device_use(round);
		for (unsigned i = 0; i < 3; i++)
			ck_assert_ptr_eq(virtqueue_get(vq, &len), &cookies[i]);
		ck_assert_uint_eq(virtqueue_free(vq), SIZE);
	}
}
END_TEST

START_TEST(kick_only_when_device_waits)
{
	int c;

	*avail_event() = 0; /* wants to hear of the first */
	add(1, &c);
	virtqueue_kick(vq);
	ck_assert_uint_eq(dv.notify, 0);
	dv.notify = ~0U;
	add(1, &c); /* the device is still busy with what it knows */
	virtqueue_kick(vq);
	ck_assert_uint_eq(dv.notify, ~0U);
	virtqueue_kick(vq); /* nothing new */
	ck_assert_uint_eq(dv.notify, ~0U);
	*avail_event() = 2;
	add(1, &c);
	virtqueue_kick(vq);
	ck_assert_uint_eq(dv.notify, 0);
}
END_TEST

START_TEST(interrupts_only_when_enabled)
{
	uint32_t len;
	int c;

	add(1, &c);
	add(1, &c);
	add(1, &c);
	device_use(1);
	ck_assert_uint_eq(ncalls, 0);
	ck_assert(virtqueue_enable(vq, 1)); /* one is there already */
	ck_assert_ptr_nonnull(virtqueue_get(vq, &len));
	ck_assert(!virtqueue_enable(vq, 1));
	device_use(1);
	native_softints();
	ck_assert_uint_eq(ncalls, 1);
	device_use(1); /* not asked for again */
	native_softints();
	ck_assert_uint_eq(ncalls, 1);
}
END_TEST

START_TEST(lying_device_stops_the_queue)
{
	uint32_t len;
	int c;

	add(2, &c);
	device_use(1);
	dv.used[2] = SIZE + 5; /* no such descriptor */
	ck_assert_ptr_null(virtqueue_get(vq, &len));
	ck_assert_int_eq(add(1, &c), ENOSPC);
	ck_assert(!virtqueue_enable(vq, 1));
}
END_TEST

START_TEST(device_using_what_it_was_not_given_stops_the_queue)
{
	uint32_t len;
	uint16_t head;
	int c;

	add(2, &c);
	head = device_use(1);
	dv.used[2] = (head + 3) % SIZE; /* exists, but was not given to it */
	ck_assert_ptr_null(virtqueue_get(vq, &len));
	ck_assert_int_eq(add(1, &c), ENOSPC);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtqueue");
	TCase *tc = tcase_create("virtqueue");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, negotiate_refuses_legacy_and_unwilling_devices);
	tcase_add_test(tc, setup_absent_queue_is_enoent);
	tcase_add_test(tc, setup_survives_every_failed_allocation);
	tcase_add_test(tc, chain_reaches_device_as_specified);
	tcase_add_test(tc, full_ring_is_enospc_and_recovers);
	tcase_add_test(tc, many_rounds_wrap_the_indices);
	tcase_add_test(tc, kick_only_when_device_waits);
	tcase_add_test(tc, interrupts_only_when_enabled);
	tcase_add_test(tc, lying_device_stops_the_queue);
	tcase_add_test(tc, device_using_what_it_was_not_given_stops_the_queue);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(suite)
