/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP input (RFC 768): find the socket, queue the datagram. */
#include "udp_impl.h"

/* How well a pcb fits: 0 not at all. */
static unsigned fit(
    const struct inpcb *inp, uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport)
{
	unsigned score = 1;

	if (inp->inp_lport != lport)
		return 0;
	if (inp->inp_laddr != 0) {
		if (inp->inp_laddr != laddr)
			return 0;
		score += 1;
	}
	if (inp->inp_fport != 0) {
		if (inp->inp_faddr != faddr || inp->inp_fport != fport)
			return 0;
		score += 2;
	}
	return score;
}

/* The best fit, referenced; among equals (SO_REUSEPORT) chosen by the sender. */
static struct inpcb *lookup(uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport)
{
	struct inpcb *inp, *best = NULL;
	unsigned score, best_score = 0, equals = 0;
	uint32_t h = (faddr ^ fport * 0x9e3779b1U) * 0x85ebca6bU;

	mutex_enter(&udp_table.it_lock);
	LIST_FOREACH (inp, &udp_table.it_port[in_porthash(lport)], inp_porthash) {
		score = fit(inp, laddr, lport, faddr, fport);
		if (score == 0 || score < best_score)
			continue;
		if (score > best_score) {
			best = inp;
			best_score = score;
			equals = 1;
		} else if ((h >> 8) % ++equals == 0) {
			best = inp;
		}
	}
	if (best)
		soref(&best->inp_socket);
	mutex_exit(&udp_table.it_lock);
	return best;
}

static void udp_input(struct mbuf *m, unsigned hlen, struct netbatch *nb)
{
	const struct iphdr4 *ip;
	const struct udphdr4 *uh;
	struct inpcb *inp;
	struct socket *so;
	unsigned len;
	uint64_t from;
	bool taken;

	(void)nb;
	if (m->m_len < hlen + sizeof(*uh)) {
		if (m->m_pktlen < hlen + sizeof(*uh)) {
			m_freem(m);
			return;
		}
		m = m_pullup(m, hlen + sizeof(*uh));
		if (!m)
			return;
	}
	ip = (const struct iphdr4 *)m->m_data;
	uh = (const struct udphdr4 *)(m->m_data + hlen);
	len = ntoh16(uh->uh_len);
	if (len < sizeof(*uh) || len > m->m_pktlen - hlen || uh->uh_dport == 0)
		goto drop;
	if (len < m->m_pktlen - hlen) {
		m_adj(m, -(long)(m->m_pktlen - hlen - len));
		m->m_csum_flags &=
		    (uint16_t)~MCSUM_RX_L4_OK; /* of more than the datagram, perhaps */
	}
	if (uh->uh_sum != 0 && !ip_cksum_ok(m, hlen))
		goto drop;
	inp = lookup(ip->ip_dst, uh->uh_dport, ip->ip_src, uh->uh_sport);
	if (!inp) {
		icmp_error(m, ICMP4_UNREACH, ICMP4_UNREACH_PORT, 0);
		return;
	}
	so = &inp->inp_socket;
	from = socookie(ip->ip_src, uh->uh_sport);
	m->m_data += hlen + sizeof(*uh);
	m->m_len -= (uint32_t)(hlen + sizeof(*uh));
	m->m_pktlen -= (uint32_t)(hlen + sizeof(*uh));
	m->m_cookie = from;
	mutex_enter(so->so_lock);
	taken = !(so->so_state & (SS_NOFDREF | SS_CANTRCVMORE)) && sbappendrecord(&so->so_rcv, m);
	mutex_exit(so->so_lock);
	if (taken)
		sorwakeup(so);
	else
		m_freem(m);
	sorele(so);
	return;
drop:
	m_freem(m);
}

/* An ICMP error about a datagram of ours: a connected socket gets to know. */
static void udp_ctlinput(int error, unsigned mtu, uint32_t laddr, uint32_t faddr, const uint8_t *l4)
{
	struct inpcb *inp;
	struct udphdr4 uh;

	memcpy(&uh, l4, sizeof(uh));
	inp = lookup(laddr, uh.uh_sport, faddr, uh.uh_dport);
	if (!inp)
		return;
	if (error == EMSGSIZE)
		ip_pmtu_learn(faddr, mtu);
	mutex_enter(inp->inp_socket.so_lock);
	if (inp->inp_fport != 0 &&
	    (error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH))
		soseterror(&inp->inp_socket, error);
	mutex_exit(inp->inp_socket.so_lock);
	sorele(&inp->inp_socket);
}

static const struct ipproto udp_proto = {
    .ipr_protocol = IP4_P_UDP, .ipr_input = udp_input, .ipr_ctlinput = udp_ctlinput};
LINK_SET_ADD(ipprotos, udp_proto);
