/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reassembly of fragments (RFC 791, RFC 815).
 *
 * Fragments of a packet wait in a chain sorted by offset.  Fragments that overlap
 * anything but an exact copy condemn the packet (RFC 5722 says so for IPv6, and it is right for
 * IPv4: nobody honest sends them).  Everything is bounded: packets that
 * wait, fragments of each, bytes of all, and time; the oldest goes first.
 *
 * The queue entry of a fragment is its own mbuf: m_cookie is its offset, m_pktlen its length.
 */
#include <kern/kmem.h>
#include <kern/ktime.h>
#include "ip_impl.h"

#define REASS_MAX   16	/* packets at a time */
#define REASS_FRAGS 128 /* fragments each: 64 KB over a link with an MTU of 576 bytes */
#define REASS_TIME  (15 * NSEC_PER_SEC)

struct reass {
	uint32_t src, dst;
	uint16_t id;
	uint8_t protocol;
	bool condemned; /* swallow the rest of it until time is up */
	uint16_t cast;	/* M_BCAST, M_MCAST of any fragment: such packets are not answered */
	uint16_t nfrag;
	uint32_t total; /* payload bytes, 0 while the last fragment is missing */
	uint32_t have, storage;
	uint64_t expires;     /* 0: slot free */
	struct mbuf *frags;   /* m_nextpkt, sorted; payload only */
	struct iphdr4 header; /* of the fragment at offset 0, without options */
	struct ifnet *rcvif;
};

static struct reass reass_slot[REASS_MAX];
static uint32_t reass_storage, reass_max; /* bytes of all */
static kmutex_t reass_lock;

void ip_reass_init(void)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	reass_max =
	    (uint32_t)KMIN(KMAX(ks.ks_pages_total * PAGE_SIZE / 64, 128UL << 10), 2UL << 20);
	mutex_init(&reass_lock, MUTEX_DEFAULT);
}

/* All functions below: reass_lock held. */

static void forget_frags(struct reass *r)
{
	m_freepkts(r->frags);
	r->frags = NULL;
	reass_storage -= r->storage;
	r->storage = 0;
}

static void condemn(struct reass *r)
{
	forget_frags(r);
	r->condemned = true;
}

/* Make room by forgetting what has waited longest, but for r. */
static void shrink(const struct reass *r)
{
	struct reass *s, *oldest;

	while (reass_storage > reass_max) {
		oldest = NULL;
		for (s = reass_slot; s < reass_slot + REASS_MAX; s++)
			if (s != r && s->storage > 0 && (!oldest || s->expires < oldest->expires))
				oldest = s;
		if (!oldest)
			return;
		condemn(oldest);
	}
}

static struct reass *find_slot(const struct iphdr4 *ip, uint64_t now)
{
	struct reass *r, *victim = &reass_slot[0];

	for (r = reass_slot; r < reass_slot + REASS_MAX; r++) {
		if (r->expires != 0 && r->expires <= now) {
			forget_frags(r);
			r->expires = 0;
		}
		if (r->expires != 0 && r->src == ip->ip_src && r->dst == ip->ip_dst &&
		    r->id == ip->ip_id && r->protocol == ip->ip_p)
			return r;
		if (r->expires < victim->expires)
			victim = r;
	}
	r = victim;
	if (r->expires != 0)
		forget_frags(r);
	*r = (struct reass){.src = ip->ip_src,
	    .dst = ip->ip_dst,
	    .id = ip->ip_id,
	    .protocol = ip->ip_p,
	    .expires = now + REASS_TIME};
	return r;
}

static uint32_t storage_of(const struct mbuf *m)
{
	uint32_t n = 0;

	for (; m; m = m->m_next)
		n += m->m_size + (uint32_t)sizeof(*m);
	return n;
}

/* Put fragment [off, off + len) where it belongs.  false: it was not taken. */
static bool insert(struct reass *r, struct mbuf *m, uint32_t off, uint32_t len)
{
	struct mbuf **pp = &r->frags, *p;

	for (; (p = *pp) != NULL && (uint32_t)p->m_cookie < off; pp = &p->m_nextpkt)
		if ((uint32_t)p->m_cookie + p->m_pktlen > off) {
			condemn(r);
			return false;
		}
	if (p && (uint32_t)p->m_cookie == off && p->m_pktlen == len)
		return false; /* a duplicate */
	if (p && off + len > (uint32_t)p->m_cookie) {
		condemn(r);
		return false;
	}
	r->cast |= m->m_flags & (M_BCAST | M_MCAST);
	m->m_cookie = off;
	m->m_nextpkt = p;
	*pp = m;
	r->nfrag++;
	r->have += len;
	r->storage += storage_of(m);
	reass_storage += storage_of(m);
	return true;
}

/* All fragments are there: one packet with a header in front. */
static struct mbuf *join(struct reass *r)
{
	struct mbuf *head = m_gethdr(false), *last = head, *m, *next;
	struct iphdr4 *ip;

	if (!head)
		return NULL;
	head->m_data += MHLEN - sizeof(*ip);
	head->m_len = sizeof(*ip);
	ip = (struct iphdr4 *)head->m_data;
	*ip = r->header;
	ip->ip_vhl = 0x45;
	ip->ip_off = 0;
	ip->ip_len = hton16((uint16_t)(r->total + sizeof(*ip)));
	for (m = r->frags; m; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m->m_flags &= (uint16_t)~M_PKTHDR;
		last->m_next = m;
		while (last->m_next)
			last = last->m_next;
	}
	r->frags = NULL;
	head->m_pktlen = (uint32_t)(r->total + sizeof(*ip));
	head->m_rcvif = r->rcvif;
	head->m_flags |= r->cast;
	return head;
}

struct mbuf *ip_reass(struct mbuf *m, unsigned hlen, uint64_t now)
{
	const struct iphdr4 ip = *(const struct iphdr4 *)m->m_data;
	uint32_t off = (ntoh16(ip.ip_off) & IP4_OFFMASK) * 8U, len = m->m_pktlen - hlen;
	bool more = ip.ip_off & hton16(IP4_MF);
	struct ifnet *rcvif = m->m_rcvif;
	struct mbuf *whole = NULL;
	struct reass *r;

	if (len == 0 || (more && len % 8 != 0) || off + len + sizeof(ip) > 65535) {
		m_freem(m);
		return NULL;
	}
	m_adj(m, hlen);
	mutex_enter(&reass_lock);
	r = find_slot(&ip, now);
	shrink(r);
	if (r->condemned || r->nfrag >= REASS_FRAGS || reass_storage > reass_max ||
	    (r->total && off + len > r->total)) {
		condemn(r);
	} else if (insert(r, m, off, len)) {
		m = NULL;
		if (off == 0) {
			r->header = ip;
			r->rcvif = rcvif;
		}
		if (!more) {
			const struct mbuf *p = r->frags;

			while (p->m_nextpkt)
				p = p->m_nextpkt;
			if (r->total || (uint32_t)p->m_cookie != off)
				condemn(r); /* two ends, or something behind the end */
			else
				r->total = off + len;
		}
		if (r->total && r->have == r->total) {
			whole = join(r);
			forget_frags(r);
			r->expires = 0;
		}
	}
	mutex_exit(&reass_lock);
	m_freem(m);
	return whole;
}
