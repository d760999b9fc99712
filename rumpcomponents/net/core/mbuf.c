/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mbufs.
 *
 * Storage is counted where it lies: m_refs of the mbuf that holds it says how
 * many mbufs use it, itself included.  A sharer points at the holder (never at
 * another sharer), so a holder that has been freed lives on, unseen, until its
 * last sharer goes.  Only counts are atomic: a chain has one owner.
 */
#include <kern/kmem.h>
#include <kern/systm.h>
#include <net/mbuf.h>

#define COPY_MAX 64 /* sharing costs more than copying this much */

static POOL_DEFINE(mbuf_small_pool, MSIZE, "mbuf");
static POOL_DEFINE(mbuf_large_pool, MLSIZE, "mbufl");

static struct mbuf *mbuf_alloc(bool large)
{
	struct mbuf *m = pool_get(large ? &mbuf_large_pool : &mbuf_small_pool);

	if (!m)
		return NULL;
	m->m_next = NULL;
	m->m_nextpkt = NULL;
	m->m_data = m->m_storage;
	m->m_len = 0;
	m->m_flags = 0;
	m->m_hdrlen = 0;
	m->m_refs = 1;
	m->m_size = large ? MLLEN : MHLEN;
	m->m_pktlen = 0;
	m->m_csum_flags = 0;
	m->m_tso_segsz = 0;
	return m;
}

struct mbuf *m_get(bool large)
{
	return mbuf_alloc(large);
}

struct mbuf *m_gethdr(bool large)
{
	struct mbuf *m = mbuf_alloc(large);

	if (m) {
		m->m_flags = M_PKTHDR;
		m->m_rcvif = NULL;
		if (large)
			m->m_data += M_MAXHDR;
	}
	return m;
}

struct mbuf *m_getext(void *buf, size_t len, void (*release)(void *), void *arg)
{
	struct mbuf *m = mbuf_alloc(false);

	if (m) {
		m->m_flags = M_EXT;
		m->m_data = m->m_ext_buf = buf;
		m->m_len = m->m_ext_size = (uint32_t)len;
		m->m_ext_release = release;
		m->m_ext_arg = arg;
	}
	return m;
}

/* Drop one user of the storage that m holds. */
static void mbuf_rele(struct mbuf *m)
{
	struct mbuf *holder;

	while (m->m_refs == 1 || __atomic_sub_fetch(&m->m_refs, 1, __ATOMIC_ACQ_REL) == 0) {
		holder = NULL;
		if (m->m_flags & M_EXT) {
			if (m->m_ext_release)
				m->m_ext_release(m->m_ext_arg);
			else
				holder = m->m_ext_arg;
		}
		pool_put(m->m_size == MHLEN ? &mbuf_small_pool : &mbuf_large_pool, m);
		if (!holder)
			return;
		m = holder;
	}
}

struct mbuf *m_free(struct mbuf *m)
{
	struct mbuf *next;

	if (!m)
		return NULL;
	next = m->m_next;
	mbuf_rele(m);
	return next;
}

void m_freem(struct mbuf *m)
{
	while (m)
		m = m_free(m);
}

void m_freepkts(struct mbuf *m)
{
	while (m) {
		struct mbuf *next = m->m_nextpkt;

		m->m_nextpkt = NULL;
		m_freem(m);
		m = next;
	}
}

/* An mbuf that shares len bytes at data, which lie in m. */
static struct mbuf *mbuf_share(struct mbuf *m, uint8_t *data, size_t len)
{
	struct mbuf *holder = m, *n = mbuf_alloc(false);

	if (!n)
		return NULL;
	if ((m->m_flags & M_EXT) && !m->m_ext_release)
		holder = m->m_ext_arg;
	n->m_flags = M_EXT | (holder->m_flags & M_EXT ? 0 : M_SHARED);
	n->m_data = n->m_ext_buf = data;
	n->m_len = n->m_ext_size = (uint32_t)len;
	n->m_ext_release = NULL;
	n->m_ext_arg = holder;
	__atomic_add_fetch(&holder->m_refs, 1, __ATOMIC_RELAXED);
	return n;
}

struct mbuf *m_share_headroom(struct mbuf *m, size_t len, size_t room)
{
	struct mbuf *n;

	if (!m_writable(m) || m_leadingspace(m) < room)
		return NULL;
	n = mbuf_share(m, m->m_data, len);
	if (n) {
		n->m_flags |= M_HEADROOM;
		n->m_ext_buf -= room;
		n->m_ext_size += (uint32_t)room;
	}
	return n;
}

struct mbuf *m_copym(struct mbuf *m, size_t off, size_t len)
{
	struct mbuf *head = NULL, **tail = &head, *n;

	while (m && off >= m->m_len) {
		off -= m->m_len;
		m = m->m_next;
	}
	while (m && len > 0) {
		size_t piece = KMIN(len, m->m_len - off);

		if (piece > 0) {
			if (piece <= COPY_MAX) {
				n = mbuf_alloc(false);
				if (n) {
					memcpy(n->m_data, m->m_data + off, piece);
					n->m_len = (uint32_t)piece;
				}
			} else {
				n = mbuf_share(m, m->m_data + off, piece);
			}
			if (!n) {
				m_freem(head);
				return NULL;
			}
			*tail = n;
			tail = &n->m_next;
		}
		len -= piece;
		off = 0;
		m = m->m_next;
	}
	return head;
}

/* The packet header moves from one mbuf to another that becomes first. */
static void mbuf_move_header(struct mbuf *to, struct mbuf *from)
{
	uint16_t flags = M_PKTHDR | M_BCAST | M_MCAST | M_EOR;

	to->m_flags |= from->m_flags & flags;
	to->m_pktlen = from->m_pktlen;
	to->m_hdrlen = from->m_hdrlen;
	to->m_csum_flags = from->m_csum_flags;
	to->m_csum_start = from->m_csum_start;
	to->m_csum_offset = from->m_csum_offset;
	to->m_tso_segsz = from->m_tso_segsz;
	to->m_rcvif = from->m_rcvif;
	to->m_nextpkt = from->m_nextpkt;
	from->m_flags &= (uint16_t)~flags;
	from->m_nextpkt = NULL;
}

struct mbuf *m_pullup(struct mbuf *m, size_t len)
{
	struct mbuf *n;
	size_t got = 0;

	if (m->m_len >= len && m_writable(m))
		return m;
	if (len > MHLEN || m_length(m) < len || !(n = mbuf_alloc(false))) {
		m_freem(m);
		return NULL;
	}
	mbuf_move_header(n, m);
	/* As much room in front as there can be: somebody may prepend. */
	n->m_data += (MHLEN - len) & ~15UL;
	while (got < len) {
		size_t piece = KMIN(len - got, m->m_len);

		memcpy(n->m_data + got, m->m_data, piece);
		got += piece;
		m->m_data += piece;
		m->m_len -= (uint32_t)piece;
		if (m->m_len == 0)
			m = m_free(m);
	}
	n->m_len = (uint32_t)len;
	n->m_next = m;
	return n;
}

struct mbuf *m_prepend(struct mbuf *m, size_t len)
{
	struct mbuf *n;

	if (m_leadingspace(m) >= len) {
		m->m_data -= len;
		m->m_len += (uint32_t)len;
		m->m_pktlen += (uint32_t)len;
		return m;
	}
	if (len > MHLEN || !(n = mbuf_alloc(false))) {
		m_freem(m);
		return NULL;
	}
	mbuf_move_header(n, m);
	n->m_data += MHLEN - len;
	n->m_len = (uint32_t)len;
	n->m_pktlen += (uint32_t)len;
	n->m_next = m;
	return n;
}

static void mbuf_trim_end(struct mbuf *m, size_t cut)
{
	size_t total = m_length(m), keep = cut < total ? total - cut : 0;

	if (m->m_flags & M_PKTHDR)
		m->m_pktlen = (uint32_t)keep;
	for (; m; m = m->m_next) {
		if (m->m_len > keep) {
			m->m_len = (uint32_t)keep;
			m_freem(m->m_next);
			m->m_next = NULL;
			return;
		}
		keep -= m->m_len;
	}
}

void m_adj(struct mbuf *m, long n)
{
	if (n < 0) {
		mbuf_trim_end(m, (size_t)-n);
		return;
	}
	if (m->m_flags & M_PKTHDR)
		m->m_pktlen -= KMIN((uint32_t)n, m->m_pktlen);
	for (; m && n > 0; m = m->m_next) {
		uint32_t piece = KMIN((uint32_t)n, m->m_len);

		m->m_data += piece;
		m->m_len -= piece;
		n -= piece;
	}
}

void m_copydata(const struct mbuf *m, size_t off, size_t len, void *buf)
{
	uint8_t *to = buf;

	for (; m && off >= m->m_len; m = m->m_next)
		off -= m->m_len;
	for (; m && len > 0; m = m->m_next) {
		size_t piece = KMIN(len, m->m_len - off);

		memcpy(to, m->m_data + off, piece);
		to += piece;
		len -= piece;
		off = 0;
	}
}

size_t m_length(const struct mbuf *m)
{
	size_t len = 0;

	for (; m; m = m->m_next)
		len += m->m_len;
	return len;
}
