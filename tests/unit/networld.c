/* SPDX-License-Identifier: BSD-2-Clause */
/* See networld.h. */
#include <stdlib.h>
#include <string.h>

#include <net/if_arp.h>

#include "native.h"
#include "networld.h"

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond);                             \
	} while (0)

const uint8_t net_our_mac[6] = {0x02, 0, 0, 0, 0, 0x01}, net_peer_mac[6] = {0x02, 0, 0, 0, 0, 0x02};
static const uint8_t broadcast_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct ifnet net_if;
unsigned long net_nsent;
bool net_window_strict = true;
void (*net_sent_hook)(const struct net_sent *s);
static struct net_sent ring[NET_RING];
static struct mbuf *held, **held_tail = &held;

uint16_t net_cksum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (; len > 1; p += 2, len -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	if (len > 0)
		sum += (uint32_t)p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint32_t pseudo(const uint8_t *ip, size_t l4len)
{
	return (uint32_t)get16(ip + 12) + get16(ip + 14) + get16(ip + 16) + get16(ip + 18) + ip[9] +
	       (uint32_t)l4len;
}

/* ------------------------------------------------------- what was sent */

const struct net_sent *net_sent(unsigned n)
{
	return n < NET_RING && n < net_nsent ? &ring[(net_nsent - 1 - n) % NET_RING] : NULL;
}

const struct iphdr4 *net_sent_ip(const struct net_sent *s)
{
	return s && get16(s->frame + 12) == ETHER_TYPE_IP ? (const void *)(s->frame + 14) : NULL;
}

const struct tcphdr4 *net_sent_tcp(const struct net_sent *s)
{
	const struct iphdr4 *ip = net_sent_ip(s);

	return ip && ip->ip_p == IP4_P_TCP ? (const void *)(s->frame + 34) : NULL;
}

size_t net_tcp_payload(const struct net_sent *s, const uint8_t **data)
{
	const struct tcphdr4 *th = net_sent_tcp(s);
	size_t off = 34 + (th->th_off >> 4) * 4U;

	*data = s->frame + off;
	return s->len - off;
}

static void check_arp(const struct net_sent *s)
{
	const uint8_t *ar = s->frame + 14;

	REQUIRE(s->len == 14 + 28);
	REQUIRE(get32(ar) == 0x00010800 && get16(ar + 4) == 0x0604);
	REQUIRE(get16(ar + 6) == ARPOP_REQUEST || get16(ar + 6) == ARPOP_REPLY);
	REQUIRE(memcmp(ar + 8, net_our_mac, 6) == 0 && get32(ar + 14) == NET_US);
}

static void check_ip(const struct net_sent *s)
{
	const uint8_t *ip = s->frame + 14, *l4 = ip + 20;
	size_t len = s->len - 14, l4len = len - 20;
	uint32_t dst = get32(ip + 16);
	bool bcast = dst == 0xffffffff || dst == (NET_US | 0xff);

	REQUIRE(len >= 20 && len <= NET_MTU);
	REQUIRE(ip[0] == 0x45 && get16(ip + 2) == len && ip[8] != 0);
	REQUIRE(net_cksum(ip, 20, 0) == 0);
	REQUIRE(get32(ip + 12) == NET_US);
	REQUIRE(dst != 0 && dst != NET_US && dst >> 24 != 127);
	REQUIRE(bcast == (memcmp(s->frame, broadcast_mac, 6) == 0));
	if (get16(ip + 6) & (IP4_MF | IP4_OFFMASK)) {
		REQUIRE(ip[9] != IP4_P_TCP && !(get16(ip + 6) & IP4_DF));
		return;
	}
	switch (ip[9]) {
	case IP4_P_TCP:
		REQUIRE(!bcast && l4len >= 20 && l4[12] >> 4 >= 5 && l4[12] / 16U * 4 <= l4len);
		REQUIRE(net_cksum(l4, l4len, pseudo(ip, l4len)) == 0);
		REQUIRE((l4[13] & (THF_SYN | THF_FIN | THF_RST)) == THF_SYN || !(l4[13] & THF_SYN));
		break;
	case IP4_P_UDP:
		REQUIRE(l4len >= 8 && get16(l4 + 4) == l4len);
		REQUIRE(get16(l4 + 6) != 0 && net_cksum(l4, l4len, pseudo(ip, l4len)) == 0);
		break;
	case IP4_P_ICMP:
		REQUIRE(!bcast && l4len >= 8 && net_cksum(l4, l4len, 0) == 0);
		break;
	default:
		panic("sent IP protocol %u", ip[9]);
	}
}

static void transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct mbuf *next;

	(void)ifp;
	for (; m; m = next) {
		struct net_sent *s = &ring[net_nsent % NET_RING];

		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		REQUIRE(m->m_flags & M_PKTHDR && m->m_pktlen == m_length(m));
		REQUIRE(m->m_pktlen >= 14 + 20 && m->m_pktlen <= sizeof(s->frame));
		REQUIRE(m->m_tso_segsz == 0 && !(m->m_csum_flags & MCSUM_TX_L4));
		s->len = m->m_pktlen;
		m_copydata(m, 0, m->m_pktlen, s->frame);
		m_freem(m);
		net_nsent++;
		REQUIRE(memcmp(s->frame + 6, net_our_mac, 6) == 0);
		if (get16(s->frame + 12) == ETHER_TYPE_ARP)
			check_arp(s);
		else
			check_ip(s);
		if (net_sent_hook)
			net_sent_hook(s);
	}
}

/* ------------------------------------------------------------- frames in */

/* Foreign storage: the bytes and what they were. */
struct foreign {
	size_t len;
	uint16_t sum;
	uint8_t *bytes;
};

static void release(void *arg)
{
	struct foreign *f = arg;

	REQUIRE(net_cksum(f->bytes, f->len, 0) == f->sum); /* what is shared is not written to */
	free(f->bytes);
	free(f);
}

static struct mbuf *piece_foreign(const uint8_t *p, size_t len)
{
	struct foreign *f = malloc(sizeof(*f));
	struct mbuf *m;

	*f = (struct foreign){len, net_cksum(p, len, 0), malloc(len ? len : 1)};
	memcpy(f->bytes, p, len);
	m = m_getext(f->bytes, len, release, f);
	if (!m)
		release(f);
	return m;
}

static struct mbuf *piece(const uint8_t *p, size_t *len, bool first, unsigned flags)
{
	struct mbuf *m;

	if (flags & NET_EXT) {
		m = piece_foreign(p, *len);
	} else {
		bool large = !(flags & NET_SMALL) || first;

		m = first ? m_gethdr(true) : m_get(large);
		if (m) {
			*len = KMIN(*len, m_trailingspace(m));
			memcpy(m->m_data, p, *len);
			m->m_len = (uint32_t)*len;
		}
	}
	if (m && first)
		m->m_flags |= M_PKTHDR;
	return m;
}

void net_deliver(const uint8_t *frame, size_t len, unsigned split, unsigned flags)
{
	struct mbuf *head = NULL, **tail = &head, *m;
	size_t off = 0, n;

	do {
		n = len - off;
		if (split)
			n = KMIN(n, off ? (size_t)split : KMAX((size_t)split, 14UL));
		m = piece(frame + off, &n, off == 0, flags);
		if (!m) {
			m_freem(head);
			return;
		}
		*tail = m;
		tail = &m->m_next;
		off += n;
	} while (off < len);
	head->m_pktlen = (uint32_t)len;
	head->m_rcvif = &net_if;
	head->m_nextpkt = NULL;
	*held_tail = head;
	held_tail = &head->m_nextpkt;
	if (!(flags & NET_HOLD))
		net_flush();
}

void net_flush(void)
{
	struct mbuf *m = held;

	held = NULL;
	held_tail = &held;
	if (m)
		if_input(&net_if, m);
	REQUIRE(native_locks_held() == 0);
}

/* ------------------------------------------------------- building frames */

void net_fix(uint8_t *frame, size_t len, unsigned what)
{
	uint8_t *ip = frame + 14, *l4;
	unsigned hlen, sum_at;
	size_t l4len;
	uint16_t sum;

	if (len < 34)
		return;
	hlen = (ip[0] & 15U) * 4;
	if (hlen < 20 || hlen > len - 14)
		return;
	if (what & NET_FIX_IPLEN)
		put16(ip + 2, (uint16_t)(len - 14));
	if (what & NET_FIX_IPSUM) {
		put16(ip + 10, 0);
		put16(ip + 10, net_cksum(ip, hlen, 0));
	}
	l4 = ip + hlen;
	l4len = KMIN(len - 14, (size_t)get16(ip + 2));
	l4len = l4len > hlen ? l4len - hlen : 0;
	sum_at = ip[9] == IP4_P_TCP ? 16 : ip[9] == IP4_P_UDP ? 6 : 2;
	if (!(what & NET_FIX_L4) || l4len < sum_at + 2 ||
	    (get16(ip + 6) & (IP4_MF | IP4_OFFMASK)) ||
	    (ip[9] != IP4_P_TCP && ip[9] != IP4_P_UDP && ip[9] != IP4_P_ICMP))
		return;
	if (ip[9] == IP4_P_UDP && get16(l4 + 4) >= 8)
		l4len = KMIN(l4len, (size_t)get16(l4 + 4));
	put16(l4 + sum_at, 0);
	sum = net_cksum(l4, l4len, ip[9] == IP4_P_ICMP ? 0 : pseudo(ip, l4len));
	put16(l4 + sum_at, sum == 0 && ip[9] == IP4_P_UDP ? 0xffff : sum);
}

static void ether(uint8_t *frame, const uint8_t *dst, uint16_t type)
{
	memcpy(frame, dst, 6);
	memcpy(frame + 6, net_peer_mac, 6);
	put16(frame + 12, type);
}

size_t net_ip(uint8_t *frame, uint8_t protocol, uint32_t src, uint32_t dst, uint16_t off,
    uint16_t id, const void *body, size_t len)
{
	uint8_t *ip = frame + 14;

	ether(frame, net_our_mac, ETHER_TYPE_IP);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 4, id);
	put16(ip + 6, off);
	ip[8] = 64;
	ip[9] = protocol;
	put32(ip + 12, src ? src : NET_PEER);
	put32(ip + 16, dst ? dst : NET_US);
	if (len > 0)
		memmove(ip + 20, body, len);
	net_fix(frame, 34 + len, NET_FIX_ALL);
	return 34 + len;
}

size_t net_tcp(uint8_t *frame, const struct net_seg *s)
{
	uint8_t *th = frame + 34;
	unsigned hlen = 20 + s->optlen;

	memset(th, 0, 20);
	put16(th, s->sport);
	put16(th + 2, s->dport);
	put32(th + 4, s->seq);
	put32(th + 8, s->ack);
	th[12] = (uint8_t)(hlen / 4 << 4);
	th[13] = s->flags;
	put16(th + 14, s->win);
	put16(th + 18, s->urp);
	if (s->optlen)
		memcpy(th + 20, s->opt, s->optlen);
	if (s->len && s->data)
		memcpy(th + hlen, s->data, s->len);
	return net_ip(frame, IP4_P_TCP, s->src, s->dst, IP4_DF, 0, th, hlen + s->len);
}

size_t net_udp(uint8_t *frame, uint16_t sport, uint16_t dport, const void *data, size_t len)
{
	uint8_t *uh = frame + 34;

	put16(uh, sport);
	put16(uh + 2, dport);
	put16(uh + 4, (uint16_t)(8 + len));
	put16(uh + 6, 0);
	if (len)
		memcpy(uh + 8, data, len);
	return net_ip(frame, IP4_P_UDP, 0, 0, 0, 0, uh, 8 + len);
}

static uint8_t scratch[NET_FRAME_MAX];

void net_send_tcp(const struct net_seg *s)
{
	net_deliver(scratch, net_tcp(scratch, s), 0, 0);
}

void net_send_udp(uint16_t sport, uint16_t dport, const void *data, size_t len)
{
	net_deliver(scratch, net_udp(scratch, sport, dport, data, len), 0, 0);
}

void net_send_arp(uint16_t op, const uint8_t sha[6], uint32_t spa, uint32_t tpa)
{
	uint8_t frame[60] = {0}, *ar = frame + 14;

	ether(frame, broadcast_mac, ETHER_TYPE_ARP);
	put32(ar, 0x00010800);
	put16(ar + 4, 0x0604);
	put16(ar + 6, op);
	memcpy(ar + 8, sha, 6);
	put32(ar + 14, spa);
	put32(ar + 24, tpa);
	net_deliver(frame, sizeof(frame), 0, 0);
}

void net_arp_hello(void)
{
	net_send_arp(ARPOP_REQUEST, net_peer_mac, NET_PEER, NET_US);
}

void net_start(void)
{
	REQUIRE(native_components() == 0);
	net_if.if_mtu = NET_MTU;
	net_if.if_transmit = transmit;
	memcpy(net_if.if_lladdr, net_our_mac, 6);
	REQUIRE(ether_ifattach(&net_if) == 0);
	REQUIRE(in_setaddr(&net_if, hton32(NET_US), hton32(0xffffff00)) == 0);
	net_arp_hello();
}

/* --------------------------------------------------------------- looking */

struct tcpcb *net_find(uint16_t lport, uint16_t fport)
{
	uint32_t laddr = hton32(NET_US), faddr = hton32(NET_PEER);
	unsigned b = tcp_bucket(laddr, hton16(lport), faddr, hton16(fport));
	struct tcpcb *tp;

	LIST_FOREACH (tp, &tcp_buckets[b].tb_conn, t_hash)
		if (tp->t_inpcb.inp_lport == hton16(lport) &&
		    tp->t_inpcb.inp_fport == hton16(fport) && tp->t_inpcb.inp_laddr == laddr &&
		    tp->t_inpcb.inp_faddr == faddr)
			return tp;
	return NULL;
}

struct tcpcb *net_handshake(
    uint16_t lport, uint16_t fport, uint32_t irs, uint16_t win, const uint8_t *opt, unsigned optlen)
{
	struct net_seg s = {.sport = fport,
	    .dport = lport,
	    .seq = irs,
	    .flags = THF_SYN,
	    .win = win,
	    .opt = opt,
	    .optlen = optlen};
	const struct tcphdr4 *th;

	net_send_tcp(&s);
	th = net_sent_tcp(net_sent(0));
	if (!th || th->th_flags != (THF_SYN | THF_ACK) || th->th_dport != hton16(fport))
		return NULL;
	s.seq++;
	s.ack = ntoh32(th->th_seq) + 1;
	s.flags = THF_ACK;
	s.optlen = 0;
	net_send_tcp(&s);
	return net_find(lport, fport);
}

static void check_stream(const struct sockbuf *sb)
{
	const struct mbuf *m = sb->sb_mb, *last = m;

	for (; m; m = m->m_next)
		last = m;
	REQUIRE(m_length(sb->sb_mb) == sb->sb_cc);
	REQUIRE(last == sb->sb_tail);
}

void net_check_tcpcb(struct tcpcb *tp)
{
	const struct socket *so = tp_so(tp);
	uint32_t n = 0, fin = tp->t_state == TCP_SYN_SENT_STATE ||
			      tp->t_state == TCP_SYN_RECEIVED || (tp->t_flags & TF_SENTFIN);
	const struct mbuf *m, *p = NULL;

	REQUIRE(so->so_refs > 0 && so->so_refs < 100);
	check_stream(&so->so_rcv);
	check_stream(&so->so_snd);
	if (tp->t_state == TCP_CLOSED || tp->t_state == TCP_LISTEN_STATE) {
		REQUIRE(!tp->t_reass && !tp->t_armed);
		return;
	}
	REQUIRE(tp->t_maxseg > 0 && tp->t_maxseg <= NET_MTU - 40);
	REQUIRE(SEQ_LEQ(tp->snd_una, tp->snd_nxt) && SEQ_LEQ(tp->snd_nxt, tp->snd_max));
	REQUIRE(tp->snd_max - tp->snd_una <= so->so_snd.sb_cc + fin);
	REQUIRE(tp->t_rto >= TCP_RTO_MIN && tp->t_rto <= TCP_RTO_MAX);
	if (tp->t_state >= TCP_ESTAB)
		REQUIRE(tp->snd_cwnd >= tp->t_maxseg / 2 && tp->snd_cwnd <= 1U << 30);
	if (tp->t_state >= TCP_SYN_RECEIVED) {
		REQUIRE(
		    SEQ_LEQ(tp->rcv_nxt, tp->rcv_adv) && SEQ_LEQ(tp->last_ack_sent, tp->rcv_nxt));
		REQUIRE(tp->rcv_adv - tp->rcv_nxt <= 65535U << tp->rcv_wscale);
		REQUIRE(!net_window_strict ||
			tp->rcv_adv - tp->rcv_nxt + so->so_rcv.sb_cc <= so->so_rcv.sb_hiwat);
	}
	for (m = tp->t_reass; m; m = m->m_nextpkt, n++) {
		REQUIRE(m->m_pktlen == m_length(m));
		REQUIRE(SEQ_GT((uint32_t)m->m_cookie, tp->rcv_nxt));
		REQUIRE(!p || SEQ_LEQ((uint32_t)p->m_cookie + p->m_pktlen, (uint32_t)m->m_cookie));
		p = m;
	}
	REQUIRE(n == tp->t_reasslen && n <= 256);
}

bool net_quiesce(unsigned steps)
{
	uint8_t body[16] = {0};

	while (native_step())
		if (steps-- == 0)
			return false;
	/* Time runs out for waiting fragments when another comes; that one is completed. */
	native_advance(20 * NSEC_PER_SEC);
	net_deliver(scratch, net_ip(scratch, IP4_P_TCP, 0, 0, IP4_MF, 0, body, 8), 0, 0);
	net_deliver(scratch, net_ip(scratch, IP4_P_TCP, 0, 0, 1, 0, body, 8), 0, 0);
	while (native_step())
		if (steps-- == 0)
			return false;
	return true;
}
