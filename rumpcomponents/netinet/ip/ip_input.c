/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 input (RFC 791, RFC 1122 3.2.1).  What is malformed or not for us is
 * dropped without a word; we are a host and forward nothing.
 */
#include <kern/component.h>
#include <kern/ktime.h>
#include "ip_impl.h"

LINK_SET_DECLARE(ipprotos, const struct ipproto);

/*
 * Make the header contiguous and check it: its length; 0 if the packet is to be dropped
 * (*mp may have changed, and is NULL if it has been freed).
 */
static unsigned check_header(struct mbuf **mp)
{
	struct mbuf *m = *mp;
	const struct iphdr4 *ip;
	unsigned hlen, len;

	if (m->m_len < sizeof(*ip) && !(m = *mp = m_pullup(m, sizeof(*ip))))
		return 0;
	ip = (const struct iphdr4 *)m->m_data;
	if (ip->ip_vhl >> 4 != 4)
		return 0;
	hlen = (ip->ip_vhl & 0xfU) * 4;
	if (hlen < sizeof(*ip))
		return 0;
	if (m->m_len < hlen) {
		if (!(m = *mp = m_pullup(m, hlen)))
			return 0;
		ip = (const struct iphdr4 *)m->m_data;
	}
	if (in_cksum_fold(in_cksum_bytes(ip, hlen, 0)) != 0xffff)
		return 0;
	len = ntoh16(ip->ip_len);
	if (len < hlen || len > m->m_pktlen)
		return 0;
	if (len < m->m_pktlen) { /* padding of a short Ethernet frame */
		if (!m->m_next) {
			m->m_len = len;
			m->m_pktlen = len;
		} else {
			m_adj(m, -(long)(m->m_pktlen - len));
		}
	}
	return hlen;
}

/* Source routes would let others use our address: such packets are dropped, other options ignored.
 */
static bool bad_options(const uint8_t *p, unsigned len)
{
	unsigned n;

	for (; len > 0; p += n, len -= n) {
		if (p[0] == 0)
			return false;
		if (p[0] == 1) {
			n = 1;
			continue;
		}
		if (len < 2 || p[1] < 2 || p[1] > len || p[0] == 131 || p[0] == 137)
			return true;
		n = p[1];
	}
	return false;
}

/* Is the packet for us, from an address that may have sent it? */
static bool acceptable(const struct mbuf *m, const struct iphdr4 *ip)
{
	struct ifnet *ifp = m->m_rcvif;
	const struct in_ifaddr *ia = ifp->if_inaddr;
	uint32_t src = ip->ip_src, dst = ip->ip_dst;
	bool loop = ifp->if_flags & IFF_LOOPBACK;

	if (!loop && (IP4_LOOPBACK(src) || IP4_LOOPBACK(dst)))
		return false;
	if (src == IP4_BROADCAST || IP4_MULTICAST(src) ||
	    (!loop && src != 0 && ((ia && src == ia->ia_addr) || in_broadcast(ifp, src))))
		return false;
	if (ia && dst == ia->ia_addr && dst != 0)
		return true;
	if (loop || in_ours(dst))
		return true;
	if (in_broadcast(ifp, dst))
		return true;
	/* Before we have an address (DHCP), an answer to our Ethernet address is for us. */
	return ia && ia->ia_addr == 0 && ip->ip_p == IP4_P_UDP &&
	       !(m->m_flags & (M_BCAST | M_MCAST));
}

static void ip_input(struct mbuf *m, struct netbatch *nb)
{
	const struct ipproto *const *pr;
	const struct iphdr4 *ip;
	unsigned hlen = check_header(&m);

	if (hlen == 0)
		goto drop;
	ip = (const struct iphdr4 *)m->m_data;
	if (!acceptable(m, ip) ||
	    (hlen > sizeof(*ip) && bad_options(m->m_data + sizeof(*ip), hlen - sizeof(*ip))))
		goto drop;
	if (ip->ip_off & hton16(IP4_MF | IP4_OFFMASK)) {
		m = ip_reass(m, hlen, netbatch_now(nb));
		if (!m)
			return;
		ip = (const struct iphdr4 *)m->m_data;
		hlen = (ip->ip_vhl & 0xfU) * 4;
	}
	LINK_SET_FOREACH (pr, ipprotos)
		if ((*pr)->ipr_protocol == ip->ip_p) {
			(*pr)->ipr_input(m, hlen, nb);
			return;
		}
	icmp_error(m, ICMP4_UNREACH, ICMP4_UNREACH_PROTOCOL, 0);
	return;
drop:
	if (m)
		nb->nb_ifp->if_ierrors++;
	m_freem(m);
}

static const struct etherproto ip_etherproto = {.ep_type = ETHER_TYPE_IP, .ep_input = ip_input};
LINK_SET_ADD(etherprotos, ip_etherproto);

/* Whoever has IPv4 can use Ethernet: the reference that brings the drivers in. */
LINK_SET_ADD(ip_drivers, ether_ifattach);

bool ip_ratelimit(struct ratelimit *rl, unsigned n)
{
	uint64_t second = nanouptime() / NSEC_PER_SEC;

	if (rl->rl_second != second) {
		rl->rl_second = second;
		rl->rl_count = 0;
	}
	return rl->rl_count++ < n;
}

static int ip_start(void)
{
	ip_route_init();
	ip_reass_init();
	arp_init();
	return 0;
}
RUMP_COMPONENT(netinet_ip, RUMP_PHASE_KERN, ip_start);
