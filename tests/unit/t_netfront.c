/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen network front end against a back end that plays by the rules, one that goes and comes
 * back, and some that don't.
 */
#include <string.h>

#include "check_main.h"
#include "native.h"
#include "netfront_world.h"

#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/systm.h>

#define BACKEND world_device.xd_backend

static struct world_back back;
static struct ifnet *ifp;
static uint8_t wire[1U << 22]; /* what the back end has sent on */
static size_t wire_len;
static unsigned wire_packets, events; /* events: how often we were interrupted for sending */

/* ------------------------------------------------------- an honest back end */

static struct netif_tx_request tx_request(RING_IDX i)
{
	return back.tx->ring[i % NETFRONT_RING].req;
}

static void tx_answer(unsigned id, int status)
{
	RING_IDX old = back.tx->rsp_prod;

	back.tx->ring[old % NETFRONT_RING].rsp =
	    (struct netif_tx_response){.id = (uint16_t)id, .status = (int16_t)status};
	back.tx->rsp_prod = old + 1;
	if (old + 1 == back.tx->rsp_event) {
		events++;
		back.txchan->func(back.txchan->arg);
	}
}

static const struct world_grant *data_page(const struct netif_tx_request *req)
{
	const struct world_grant *g = &world_grants[req->gref];

	ck_assert(req->gref < WORLD_GRANTS && g->live && g->readonly);
	ck_assert_uint_eq(g->domid, world_device.xd_backend_domid);
	ck_assert_uint_le((uint32_t)req->offset + req->size, PAGE_SIZE);
	return g;
}

static unsigned last_gso;
static uint16_t last_flags;

/* Send the next packet on and answer.  false: none. */
static bool send_one(void)
{
	RING_IDX i = back.txcons, first = i, extra = 0, nslots = 1;
	struct netif_tx_request req, piece;
	size_t rest;

	if (back.txcons == back.tx->req_prod)
		return false;
	req = tx_request(i++);
	last_flags = req.flags;
	last_gso = 0;
	if (req.flags & NETTXF_extra_info) {
		struct netif_extra_info ex;

		memcpy(&ex, &back.tx->ring[i % NETFRONT_RING], sizeof(ex));
		ck_assert_uint_eq(ex.type, XEN_NETIF_EXTRA_TYPE_GSO);
		ck_assert_uint_eq(ex.flags, 0);
		ck_assert_uint_eq(ex.u.gso.type, XEN_NETIF_GSO_TYPE_TCPV4);
		ck_assert_uint_eq(ex.u.gso.features | ex.u.gso.pad, 0);
		last_gso = ex.u.gso.size;
		extra = i++;
	}
	rest = req.size;
	piece = req;
	for (RING_IDX j = i; piece.flags & NETTXF_more_data; j++) {
		piece = tx_request(j);
		ck_assert_uint_le(piece.size, rest);
		ck_assert_uint_eq(piece.flags & ~NETTXF_more_data, 0);
		rest -= piece.size;
		nslots++;
	}
	ck_assert_uint_le(nslots, XEN_NETIF_NR_SLOTS_MIN - 1);
	piece = req;
	piece.size = (uint16_t)rest;
	for (RING_IDX j = 0; j < nslots; j++) {
		const struct world_grant *g = data_page(&piece);

		ck_assert_uint_le(wire_len + piece.size, sizeof(wire));
		memcpy(wire + wire_len, g->page + piece.offset, piece.size);
		wire_len += piece.size;
		piece = tx_request(i + j);
	}
	back.txcons = i + nslots - 1;
	ck_assert_int_ge((int)(back.tx->req_prod - back.txcons), 0);
	back.tx->req_event = back.txcons + 1;
	wire_packets++;
	for (RING_IDX j = first; j != back.txcons; j++)
		tx_answer(tx_request(j).id, extra && j == extra ? NETIF_RSP_NULL : NETIF_RSP_OKAY);
	return true;
}

/* A frame of len bytes in pieces; extras of extra information behind the first. */
static void put_frame(size_t len, size_t piece, unsigned extras, uint16_t flags, uint8_t seed)
{
	bool first = true;

	for (size_t off = 0; off < len || first; first = false) {
		size_t n = KMIN(len - off, piece);
		struct netif_rx_request req = back.rx->ring[back.rxcons % NETFRONT_RING].req;
		const struct world_grant *g = &world_grants[req.gref];
		bool more = off + n < len;

		ck_assert(g->live && !g->readonly && g->domid == world_device.xd_backend_domid);
		ck_assert_int_gt((int)(back.rx->req_prod - back.rxcons), 0);
		for (size_t i = 0; i < n; i++, off++)
			g->page[(PAGE_SIZE - n) + i] = (uint8_t)(off * 31 + off / 256 + seed);
		back.rx->ring[back.rxcons++ % NETFRONT_RING].rsp = (struct netif_rx_response){
		    .id = req.id,
		    .offset = (uint16_t)(PAGE_SIZE - n),
		    .flags = (uint16_t)((first ? flags : 0) | (more ? NETRXF_more_data : 0) |
					(first && extras ? NETRXF_extra_info : 0)),
		    .status = (int16_t)n,
		};
		for (unsigned i = 0; first && i < extras; i++) {
			struct netif_extra_info ex = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

			ex.flags = i + 1 < extras ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
			ex.u.gso.size = 1448;
			ex.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
			memcpy(&back.rx->ring[back.rxcons++ % NETFRONT_RING], &ex, sizeof(ex));
		}
	}
}

/* The front end is told; true if it wanted to be. */
static bool deliver(void)
{
	RING_IDX old = back.rxprod, event = back.rx->rsp_event;

	back.rxprod = back.rxcons;
	back.rx->rsp_prod = back.rxprod;
	if (back.rxprod - event >= back.rxprod - old)
		return false;
	back.rxchan->func(back.rxchan->arg);
	return true;
}

/* ---------------------------------------------------------------- packets */

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

static void check_bytes(const uint8_t *p, size_t len, uint8_t seed)
{
	for (size_t off = 0; off < len; off++)
		ck_assert_uint_eq(p[off], (uint8_t)(off * 31 + off / 256 + seed));
}

static void transmit(struct mbuf *m)
{
	ifp->if_transmit(ifp, m);
}

static void attach(unsigned max_queues)
{
	world_init(max_queues);
	ck_assert_int_eq(world_attach(), 0);
	ifp = &world_netfront()->nf_ifnet;
}

static void connect_all(unsigned nqueues)
{
	ck_assert_int_eq(world_connect(), 0);
	world_back_attach(&back, 0, nqueues);
	ck_assert_int_eq(world_connected(), 0);
}

static void setup(void)
{
	cpu_count = 1;
	wire_len = wire_packets = events = 0;
	attach(1);
	connect_all(1);
}

START_TEST(netfront_publishes_what_the_protocol_wants)
{
	static const uint8_t mac[6] = {0x00, 0x16, 0x3e, 0xab, 0x09, 0xf0};
	const char *dir = world_device.xd_path;

	ck_assert_mem_eq(ifp->if_lladdr, mac, 6);
	ck_assert_uint_eq(ifp->if_mtu, 1500);
	ck_assert_uint_eq(ifp->if_capabilities, IFCAP_TXCSUM | IFCAP_TSO4 | IFCAP_RXCSUM);
	ck_assert_uint_eq(world_get_uint(dir, "request-rx-copy"), 1);
	ck_assert_uint_eq(world_get_uint(dir, "feature-rx-notify"), 1);
	ck_assert_uint_eq(world_get_uint(dir, "feature-sg"), 1);
	ck_assert_uint_eq(world_get_uint(dir, "feature-gso-tcpv4"), 1);
	ck_assert_ptr_null(world_get(dir, "multi-queue-num-queues"));
	ck_assert_ptr_null(world_get(dir, "event-channel"));
	ck_assert_ptr_ne(back.txchan, back.rxchan);
	ck_assert_uint_eq(back.rx->req_prod, NETFRONT_RING);
	ck_assert(world_link);
}
END_TEST

START_TEST(netfront_packets_are_sent_whole)
{
	size_t live;

	transmit(packet(60, 60, 7));
	ck_assert_uint_eq(back.txchan->notified, 1);
	ck_assert(send_one() && !send_one());
	ck_assert_uint_eq(wire_len, 60);
	check_bytes(wire, 60, 7);
	ck_assert_uint_eq(last_flags, 0);
	transmit(packet(NETFRONT_TXSLOTS * 4095, 1900, 1)); /* all pages are had now */
	ck_assert(send_one());
	live = native_alloc_live();
	for (unsigned piece = 100; piece < 2000; piece += 300) {
		struct mbuf *m = packet(65000, piece, (uint8_t)piece);

		wire_len = 0;
		m->m_tso_segsz = 1448;
		m->m_csum_flags = MCSUM_TX_L4;
		transmit(m);
		ck_assert_uint_eq(native_alloc_live(), live);
		ck_assert(send_one());
		ck_assert_uint_eq(wire_len, 65000);
		ck_assert_uint_eq(last_gso, 1448);
		ck_assert_uint_eq(last_flags, NETTXF_csum_blank | NETTXF_data_validated |
						  NETTXF_extra_info | NETTXF_more_data);
		check_bytes(wire, 65000, (uint8_t)piece);
	}
	/* Too long for the protocol. */
	transmit(packet(65536, 1900, 0));
	ck_assert(!send_one());
	ck_assert_uint_eq(ifp->if_oerrors, 1);
	ck_assert_uint_eq(events, 0);
	ck_assert_uint_eq(native_alloc_live(), live);
	ck_assert_uint_eq(world_complaints, 0);
}
END_TEST

START_TEST(netfront_chain_costs_one_notification)
{
	struct mbuf *chain = packet(100, 100, 0);

	chain->m_nextpkt = packet(200, 200, 0);
	chain->m_nextpkt->m_nextpkt = packet(300, 300, 0);
	transmit(chain);
	ck_assert_uint_eq(back.txchan->notified, 1);
	/* The back end is at it, and has not said that it wants to know of more. */
	transmit(packet(100, 100, 0));
	ck_assert_uint_eq(back.txchan->notified, 1);
	while (send_one())
		continue;
	transmit(packet(100, 100, 0));
	ck_assert_uint_eq(back.txchan->notified, 2);
}
END_TEST

START_TEST(netfront_full_ring_loses_nothing)
{
	const unsigned count = 3 * NETFRONT_RING;
	size_t at = 0;

	for (unsigned i = 0; i < count; i++)
		transmit(packet(1000 + i, 700, (uint8_t)i));
	ck_assert_uint_eq(back.tx->req_prod, NETFRONT_RING);
	while (send_one())
		continue;
	ck_assert_uint_eq(wire_packets, count);
	ck_assert_uint_eq(ifp->if_oerrors, 0);
	ck_assert_uint_eq(ifp->if_opackets, count);
	for (unsigned i = 0; i < count; at += 1000 + i++)
		check_bytes(wire + at, 1000 + i, (uint8_t)i);
	/* Not one for each packet, and none any more. */
	ck_assert_uint_ge(events, 1);
	ck_assert_uint_le(events, 12);
	events = 0;
	for (unsigned i = 0; i < count; i++) {
		transmit(packet(100, 100, 0));
		wire_len = 0;
		ck_assert(send_one());
	}
	ck_assert_uint_eq(events, 0);
	ck_assert_uint_eq(world_complaints, 0);
}
END_TEST

START_TEST(netfront_extra_information_needs_room_too)
{
	struct mbuf *m;

	for (unsigned i = 0; i < NETFRONT_RING - 1; i++)
		transmit(packet(60, 60, 0));
	m = packet(60, 60, 1);
	m->m_tso_segsz = 1000;
	transmit(m);
	ck_assert_uint_eq(back.tx->req_prod, NETFRONT_RING - 1);
	while (send_one())
		wire_len = 0;
	ck_assert_uint_eq(last_gso, 1000);
	ck_assert_uint_eq(wire_packets, NETFRONT_RING);
	ck_assert_uint_eq(world_complaints, 0);
}
END_TEST

START_TEST(netfront_waiting_packets_are_bounded)
{
	size_t live = native_alloc_live();

	for (unsigned i = 0; i < 10000; i++)
		transmit(packet(100, 100, 0));
	ck_assert_uint_gt(ifp->if_oerrors, 0);
	while (send_one())
		wire_len = 0;
	ck_assert_uint_eq(ifp->if_oerrors + ifp->if_opackets, 10000);
	/* What is more are pages for the ring. */
	ck_assert_uint_le(native_alloc_live() - live, NETFRONT_RING * PAGE_SIZE);
}
END_TEST

START_TEST(netfront_answers_may_come_in_any_order)
{
	for (unsigned i = 0; i < 4; i++)
		transmit(packet(100, 100, (uint8_t)i));
	for (unsigned i = 0; i < 4; i++)
		tx_answer(
		    tx_request((i * 3 + 2) % 4).id, i % 2 ? NETIF_RSP_OKAY : NETIF_RSP_DROPPED);
	back.txcons = 4;
	for (unsigned i = 0; i < 2 * NETFRONT_RING; i++) {
		transmit(packet(100, 100, (uint8_t)i));
		wire_len = 0;
		ck_assert(send_one());
		check_bytes(wire, 100, (uint8_t)i);
	}
	ck_assert_uint_eq(world_complaints, 0);
	ck_assert_uint_eq(ifp->if_oerrors, 2);
}
END_TEST

START_TEST(netfront_without_memory_packets_are_lost_or_wait)
{
	/* No page: nothing is under way that could give one back. */
	native_alloc_fail(1);
	transmit(packet(100, 100, 0)); /* its mbuf is the first allocation */
	native_alloc_fail(-1);
	ck_assert_uint_eq(ifp->if_oerrors, 1);
	world_grant_limit = world_live_grants() + 1;
	transmit(packet(100, 100, 1));
	transmit(packet(100, 100, 2)); /* waits for the first one's */
	ck_assert_uint_eq(back.tx->req_prod, 1);
	ck_assert(send_one() && send_one());
	ck_assert_uint_eq(events, 1);
	check_bytes(wire + 100, 100, 2);
	transmit(packet(5000, 100, 2)); /* needs two */
	ck_assert_uint_eq(ifp->if_oerrors, 2);
	/* None has been forgotten. */
	world_grant_limit = WORLD_GRANTS;
	for (unsigned i = 0; i < NETFRONT_RING; i++)
		transmit(packet(60, 60, 0));
	ck_assert_uint_eq(back.tx->req_prod, NETFRONT_RING + 2);
}
END_TEST

START_TEST(netfront_back_end_without_features)
{
	static const char *const none[] = {"feature-sg", "feature-gso-tcpv4",
	    "feature-split-event-channels", "multi-queue-max-queues"};
	struct mbuf *m;

	attach(1);
	for (unsigned i = 0; i < NELEM(none); i++)
		world_set(BACKEND, none[i], NULL);
	world_set(BACKEND, "feature-no-csum-offload", "1");
	connect_all(1);
	ck_assert_uint_eq(ifp->if_capabilities, IFCAP_RXCSUM);
	ck_assert_ptr_eq(back.txchan, back.rxchan);
	transmit(packet(4096, 1000, 3));
	transmit(packet(4097, 1000, 4)); /* no second page */
	m = packet(100, 100, 5);
	m->m_csum_flags = MCSUM_TX_L4;
	transmit(m);
	m = packet(100, 100, 5);
	m->m_tso_segsz = 1448;
	transmit(m);
	ck_assert(send_one() && !send_one());
	ck_assert_uint_eq(wire_len, 4096);
	check_bytes(wire, 4096, 3);
	ck_assert_uint_eq(ifp->if_oerrors, 3);
	/* The one channel is for both. */
	put_frame(100, 100, 0, 0, 1);
	for (unsigned i = 0; i < NETFRONT_RING + 1; i++)
		transmit(packet(60, 60, 0));
	while (send_one())
		continue;
	ck_assert_uint_eq(wire_packets, NETFRONT_RING + 2);
	ck_assert(deliver());
	ck_assert_uint_eq(world_frames, 1);
	/* Without copying there is no connection. */
	world_disconnect();
	world_set(BACKEND, "feature-rx-copy", "0");
	ck_assert_int_eq(world_connect(), ENOTSUP);
	ck_assert_uint_eq(world_complaints, 1);
}
END_TEST

START_TEST(netfront_frames_are_received_whole)
{
	static const size_t lens[] = {14, 60, 160, 161, 1514, 1952, 1953, 4096, 9014, 65535};
	size_t live = native_alloc_live();

	for (unsigned round = 0; round < 20; round++)
		for (unsigned i = 0; i < NELEM(lens); i++) {
			unsigned extras = round % 3;
			size_t piece = round % 2 ? 4096 : 777;

			put_frame(
			    lens[i], piece, extras, i % 2 ? NETRXF_csum_blank : 0, (uint8_t)i);
			ck_assert(deliver());
			ck_assert_uint_eq(world_frames, round * NELEM(lens) + i + 1);
			ck_assert_uint_eq(world_frame_len, lens[i]);
			check_bytes(world_frame, lens[i], (uint8_t)i);
			ck_assert_uint_eq(world_frame_flags, i % 2 ? MCSUM_RX_L4_OK : 0);
		}
	ck_assert_uint_eq(native_alloc_live(), live);
	ck_assert_uint_eq(back.rx->req_prod - back.rxcons, NETFRONT_RING);
	ck_assert_uint_eq(ifp->if_ierrors + ifp->if_iqdrops + world_complaints, 0);
	ck_assert_uint_eq(back.rxchan->notified, 0);
	/* One that has no room for the next frame says so. */
	back.rx->req_event = back.rxcons + NETFRONT_RING + 1;
	put_frame(60, 60, 0, 0, 0);
	ck_assert(deliver());
	ck_assert_uint_eq(back.rxchan->notified, 1);
}
END_TEST

START_TEST(netfront_many_frames_are_one_event)
{
	for (unsigned i = 0; i < NETFRONT_RING; i++)
		put_frame(100, 100, 0, 0, 0);
	ck_assert(deliver());
	ck_assert_uint_eq(world_frames, NETFRONT_RING);
	ck_assert_uint_le(world_inputs, NETFRONT_RING / 32);
}
END_TEST

START_TEST(netfront_frame_may_come_in_several_goes)
{
	size_t live = native_alloc_live();
	RING_IDX all, begin = 0;

	put_frame(9000, 500, 2, NETRXF_data_validated, 9);
	all = back.rxcons;
	for (; begin < all; begin++) {
		ck_assert_uint_eq(world_frames, 0);
		back.rxcons = begin + 1;
		ck_assert(deliver());
	}
	ck_assert_uint_eq(world_frames, 1);
	ck_assert_uint_eq(world_frame_len, 9000);
	check_bytes(world_frame, 9000, 9);
	ck_assert_uint_eq(world_frame_flags, MCSUM_RX_L4_OK);
	/* Half a frame goes with its back end. */
	put_frame(9000, 500, 0, 0, 0);
	back.rxcons = all + 2;
	ck_assert(deliver());
	ck_assert_uint_gt(native_alloc_live(), live);
	world_disconnect();
	connect_all(1);
	put_frame(60, 60, 0, 0, 3);
	ck_assert(deliver());
	ck_assert_uint_eq(world_frame_len, 60);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(netfront_bad_frames_are_dropped)
{
	static const struct {
		int offset, status;
	} bad[] = {
	    {0, -1}, {0, -2}, {1, 4096}, {4097, 0}, {65535, 1}, {4096, 1}, {0, 32767}, {0, -32768}};
	size_t live = native_alloc_live();
	unsigned good = 0;

	for (unsigned i = 0; i < NELEM(bad); i++) {
		RING_IDX at = back.rxcons;

		put_frame(9000, 1000, 0, 0, 0);
		back.rx->ring[(at + i) % NETFRONT_RING].rsp.offset = (uint16_t)bad[i].offset;
		back.rx->ring[(at + i) % NETFRONT_RING].rsp.status = (int16_t)bad[i].status;
		ck_assert(deliver());
		ck_assert_uint_eq(ifp->if_ierrors, i + 1);
		put_frame(100, 100, 0, 0, (uint8_t)i);
		ck_assert(deliver());
		ck_assert_uint_eq(world_frames, ++good);
		check_bytes(world_frame, 100, (uint8_t)i);
	}
	/* Extra information that is none. */
	for (unsigned type = 0; type < 256; type += 5) {
		RING_IDX at = back.rxcons;

		put_frame(9000, 1000, 1, 0, 0);
		*(uint8_t *)&back.rx->ring[(at + 1) % NETFRONT_RING] = (uint8_t)type;
		ck_assert(deliver());
	}
	ck_assert_uint_eq(world_frames, good);
	/* Longer than any frame. */
	put_frame(70000, 4096, 0, 0, 0);
	ck_assert(deliver());
	ck_assert_uint_eq(world_frames, good);
	/* No memory at some point. */
	for (long n = 0; n < 5; n++) {
		native_alloc_fail(n);
		put_frame(9000, 4096, 0, 0, 0);
		ck_assert(deliver());
		native_alloc_fail(-1);
		ck_assert_uint_eq(ifp->if_iqdrops, (uint64_t)n + 1);
	}
	put_frame(100, 100, 0, 0, 1);
	ck_assert(deliver());
	ck_assert_uint_eq(world_frames, good + 1);
	ck_assert_uint_eq(world_complaints, 0);
	ck_assert_uint_eq(native_alloc_live(), live);
}
END_TEST

START_TEST(netfront_receive_is_shut_when_nothing_makes_sense)
{
	size_t live = native_alloc_live();

	for (unsigned how = 0; how < 3; how++) {
		put_frame(9000, 4096, 0, 0, 0);
		back.rxcons = 2; /* half of it */
		ck_assert(deliver());
		if (how == 0) /* more answers than requests */
			back.rxcons = back.rxcons + NETFRONT_RING + 1;
		else if (how == 1) /* fewer than before */
			back.rxcons--;
		else /* another buffer */
			back.rx->ring[back.rxcons++ % NETFRONT_RING].rsp.id = 77;
		back.rx->rsp_prod = back.rxcons;
		back.rxchan->func(back.rxchan->arg);
		ck_assert_uint_eq(world_complaints, how + 1);
		ck_assert_uint_eq(native_alloc_live(), live);
		back.rxchan->func(back.rxchan->arg);
		ck_assert_uint_eq(world_complaints, how + 1);
		/* Sending goes on, and so does all with the next one. */
		transmit(packet(60, 60, 1));
		ck_assert(send_one());
		world_disconnect();
		connect_all(1);
		put_frame(60, 60, 0, 0, 5);
		ck_assert(deliver());
		ck_assert_uint_eq(world_frames, how + 1);
		world_disconnect();
		connect_all(1);
		live = native_alloc_live(); /* with a page for sending */
	}
}
END_TEST

START_TEST(netfront_sending_is_shut_when_nothing_makes_sense)
{
	for (unsigned how = 0; how < 7; how++) {
		struct mbuf *m = packet(9000, 1000, 0);

		m->m_tso_segsz = 1448;
		transmit(m);
		transmit(packet(100, 100, 0));
		switch (how) {
		case 0: /* twice */
			tx_answer(tx_request(0).id, 0);
			tx_answer(tx_request(0).id, 0);
			break;
		case 1: /* never was */
			tx_answer(200, 0);
			break;
		case 2:
			tx_answer(256, 0);
			break;
		case 3:
			tx_answer(65535, -1);
			break;
		case 4: /* one piece of extra information, not two */
			tx_answer(0, NETIF_RSP_NULL);
			tx_answer(0, NETIF_RSP_NULL);
			break;
		case 5:
			back.tx->rsp_prod += 6;
			break;
		default:
			back.tx->rsp_prod--;
		}
		transmit(packet(100, 100, 0));
		ck_assert_uint_eq(world_complaints, how + 1);
		size_t live = native_alloc_live();
		uint64_t errors = ifp->if_oerrors;
		for (unsigned i = 0; i < 2000; i++)
			transmit(packet(100, 100, 0));
		back.txchan->func(back.txchan->arg);
		ck_assert_uint_eq(ifp->if_oerrors - errors, 2000);
		ck_assert_uint_eq(native_alloc_live(), live);
		ck_assert_uint_eq(world_complaints, how + 1);
		/* It still receives. */
		put_frame(60, 60, 0, 0, 5);
		ck_assert(deliver());
		world_disconnect();
		connect_all(1);
		wire_len = 0;
		transmit(packet(100, 100, 3));
		ck_assert(send_one() && !send_one());
		check_bytes(wire, 100, 3);
		world_disconnect();
		connect_all(1);
	}
}
END_TEST

START_TEST(netfront_survives_its_back_end)
{
	unsigned grants;
	size_t live = 0;

	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 20; i++)
			transmit(packet(5000, 1000, (uint8_t)i));
		put_frame(100, 100, 0, 0, 0);
		world_disconnect();
		ck_assert(!world_link);
		ck_assert_uint_eq(world_live_channels(), 0);
		ck_assert_ptr_null(world_get(world_device.xd_path, "tx-ring-ref"));
		ck_assert_ptr_null(world_get(world_device.xd_path, "event-channel-tx"));
		grants = world_live_grants();
		/* What is to be sent meanwhile waits, those under way are lost. */
		transmit(packet(300, 300, (uint8_t)round));
		if (round % 2) /* another program of the same domain, or one that can less */
			world_set(BACKEND, "feature-split-event-channels", "0");
		connect_all(1);
		wire_len = 0;
		ck_assert(send_one() && !send_one());
		ck_assert_uint_eq(wire_len, 300);
		check_bytes(wire, 300, (uint8_t)round);
		put_frame(100, 100, 0, 0, 0);
		ck_assert(deliver());
		ck_assert_uint_eq(world_live_grants(), grants + 2);
		if (round > 0)
			ck_assert_uint_eq(native_alloc_live(), live);
		live = native_alloc_live();
	}
	ck_assert_uint_eq(world_complaints, 0);
}
END_TEST

START_TEST(netfront_another_domain_gets_pages_of_its_own)
{
	unsigned held = 0;

	for (unsigned i = 0; i < 20; i++)
		transmit(packet(5000, 1000, 1));
	world_disconnect();
	/* The old one keeps two of the pages that we receive in. */
	for (unsigned i = 0; i < WORLD_GRANTS && held < 2; i++)
		if (world_grants[i].live && !world_grants[i].readonly)
			world_grants[i].held = ++held > 0;
	world_device.xd_backend_domid = 5;
	connect_all(1);
	ck_assert_uint_eq(world_complaints, 0);
	transmit(packet(5000, 1000, 2));
	ck_assert(send_one());
	check_bytes(wire, 5000, 2);
	put_frame(100, 100, 0, 0, 0);
	ck_assert(deliver());
	for (unsigned i = 0; i < WORLD_GRANTS; i++) {
		const struct world_grant *g = &world_grants[i];

		if (!g->live || g->domid != 5 || !g->readonly)
			continue;
		/* No byte of what the former one was sent. */
		for (unsigned j = 5000 - 4096; j < PAGE_SIZE; j++)
			ck_assert(g->page[j] == 0 || g->page[0] == 2);
	}
}
END_TEST

START_TEST(netfront_connect_that_fails_leaves_nothing)
{
	size_t live;

	attach(1);
	for (long limit = 0; limit < 2; limit++) {
		world_channel_limit = limit;
		ck_assert_int_eq(world_connect(), ENOSPC);
		ck_assert_uint_eq(world_live_channels(), 0);
		ck_assert_ptr_null(world_get(world_device.xd_path, "tx-ring-ref"));
	}
	world_channel_limit = WORLD_CHANNELS;
	live = world_live_grants(); /* of pages to receive in, which stay */
	ck_assert_uint_eq(live, NETFRONT_RING);
	for (unsigned extra = 0; extra < 2; extra++) {
		world_grant_limit = live + extra;
		ck_assert_int_eq(world_connect(), ENOSPC);
		ck_assert_uint_eq(world_live_grants(), live);
	}
	world_grant_limit = WORLD_GRANTS;
	attach(1);
	for (long n = 0; n < 300; n += 7) {
		native_alloc_fail(n);
		int error = world_connect();
		native_alloc_fail(-1);
		if (!error)
			world_disconnect();
		else
			ck_assert_int_eq(error, ENOMEM);
	}
	connect_all(1);
	put_frame(100, 100, 0, 0, 0);
	ck_assert(deliver());
	ck_assert_uint_eq(world_frames, 1);
}
END_TEST

START_TEST(netfront_queue_for_each_cpu)
{
	struct world_back backs[3];
	unsigned used = 0;

	cpu_count = 3;
	attach(8);
	connect_all(3);
	ck_assert_uint_eq(world_get_uint(world_device.xd_path, "multi-queue-num-queues"), 3);
	ck_assert_ptr_null(world_get(world_device.xd_path, "tx-ring-ref"));
	ck_assert_uint_eq(world_live_channels(), 6);
	for (unsigned i = 0; i < 3; i++) {
		world_back_attach(&backs[i], i, 3);
		ck_assert_uint_eq(backs[i].rxchan->cpu, i);
	}
	/* Each flow has one, and not all the same. */
	for (unsigned port = 0; port < 64; port++)
		for (unsigned again = 0; again < 2; again++) {
			RING_IDX before[3];
			struct mbuf *m = packet(100, 100, 0);
			unsigned moved = 0;
			static unsigned where;

			memset(m->m_data, 0, 100);
			memcpy(m->m_data + 12, (uint8_t[]){0x08, 0x00, 0x45}, 3);
			m->m_data[35] = (uint8_t)port;
			for (unsigned i = 0; i < 3; i++)
				before[i] = backs[i].tx->req_prod;
			transmit(m);
			for (unsigned i = 0; i < 3; i++)
				if (backs[i].tx->req_prod != before[i]) {
					moved++;
					if (again)
						ck_assert_uint_eq(where, i);
					where = i;
					used |= 1U << i;
				}
			ck_assert_uint_eq(moved, 1);
		}
	ck_assert_uint_eq(used, 7);
	/* Also when they come in one chain. */
	struct mbuf *chain = NULL;
	for (unsigned i = 0; i < 64; i++) {
		struct mbuf *m = packet(100, 100, 0);

		memset(m->m_data, 0, 100);
		memcpy(m->m_data + 12, (uint8_t[]){0x08, 0x00, 0x45}, 3);
		m->m_data[35] = (uint8_t)i;
		m->m_nextpkt = chain;
		chain = m;
	}
	RING_IDX before[3];
	for (unsigned i = 0; i < 3; i++)
		before[i] = backs[i].tx->req_prod;
	transmit(chain);
	/* Each flow's third is where its first two are. */
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(3 * before[i], 2 * backs[i].tx->req_prod);
	/* They receive, too. */
	for (unsigned i = 0; i < 3; i++) {
		back = backs[i];
		put_frame(500, 500, 0, 0, (uint8_t)i);
		ck_assert(deliver());
		ck_assert_uint_eq(world_frames, i + 1);
	}
	/* A back end that has fewer. */
	world_disconnect();
	ck_assert_ptr_null(world_get(world_device.xd_path, "queue-2/tx-ring-ref"));
	ck_assert_uint_eq(world_live_channels(), 0);
	world_set(BACKEND, "multi-queue-max-queues", "1");
	connect_all(1);
	ck_assert_ptr_null(world_get(world_device.xd_path, "multi-queue-num-queues"));
	for (unsigned port = 0; port < 64; port++) {
		struct mbuf *m = packet(100, 100, 0);

		memcpy(m->m_data + 12, (uint8_t[]){0x08, 0x00, 0x45}, 3);
		m->m_data[35] = (uint8_t)port;
		transmit(m);
	}
	wire_packets = 0;
	while (send_one())
		continue;
	ck_assert_uint_eq(wire_packets, 64);
}
END_TEST

START_TEST(netfront_addresses_that_are_none)
{
	static const char *const bad[] = {"", "00:16:3e:ab:09",
	    "00:16:3e:ab:09:f0:", "0:16:3e:ab:09:f0", "00:16:3e:ab:09:g0", "01:16:3e:ab:09:f0",
	    "00-16-3e-ab-09-f0", "00:16:3e:ab:09:f01"};

	for (unsigned i = 0; i < NELEM(bad); i++) {
		world_init(1);
		world_set(world_device.xd_path, "mac", bad[i]);
		world_set(world_device.xd_path, "mtu", i % 2 ? "99999999999" : "1");
		ck_assert_int_eq(world_attach(), 0);
		ifp = &world_netfront()->nf_ifnet;
		ck_assert_uint_eq(ifp->if_lladdr[0] & 3, 2);
		ck_assert_uint_eq(ifp->if_mtu, i % 2 ? 9000 : 576);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("netfront");
	TCase *tc = tcase_create("netfront");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, netfront_publishes_what_the_protocol_wants);
	tcase_add_test(tc, netfront_packets_are_sent_whole);
	tcase_add_test(tc, netfront_chain_costs_one_notification);
	tcase_add_test(tc, netfront_full_ring_loses_nothing);
	tcase_add_test(tc, netfront_extra_information_needs_room_too);
	tcase_add_test(tc, netfront_waiting_packets_are_bounded);
	tcase_add_test(tc, netfront_answers_may_come_in_any_order);
	tcase_add_test(tc, netfront_without_memory_packets_are_lost_or_wait);
	tcase_add_test(tc, netfront_back_end_without_features);
	tcase_add_test(tc, netfront_frames_are_received_whole);
	tcase_add_test(tc, netfront_many_frames_are_one_event);
	tcase_add_test(tc, netfront_frame_may_come_in_several_goes);
	tcase_add_test(tc, netfront_bad_frames_are_dropped);
	tcase_add_test(tc, netfront_receive_is_shut_when_nothing_makes_sense);
	tcase_add_test(tc, netfront_sending_is_shut_when_nothing_makes_sense);
	tcase_add_test(tc, netfront_survives_its_back_end);
	tcase_add_test(tc, netfront_another_domain_gets_pages_of_its_own);
	tcase_add_test(tc, netfront_connect_that_fails_leaves_nothing);
	tcase_add_test(tc, netfront_queue_for_each_cpu);
	tcase_add_test(tc, netfront_addresses_that_are_none);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
