/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio network card: transmit.
 *
 * The card never interrupts for what it has sent: sent buffers are given back when the
 * next packets are sent or received.  A packet costs one descriptor per
 * piece of contiguous memory; the virtio header goes in front of the Ethernet
 * header, in the headroom that m_gethdr() leaves.
 */
#include <rumpuser.h>
#include <kern/kmem.h>
#include <kern/systm.h>
#include "virtio_net_impl.h"

#define TX_MAXSEGS 40 /* 64 KB of TSO in pages, headers, and some */

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
			if (*n == TX_MAXSEGS)
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
		if (*n == TX_MAXSEGS)
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

/* vn_txlock held.  Chains what was sent through m_nextpkt onto *sent, to be freed without the lock.
 */
static void collect_sent(struct virtio_net *vn, struct mbuf **sent)
{
	struct mbuf *m;
	uint32_t len;

	while ((m = virtqueue_get(vn->vn_tx, &len)) != NULL) {
		m->m_nextpkt = *sent;
		*sent = m;
	}
}

static void free_packets(struct mbuf *m)
{
	while (m) {
		struct mbuf *next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_freem(m);
		m = next;
	}
}

void virtio_net_reclaim(struct virtio_net *vn)
{
	struct mbuf *sent = NULL;

	if (virtqueue_free(vn->vn_tx) == virtqueue_size(vn->vn_tx))
		return;
	mutex_enter(&vn->vn_txlock);
	collect_sent(vn, &sent);
	mutex_exit(&vn->vn_txlock);
	free_packets(sent);
}

void virtio_net_transmit(struct ifnet *ifp, struct mbuf *chain)
{
	struct virtio_net *vn = ifp->if_softc;
	struct virtio_sg sg[TX_MAXSEGS];
	struct mbuf *done = NULL, *m, *next;
	unsigned n;

	mutex_enter(&vn->vn_txlock);
	collect_sent(vn, &done);
	for (m = chain; m; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m = prepend_header(m);
		if (!m) {
			ifp->if_oerrors++;
			continue;
		}
		if (packet_segments(m, sg, &n) && virtqueue_add(vn->vn_tx, sg, n, m) == 0) {
			ifp->if_opackets++;
			ifp->if_obytes += m->m_pktlen - sizeof(struct virtio_net_hdr);
			continue;
		}
		ifp->if_oerrors++;
		m->m_nextpkt = done;
		done = m;
	}
	virtqueue_kick(vn->vn_tx);
	mutex_exit(&vn->vn_txlock);
	free_packets(done);
}
