/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "check_main.h"
#include "native.h"
#include "netfront_peer.h"

#include <kern/cpu.h>
#include <kern/systm.h>

struct world_back peer;
struct ifnet *ifp;
uint8_t wire[1U << 22]; /* what the back end has sent on */
size_t wire_len;
unsigned wire_packets, events; /* events: how often we were interrupted for sending */

/* ------------------------------------------------------- an honest back end */

struct netif_tx_request tx_request(RING_IDX i)
{
	return peer.tx->ring[i % NETFRONT_RING].req;
}

void tx_answer(unsigned id, int status)
{
	RING_IDX old = peer.tx->rsp_prod;

	peer.tx->ring[old % NETFRONT_RING].rsp =
	    (struct netif_tx_response){.id = (uint16_t)id, .status = (int16_t)status};
	peer.tx->rsp_prod = old + 1;
	if (old + 1 == peer.tx->rsp_event) {
		events++;
		peer.txchan->func(peer.txchan->arg);
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

unsigned last_gso;
uint16_t last_flags;

/* Send the next packet on and answer.  false: none. */
bool send_one(void)
{
	RING_IDX i = peer.txcons, first = i, extra = 0, nslots = 1;
	struct netif_tx_request req, piece;
	size_t rest;

	if (peer.txcons == peer.tx->req_prod)
		return false;
	req = tx_request(i++);
	last_flags = req.flags;
	last_gso = 0;
	if (req.flags & NETTXF_extra_info) {
		struct netif_extra_info ex;

		memcpy(&ex, &peer.tx->ring[i % NETFRONT_RING], sizeof(ex));
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
	peer.txcons = i + nslots - 1;
	ck_assert_int_ge((int)(peer.tx->req_prod - peer.txcons), 0);
	peer.tx->req_event = peer.txcons + 1;
	wire_packets++;
	for (RING_IDX j = first; j != peer.txcons; j++)
		tx_answer(tx_request(j).id, extra && j == extra ? NETIF_RSP_NULL : NETIF_RSP_OKAY);
	return true;
}

/* A frame of len bytes in pieces; extras of extra information behind the first. */
void put_frame(size_t len, size_t piece, unsigned extras, uint16_t flags, uint8_t seed)
{
	bool first = true;

	for (size_t off = 0; off < len || first; first = false) {
		size_t n = KMIN(len - off, piece);
		struct netif_rx_request req = peer.rx->ring[peer.rxcons % NETFRONT_RING].req;
		const struct world_grant *g = &world_grants[req.gref];
		bool more = off + n < len;

		ck_assert(g->live && !g->readonly && g->domid == world_device.xd_backend_domid);
		ck_assert_int_gt((int)(peer.rx->req_prod - peer.rxcons), 0);
		for (size_t i = 0; i < n; i++, off++)
			g->page[(PAGE_SIZE - n) + i] = (uint8_t)(off * 31 + off / 256 + seed);
		peer.rx->ring[peer.rxcons++ % NETFRONT_RING].rsp = (struct netif_rx_response){
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
			memcpy(&peer.rx->ring[peer.rxcons++ % NETFRONT_RING], &ex, sizeof(ex));
		}
	}
}

/* The front end is told; true if it wanted to be. */
bool deliver(void)
{
	RING_IDX old = peer.rxprod, event = peer.rx->rsp_event;

	peer.rxprod = peer.rxcons;
	peer.rx->rsp_prod = peer.rxprod;
	if (peer.rxprod - event >= peer.rxprod - old)
		return false;
	peer.rxchan->func(peer.rxchan->arg);
	return true;
}

/* ---------------------------------------------------------------- packets */

struct mbuf *packet(size_t len, unsigned piece, uint8_t seed)
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

void check_bytes(const uint8_t *p, size_t len, uint8_t seed)
{
	for (size_t off = 0; off < len; off++)
		ck_assert_uint_eq(p[off], (uint8_t)(off * 31 + off / 256 + seed));
}

void transmit(struct mbuf *m)
{
	ifp->if_transmit(ifp, m);
}

void attach(unsigned max_queues)
{
	world_init(max_queues);
	ck_assert_int_eq(world_attach(), 0);
	ifp = &world_netfront()->nf_ifnet;
}

void connect_all(unsigned nqueues)
{
	ck_assert_int_eq(world_connect(), 0);
	world_back_attach(&peer, 0, nqueues);
	ck_assert_int_eq(world_connected(), 0);
}

void setup(void)
{
	cpu_count = 1;
	wire_len = wire_packets = events = 0;
	attach(1);
	connect_all(1);
}
