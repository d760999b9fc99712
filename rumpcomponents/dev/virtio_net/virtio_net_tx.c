/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio network card: transmit.
 *
 * The card does not interrupt for what it has sent: sent buffers are given back when the
 * next packets are sent or received.  Only when the ring is full, packets wait in vn_txq, a few
 * rings of them, and the card is asked for one interrupt when it has sent half of what it has.
 *
 * A packet costs one descriptor per piece of contiguous memory; the virtio header goes in front of
 * the Ethernet header, in the headroom that m_gethdr() leaves.  One of very many pieces (a program
 * that writes a few hundred bytes at a time) is copied into large ones.
 */
#include <rumpuser.h>
#include <kern/kmem.h>
#include <kern/systm.h>
#include "virtio_net_impl.h"

#define TXQ_RINGS 4U /* packets that wait, at most, in sizes of the ring */

/* Physical pieces of [va, va + len); false: too many, or not mapped. */
static bool add_segments(struct virtio_sg *sg, unsigned *n, const uint8_t *va, size_t len)
{
	while (len > 0) {
		size_t piece = KMIN(len, PAGE_SIZE - ((uintptr_t)va & PAGE_MASK));
		struct virtio_sg *last = *n ? &sg[*n - 1] : NULL;
		uint64_t pa;
		unsigned prot;

		if (!rumpuser_pmap_extract((uintptr_t)va, &pa, &prot))
			return false;
		if (last && last->pa + last->len == pa) {
			last->len += piece;
		} else {
			if (*n == VIRTIO_NET_TXSEGS)
				return false;
			sg[(*n)++] = (struct virtio_sg){.pa = pa, .len = piece};
		}
		va += piece;
		len -= piece;
	}
	return true;
}

static bool packet_segments(struct mbuf *m, struct virtio_sg *sg, unsigned *n)
{
	*n = 0;
	for (; m; m = m->m_next) {
		if (m->m_len == 0)
			continue;
		if (m->m_flags & M_EXT) { /* perhaps a page of the image */
			if (!add_segments(sg, n, m->m_data, m->m_len))
				return false;
			continue;
		}
		if (*n == VIRTIO_NET_TXSEGS)
			return false;
		sg[(*n)++] = (struct virtio_sg){.pa = page_pa(m->m_data), .len = m->m_len};
	}
	return *n > 0;
}

static struct mbuf *prepend_header(struct mbuf *m)
{
	struct virtio_net_hdr *hdr;

	if (m_leadingspace(m) >= sizeof(*hdr)) {
		m->m_data -= sizeof(*hdr);
		m->m_len += sizeof(*hdr);
		m->m_pktlen += sizeof(*hdr);
	} else {
		m = m_prepend(m, sizeof(*hdr));
		if (!m)
			return NULL;
	}
	hdr = (struct virtio_net_hdr *)m->m_data;
	*hdr = (struct virtio_net_hdr){0};
	if (m->m_csum_flags & MCSUM_TX_L4) {
		hdr->flags = NET_HDR_F_NEEDS_CSUM;
		hdr->csum_start = m->m_csum_start;
		hdr->csum_offset = m->m_csum_offset;
	}
	if (m->m_tso_segsz) {
		hdr->gso_type = NET_HDR_GSO_TCPV4;
		hdr->gso_size = m->m_tso_segsz;
		hdr->hdr_len = m->m_hdrlen;
	}
	return m;
}

/* m in as few pieces as there can be; m is as it was if there is no memory for that. */
static struct mbuf *linearise(struct mbuf *m)
{
	struct mbuf *head = m_get(true), *n = head;
	uint32_t off = 0;

	while (n) {
		n->m_len = KMIN(m->m_pktlen - off, (uint32_t)m_trailingspace(n));
		m_copydata(m, off, n->m_len, n->m_data);
		off += n->m_len;
		if (off == m->m_pktlen) {
			head->m_flags |= M_PKTHDR;
			head->m_pktlen = off;
			m_freem(m);
			return head;
		}
		n = n->m_next = m_get(true);
	}
	m_freem(head);
	return m;
}

/* Chains what was sent through m_nextpkt onto *done, to be freed without the lock.  => vn_txlock */
static void collect_sent(struct virtio_net *vn, struct mbuf **done)
{
	struct mbuf *m;
	uint32_t len;

	while ((m = virtqueue_get(vn->vn_tx, &len)) != NULL) {
		m->m_nextpkt = *done;
		*done = m;
		vn->vn_txbusy--;
	}
}

static struct mbuf *txq_take(struct mbufq *q)
{
	struct mbuf *m = q->mq_first;

	q->mq_first = m->m_nextpkt;
	if (!q->mq_first)
		q->mq_lastp = &q->mq_first;
	q->mq_len--;
	m->m_nextpkt = NULL;
	return m;
}

static void txq_put_back(struct mbufq *q, struct mbuf *m)
{
	m->m_nextpkt = q->mq_first;
	if (!q->mq_first)
		q->mq_lastp = &m->m_nextpkt;
	q->mq_first = m;
	q->mq_len++;
}

/* From vn_txq into the ring, as far as there is room.  => vn_txlock */
static void fill_ring(struct virtio_net *vn, struct mbuf **done)
{
	struct virtio_sg sg[VIRTIO_NET_TXSEGS];
	unsigned n;

	while (vn->vn_txq.mq_first) {
		struct mbuf *m = txq_take(&vn->vn_txq);
		bool fits = packet_segments(m, sg, &n);

		if (!fits || n > virtqueue_size(vn->vn_tx)) {
			m = linearise(m);
			fits = packet_segments(m, sg, &n) && n <= virtqueue_size(vn->vn_tx);
		}
		if (fits && n > virtqueue_free(vn->vn_tx)) {
			txq_put_back(&vn->vn_txq, m);
			return;
		}
		if (fits && virtqueue_add(vn->vn_tx, sg, n, m) == 0) {
			vn->vn_txbusy++;
			vn->vn_ifnet.if_opackets++;
			vn->vn_ifnet.if_obytes += m->m_pktlen - sizeof(struct virtio_net_hdr);
			continue;
		}
		vn->vn_ifnet.if_oerrors++;
		m->m_nextpkt = *done;
		*done = m;
	}
}

/* Move everything on.  => vn_txlock */
static void run_ring(struct virtio_net *vn, struct mbuf **done)
{
	do {
		collect_sent(vn, done);
		fill_ring(vn, done);
		virtqueue_kick(vn->vn_tx);
		if (!vn->vn_txq.mq_first) {
			if (vn->vn_txintr)
				virtqueue_disable(vn->vn_tx);
			vn->vn_txintr = false;
			return;
		}
		vn->vn_txintr = true;
	} while (virtqueue_enable(vn->vn_tx, vn->vn_txbusy / 2 + 1));
}

void virtio_net_reclaim(struct virtio_net *vn)
{
	struct mbuf *done = NULL;

	if (virtqueue_free(vn->vn_tx) == virtqueue_size(vn->vn_tx))
		return;
	mutex_enter(&vn->vn_txlock);
	run_ring(vn, &done);
	mutex_exit(&vn->vn_txlock);
	m_freepkts(done);
}

void virtio_net_tx_softint(void *arg)
{
	virtio_net_reclaim(arg);
}

void virtio_net_transmit(struct ifnet *ifp, struct mbuf *chain)
{
	struct virtio_net *vn = ifp->if_softc;
	struct mbuf *done = NULL, *m, *next;

	mutex_enter(&vn->vn_txlock);
	for (m = chain; m; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m = prepend_header(m);
		if (m && vn->vn_txq.mq_len < TXQ_RINGS * virtqueue_size(vn->vn_tx)) {
			mbufq_put(&vn->vn_txq, m);
			continue;
		}
		ifp->if_oerrors++;
		if (m) {
			m->m_nextpkt = done;
			done = m;
		}
	}
	run_ring(vn, &done);
	mutex_exit(&vn->vn_txlock);
	m_freepkts(done);
}
