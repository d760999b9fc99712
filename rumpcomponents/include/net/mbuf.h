/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbufs: packets and socket-buffer data.  A packet is a chain through m_next;
 * packets queue up through m_nextpkt.
 *
 * Two sizes, each one allocation with its data inside: MSIZE for headers and
 * small packets, MLSIZE for a whole Ethernet frame with room in front.
 * An mbuf can instead point at storage it does not hold (M_EXT): the
 * bytes of another mbuf (which it then holds a reference to) or a
 * foreign page (sendfile) with a release function.
 *
 * Data that is shared (m_refs > 1, or M_EXT) is read-only: m_writable().  The mbuf that holds
 * storage counts who uses it, itself included, in m_refs; a sharer has
 * m_ext_release NULL and the holder in m_ext_arg.
 * Ownership: a function that takes an mbuf consumes the chain unless it says otherwise.
 */
#ifndef NET_MBUF_H
#define NET_MBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ifnet;

struct mbuf {
	struct mbuf *m_next;
	struct mbuf *m_nextpkt;
	uint8_t *m_data;	  /* first valid byte */
	uint32_t m_len;		  /* valid bytes here */
	uint16_t m_flags;	  /* M_* */
	uint16_t m_hdrlen;	  /* scratch of the protocol layers */
	volatile uint32_t m_refs; /* owners of the storage */
	uint32_t m_size;	  /* bytes of storage inside: for m_free */
	/* Packet header, valid in the first mbuf (M_PKTHDR). */
	uint32_t m_pktlen;	/* bytes of the whole chain */
	uint16_t m_csum_flags;	/* MCSUM_* */
	uint16_t m_csum_start;	/* tx: from here to the end, as virtio's csum_start */
	uint16_t m_csum_offset; /* tx: where the sum goes, from csum_start */
	uint16_t m_tso_segsz;	/* tx: payload per segment, 0: no TSO */
	union {
		struct ifnet *m_rcvif; /* rx */
		uint64_t m_cookie;     /* scratch of the protocol that queued it */
	};
	/* External storage (M_EXT). */
	uint8_t *m_ext_buf;
	uint32_t m_ext_size;
	uint32_t m_pad;
	void (*m_ext_release)(void *arg); /* called when the last reference goes */
	void *m_ext_arg;
	uint8_t m_storage[] __attribute__((aligned(16)));
};

#define M_PKTHDR   0x0001
#define M_EXT	   0x0002
#define M_SHARED   0x0004 /* M_EXT, of another mbuf's own storage: direct-mapped, page_pa() works */
#define M_HEADROOM 0x0008 /* M_EXT, but [m_ext_buf, m_data) is this mbuf's to write */
#define M_BCAST	   0x0010 /* came as link-level broadcast */
#define M_MCAST	   0x0020
#define M_EOR	   0x0040 /* end of record (datagram boundaries) */

/* The device must fill in the transport checksum, at m_csum_start + m_csum_offset. */
#define MCSUM_TX_L4 0x0001
/* The device, or a guest on the same host, vouches for the transport checksum. */
#define MCSUM_RX_L4_OK 0x0010

#define MSIZE	       256
#define MLSIZE	       2048
#define MHLEN	       (MSIZE - sizeof(struct mbuf))
#define MLLEN	       (MLSIZE - sizeof(struct mbuf))

/* Headroom that m_gethdr leaves: virtio-net, Ethernet, IP, TCP with options. */
#define M_MAXHDR 128

/* An empty mbuf, with packet header, M_MAXHDR bytes of headroom if it is large.  NULL: no memory.
 * No sleep. */
struct mbuf *m_gethdr(bool large) __attribute__((warn_unused_result));
/* Without headroom. */
struct mbuf *m_get(bool large) __attribute__((warn_unused_result));
/* An mbuf around foreign storage; release(arg) runs when the last reference goes. */
struct mbuf *m_getext(void *buf, size_t len, void (*release)(void *), void *arg)
    __attribute__((warn_unused_result));
/*
 * Share [off, off + len) of m's own piece, with at least `room` bytes in front that the result may
 * overwrite.  Only if nobody else shares m and off is 0; NULL if not, or no memory.
 */
struct mbuf *m_share_headroom(struct mbuf *m, size_t len, size_t room)
    __attribute__((warn_unused_result));
/* Free one mbuf and return its m_next; free the chain. NULL is fine. */
struct mbuf *m_free(struct mbuf *m);
void m_freem(struct mbuf *m);
/* Share bytes [off, off+len) of the chain without copying them (small pieces may be copied).  NULL:
 * no memory. */
struct mbuf *m_copym(struct mbuf *m, size_t off, size_t len) __attribute__((warn_unused_result));
/* First len bytes (<= MHLEN) contiguous and writable in the first mbuf; frees the chain and returns
 * NULL if it is too short or no memory. */
struct mbuf *m_pullup(struct mbuf *m, size_t len) __attribute__((warn_unused_result));
/* Room for len bytes in front, m_data moved there; new mbuf if need be.  NULL (chain freed): no
 * memory. */
struct mbuf *m_prepend(struct mbuf *m, size_t len) __attribute__((warn_unused_result));
/* Free a m_nextpkt chain of packets. */
void m_freepkts(struct mbuf *m);
/* Trim: from the front (n > 0) or the end (n < 0). */
void m_adj(struct mbuf *m, long n);
/* Copy out / in. Bytes must exist. */
void m_copydata(const struct mbuf *m, size_t off, size_t len, void *buf);
size_t m_length(const struct mbuf *m);
static inline bool m_writable(const struct mbuf *m)
{
	return !(m->m_flags & M_EXT) && m->m_refs == 1;
}
static inline size_t m_leadingspace(const struct mbuf *m)
{
	if (m->m_flags & M_HEADROOM)
		return (size_t)(m->m_data - m->m_ext_buf);
	return m_writable(m) ? (size_t)(m->m_data - m->m_storage) : 0;
}
static inline size_t m_trailingspace(const struct mbuf *m)
{
	return m_writable(m) ? m->m_size - (size_t)(m->m_data - m->m_storage) - m->m_len : 0;
}

/* FIFO of packets, no lock of its own. */
struct mbufq {
	struct mbuf *mq_first, **mq_lastp;
	uint32_t mq_len;
};
static inline void mbufq_init(struct mbufq *q)
{
	q->mq_first = NULL;
	q->mq_lastp = &q->mq_first;
	q->mq_len = 0;
}
static inline void mbufq_put(struct mbufq *q, struct mbuf *m)
{
	m->m_nextpkt = NULL;
	*q->mq_lastp = m;
	q->mq_lastp = &m->m_nextpkt;
	q->mq_len++;
}
static inline struct mbuf *mbufq_get(struct mbufq *q)
{
	struct mbuf *m = q->mq_first;

	if (m) {
		q->mq_first = m->m_nextpkt;
		if (!q->mq_first)
			q->mq_lastp = &q->mq_first;
		m->m_nextpkt = NULL;
		q->mq_len--;
	}
	return m;
}

#endif
