/* SPDX-License-Identifier: BSD-2-Clause */
/* The two halves of the virtio network driver (virtio v1.2, 5.1). */
#ifndef VIRTIO_NET_IMPL_H
#define VIRTIO_NET_IMPL_H

#include <kern/mutex.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <dev/virtio.h>

#define NET_F_CSUM	 (1ULL << 0) /* device completes our checksums */
#define NET_F_GUEST_CSUM (1ULL << 1) /* we accept incomplete checksums */
#define NET_F_MTU	 (1ULL << 3)
#define NET_F_MAC	 (1ULL << 5)
#define NET_F_GUEST_TSO4 (1ULL << 7)  /* we accept coalesced segments */
#define NET_F_HOST_TSO4	 (1ULL << 11) /* device cuts our segments */
#define NET_F_MRG_RXBUF	 (1ULL << 15) /* a frame may span receive buffers */

/* Before every frame, both ways (5.1.6). */
struct virtio_net_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t num_buffers;
};
_Static_assert(sizeof(struct virtio_net_hdr) == 12, "virtio v1.2, 5.1.6");
#define NET_HDR_F_NEEDS_CSUM 1
#define NET_HDR_F_DATA_VALID 2
#define NET_HDR_GSO_TCPV4    1

struct virtio_net {
	struct ifnet vn_ifnet; /* first: if_softc is us */
	struct virtio_device *vn_dev;
	struct virtqueue *vn_rx; /* touched by the receive soft interrupt only */
	uint64_t vn_features;
	kmutex_t vn_txlock; /* MUTEX_SPIN; all below is under it */
	struct virtqueue *vn_tx;
	struct mbufq vn_txq; /* wait for room in vn_tx, virtio header in front */
	unsigned vn_txbusy;  /* packets in vn_tx */
	bool vn_txintr;	     /* vn_tx may interrupt */
};
/* Pieces of a packet: 64 KB of TSO in pages or large mbufs, headers, and some. */
#define VIRTIO_NET_TXSEGS 40

/* ifnet's if_transmit. */
void virtio_net_transmit(struct ifnet *ifp, struct mbuf *chain);
/* Give back what the device has sent, and send what waits.  Takes vn_txlock. */
void virtio_net_reclaim(struct virtio_net *vn);
/* The same as vn_tx's interrupt. */
void virtio_net_tx_softint(void *arg);

#endif
