/* SPDX-License-Identifier: BSD-2-Clause */
/* The Xen network front end: what it agrees on with back ends, which come, go and come peer. */
#include <string.h>

#include "check_main.h"
#include "native.h"
#include "netfront_peer.h"

#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/systm.h>

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
	ck_assert_ptr_ne(peer.txchan, peer.rxchan);
	ck_assert_uint_eq(peer.rx->req_prod, NETFRONT_RING);
	ck_assert(world_link);
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
	ck_assert_ptr_eq(peer.txchan, peer.rxchan);
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
	world_move(5);
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

START_TEST(netfront_attach_that_fails_leaves_nothing)
{
	size_t live = native_alloc_live();

	world_init(1);
	world_attach_error = ENOMEM;
	ck_assert_int_eq(world_attach(), ENOMEM);
	ck_assert_uint_eq(native_alloc_live(), live);
	world_attach_error = 0;
	for (long n = 0; n < 4; n++) {
		native_alloc_fail(n);
		ck_assert_int_eq(world_attach(), ENOMEM);
		native_alloc_fail(-1);
		ck_assert_uint_eq(native_alloc_live(), live);
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

/* An odd channel more is of no use: each queue has two. */
START_TEST(netfront_goes_on_with_few_interrupts)
{
	const char *dir = world_device.xd_path;

	cpu_count = 3;
	attach(8);
	for (world_channel_limit = 2; world_channel_limit <= 6; world_channel_limit++) {
		unsigned n = (unsigned)world_channel_limit / 2, grants;

		connect_all(n);
		ck_assert_uint_eq(world_netfront()->nf_nqueues, n);
		ck_assert_uint_eq(world_live_channels(), 2 * n);
		ck_assert_uint_eq(world_get_uint(dir, "multi-queue-num-queues"), n > 1 ? n : 0);
		/* Nothing is granted for a queue that isn't there. */
		grants = n * (world_netfront()->nf_queues[0]->nq_rxsize + 2);
		ck_assert_uint_eq(world_live_grants(), grants);
		for (unsigned i = 0; i < n; i++) {
			world_back_attach(&peer, i, n);
			put_frame(500, 500, 0, 0, (uint8_t)i);
			ck_assert(deliver());
		}
		world_disconnect();
		ck_assert_uint_eq(world_live_channels(), 0);
	}
	ck_assert_uint_eq(world_frames, 1 + 1 + 2 + 2 + 3);
	ck_assert_uint_eq(world_complaints, 0);
	/* Nor do pages last for more. */
	world_grant_limit = world_live_grants() + 3;
	world_move(1);
	connect_all(2);
	ck_assert_uint_eq(world_netfront()->nf_nqueues, 2);
}
END_TEST

START_TEST(netfront_mtu_returns_with_scatter_gather)
{
	attach(1);
	ifp->if_mtu = 9000;
	connect_all(1);
	ck_assert_uint_eq(ifp->if_mtu, 9000);
	for (unsigned round = 0; round < 3; round++) {
		world_disconnect();
		world_set(BACKEND, "feature-sg", round == 0 ? "0" : "1");
		connect_all(1);
		ck_assert_uint_eq(ifp->if_mtu, round == 0 ? 4096 - 18 : 9000);
	}
	/* What was set meanwhile stays. */
	for (unsigned round = 0; round < 2; round++) {
		world_disconnect();
		world_set(BACKEND, "feature-sg", round == 0 ? "0" : "1");
		connect_all(1);
		ifp->if_mtu = KMIN(ifp->if_mtu, 1400U);
	}
	ck_assert_uint_eq(ifp->if_mtu, 1400);
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
		peer = backs[i];
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
	tcase_add_test(tc, netfront_back_end_without_features);
	tcase_add_test(tc, netfront_survives_its_back_end);
	tcase_add_test(tc, netfront_another_domain_gets_pages_of_its_own);
	tcase_add_test(tc, netfront_attach_that_fails_leaves_nothing);
	tcase_add_test(tc, netfront_connect_that_fails_leaves_nothing);
	tcase_add_test(tc, netfront_goes_on_with_few_interrupts);
	tcase_add_test(tc, netfront_mtu_returns_with_scatter_gather);
	tcase_add_test(tc, netfront_queue_for_each_cpu);
	tcase_add_test(tc, netfront_addresses_that_are_none);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
