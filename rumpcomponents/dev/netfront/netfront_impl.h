/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of the network front end (<xen/io/netif.h> is the protocol).
 *
 * THE BACK END IS NOT TRUSTED: it may be a driver domain that somebody took over.  What it can see
 * and change is bounded by what it is granted, and a grant is of a whole page, while mbufs share
 * their pages with other packets, with pointers of the kernel, and a program's pages hold a
 * program's secrets.  So it is granted pages that hold nothing but frames, which it sees anyway,
 * and each frame is copied once, into or out of such a page:
 *  - it reads nothing else, and what it writes late, into a frame that it has handed over
 *    already, nobody reads: checksums and lengths are checked in memory that is ours alone;
 *  - a page that it does not let go is no loss, since none is ever given to anybody else;
 *  - pages stay granted as long as it lives, and no longer: no grant is made, awaited or ended for
 * a packet;
 *  - a packet's memory is free as soon as it is in the ring, and large ones fill their slots.
 * A copy of a frame is little beside what the back end does for it, which copies or maps it, too.
 *
 * Of what stands in the ring nothing is used unchecked, and each word is read once.  When the
 * indices or ids make no sense, that is said once, and the queue is shut until the next connection;
 * a frame that makes no sense is dropped.
 */
#ifndef NETFRONT_IMPL_H
#define NETFRONT_IMPL_H

#define __XEN_INTERFACE_VERSION__ 0x00040d00
#include <xen/xen.h>
#include <xen/io/netif.h>
#include <kern/mutex.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <dev/xenbus.h>

#define NETFRONT_RING	 256U /* slots of either ring: what fits a page, a power of two */
#define NETFRONT_TXSLOTS ((XEN_NETIF_MAX_TX_SIZE + PAGE_SIZE - 1) / PAGE_SIZE) /* of a packet */
#define NETFRONT_RXMAX	 (65535U + 18U) /* bytes of a frame */
#define NETFRONT_RXMIN	 32U		/* buffers that Linux wants for one large frame: 19 */

_Static_assert(__CONST_RING_SIZE(netif_tx, 4096) == NETFRONT_RING, "xen/io/netif.h");
_Static_assert(__CONST_RING_SIZE(netif_rx, 4096) == NETFRONT_RING, "xen/io/netif.h");

/* A page that is granted to the back end, or none yet. */
struct netfront_buf {
	uint8_t *nb_va; /* NULL: no page */
	uint32_t nb_ref;
};

enum netfront_state {
	NETFRONT_WAITING, /* not connected: packets wait for it */
	NETFRONT_UP,
	NETFRONT_SHUT, /* unused, or its back end makes no sense: packets are dropped */
};

struct netfront_queue {
	struct netfront *nq_dev;
	struct xenbus_channel *nq_rxchan, *nq_txchan; /* the same one if they aren't split */

	/* Receive: touched by the soft interrupt only, and by xenbus's lwp while that cannot run.
	 */
	struct netif_rx_sring *nq_rx; /* NULL: not connected */
	uint32_t nq_rxref;
	unsigned nq_rxsize;	       /* buffers, all of them in the ring: a power of two */
	struct netfront_buf *nq_rxbuf; /* request i has number i % nq_rxsize */
	RING_IDX nq_rxprod, nq_rxcons, nq_rxpushed;
	bool nq_rxshut;
	/* The frame of which pieces have come. */
	struct mbuf *nq_frame, *nq_last; /* NULL: no piece yet, or it is bad */
	uint32_t nq_framelen;
	bool nq_begun, nq_bad;
	bool nq_more;  /* its last piece isn't it yet */
	bool nq_extra; /* what comes next is extra information */

	kmutex_t nq_txlock; /* MUTEX_SPIN; all below is under it */
	enum netfront_state nq_state;
	struct netif_tx_sring *nq_tx;
	uint32_t nq_txref;
	unsigned nq_txsize; /* buffers at most; they get pages when they are first used */
	struct netfront_buf *nq_txbuf;
	uint8_t nq_txfree[NETFRONT_RING]; /* numbers of the free ones, the last used on top */
	bool nq_txbusy[NETFRONT_RING];
	unsigned nq_txnfree;
	unsigned nq_txextras; /* slots under way that are extra information */
	RING_IDX nq_txprod, nq_txcons, nq_txpushed;
	struct mbufq nq_txq; /* wait for room */
};

struct netfront {
	struct ifnet nf_ifnet; /* first: if_softc is us */
	struct xenbus_device *nf_xd;
	bool nf_sg, nf_split;		   /* what the back end offers */
	uint32_t nf_mtu;		   /* to return to with scatter-gather; 0: as it is */
	unsigned nf_nqueues;		   /* in use, at least one; atomic */
	struct netfront_queue **nf_queues; /* of nf_maxqueues; the first is always there */
	unsigned nf_maxqueues;
};

/* The other end's word, once. */
static inline RING_IDX netfront_load(const RING_IDX *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* Show the other end requests up to `new`, after `*pushed`.  Does it want to be notified? */
static inline bool netfront_push(
    RING_IDX *req_prod, const RING_IDX *req_event, RING_IDX *pushed, RING_IDX new)
{
	RING_IDX old = *pushed;

	if (old == new)
		return false;
	*pushed = new;
	__atomic_store_n(req_prod, new, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return new - netfront_load(req_event) < new - old;
}

/*
 * Give nb a page that is granted to the back end.  ENOMEM, ENOSPC: it has none.  Any context but
 * interrupt handlers.
 */
int netfront_buf_ready(struct netfront *nf, struct netfront_buf *nb, bool readonly);

/* ifnet's if_transmit. */
void netfront_transmit(struct ifnet *ifp, struct mbuf *chain);
/* The transmit ring, the receive ring, are new and empty: begin. */
void netfront_tx_start(struct netfront_queue *nq);
void netfront_rx_start(struct netfront_queue *nq);
/* No packet goes into the ring any more, and the channel isn't notified. */
void netfront_tx_stop(struct netfront_queue *nq, enum netfront_state state);
/* Forget half a frame.  The soft interrupt does not run. */
void netfront_rx_stop(struct netfront_queue *nq);
/* Soft interrupts of the channels; arg is the queue. */
void netfront_tx_softint(void *arg);
void netfront_rx_softint(void *arg);
void netfront_softint(void *arg); /* both */

#endif
