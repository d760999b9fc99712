/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio network driver against queues made of memory: packets of many pieces, a ring that is
 * full, features without their premise, an attach that fails late.
 */
#include <net/if_arp.h>
#include <string.h>

#include "check_main.h"
#include "native.h"
#include "virtio_net_impl.h"

#include <kern/kmem.h>
#include <kern/systm.h>
#include <rumpuser.h>

#define RING 256U

/* A queue: what it was given, in order.  The device uses what was kicked when a test says so. */
struct virtqueue {
	unsigned size, nfree;
	void (*func)(void *);
	void *arg;
	struct {
		void *cookie;
		unsigned n;
		uint32_t len;
	} used[RING];
	unsigned added, kicked, done, got; /* added >= kicked >= done >= got */
	bool intr;
	unsigned after; /* interrupt when so many more are done */
};
/* All that ever were: what a driver that failed leaves behind is still known, to LSan, too. */
static struct virtqueue all[64], *queues[2];
static unsigned nqueues;
static struct virtio_device *const dev = (void *)all; /* only its address is used */
static uint64_t offers, accepted;
static int setups_left, attached;
static struct ifnet *card;
static bool early; /* a frame comes before interrupts are asked for */
static unsigned npolls;
static uint8_t wire[1U << 22];
static size_t wire_len;

LINK_SET_DECLARE(virtio_drivers, const struct virtio_driver);

bool rumpuser_pmap_extract(uintptr_t va, uint64_t *pa, unsigned *prot)
{
	*pa = page_pa((void *)va);
	*prot = 0;
	return true;
}
int ether_ifattach(struct ifnet *ifp)
{
	if (early)
		queues[0]->done++;
	card = ifp;
	return attached;
}
void if_input(struct ifnet *ifp, struct mbuf *m)
{
	(void)ifp;
	m_freepkts(m);
}
uint64_t virtio_offered(struct virtio_device *d)
{
	(void)d;
	return offers;
}
int virtio_negotiate(struct virtio_device *d, uint64_t wanted, uint64_t *got)
{
	(void)d;
	*got = accepted = offers & wanted;
	return 0;
}
uint32_t virtio_config_read(struct virtio_device *d, unsigned off, unsigned width)
{
	(void)d, (void)off, (void)width;
	return 0;
}
void virtio_ready(struct virtio_device *d)
{
	(void)d;
}
int virtio_queue_setup(struct virtio_device *d, unsigned index, unsigned max_size,
    void (*func)(void *), void *arg, struct virtqueue **vqp)
{
	struct virtqueue *vq;

	(void)d;
	if (setups_left == 0)
		return ENOSPC;
	setups_left--;
	ck_assert_uint_lt(nqueues, NELEM(all));
	vq = queues[index] = &all[nqueues++];
	vq->size = vq->nfree = KMIN(max_size, RING);
	vq->func = func;
	vq->arg = arg;
	*vqp = vq;
	return 0;
}
unsigned virtqueue_size(const struct virtqueue *vq)
{
	return vq->size;
}
unsigned virtqueue_free(const struct virtqueue *vq)
{
	return vq->nfree;
}
int virtqueue_add(struct virtqueue *vq, const struct virtio_sg *sg, unsigned n, void *cookie)
{
	unsigned slot = vq->added % RING;

	ck_assert(n > 0);
	if (n > vq->nfree)
		return ENOSPC;
	vq->nfree -= n;
	vq->used[slot].cookie = cookie;
	vq->used[slot].n = n;
	vq->used[slot].len = 0;
	for (unsigned i = 0; i < n && !sg->device_writes; i++) {
		uint32_t skip = i == 0 ? (uint32_t)sizeof(struct virtio_net_hdr) : 0;

		ck_assert(sg[i].len > 0 && wire_len + sg[i].len <= sizeof(wire));
		memcpy(wire + wire_len, (uint8_t *)page_va(sg[i].pa) + skip, sg[i].len - skip);
		wire_len += sg[i].len - skip;
	}
	vq->added++;
	return 0;
}
void virtqueue_kick(struct virtqueue *vq)
{
	vq->kicked = vq->added;
}
void *virtqueue_get(struct virtqueue *vq, uint32_t *len)
{
	unsigned slot = vq->got % RING;

	if (vq->got == vq->done)
		return NULL;
	vq->got++;
	vq->nfree += vq->used[slot].n;
	*len = vq->used[slot].len;
	return vq->used[slot].cookie;
}
bool virtqueue_enable(struct virtqueue *vq, unsigned n)
{
	vq->intr = true;
	vq->after = n;
	return vq->done - vq->got >= n;
}
void virtqueue_poll(struct virtqueue *vq)
{
	npolls++;
	vq->func(vq->arg);
}
void virtqueue_disable(struct virtqueue *vq)
{
	vq->intr = false;
}

/* The card has sent n of what it was told of; interrupts that are due come. */
static unsigned send_some(unsigned n)
{
	struct virtqueue *vq = queues[1];
	unsigned interrupts = 0;

	for (; n > 0 && vq->done != vq->kicked; n--) {
		vq->done++;
		if (vq->intr && --vq->after == 0) {
			vq->intr = false;
			interrupts++;
			vq->func(vq->arg);
		}
	}
	return interrupts;
}

static int attach(void)
{
	return (*__start_link_set_virtio_drivers)->vd_attach(dev);
}

static void setup(void)
{
	offers =
	    NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_HOST_TSO4 | NET_F_GUEST_TSO4 | NET_F_MRG_RXBUF;
	setups_left = 4;
	attached = 0;
	wire_len = 0;
	ck_assert_int_eq(attach(), 0);
}

/* A packet of pieces of so many bytes; *sum says what it holds. */
static struct mbuf *packet(size_t len, unsigned piece, uint8_t seed)
{
	struct mbuf *head = m_gethdr(true), *m = head;

	head->m_pktlen = (uint32_t)len;
	for (size_t off = 0; off < len;) {
		m->m_len = (uint32_t)KMIN(KMIN(len - off, (size_t)piece), m_trailingspace(m));
		for (size_t i = 0; i < m->m_len; i++, off++)
			m->m_data[i] = (uint8_t)(off * 31 + off / 256 + seed);
		if (off < len)
			m = m->m_next = m_get(true);
	}
	return head;
}

static void check_wire(size_t at, size_t len, uint8_t seed)
{
	for (size_t off = 0; off < len; off++)
		ck_assert_uint_eq(wire[at + off], (uint8_t)(off * 31 + off / 256 + seed));
}

START_TEST(virtio_net_packets_of_very_many_pieces_are_sent)
{
	size_t live = native_alloc_live();

	for (unsigned piece = 100; piece < 2000; piece += 300) {
		struct mbuf *m = packet(65000, piece, (uint8_t)piece);

		wire_len = 0;
		m->m_tso_segsz = 1448;
		card->if_transmit(card, m);
		ck_assert_uint_eq(wire_len, 65000);
		check_wire(0, 65000, (uint8_t)piece);
		send_some(1);
	}
	ck_assert_uint_eq(card->if_oerrors, 0);
	card->if_transmit(card, packet(60, 60, 0));
	send_some(1);
	virtio_net_reclaim(card->if_softc);
	ck_assert_uint_eq(native_alloc_live(), live);
	/* Without memory for a copy it is lost, and nothing else. */
	struct mbuf *m = packet(65000, 100, 0);

	wire_len = 0;
	native_alloc_fail(7);
	card->if_transmit(card, m);
	native_alloc_fail(-1);
	ck_assert_uint_eq(wire_len, 0);
	ck_assert_uint_eq(card->if_oerrors, 1);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(virtio_net_full_ring_loses_nothing)
{
	const unsigned ring = queues[1]->size, count = 2 * ring;
	size_t live = native_alloc_live();
	unsigned interrupts = 0;

	ck_assert(!queues[1]->intr);
	for (unsigned i = 0; i < count; i++)
		card->if_transmit(card, packet(1000 + i, 700, (uint8_t)i));
	ck_assert_uint_lt(queues[1]->added, count);
	ck_assert(queues[1]->intr);
	while (queues[1]->done != count) {
		ck_assert_uint_ne(queues[1]->done, queues[1]->kicked);
		interrupts += send_some(1);
	}
	ck_assert_uint_eq(card->if_oerrors, 0);
	ck_assert_uint_eq(card->if_opackets, count);
	for (size_t i = 0, at = 0; i < count; at += 1000 + i++)
		check_wire(at, 1000 + i, (uint8_t)i);
	/* Not one for each packet, and none any more. */
	ck_assert_uint_le(interrupts, 12);
	ck_assert(!queues[1]->intr);
	virtio_net_reclaim(card->if_softc);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(virtio_net_waiting_packets_are_bounded)
{
	size_t live = native_alloc_live();

	for (unsigned i = 0; i < 10000; i++)
		card->if_transmit(card, packet(100, 100, 0));
	ck_assert_uint_gt(card->if_oerrors, 0);
	ck_assert_uint_le(native_alloc_live() - live, 5 * queues[1]->size);
	while (send_some(1000) || queues[1]->done != queues[1]->kicked)
		continue;
	virtio_net_reclaim(card->if_softc);
	ck_assert_uint_eq(native_alloc_live(), live);
	ck_assert_uint_eq(card->if_oerrors + card->if_opackets, 10000);
}
END_TEST

START_TEST(virtio_net_accepts_no_feature_without_its_premise)
{
	static const uint64_t premises[] = {NET_F_MRG_RXBUF, NET_F_GUEST_CSUM, NET_F_CSUM};

	for (unsigned i = 0; i < NELEM(premises); i++) {
		offers = NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_HOST_TSO4 | NET_F_GUEST_TSO4 |
			 NET_F_MRG_RXBUF;
		setups_left = 4;
		ck_assert_int_eq(attach(), 0);
		ck_assert_uint_eq(accepted, offers);
		offers &= ~premises[i];
		setups_left = 4;
		ck_assert_int_eq(attach(), 0);
		ck_assert_uint_eq(accepted & (i < 2 ? NET_F_GUEST_TSO4 : NET_F_HOST_TSO4), 0);
		ck_assert(i < 2 || !(card->if_capabilities & IFCAP_TSO4));
	}
}
END_TEST

START_TEST(virtio_net_attach_that_fails_late_leaves_what_queues_know)
{
	/* Whatever fails, what a queue calls must find its memory: ASan looks. */
	setups_left = 1;
	ck_assert_int_eq(attach(), ENOSPC);
	ck_assert_uint_eq(((struct virtio_net *)queues[0]->arg)->vn_ifnet.if_mtu, 0);
	for (long k = 1; k < 3; k++) {
		setups_left = 4;
		native_alloc_fail(k);
		(void)attach();
		native_alloc_fail(-1);
		ck_assert_ptr_eq(((struct virtio_net *)queues[0]->arg)->vn_dev, dev);
	}
	setups_left = 4;
	attached = ENOMEM;
	ck_assert_int_eq(attach(), ENOMEM);
	queues[0]->func(queues[0]->arg);
}
END_TEST

START_TEST(virtio_net_frame_before_interrupts_is_taken)
{
	ck_assert_uint_eq(npolls, 0);
	early = true;
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(npolls, 1);
	ck_assert_uint_eq(queues[0]->got, 1);
	ck_assert(queues[0]->intr);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("virtio_net");
	TCase *tc = tcase_create("virtio_net");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, virtio_net_packets_of_very_many_pieces_are_sent);
	tcase_add_test(tc, virtio_net_full_ring_loses_nothing);
	tcase_add_test(tc, virtio_net_waiting_packets_are_bounded);
	tcase_add_test(tc, virtio_net_accepts_no_feature_without_its_premise);
	tcase_add_test(tc, virtio_net_attach_that_fails_late_leaves_what_queues_know);
	tcase_add_test(tc, virtio_net_frame_before_interrupts_is_taken);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
