/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket buffers: data that waits for the program or for the network. */
#include <kern/kmem.h>
#include <net/mbuf.h>
#include "socket_impl.h"

#define COMPRESS_MAX 1024 /* pieces up to this move together if they fit */

uint32_t sb_max = 4U << 20, sb_default = 208U << 10;

void sbreserve(struct sockbuf *sb, uint64_t bytes)
{
	sb->sb_hiwat = (uint32_t)KMIN(KMAX(bytes, 2048UL), sb_max);
}

/* Room behind the data of a stream's last mbuf: only its holder ever writes there. */
static size_t room_behind(const struct mbuf *m)
{
	return m->m_flags & M_EXT ? 0 : m->m_size - (size_t)(m->m_data - m->m_storage) - m->m_len;
}

void sbappendstream(struct sockbuf *sb, struct mbuf *m)
{
	struct mbuf *last = sb->sb_tail, *n;

	while (m) {
		n = m->m_next;
		m->m_next = NULL;
		if (m->m_len == 0) {
			m_free(m);
		} else if (last && m->m_len <= COMPRESS_MAX && m->m_len <= room_behind(last)) {
			memcpy(last->m_data + last->m_len, m->m_data, m->m_len);
			last->m_len += m->m_len;
			sb->sb_cc += m->m_len;
			m_free(m);
		} else {
			sb->sb_cc += m->m_len;
			if (last)
				last->m_next = m;
			else
				sb->sb_mb = m;
			last = m;
		}
		m = n;
	}
	sb->sb_tail = last;
}

void sbdrop(struct sockbuf *sb, uint32_t n)
{
	struct mbuf *m = sb->sb_mb;

	n = KMIN(n, sb->sb_cc);
	sb->sb_cc -= n;
	while (m && n >= m->m_len) {
		n -= m->m_len;
		m = m_free(m);
	}
	if (m) {
		m->m_data += n;
		m->m_len -= n;
	} else {
		sb->sb_tail = NULL;
	}
	sb->sb_mb = m;
}

static uint32_t storage_of(const struct mbuf *m)
{
	uint32_t n = 0;

	for (; m; m = m->m_next)
		n += (uint32_t)sizeof(*m) + (m->m_flags & M_EXT ? m->m_ext_size : m->m_size);
	return n;
}

static void put_record(struct sockbuf *sb, struct mbuf *m, uint32_t storage)
{
	m->m_nextpkt = NULL;
	if (sb->sb_tail)
		sb->sb_tail->m_nextpkt = m;
	else
		sb->sb_mb = m;
	sb->sb_tail = m;
	sb->sb_cc += m->m_pktlen;
	sb->sb_mbcnt += storage;
}

void sbputrecord(struct sockbuf *sb, struct mbuf *m)
{
	put_record(sb, m, storage_of(m));
}

bool sbappendrecord(struct sockbuf *sb, struct mbuf *m)
{
	uint32_t storage = storage_of(m);

	/* Storage may be several times the data, but not more. */
	if (m->m_pktlen > sbspace(sb) || (sb->sb_mb && sb->sb_mbcnt + storage > 2 * sb->sb_hiwat))
		return false;
	put_record(sb, m, storage);
	return true;
}

struct mbuf *sbtakerecord(struct sockbuf *sb)
{
	struct mbuf *m = sb->sb_mb;

	if (!m)
		return NULL;
	sb->sb_mb = m->m_nextpkt;
	if (!sb->sb_mb)
		sb->sb_tail = NULL;
	m->m_nextpkt = NULL;
	sb->sb_cc -= m->m_pktlen;
	sb->sb_mbcnt -= storage_of(m);
	return m;
}

uint32_t sofirstlen(const struct sockbuf *sb)
{
	return sb->sb_mb->m_pktlen;
}

void sbflush(struct sockbuf *sb, bool records)
{
	if (records)
		m_freepkts(sb->sb_mb);
	else
		m_freem(sb->sb_mb);
	sb->sb_mb = sb->sb_tail = NULL;
	sb->sb_cc = sb->sb_mbcnt = 0;
}
