/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen network front end: packets and frames, with a back end that plays by the rules, and some
 * that don't.
 */
#include <string.h>

#include "check_main.h"
#include "native.h"
#include "netfront_peer.h"

#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/systm.h>

START_TEST(netfront_packets_are_sent_whole)
{
	size_t live;

	transmit(packet(60, 60, 7));
	ck_assert_uint_eq(peer.txchan->notified, 1);
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
	ck_assert_uint_eq(peer.txchan->notified, 1);
	/* The back end is at it, and has not said that it wants to know of more. */
	transmit(packet(100, 100, 0));
	ck_assert_uint_eq(peer.txchan->notified, 1);
	while (send_one())
		continue;
	transmit(packet(100, 100, 0));
	ck_assert_uint_eq(peer.txchan->notified, 2);
}
END_TEST

START_TEST(netfront_full_ring_loses_nothing)
{
	const unsigned count = 3 * NETFRONT_RING;
	size_t at = 0;

	for (unsigned i = 0; i < count; i++)
		transmit(packet(1000 + i, 700, (uint8_t)i));
	ck_assert_uint_eq(peer.tx->req_prod, NETFRONT_RING);
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
	ck_assert_uint_eq(peer.tx->req_prod, NETFRONT_RING - 1);
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
	peer.txcons = 4;
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
	/* No page: nothing is under way that could give one peer. */
	native_alloc_fail(1);
	transmit(packet(100, 100, 0)); /* its mbuf is the first allocation */
	native_alloc_fail(-1);
	ck_assert_uint_eq(ifp->if_oerrors, 1);
	world_grant_limit = world_live_grants() + 1;
	transmit(packet(100, 100, 1));
	transmit(packet(100, 100, 2)); /* waits for the first one's */
	ck_assert_uint_eq(peer.tx->req_prod, 1);
	ck_assert(send_one() && send_one());
	ck_assert_uint_eq(events, 1);
	check_bytes(wire + 100, 100, 2);
	transmit(packet(5000, 100, 2)); /* needs two */
	ck_assert_uint_eq(ifp->if_oerrors, 2);
	/* None has been forgotten. */
	world_grant_limit = WORLD_GRANTS;
	for (unsigned i = 0; i < NETFRONT_RING; i++)
		transmit(packet(60, 60, 0));
	ck_assert_uint_eq(peer.tx->req_prod, NETFRONT_RING + 2);
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
	ck_assert_uint_eq(peer.rx->req_prod - peer.rxcons, NETFRONT_RING);
	ck_assert_uint_eq(ifp->if_ierrors + ifp->if_iqdrops + world_complaints, 0);
	ck_assert_uint_eq(peer.rxchan->notified, 0);
	/* One that has no room for the next frame says so. */
	peer.rx->req_event = peer.rxcons + NETFRONT_RING + 1;
	put_frame(60, 60, 0, 0, 0);
	ck_assert(deliver());
	ck_assert_uint_eq(peer.rxchan->notified, 1);
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

/* A back end that fills the ring whenever it is emptied. */
static void refill(void)
{
	ck_assert_uint_lt(world_inputs, 1000);
	while (peer.rx->req_prod != peer.rxcons)
		put_frame(60, 60, 0, 0, 0);
	peer.rx->rsp_prod = peer.rxprod = peer.rxcons;
}

START_TEST(netfront_back_end_that_never_stops_gets_its_turn)
{
	unsigned frames;

	world_on_input = refill;
	put_frame(60, 60, 0, 0, 0);
	ck_assert(deliver());
	ck_assert_uint_eq(peer.rxchan->later, 1);
	frames = world_frames;
	ck_assert_uint_ge(frames, NETFRONT_RING);
	/* Nothing of it is lost, and no event is needed. */
	peer.rxchan->func(peer.rxchan->arg);
	ck_assert_uint_eq(peer.rxchan->later, 2);
	ck_assert_uint_ge(world_frames, frames + NETFRONT_RING);
	world_on_input = NULL;
	peer.rxchan->func(peer.rxchan->arg);
	ck_assert_uint_eq(peer.rxchan->later, 2);
	ck_assert_uint_eq(world_frames, peer.rxcons);
	put_frame(60, 60, 0, 0, 0);
	ck_assert(deliver());
}
END_TEST

START_TEST(netfront_frame_may_come_in_several_goes)
{
	size_t live = native_alloc_live();
	RING_IDX all, begin = 0;

	put_frame(9000, 500, 2, NETRXF_data_validated, 9);
	all = peer.rxcons;
	for (; begin < all; begin++) {
		ck_assert_uint_eq(world_frames, 0);
		peer.rxcons = begin + 1;
		ck_assert(deliver());
	}
	ck_assert_uint_eq(world_frames, 1);
	ck_assert_uint_eq(world_frame_len, 9000);
	check_bytes(world_frame, 9000, 9);
	ck_assert_uint_eq(world_frame_flags, MCSUM_RX_L4_OK);
	/* Half a frame goes with its back end. */
	put_frame(9000, 500, 0, 0, 0);
	peer.rxcons = all + 2;
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
		RING_IDX at = peer.rxcons;

		put_frame(9000, 1000, 0, 0, 0);
		peer.rx->ring[(at + i) % NETFRONT_RING].rsp.offset = (uint16_t)bad[i].offset;
		peer.rx->ring[(at + i) % NETFRONT_RING].rsp.status = (int16_t)bad[i].status;
		ck_assert(deliver());
		ck_assert_uint_eq(ifp->if_ierrors, i + 1);
		put_frame(100, 100, 0, 0, (uint8_t)i);
		ck_assert(deliver());
		ck_assert_uint_eq(world_frames, ++good);
		check_bytes(world_frame, 100, (uint8_t)i);
	}
	/* Extra information that is none. */
	for (unsigned type = 0; type < 256; type += 5) {
		RING_IDX at = peer.rxcons;

		put_frame(9000, 1000, 1, 0, 0);
		*(uint8_t *)&peer.rx->ring[(at + 1) % NETFRONT_RING] = (uint8_t)type;
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
		peer.rxcons = 2; /* half of it */
		ck_assert(deliver());
		if (how == 0) /* more answers than requests */
			peer.rxcons = peer.rxcons + NETFRONT_RING + 1;
		else if (how == 1) /* fewer than before */
			peer.rxcons--;
		else /* another buffer */
			peer.rx->ring[peer.rxcons++ % NETFRONT_RING].rsp.id = 77;
		peer.rx->rsp_prod = peer.rxcons;
		peer.rxchan->func(peer.rxchan->arg);
		ck_assert_uint_eq(world_complaints, how + 1);
		ck_assert_uint_eq(native_alloc_live(), live);
		peer.rxchan->func(peer.rxchan->arg);
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
			peer.tx->rsp_prod += 6;
			break;
		default:
			peer.tx->rsp_prod--;
		}
		transmit(packet(100, 100, 0));
		ck_assert_uint_eq(world_complaints, how + 1);
		size_t live = native_alloc_live();
		uint64_t errors = ifp->if_oerrors;
		for (unsigned i = 0; i < 2000; i++)
			transmit(packet(100, 100, 0));
		peer.txchan->func(peer.txchan->arg);
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

static Suite *make_suite(void)
{
	Suite *s = suite_create("netfront_data");
	TCase *tc = tcase_create("netfront_data");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, netfront_packets_are_sent_whole);
	tcase_add_test(tc, netfront_chain_costs_one_notification);
	tcase_add_test(tc, netfront_full_ring_loses_nothing);
	tcase_add_test(tc, netfront_extra_information_needs_room_too);
	tcase_add_test(tc, netfront_waiting_packets_are_bounded);
	tcase_add_test(tc, netfront_answers_may_come_in_any_order);
	tcase_add_test(tc, netfront_without_memory_packets_are_lost_or_wait);
	tcase_add_test(tc, netfront_frames_are_received_whole);
	tcase_add_test(tc, netfront_many_frames_are_one_event);
	tcase_add_test(tc, netfront_back_end_that_never_stops_gets_its_turn);
	tcase_add_test(tc, netfront_frame_may_come_in_several_goes);
	tcase_add_test(tc, netfront_bad_frames_are_dropped);
	tcase_add_test(tc, netfront_receive_is_shut_when_nothing_makes_sense);
	tcase_add_test(tc, netfront_sending_is_shut_when_nothing_makes_sense);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
