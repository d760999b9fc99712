/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen network front end against a hostile back end, which is the input: answers, indices,
 * events, what the store says, memory that runs out, connections that come and go, in any order.
 *
 * What must hold: nothing is touched that isn't ours (ASan), each buffer is in the ring, busy or
 * free, a back end is complained of once for each ring and connection, and in the end nothing
 * is left but the pages that stay granted.
 */
#include <stdlib.h>
#include <string.h>

#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/systm.h>
#include <rumpuser.h>

#include "fuzz_input.h"
#include "native.h"
#include "netfront_world.h"

static struct netfront *nf;
static bool up;
static size_t baseline; /* live memory but for granted pages */

/* ------------------------------------------------------------------ checks */

static void check_queue(const struct netfront_queue *nq)
{
	unsigned busy = 0, pages = 0;

	if (nq->nq_rx && !nq->nq_rxshut)
		REQUIRE(nq->nq_rxprod - nq->nq_rxcons == nq->nq_rxsize &&
			nq->nq_rxpushed == nq->nq_rxprod);
	REQUIRE(!nq->nq_frame || m_length(nq->nq_frame) <= NETFRONT_RXMAX);
	REQUIRE(nq->nq_txq.mq_len <= 4 * nq->nq_txsize);
	if (nq->nq_state != NETFRONT_UP)
		return;
	for (unsigned i = 0; i < nq->nq_txsize; i++) {
		busy += nq->nq_txbusy[i];
		pages += nq->nq_txbusy[i] && nq->nq_txbuf[i].nb_va;
	}
	REQUIRE(busy == pages && busy + nq->nq_txnfree == nq->nq_txsize);
	REQUIRE(busy + nq->nq_txextras == nq->nq_txprod - nq->nq_txcons);
	REQUIRE(nq->nq_txprod - nq->nq_txcons <= NETFRONT_RING);
	for (unsigned i = 0; i < nq->nq_txnfree; i++)
		REQUIRE(nq->nq_txfree[i] < nq->nq_txsize && !nq->nq_txbusy[nq->nq_txfree[i]]);
}

static void check(void)
{
	REQUIRE(native_locks_held() == 0);
	for (unsigned i = 0; i < nf->nf_maxqueues; i++)
		if (nf->nf_queues[i])
			check_queue(nf->nf_queues[i]);
}

/* -------------------------------------------------------------------- acts */

static void transmit(void)
{
	struct mbuf *chain = NULL, **tail = &chain;

	for (unsigned n = 1 + fuzz_byte() % 4; n > 0; n--) {
		size_t len = fuzz_word(), piece = 1 + fuzz_word() % 1900;
		struct mbuf *head = m_gethdr(true), *m = head;
		unsigned what = fuzz_byte();

		if (!head)
			break;
		memset(m->m_data, (int)what, 64);
		memcpy(m->m_data + 12, (uint8_t[]){0x08, 0x00, 0x45}, 3);
		if (what & 1)
			m->m_csum_flags = MCSUM_TX_L4;
		if (what & 2)
			m->m_tso_segsz = (uint16_t)(what << 3);
		for (size_t off = 0, pieces = 0; m && pieces < 80; pieces++) {
			m->m_len = (uint32_t)KMIN(KMIN(len - off, piece), m_trailingspace(m));
			head->m_pktlen += m->m_len;
			off += m->m_len;
			m = off < len ? m->m_next = m_get(true) : NULL;
		}
		*tail = head;
		tail = &head->m_nextpkt;
	}
	if (chain)
		nf->nf_ifnet.if_transmit(&nf->nf_ifnet, chain);
}

static void event(struct xenbus_channel *ch)
{
	if (ch && ch->live)
		ch->func(ch->arg);
}

/* What can be wrong in the same way with both rings. */
static void index_act(RING_IDX *rsp_prod, RING_IDX *req_event, unsigned how)
{
	if (how % 4 == 2)
		*rsp_prod += (RING_IDX)(int8_t)fuzz_byte();
	else
		*req_event = fuzz_word();
}

static void tx_act(struct netfront_queue *nq, unsigned how)
{
	struct netif_tx_sring *ring = nq->nq_tx;
	struct netif_tx_response *rsp = &ring->ring[ring->rsp_prod % NETFRONT_RING].rsp;

	switch (how % 4) {
	case 0: /* answer as one should, as far as that goes */
		for (unsigned n = fuzz_byte(); n > 0 && ring->rsp_prod != ring->req_prod; n--) {
			union netif_tx_sring_entry *e = &ring->ring[ring->rsp_prod % NETFRONT_RING];
			const struct netif_tx_request *before =
			    &ring->ring[(ring->rsp_prod - 1) % NETFRONT_RING].req;
			bool extra = ring->rsp_prod > 0 && before->flags & NETTXF_extra_info;

			e->rsp.id = e->req.id;
			e->rsp.status = extra ? NETIF_RSP_NULL : NETIF_RSP_OKAY;
			ring->rsp_prod++;
		}
		ring->req_event = ring->req_prod + 1;
		break;
	case 1:
		rsp->id = (uint16_t)fuzz_word();
		rsp->status = (int16_t)(fuzz_byte() - 2);
		ring->rsp_prod++;
		break;
	default:
		index_act(&ring->rsp_prod, &ring->req_event, how);
	}
	if (how & 4)
		event(nq->nq_txchan);
}

static void rx_act(struct netfront_queue *nq, unsigned how)
{
	struct netif_rx_sring *ring = nq->nq_rx;
	union netif_rx_sring_entry *e = &ring->ring[ring->rsp_prod % NETFRONT_RING];
	uint16_t id = e->req.id;

	switch (how % 4) {
	case 0: /* a piece, with the right name at least */
		for (unsigned n = 1 + fuzz_byte() % 20, what = fuzz_byte(); n > 0; n--) {
			e = &ring->ring[ring->rsp_prod++ % NETFRONT_RING];
			e->rsp = (struct netif_rx_response){.id = e->req.id,
			    .flags = (uint16_t)what,
			    .status = (int16_t)(what & 0x80 ? fuzz_word() : 4096),
			    .offset = (uint16_t)(what & 0x40 ? fuzz_word() : 0)};
		}
		break;
	case 1:
		for (unsigned i = 0; i < sizeof(*e); i++)
			((uint8_t *)e)[i] = (uint8_t)fuzz_byte();
		if (how & 8)
			e->rsp.id = id;
		ring->rsp_prod++;
		break;
	default:
		index_act(&ring->rsp_prod, &ring->req_event, how);
	}
	if (how & 4)
		event(nq->nq_rxchan);
}

/* While frames are handed up, others come. */
static void more_frames(void)
{
	struct netfront_queue *nq = nf->nf_queues[fuzz_byte() % nf->nf_nqueues];
	unsigned n = fuzz_byte();

	if (nq && nq->nq_rx && fuzz_left > 0 && n & 3)
		rx_act(nq, n & ~4U);
}

static void scribble(struct netfront_queue *nq)
{
	uint8_t *page = fuzz_byte() & 1 ? (uint8_t *)nq->nq_tx : (uint8_t *)nq->nq_rx;
	unsigned at = fuzz_word() % PAGE_SIZE;

	for (unsigned n = fuzz_byte() % 32; n > 0; n--, at = (at + 1) % PAGE_SIZE)
		page[at] = (uint8_t)fuzz_byte();
}

static void say(void)
{
	static const char *const keys[] = {"feature-rx-copy", "feature-sg", "feature-gso-tcpv4",
	    "feature-split-event-channels", "feature-no-csum-offload", "multi-queue-max-queues"};
	static const char *const values[] = {"1", "0", "2", "", "18446744073709551615", "x", "3"};
	unsigned value = fuzz_byte() % (NELEM(values) + 1);

	world_set(world_device.xd_backend, keys[fuzz_byte() % NELEM(keys)],
	    value < NELEM(values) ? values[value] : NULL);
}

static void disconnect(void)
{
	if (up)
		world_disconnect();
	up = false;
	REQUIRE(world_live_channels() == 0);
	REQUIRE(!world_get(world_device.xd_path, "tx-ring-ref"));
}

static void reconnect(unsigned how)
{
	disconnect();
	if (how & 1)
		world_move(fuzz_byte() % 3);
	world_complaints = 0;
	up = world_connect() == 0;
	REQUIRE(up || world_live_channels() == 0);
	/* Pages that another domain keeps, and the connection's own. */
	if (up)
		REQUIRE(world_complaints <= 2 * NETFRONT_RING * nf->nf_maxqueues);
	world_complaints = 0;
	if (up && how & 2)
		REQUIRE(world_connected() == 0);
}

static void act(unsigned op)
{
	struct netfront_queue *nq = nf->nf_queues[(op >> 7) % nf->nf_nqueues];
	bool there = nq && nq->nq_tx && nq->nq_rx;

	switch (op & 15) {
	case 0:
	case 1:
		transmit();
		break;
	case 2:
	case 3:
	case 4:
		if (there)
			tx_act(nq, fuzz_byte());
		break;
	case 5:
	case 6:
	case 7:
		if (there)
			rx_act(nq, fuzz_byte());
		break;
	case 8:
		if (there)
			scribble(nq);
		break;
	case 9:
		say();
		break;
	case 10:
		reconnect(fuzz_byte());
		break;
	case 11:
		disconnect();
		break;
	case 12:
		native_alloc_fail((long)fuzz_byte());
		break;
	case 13:
		world_grants[fuzz_word() % WORLD_GRANTS].held = true;
		break;
	case 14:
		world_grant_limit = (long)(world_live_grants() + fuzz_byte() % 16);
		world_channel_limit = (long)(fuzz_byte() % 8);
		break;
	default:
		world_on_input = op & 0x40 ? more_frames : NULL;
		for (unsigned i = 0; i < WORLD_CHANNELS; i++)
			event(&world_channels[i]);
		world_on_input = NULL;
	}
}

/* ------------------------------------------------------------- all accounted */

static bool is_buffer(const struct netfront_queue *nq, unsigned ref)
{
	for (unsigned i = 0; i < nq->nq_rxsize; i++)
		if (nq->nq_rxbuf[i].nb_va && nq->nq_rxbuf[i].nb_ref == ref)
			return true;
	for (unsigned i = 0; i < nq->nq_txsize; i++)
		if (nq->nq_txbuf[i].nb_va && nq->nq_txbuf[i].nb_ref == ref)
			return true;
	return false;
}

/* The back end lets go what it kept: pages that the driver gave up are nobody's. */
static void release_held(void)
{
	for (unsigned ref = 0; ref < WORLD_GRANTS; ref++) {
		struct world_grant *g = &world_grants[ref];
		bool ours = false;

		if (g->held && g->live) {
			for (unsigned i = 0; i < nf->nf_maxqueues; i++)
				ours |= nf->nf_queues[i] && is_buffer(nf->nf_queues[i], ref);
			if (!ours) {
				g->held = false;
				(void)rumpuser_grant_end(ref);
				page_free(page_pa(g->page), 0);
			}
		}
		g->held = false;
	}
}

static void begin(void)
{
	static const char *const offers[] = {"feature-rx-copy", "feature-sg", "feature-gso-tcpv4",
	    "feature-split-event-channels", "feature-no-csum-offload"};

	for (unsigned i = 0; i < NELEM(offers); i++)
		world_set(world_device.xd_backend, offers[i], i < 4 ? "1" : "0");
	world_set(world_device.xd_backend, "multi-queue-max-queues", "2");
	world_grant_limit = WORLD_GRANTS;
	world_channel_limit = WORLD_CHANNELS;
	world_move(0);
	reconnect(2);
	REQUIRE(up);
}

static void end(void)
{
	native_alloc_fail(-1);
	disconnect();
	for (unsigned i = 0; i < nf->nf_maxqueues; i++)
		if (nf->nf_queues[i])
			netfront_tx_stop(nf->nf_queues[i], NETFRONT_SHUT);
	release_held();
	REQUIRE(native_alloc_live() == baseline + world_live_grants() * PAGE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_in = data;
	fuzz_left = size;
	begin();
	for (unsigned n = 0; fuzz_left > 0 && n < 400; n++) {
		act(fuzz_byte());
		check();
		REQUIRE(!up || world_complaints <= 2 * nf->nf_nqueues);
	}
	end();
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	setenv("KILN_TEST_SEED", "1", 0);
	native_quiet = true;
	cpu_count = 2;
	world_init(2);
	REQUIRE(world_attach() == 0);
	nf = world_netfront();
	begin();
	baseline = native_alloc_live() - world_live_grants() * PAGE_SIZE;
	end();
	return 0;
}
