/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio network card: attach and receive.
 *
 * Receive buffers are whole mbufs.  A received one is replaced before it is
 * handed up; if there is no memory for that, its frame is dropped and the buffer
 * goes back, so that the ring never runs dry.
 *
 * Interrupts are asked for only when the ring has been emptied: under load
 * the card is polled from the soft interrupt, a batch at a time, so that TCP
 * sees many segments in one if_input().
 */
#include <net/if_arp.h>
#include <kern/kmem.h>
#include <kern/random.h>
#include <kern/systm.h>
#include "virtio_net_impl.h"

#define RX_BATCH	32
#define RXQ		0
#define TXQ		1
#define NET_MTU_DEFAULT 1500
#define NET_MTU_MAX	(MLLEN - sizeof(struct virtio_net_hdr) - 18) /* one buffer a frame */

static struct mbuf *rx_alloc(void)
{
	struct mbuf *m = m_gethdr(true);

	if (m)
		m->m_data = m->m_storage; /* nothing is ever put in front of it */
	return m;
}

static int rx_add(struct virtio_net *vn, struct mbuf *m)
{
	struct virtio_sg sg = {.pa = page_pa(m->m_storage), .len = MLLEN, .device_writes = true};

	m->m_data = m->m_storage;
	return virtqueue_add(vn->vn_rx, &sg, 1, m);
}

/* The other buffers of a frame that spans several. */
static bool rx_merge(struct virtio_net *vn, struct mbuf *m, unsigned nbuf)
{
	struct mbuf *last = m;
	uint32_t len;

	while (--nbuf > 0) {
		struct mbuf *n = virtqueue_get(vn->vn_rx, &len);
		if (!n)
			return false;
		n->m_flags &= ~M_PKTHDR;
		n->m_len = KMIN(len, MLLEN);
		n->m_next = NULL;
		last->m_next = n;
		last = n;
		m->m_pktlen += n->m_len;
	}
	return true;
}

/* As many fresh buffers as the frame m took; else put its own back and drop it. */
static bool rx_replace(struct virtio_net *vn, struct mbuf *m)
{
	struct mbuf *fresh = NULL, *next;

	for (struct mbuf *n = m; n; n = n->m_next) {
		struct mbuf *f = rx_alloc();
		if (!f) {
			for (; fresh; fresh = next) {
				next = fresh->m_nextpkt;
				fresh->m_nextpkt = NULL;
				m_freem(fresh);
			}
			for (; m; m = next) {
				next = m->m_next;
				m->m_next = NULL;
				m->m_flags |= M_PKTHDR;
				(void)rx_add(vn, m);
			}
			return false;
		}
		f->m_nextpkt = fresh;
		fresh = f;
	}
	for (; fresh; fresh = next) {
		next = fresh->m_nextpkt;
		fresh->m_nextpkt = NULL;
		(void)rx_add(vn, fresh);
	}
	return true;
}

/* One frame off the ring; NULL if none is there.  *dropped: one was, but it is gone. */
static struct mbuf *rx_frame(struct virtio_net *vn, bool *dropped)
{
	struct virtio_net_hdr *hdr;
	struct mbuf *m;
	unsigned nbuf;
	uint32_t len;

	*dropped = false;
	m = virtqueue_get(vn->vn_rx, &len);
	if (!m)
		return NULL;
	m->m_len = m->m_pktlen = KMIN(len, MLLEN);
	m->m_next = NULL;
	hdr = (struct virtio_net_hdr *)m->m_storage;
	nbuf = vn->vn_features & NET_F_MRG_RXBUF ? hdr->num_buffers : 1;
	if (nbuf > 1 && !rx_merge(vn, m, nbuf))
		m->m_len = 0; /* the device lied about the count */
	if (!rx_replace(vn, m)) {
		vn->vn_ifnet.if_iqdrops++;
		*dropped = true;
		return NULL;
	}
	if (m->m_len < sizeof(*hdr)) {
		m_freem(m);
		vn->vn_ifnet.if_ierrors++;
		*dropped = true;
		return NULL;
	}
	m->m_data += sizeof(*hdr);
	m->m_len -= sizeof(*hdr);
	m->m_pktlen -= sizeof(*hdr);
	m->m_rcvif = &vn->vn_ifnet;
	m->m_csum_flags =
	    hdr->flags & (NET_HDR_F_NEEDS_CSUM | NET_HDR_F_DATA_VALID) ? MCSUM_RX_L4_OK : 0;
	return m;
}

static void rx_softint(void *arg)
{
	struct virtio_net *vn = arg;

	do {
		struct mbuf *head, **tail, *m;
		bool dropped;
		unsigned n;

		do {
			head = NULL;
			tail = &head;
			for (n = 0; n < RX_BATCH; n++) {
				m = rx_frame(vn, &dropped);
				if (!m && !dropped)
					break;
				if (m) {
					*tail = m;
					tail = &m->m_nextpkt;
				}
			}
			*tail = NULL;
			virtqueue_kick(vn->vn_rx);
			if (head)
				if_input(&vn->vn_ifnet, head);
		} while (n == RX_BATCH);
	} while (virtqueue_enable(vn->vn_rx, 1));
	virtio_net_reclaim(vn);
}

static void read_lladdr(struct virtio_net *vn)
{
	uint8_t *mac = vn->vn_ifnet.if_lladdr;

	if (vn->vn_features & NET_F_MAC) {
		for (unsigned i = 0; i < 6; i++)
			mac[i] = virtio_config_read(vn->vn_dev, i, 1);
		return;
	}
	random_bytes(mac, 6);
	mac[0] = (mac[0] & 0xfe) | 0x02; /* unicast, locally administered */
}

/* Small guests get small rings: a receive buffer is half a page. */
static unsigned ring_size(void)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	return ks.ks_pages_total < 4096 ? 64 : 256;
}

/* What we accept of what is offered: nothing whose premise is missing (5.1.3.1). */
static uint64_t wanted(uint64_t offered)
{
	uint64_t w = NET_F_CSUM | NET_F_GUEST_CSUM | NET_F_MTU | NET_F_MAC | NET_F_MRG_RXBUF;

	if (offered & NET_F_CSUM)
		w |= NET_F_HOST_TSO4;
	/* Coalesced segments need buffers of 64 KB, or several. */
	if ((offered & NET_F_GUEST_CSUM) && (offered & NET_F_MRG_RXBUF))
		w |= NET_F_GUEST_TSO4;
	return w;
}

static int virtio_net_attach(struct virtio_device *dev)
{
	struct virtio_net *vn = kmem_zalloc(sizeof(*vn));
	struct ifnet *ifp;
	unsigned size = ring_size();
	int error;

	if (!vn)
		return ENOMEM;
	ifp = &vn->vn_ifnet;
	vn->vn_dev = dev;
	mutex_init(&vn->vn_txlock, MUTEX_SPIN);
	mbufq_init(&vn->vn_txq);
	error = virtio_negotiate(dev, wanted(virtio_offered(dev)), &vn->vn_features);
	if (!error)
		error = virtio_queue_setup(dev, RXQ, size, rx_softint, vn, &vn->vn_rx);
	if (error) {
		kmem_free(vn, sizeof(*vn));
		return error;
	}
	/*
	 * From here on queues know of us, and a shared interrupt line may come to them: nothing is
	 * freed if the rest fails.  That costs a few KB, once.
	 */
	error = virtio_queue_setup(dev, TXQ, size, virtio_net_tx_softint, vn, &vn->vn_tx);
	if (error) /* without an interrupt of its own, then: packets that wait go with others */
		error = virtio_queue_setup(dev, TXQ, size, NULL, NULL, &vn->vn_tx);
	if (error)
		return error;
	for (unsigned i = 0; i < virtqueue_size(vn->vn_rx); i++) {
		struct mbuf *m = rx_alloc();
		if (!m || rx_add(vn, m) != 0) {
			m_freem(m);
			break;
		}
	}
	if (virtqueue_free(vn->vn_rx) == virtqueue_size(vn->vn_rx))
		return ENOMEM;

	ifp->if_softc = vn;
	ifp->if_type = ARPHRD_ETHER;
	read_lladdr(vn);
	ifp->if_mtu =
	    vn->vn_features & NET_F_MTU ? virtio_config_read(dev, 10, 2) : NET_MTU_DEFAULT;
	ifp->if_mtu = KMAX(KMIN(ifp->if_mtu, NET_MTU_MAX), 576U);
	ifp->if_capabilities =
	    (vn->vn_features & NET_F_CSUM ? IFCAP_TXCSUM : 0) |
	    (vn->vn_features & NET_F_HOST_TSO4 && virtqueue_size(vn->vn_tx) >= VIRTIO_NET_TXSEGS
		    ? IFCAP_TSO4
		    : 0) |
	    (vn->vn_features & NET_F_GUEST_CSUM ? IFCAP_RXCSUM : 0);
	ifp->if_transmit = virtio_net_transmit;
	virtio_ready(dev);
	virtqueue_kick(vn->vn_rx);
	error = ether_ifattach(ifp);
	if (error)
		return error;
	if (virtqueue_enable(vn->vn_rx, 1))
		virtqueue_poll(vn->vn_rx); /* for frames this early no interrupt comes any more */
	return 0;
}

static const struct virtio_driver virtio_net_driver = {
    .vd_name = "virtio-net", .vd_id = VIRTIO_ID_NET, .vd_attach = virtio_net_attach};
VIRTIO_DRIVER(virtio_net_driver);
