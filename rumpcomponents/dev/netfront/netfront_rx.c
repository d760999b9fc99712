/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen network front end: receive.
 *
 * All buffers are in the ring, always: what arrives in one is copied out (netfront_impl.h says why)
 * and the same buffer goes back, at the ring's end.  Since there are as many as a power of two, the
 * number of a request, modulo that, is the number of its buffer, and the answer to it
 * stands in the same slot, as the protocol demands.
 *
 * A frame comes in one or several pieces, the first followed by extra information if it says so.
 * Pieces are taken as they come; what has come of a frame stays in nq_frame.
 *
 * Events are asked for only when the ring has been emptied: under load it is polled from the
 * soft interrupt, a batch at a time, so that TCP sees many segments in one if_input().  A back end
 * that fills it faster than it is emptied does not keep the CPU: after many batches it is others'
 * turn, the programs' among them.
 */
#include <kern/systm.h>
#include "netfront_impl.h"

#define RX_BATCH 32
#define RX_TURN	 32 /* batches; more are another turn's */

static void rx_shut(struct netfront_queue *nq, const char *why)
{
	nq->nq_rxshut = true;
	netfront_rx_stop(nq);
	xenbus_complain(nq->nq_dev->nf_xd, "the back end %s: nothing is received any more", why);
}

static void post_buffer(struct netfront_queue *nq)
{
	unsigned b = nq->nq_rxprod % nq->nq_rxsize;

	nq->nq_rx->ring[nq->nq_rxprod++ % NETFRONT_RING].req = (struct netif_rx_request){
	    .id = (uint16_t)b,
	    .gref = nq->nq_rxbuf[b].nb_ref,
	};
}

static void push_buffers(struct netfront_queue *nq)
{
	if (netfront_push(
		&nq->nq_rx->req_prod, &nq->nq_rx->req_event, &nq->nq_rxpushed, nq->nq_rxprod) &&
	    nq->nq_rxchan) /* a back end may be there before the channel is */
		xenbus_channel_notify(nq->nq_rxchan);
}

/* What follows of it is swallowed. */
static void drop_frame(struct netfront_queue *nq)
{
	m_freem(nq->nq_frame);
	nq->nq_frame = nq->nq_last = NULL;
	nq->nq_bad = true;
}

/* The last mbuf of the frame, with room; NULL: no memory. */
static struct mbuf *frame_room(struct netfront_queue *nq, bool large)
{
	struct mbuf *m = nq->nq_last;

	if (m && m_trailingspace(m) > 0)
		return m;
	m = nq->nq_frame ? m_get(true) : m_gethdr(large);
	if (!m)
		return NULL;
	m->m_data = m->m_storage; /* nothing is ever put in front of it */
	if (nq->nq_frame)
		nq->nq_last->m_next = m;
	else
		nq->nq_frame = m;
	nq->nq_last = m;
	return m;
}

static void append(struct netfront_queue *nq, const uint8_t *data, uint32_t len)
{
	nq->nq_framelen += len;
	do {
		struct mbuf *m = frame_room(nq, len > MHLEN);
		uint32_t piece;

		if (!m) {
			nq->nq_dev->nf_ifnet.if_iqdrops++;
			drop_frame(nq);
			return;
		}
		piece = KMIN(len, (uint32_t)m_trailingspace(m));
		memcpy(m->m_data + m->m_len, data, piece);
		m->m_len += piece;
		data += piece;
		len -= piece;
	} while (len > 0);
}

static void take_piece(
    struct netfront_queue *nq, const uint8_t *page, const struct netif_rx_response *rsp)
{
	uint32_t len = rsp->status > 0 ? (uint32_t)rsp->status : 0;
	bool first = !nq->nq_begun;

	if (first) {
		nq->nq_begun = true;
		nq->nq_bad = false;
		nq->nq_framelen = 0;
	}
	nq->nq_more = rsp->flags & NETRXF_more_data;
	nq->nq_extra = rsp->flags & NETRXF_extra_info;
	if (nq->nq_bad)
		return;
	if (rsp->status < 0 || rsp->offset > PAGE_SIZE || len > PAGE_SIZE - rsp->offset ||
	    nq->nq_framelen + len > NETFRONT_RXMAX) {
		nq->nq_dev->nf_ifnet.if_ierrors++;
		drop_frame(nq);
		return;
	}
	append(nq, page + rsp->offset, len);
	if (first && nq->nq_frame && rsp->flags & (NETRXF_csum_blank | NETRXF_data_validated))
		nq->nq_frame->m_csum_flags = MCSUM_RX_L4_OK;
}

/* How a large frame is to be cut again is of no interest to us: it ends here. */
static void take_extra(struct netfront_queue *nq, const struct netif_extra_info *ex)
{
	nq->nq_extra = ex->flags & XEN_NETIF_EXTRA_FLAG_MORE;
	if (nq->nq_bad)
		return;
	if (ex->type == XEN_NETIF_EXTRA_TYPE_NONE || ex->type >= XEN_NETIF_EXTRA_TYPE_MAX ||
	    (ex->type == XEN_NETIF_EXTRA_TYPE_GSO && ex->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4)) {
		nq->nq_dev->nf_ifnet.if_ierrors++;
		drop_frame(nq);
	}
}

/* One slot of the ring; its buffer goes back.  false: the back end makes no sense. */
static bool take_slot(struct netfront_queue *nq)
{
	unsigned b = nq->nq_rxcons % nq->nq_rxsize;
	union {
		uint64_t word;
		struct netif_rx_response rsp;
		struct netif_extra_info ex;
	} a;

	a.word = *(volatile uint64_t *)&nq->nq_rx->ring[nq->nq_rxcons % NETFRONT_RING];
	if (nq->nq_extra) {
		take_extra(nq, &a.ex);
	} else if (a.rsp.id == b) {
		take_piece(nq, nq->nq_rxbuf[b].nb_va, &a.rsp);
	} else {
		rx_shut(nq, "fills a buffer that is not next");
		return false;
	}
	nq->nq_rxcons++;
	post_buffer(nq);
	return true;
}

/* Frames that have come, a batch at most, chained up behind *tail; how many. */
static unsigned take_batch(struct netfront_queue *nq, struct mbuf **tail)
{
	RING_IDX prod = netfront_load(&nq->nq_rx->rsp_prod);
	unsigned n = 0;

	*tail = NULL;
	if (prod - nq->nq_rxcons > nq->nq_rxpushed - nq->nq_rxcons) {
		rx_shut(nq, "fills buffers that it does not have");
		return 0;
	}
	while (n < RX_BATCH && nq->nq_rxcons != prod) {
		struct mbuf *m;

		if (!take_slot(nq))
			break;
		if (nq->nq_more || nq->nq_extra)
			continue;
		m = nq->nq_frame;
		nq->nq_begun = false;
		nq->nq_frame = nq->nq_last = NULL;
		n++;
		if (m) {
			m->m_pktlen = nq->nq_framelen;
			m->m_rcvif = &nq->nq_dev->nf_ifnet;
			m->m_nextpkt = NULL;
			*tail = m;
			tail = &m->m_nextpkt;
		}
	}
	return n;
}

/* Ask for an event with the next answer; true: there is one already. */
static bool want_event(struct netfront_queue *nq)
{
	__atomic_store_n(&nq->nq_rx->rsp_event, nq->nq_rxcons + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return netfront_load(&nq->nq_rx->rsp_prod) != nq->nq_rxcons;
}

void netfront_rx_softint(void *arg)
{
	struct netfront_queue *nq = arg;
	struct mbuf *head;
	unsigned n;

	for (unsigned turn = 0; !nq->nq_rxshut; turn++) {
		if (turn == RX_TURN) {
			xenbus_channel_later(nq->nq_rxchan);
			return;
		}
		n = take_batch(nq, &head);
		if (!nq->nq_rxshut)
			push_buffers(nq);
		if (head)
			if_input(&nq->nq_dev->nf_ifnet, head);
		if (nq->nq_rxshut || (n < RX_BATCH && !want_event(nq)))
			return;
	}
}

void netfront_softint(void *arg)
{
	netfront_rx_softint(arg);
	netfront_tx_softint(arg);
}

void netfront_rx_start(struct netfront_queue *nq)
{
	nq->nq_rxprod = nq->nq_rxcons = nq->nq_rxpushed = 0;
	nq->nq_begun = nq->nq_more = nq->nq_extra = nq->nq_rxshut = false;
	nq->nq_rx->req_event = nq->nq_rx->rsp_event = 1;
	while (nq->nq_rxprod < nq->nq_rxsize)
		post_buffer(nq);
	(void)netfront_push(
	    &nq->nq_rx->req_prod, &nq->nq_rx->req_event, &nq->nq_rxpushed, nq->nq_rxprod);
}

void netfront_rx_stop(struct netfront_queue *nq)
{
	m_freem(nq->nq_frame);
	nq->nq_frame = nq->nq_last = NULL;
}
