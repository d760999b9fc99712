/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMP (RFC 792, RFC 1122 3.2.2): echo, errors in and out.  Redirects,
 * timestamps, masks and router discovery are ignored: they help attackers more.
 */
#include "ip_impl.h"

#define ICMP_ECHO_RATE	1000U
#define ICMP_ERROR_RATE 100U
#define ICMP_QUOTE	64U  /* bytes of the packet that an error quotes */
#define PMTU_MIN	552U /* RFC 1191 allows 68, which only attackers want */

LINK_SET_DECLARE(ipprotos, const struct ipproto);

static struct ratelimit echo_limit, error_limit;

static void echo(struct mbuf *m, unsigned hlen)
{
	const struct iphdr4 ip = *(const struct iphdr4 *)m->m_data;
	struct ipout out = {
	    .src = ip.ip_dst, .dst = ip.ip_src, .protocol = IP4_P_ICMP, .tos = ip.ip_tos};
	struct icmphdr4 *icp;

	if ((m->m_flags & (M_BCAST | M_MCAST)) || !in_ours(ip.ip_dst) || ip.ip_src == 0 ||
	    !ip_ratelimit(&echo_limit, ICMP_ECHO_RATE)) {
		m_freem(m);
		return;
	}
	m_adj(m, hlen);
	m = m_pullup(m, sizeof(*icp));
	if (!m)
		return;
	m->m_csum_flags = 0;
	m->m_tso_segsz = 0;
	icp = (struct icmphdr4 *)m->m_data;
	icp->icmp_type = ICMP4_ECHOREPLY;
	icp->icmp_sum = 0;
	icp->icmp_sum = (uint16_t)~in_cksum_fold(in_cksum_add(m, 0, m->m_pktlen, 0));
	(void)ip_output(m, &out);
}

/* An errno for a destination-unreachable code; as Linux. */
static int unreach_errno(uint8_t code)
{
	static const uint8_t errnos[] = {ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED,
	    EMSGSIZE, EOPNOTSUPP, ENETUNREACH, EHOSTDOWN, ENONET, ENETUNREACH, EHOSTUNREACH,
	    ENETUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH};

	return code < NELEM(errnos) ? errnos[code] : EHOSTUNREACH;
}

void ip_notify(int error, unsigned mtu, const uint8_t *packet)
{
	const struct iphdr4 *ip = (const struct iphdr4 *)packet;
	const struct ipproto *const *pr;

	LINK_SET_FOREACH (pr, ipprotos)
		if ((*pr)->ipr_protocol == ip->ip_p && (*pr)->ipr_ctlinput)
			(*pr)->ipr_ctlinput(
			    error, mtu, ip->ip_src, ip->ip_dst, packet + (ip->ip_vhl & 0xfU) * 4);
}

/* An error about a packet of ours, which it quotes. */
static void error_input(struct mbuf *m, unsigned hlen)
{
	uint8_t buf[sizeof(struct icmphdr4) + 60 + 8];
	const struct icmphdr4 *icp = (const struct icmphdr4 *)buf;
	const struct iphdr4 *inner = (const struct iphdr4 *)(icp + 1);
	unsigned have = KMIN(m->m_pktlen - hlen, (unsigned)sizeof(buf)), ihl, mtu = 0;
	int error;

	if (have < sizeof(*icp) + sizeof(*inner) + 8)
		return;
	m_copydata(m, hlen, have, buf);
	ihl = (inner->ip_vhl & 0xfU) * 4;
	if (inner->ip_vhl >> 4 != 4 || ihl < sizeof(*inner) || have < sizeof(*icp) + ihl + 8 ||
	    !in_ours(inner->ip_src) || (inner->ip_off & hton16(IP4_OFFMASK)))
		return;
	switch (icp->icmp_type) {
	case ICMP4_UNREACH:
		error = unreach_errno(icp->icmp_code);
		if (error == EMSGSIZE) {
			mtu = ntoh16(icp->icmp_mtu);
			/* It must be smaller than what was sent; tiny values would choke us. */
			if (mtu >= ntoh16(inner->ip_len))
				return;
			mtu = KMAX(mtu, PMTU_MIN);
			/* Believe it only if the transport recognises the packet: it learns the MTU
			 * then. */
		}
		break;
	case ICMP4_TIMXCEED:
		error = EHOSTUNREACH;
		break;
	case ICMP4_PARAMPROB:
		error = EPROTO;
		break;
	default:
		return;
	}
	ip_notify(error, mtu, (const uint8_t *)inner);
}

void icmp_input(struct mbuf *m, unsigned hlen, struct netbatch *nb)
{
	struct icmphdr4 ic;

	(void)nb;
	if (m->m_pktlen < hlen + sizeof(ic) ||
	    in_cksum_fold(in_cksum_add(m, hlen, m->m_pktlen - hlen, 0)) != 0xffff) {
		m_freem(m);
		return;
	}
	m_copydata(m, hlen, sizeof(ic), &ic);
	if (ic.icmp_type == ICMP4_ECHO) {
		echo(m, hlen);
		return;
	}
	error_input(m, hlen);
	m_freem(m);
}

/* May an error be sent about this packet?  RFC 1122 3.2.2. */
static bool may_complain(const struct mbuf *m, const struct iphdr4 *ip)
{
	unsigned hlen = (ip->ip_vhl & 0xfU) * 4;
	uint8_t type;

	if ((m->m_flags & (M_BCAST | M_MCAST)) || !in_ours(ip->ip_dst) || ip->ip_src == 0 ||
	    in_broadcast(NULL, ip->ip_src) || IP4_MULTICAST(ip->ip_src) ||
	    (ip->ip_off & hton16(IP4_OFFMASK)))
		return false;
	if (ip->ip_p == IP4_P_ICMP) {
		if (m->m_pktlen <= hlen)
			return false;
		m_copydata(m, hlen, 1, &type);
		if (type != ICMP4_ECHO)
			return false;
	}
	return ip_ratelimit(&error_limit, ICMP_ERROR_RATE);
}

void icmp_error(struct mbuf *m, uint8_t type, uint8_t code, unsigned mtu)
{
	const struct iphdr4 *ip = (const struct iphdr4 *)m->m_data;
	struct ipout out = {.src = ip->ip_dst, .dst = ip->ip_src, .protocol = IP4_P_ICMP};
	uint32_t quote = KMIN(m->m_pktlen, ICMP_QUOTE);
	struct icmphdr4 *icp;
	struct mbuf *n;

	if (!may_complain(m, ip) || !(n = m_gethdr(false))) {
		m_freem(m);
		return;
	}
	n->m_data += MHLEN - sizeof(*icp) - ICMP_QUOTE;
	n->m_len = n->m_pktlen = (uint32_t)sizeof(*icp) + quote;
	icp = (struct icmphdr4 *)n->m_data;
	*icp = (struct icmphdr4){
	    .icmp_type = type, .icmp_code = code, .icmp_mtu = hton16((uint16_t)mtu)};
	m_copydata(m, 0, quote, icp + 1);
	icp->icmp_sum = (uint16_t)~in_cksum_fold(in_cksum_bytes(icp, n->m_len, 0));
	m_freem(m);
	(void)ip_output(n, &out);
}

static const struct ipproto icmp_proto = {.ipr_protocol = IP4_P_ICMP, .ipr_input = icmp_input};
LINK_SET_ADD(ipprotos, icmp_proto);
