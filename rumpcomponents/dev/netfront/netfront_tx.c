/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen network front end: transmit.
 *
 * A packet is copied into as few pages as it takes, which stay granted (netfront_impl.h), and is
 * freed at once.  So nothing waits for answers but the pages, and no event is asked for, unless
 * packets wait in nq_txq, a few rings of them, for room: then for one when half of what is under
 * way is answered.  While there is no back end, packets wait likewise.
 *
 * Slots under way = busy buffers + pieces of extra information.  Answers name buffers, in any
 * order; those to extra information have a status of their own and name nothing.
 */
#include <kern/kmem.h>
#include <kern/systm.h>
#include "netfront_impl.h"

#define TXQ_RINGS 4U /* packets that wait, at most, in sizes of the ring */

static struct mbuf *txq_flush(struct netfront_queue *nq, struct mbuf *done)
{
	struct mbuf *m;

	while ((m = mbufq_get(&nq->nq_txq)) != NULL) {
		nq->nq_dev->nf_ifnet.if_oerrors++;
		m->m_nextpkt = done;
		done = m;
	}
	return done;
}

/* => nq_txlock */
static void tx_shut(struct netfront_queue *nq, const char *why)
{
	nq->nq_state = NETFRONT_SHUT;
	xenbus_complain(nq->nq_dev->nf_xd, "the back end %s: nothing is sent any more", why);
}

static void never_event(struct netfront_queue *nq)
{
	/* No answer can have this number before the next collect_answers(). */
	__atomic_store_n(
	    &nq->nq_tx->rsp_event, nq->nq_txcons + NETFRONT_RING + 1, __ATOMIC_RELAXED);
}

/* Buffers come back.  false: the back end makes no sense.  => nq_txlock */
static bool collect_answers(struct netfront_queue *nq)
{
	RING_IDX prod = netfront_load(&nq->nq_tx->rsp_prod);

	if (prod - nq->nq_txcons > nq->nq_txpushed - nq->nq_txcons) {
		tx_shut(nq, "answers what it was not asked");
		return false;
	}
	for (; nq->nq_txcons != prod; nq->nq_txcons++) {
		union {
			uint32_t word;
			struct netif_tx_response rsp;
		} a;

		a.word = *(volatile uint32_t *)&nq->nq_tx->ring[nq->nq_txcons % NETFRONT_RING];
		if (a.rsp.status == NETIF_RSP_NULL && nq->nq_txextras > 0) {
			nq->nq_txextras--;
			continue;
		}
		if (a.rsp.id >= nq->nq_txsize || !nq->nq_txbusy[a.rsp.id] ||
		    a.rsp.status == NETIF_RSP_NULL) {
			tx_shut(nq, "answers to what is not under way");
			return false;
		}
		if (a.rsp.status != NETIF_RSP_OKAY)
			nq->nq_dev->nf_ifnet.if_oerrors++;
		nq->nq_txbusy[a.rsp.id] = false;
		nq->nq_txfree[nq->nq_txnfree++] = (uint8_t)a.rsp.id;
	}
	return true;
}

static bool is_tso(const struct mbuf *m)
{
	return m->m_tso_segsz != 0;
}

/* Slots of data that m takes; 0: this back end cannot send it. */
static unsigned slots_of(const struct netfront *nf, const struct mbuf *m)
{
	uint32_t caps = nf->nf_ifnet.if_capabilities;

	if (m->m_pktlen == 0 || m->m_pktlen > (nf->nf_sg ? XEN_NETIF_MAX_TX_SIZE : PAGE_SIZE))
		return 0;
	/* It may have been made for another one. */
	if ((is_tso(m) && !(caps & IFCAP_TSO4)) ||
	    (m->m_csum_flags & MCSUM_TX_L4 && !(caps & IFCAP_TXCSUM)))
		return 0;
	return (m->m_pktlen + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* n free buffers, with pages; false, and none, if there are no more.  => nq_txlock */
static bool take_buffers(struct netfront_queue *nq, uint8_t *ids, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (nq->nq_txnfree > 0) {
			ids[i] = nq->nq_txfree[--nq->nq_txnfree];
			if (netfront_buf_ready(nq->nq_dev, &nq->nq_txbuf[ids[i]], true) == 0)
				continue;
			nq->nq_txnfree++;
		}
		while (i > 0)
			nq->nq_txfree[nq->nq_txnfree++] = ids[--i];
		return false;
	}
	return true;
}

static union netif_tx_sring_entry *next_slot(struct netfront_queue *nq)
{
	return &nq->nq_tx->ring[nq->nq_txprod++ % NETFRONT_RING];
}

static void put_extra(struct netfront_queue *nq, const struct mbuf *m)
{
	struct netif_extra_info ex = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

	ex.u.gso.size = m->m_tso_segsz;
	ex.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
	memcpy(next_slot(nq), &ex, sizeof(ex));
	nq->nq_txextras++;
}

/* The first slot says how long the whole packet is, the others how long their piece.  => nq_txlock
 */
static void put_packet(
    struct netfront_queue *nq, const struct mbuf *m, const uint8_t *ids, unsigned n)
{
	uint16_t flags =
	    m->m_csum_flags & MCSUM_TX_L4 ? NETTXF_csum_blank | NETTXF_data_validated : 0;

	if (is_tso(m))
		flags |= NETTXF_extra_info;
	for (unsigned i = 0; i < n; i++) {
		const struct netfront_buf *nb = &nq->nq_txbuf[ids[i]];
		uint32_t off = i * PAGE_SIZE, len = KMIN(m->m_pktlen - off, (uint32_t)PAGE_SIZE);

		m_copydata(m, off, len, nb->nb_va);
		next_slot(nq)->req = (struct netif_tx_request){
		    .gref = nb->nb_ref,
		    .flags = flags | (i + 1 < n ? NETTXF_more_data : 0),
		    .id = ids[i],
		    .size = (uint16_t)(i == 0 ? m->m_pktlen : len),
		};
		nq->nq_txbusy[ids[i]] = true;
		if (i == 0 && is_tso(m))
			put_extra(nq, m);
		flags = 0;
	}
}

/* From nq_txq into the ring, as far as there is room.  => nq_txlock */
static void fill_ring(struct netfront_queue *nq, struct mbuf **done)
{
	struct ifnet *ifp = &nq->nq_dev->nf_ifnet;
	uint8_t ids[NETFRONT_TXSLOTS];
	struct mbuf *m;

	while ((m = nq->nq_txq.mq_first) != NULL) {
		unsigned n = slots_of(nq->nq_dev, m);
		RING_IDX busy = nq->nq_txprod - nq->nq_txcons;

		if (n > 0 && n + is_tso(m) > NETFRONT_RING - busy)
			return;
		if (n > 0 && take_buffers(nq, ids, n)) {
			put_packet(nq, m, ids, n);
			ifp->if_opackets++;
			ifp->if_obytes += m->m_pktlen;
		} else if (n > 0 && busy > 0) {
			return;
		} else { /* nor will there be memory for it when others have been answered */
			ifp->if_oerrors++;
		}
		m = mbufq_get(&nq->nq_txq);
		m->m_nextpkt = *done;
		*done = m;
	}
}

/* Move everything on.  => nq_txlock */
static void run_ring(struct netfront_queue *nq, struct mbuf **done)
{
	RING_IDX event;

	if (nq->nq_state == NETFRONT_WAITING)
		return;
	do {
		if (nq->nq_state != NETFRONT_UP || !collect_answers(nq)) {
			*done = txq_flush(nq, *done);
			return;
		}
		fill_ring(nq, done);
		never_event(nq);
		if (netfront_push(&nq->nq_tx->req_prod, &nq->nq_tx->req_event, &nq->nq_txpushed,
			nq->nq_txprod))
			xenbus_channel_notify(nq->nq_txchan);
		if (!nq->nq_txq.mq_first)
			return;
		event = nq->nq_txcons + (nq->nq_txprod - nq->nq_txcons) / 2 + 1;
		__atomic_store_n(&nq->nq_tx->rsp_event, event, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		/* Were there that many already, no event would come. */
	} while (netfront_load(&nq->nq_tx->rsp_prod) - nq->nq_txcons >= event - nq->nq_txcons);
}

void netfront_tx_softint(void *arg)
{
	struct netfront_queue *nq = arg;
	struct mbuf *done = NULL;

	mutex_enter(&nq->nq_txlock);
	run_ring(nq, &done);
	mutex_exit(&nq->nq_txlock);
	m_freepkts(done);
}

void netfront_tx_start(struct netfront_queue *nq)
{
	struct mbuf *done = NULL;

	mutex_enter(&nq->nq_txlock);
	nq->nq_txprod = nq->nq_txcons = nq->nq_txpushed = 0;
	nq->nq_txextras = 0;
	/* Those that have a page already are used first. */
	for (nq->nq_txnfree = 0; nq->nq_txnfree < nq->nq_txsize; nq->nq_txnfree++) {
		nq->nq_txfree[nq->nq_txnfree] = (uint8_t)(nq->nq_txsize - 1 - nq->nq_txnfree);
		nq->nq_txbusy[nq->nq_txnfree] = false;
	}
	nq->nq_tx->req_event = 1;
	nq->nq_state = NETFRONT_UP;
	run_ring(nq, &done);
	mutex_exit(&nq->nq_txlock);
	m_freepkts(done);
}

void netfront_tx_stop(struct netfront_queue *nq, enum netfront_state state)
{
	struct mbuf *done = NULL;

	mutex_enter(&nq->nq_txlock);
	nq->nq_state = state;
	run_ring(nq, &done);
	mutex_exit(&nq->nq_txlock);
	m_freepkts(done);
}

/* Packets of one flow go through one queue, or they would overtake each other. */
static struct netfront_queue *choose_queue(const struct netfront *nf, const struct mbuf *m)
{
	unsigned n = __atomic_load_n(&nf->nf_nqueues, __ATOMIC_ACQUIRE);
	const uint8_t *p = m->m_data;
	uint32_t h, ports = 0, src, dst;

	if (n == 1 || m->m_len < 34 || p[12] != 0x08 || p[13] != 0x00)
		return nf->nf_queues[0];
	memcpy(&src, p + 26, 4);
	memcpy(&dst, p + 30, 4);
	/* Ports, if there are no options, nor fragments that have none. */
	if (m->m_len >= 38 && p[14] == 0x45 && ((p[20] & 0x3f) | p[21]) == 0)
		memcpy(&ports, p + 34, 4);
	h = (src ^ dst ^ ports) * 0x9e3779b1U;
	return nf->nf_queues[(uint64_t)h * n >> 32];
}

/* One after the other, in stretches that go through the same queue. */
void netfront_transmit(struct ifnet *ifp, struct mbuf *chain)
{
	struct netfront *nf = ifp->if_softc;
	struct mbuf *done = NULL, *m = chain, *next;

	while (m) {
		struct netfront_queue *nq = choose_queue(nf, m);

		mutex_enter(&nq->nq_txlock);
		do {
			next = m->m_nextpkt;
			if (nq->nq_txq.mq_len < TXQ_RINGS * nq->nq_txsize) {
				mbufq_put(&nq->nq_txq, m);
			} else {
				ifp->if_oerrors++;
				m->m_nextpkt = done;
				done = m;
			}
			m = next;
		} while (m && choose_queue(nf, m) == nq);
		run_ring(nq, &done);
		mutex_exit(&nq->nq_txlock);
	}
	m_freepkts(done);
}
