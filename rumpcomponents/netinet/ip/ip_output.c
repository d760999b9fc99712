/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 output: header, checksums that the interface does not compute,
 * fragmentation.  Packets that may not be fragmented carry identification 0
 * (RFC 6864: it means nothing there).
 */
#include <kern/random.h>
#include "ip_impl.h"

/* The transport checksum that was left to a device that cannot. */
static void software_cksum(struct mbuf *m)
{
	uint32_t sum, start = m->m_csum_start;
	uint16_t field;

	/* The field holds the pseudo header's sum already. */
	sum = in_cksum_add(m, start, m->m_pktlen - start, 0);
	field = (uint16_t)~in_cksum_fold(sum);
	if (field == 0)
		field = 0xffff; /* UDP: 0 means "none" */
	memcpy(m->m_data + start + m->m_csum_offset, &field, sizeof(field));
	m->m_csum_flags &= (uint16_t)~MCSUM_TX_L4;
}

int ip_send(struct mbuf *m, const struct iproute *rt)
{
	struct iphdr4 *ip = (struct iphdr4 *)m->m_data;

	if ((m->m_csum_flags & MCSUM_TX_L4) && !(rt->rt_ifp->if_capabilities & IFCAP_TXCSUM)) {
		if (m->m_len < (uint32_t)m->m_csum_start + m->m_csum_offset + 2) {
			m_freem(m); /* cannot be: transport headers are built in one piece */
			return EINVAL;
		}
		software_cksum(m);
	}
	ip->ip_sum = 0;
	ip->ip_sum = (uint16_t)~in_cksum_fold(in_cksum_bytes(ip, sizeof(*ip), 0));
	return rt->rt_ifp->if_output(rt->rt_ifp, m, rt->rt_nexthop);
}

static uint16_t next_id(void)
{
	static volatile uint32_t id;

	if (id == 0)
		id = random_u32() | 1;
	return (uint16_t)(__atomic_add_fetch(&id, 1 + (random_u32() & 7), __ATOMIC_RELAXED) >> 1);
}

/* m, with its header, in pieces of at most the route's MTU.  Consumes m. */
static int send_fragments(struct mbuf *m, const struct iproute *rt)
{
	const struct iphdr4 whole = *(const struct iphdr4 *)m->m_data;
	uint32_t room = (rt->rt_mtu - (uint32_t)sizeof(whole)) & ~7U,
		 total = m->m_pktlen - (uint32_t)sizeof(whole);
	uint32_t off, n;
	int error = 0;

	if (m->m_csum_flags & MCSUM_TX_L4)
		software_cksum(m);
	for (off = 0; off < total && !error; off += n) {
		struct mbuf *h = m_gethdr(false);
		struct iphdr4 *ip;

		n = KMIN(room, total - off);
		if (!h || !(h->m_next = m_copym(m, sizeof(whole) + off, n))) {
			m_freem(h);
			error = ENOBUFS;
			break;
		}
		h->m_data += MHLEN - sizeof(*ip);
		h->m_len = sizeof(*ip);
		h->m_pktlen = n + (uint32_t)sizeof(*ip);
		ip = (struct iphdr4 *)h->m_data;
		*ip = whole;
		ip->ip_len = hton16((uint16_t)h->m_pktlen);
		ip->ip_off = hton16((uint16_t)(off / 8 | (off + n < total ? IP4_MF : 0)));
		error = ip_send(h, rt);
	}
	m_freem(m);
	return error;
}

int ip_output(struct mbuf *m, const struct ipout *out)
{
	struct iproute local;
	const struct iproute *rt = out->rt;
	struct iphdr4 *ip;
	int error;

	if (!rt) {
		error = ip_route(out->dst, &local);
		if (error) {
			m_freem(m);
			return error;
		}
		rt = &local;
	}
	if (m->m_pktlen + sizeof(*ip) > 65535) {
		m_freem(m);
		return EMSGSIZE;
	}
	m = m_prepend(m, sizeof(*ip));
	if (!m)
		return ENOBUFS;
	m->m_csum_start += sizeof(*ip);
	m->m_hdrlen += sizeof(*ip);
	ip = (struct iphdr4 *)m->m_data;
	ip->ip_vhl = 0x45;
	ip->ip_tos = out->tos;
	ip->ip_len = hton16((uint16_t)m->m_pktlen);
	ip->ip_id = 0;
	ip->ip_off = out->df ? hton16(IP4_DF) : 0;
	ip->ip_ttl = out->ttl ? out->ttl : IP4_TTL;
	ip->ip_p = out->protocol;
	ip->ip_src = out->src;
	ip->ip_dst = out->dst;
	if (!out->df)
		ip->ip_id = next_id();
	if (m->m_pktlen <= rt->rt_mtu)
		return ip_send(m, rt);
	if (out->df) {
		m_freem(m);
		return EMSGSIZE;
	}
	return send_fragments(m, rt);
}
