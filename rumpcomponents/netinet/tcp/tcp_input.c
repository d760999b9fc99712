/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP input: check a segment, find what it belongs to.
 *
 * A segment is parsed into a struct tcpseg; what follows never looks at the wire format again.
 */
#include <kern/component.h>
#include "tcp_impl.h"

/* Options (RFC 9293 3.1, RFC 7323).  Malformed ones end the list. */
static void parse_options(struct tcpseg *seg, const uint8_t *p, unsigned len)
{
	unsigned n;

	/* By far the commonest: timestamps alone, as everybody pads them. */
	if (len == TCP_TSOPT_LEN && get32(p) == 0x0101080a) {
		seg->ts = true;
		seg->tsval = get32(p + 4);
		seg->tsecr = get32(p + 8);
		return;
	}
	for (; len > 0; p += n, len -= n) {
		if (p[0] == 0)
			return;
		if (p[0] == 1) {
			n = 1;
			continue;
		}
		if (len < 2 || (n = p[1]) < 2 || n > len)
			return;
		if (p[0] == 2 && n == 4 && (seg->flags & THF_SYN)) {
			seg->mss = get16(p + 2);
		} else if (p[0] == 3 && n == 3 && (seg->flags & THF_SYN)) {
			seg->wscale = (int8_t)KMIN(p[2], 14);
		} else if (p[0] == 8 && n == 10) {
			seg->ts = true;
			seg->tsval = get32(p + 2);
			seg->tsecr = get32(p + 6);
		}
	}
}

/* Does the next frame of the batch carry the same addresses and ports, and data? */
static bool same_flow(const struct iphdr4 *ip, unsigned hlen, const struct netbatch *nb)
{
	const struct mbuf *n = nb->nb_next;
	const struct iphdr4 *nip;

	if (!n || hlen != sizeof(*ip) ||
	    n->m_len < nb->nb_lhdrlen + sizeof(*ip) + sizeof(struct tcphdr4))
		return false;
	nip = (const struct iphdr4 *)(n->m_data + nb->nb_lhdrlen);
	return nip->ip_vhl == 0x45 && nip->ip_p == IP4_P_TCP &&
	       memcmp(&nip->ip_src, &ip->ip_src, 12) == 0; /* addresses and the ports behind them */
}

/* Parse; false: it is no good.  *mp may change, NULL if freed. */
static bool parse(struct mbuf **mp, unsigned hlen, struct netbatch *nb, struct tcpseg *seg)
{
	struct mbuf *m = *mp;
	const struct iphdr4 *ip;
	const struct tcphdr4 *th;
	unsigned off;

	if (m->m_len < hlen + sizeof(*th) &&
	    (m->m_pktlen < hlen + sizeof(*th) || !(m = *mp = m_pullup(m, hlen + sizeof(*th)))))
		return false;
	th = (const struct tcphdr4 *)(m->m_data + hlen);
	off = (th->th_off >> 4) * 4U;
	if (off < sizeof(*th) || hlen + off > m->m_pktlen)
		return false;
	if (m->m_len < hlen + off && !(m = *mp = m_pullup(m, hlen + off)))
		return false;
	if (!ip_cksum_ok(m, hlen))
		return false;
	ip = (const struct iphdr4 *)m->m_data;
	th = (const struct tcphdr4 *)(m->m_data + hlen);
	if ((m->m_flags & (M_BCAST | M_MCAST)) || IP4_MULTICAST(ip->ip_dst) ||
	    in_broadcast(m->m_rcvif, ip->ip_dst) || ip->ip_src == 0)
		return false;
	seg->src = ip->ip_src;
	seg->dst = ip->ip_dst;
	seg->sport = th->th_sport;
	seg->dport = th->th_dport;
	seg->seq = ntoh32(th->th_seq);
	seg->ack = ntoh32(th->th_ack);
	seg->win = ntoh16(th->th_win);
	seg->flags = th->th_flags;
	seg->mss = 0;
	seg->wscale = -1;
	seg->ts = false;
	if (off > sizeof(*th))
		parse_options(seg, (const uint8_t *)(th + 1), off - (unsigned)sizeof(*th));
	seg->more = same_flow(ip, hlen, nb);
	seg->now = netbatch_now(nb);
	m->m_data += hlen + off;
	m->m_len -= hlen + off;
	m->m_pktlen -= hlen + off;
	seg->len = m->m_pktlen;
	seg->m = m;
	return true;
}

static struct tcpcb *find_connection(struct tcpbucket *tb, const struct tcpseg *seg)
{
	struct tcpcb *tp;

	LIST_FOREACH (tp, &tb->tb_conn, t_hash) {
		const struct inpcb *inp = &tp->t_inpcb;

		if (inp->inp_fport == seg->sport && inp->inp_faddr == seg->src &&
		    inp->inp_lport == seg->dport && inp->inp_laddr == seg->dst)
			return tp;
	}
	return NULL;
}

/* For a connection that exists.  Takes over the reference. */
static void to_connection(struct tcpcb *tp, struct tcpseg *seg)
{
	struct socket *so = tp_so(tp);

	mutex_enter(so->so_lock);
	if (tp->t_state != TCP_CLOSED)
		tcp_segment(tp, seg);
	mutex_exit(so->so_lock);
	sorele(so);
}

/* Nothing knows it: is somebody listening? */
static void to_listener(struct tcpseg *seg, bool maybe_handshake)
{
	struct tcpcb *tp;
	bool answer = true;

	if (maybe_handshake && (tp = tcp_syn_complete(seg, &answer)) != NULL) {
		tcp_segment(tp, seg);
		mutex_exit(tp_so(tp)->so_lock);
		sorele(tp_so(tp));
		return;
	}
	if ((seg->flags & (THF_SYN | THF_ACK | THF_RST)) == THF_SYN) {
		tp = tcp_find_listener(seg);
		if (tp) {
			tcp_syn_input(tp, seg);
			sorele(tp_so(tp));
			return;
		}
	}
	if (answer)
		tcp_reply_rst(seg);
}

static void tcp_input(struct mbuf *m, unsigned hlen, struct netbatch *nb)
{
	struct tcpseg seg;
	struct tcpbucket *tb;
	struct tcpcb *tp;
	struct tcptw *tw;
	uint32_t floor = 0;
	unsigned b;
	bool syn;

	if (!parse(&m, hlen, nb, &seg)) {
		m_freem(m);
		return;
	}
	b = tcp_bucket(seg.dst, seg.dport, seg.src, seg.sport);
	tb = &tcp_buckets[b];
	mutex_enter(tcp_bucket_lock(b));
	tp = find_connection(tb, &seg);
	if (__builtin_expect(tp != NULL, 1)) {
		soref(tp_so(tp));
		mutex_exit(tcp_bucket_lock(b));
		to_connection(tp, &seg);
	} else if ((tw = tcp_tw_find(tb, seg.dst, seg.dport, seg.src, seg.sport)) != NULL) {
		if (tcp_tw_input(tw, &seg, b, &floor))
			to_listener(&seg, false);
	} else {
		syn = tcp_syn_find(tb, &seg) != NULL;
		mutex_exit(tcp_bucket_lock(b));
		to_listener(&seg, syn || (seg.flags & THF_ACK));
	}
	m_freem(seg.m);
}

/*
 * An ICMP error about a segment of ours.  It must name a sequence number that is under way
 * (RFC 5927), else somebody guesses.  Errors other than "too big" end only connections that do not
 * yet exist.
 */
static void tcp_ctlinput(int error, unsigned mtu, uint32_t laddr, uint32_t faddr, const uint8_t *l4)
{
	struct tcpseg seg = {.dst = laddr, .src = faddr};
	struct socket *so;
	struct tcpcb *tp;
	uint32_t seq = get32(l4 + 4);
	unsigned b;

	memcpy(&seg.dport, l4, 2);
	memcpy(&seg.sport, l4 + 2, 2);
	b = tcp_bucket(laddr, seg.dport, faddr, seg.sport);
	mutex_enter(tcp_bucket_lock(b));
	tp = find_connection(&tcp_buckets[b], &seg);
	if (tp)
		soref(tp_so(tp));
	mutex_exit(tcp_bucket_lock(b));
	if (!tp)
		return;
	so = tp_so(tp);
	mutex_enter(so->so_lock);
	if (tp->t_state == TCP_CLOSED || SEQ_LT(seq, tp->snd_una) || SEQ_GEQ(seq, tp->snd_max)) {
		; /* not ours */
	} else if (error == EMSGSIZE) {
		ip_pmtu_learn(faddr, mtu);
		if (in_pcbroute(&tp->t_inpcb) == 0) {
			tcp_set_mss(tp, (uint16_t)tp->t_peermss);
			tp->snd_nxt = tp->snd_una;
			tp->t_rttime = 0;
			tcp_output(tp);
		}
	} else if (tp->t_state == TCP_SYN_SENT_STATE) {
		tcp_drop(tp, error);
	}
	mutex_exit(so->so_lock);
	sorele(so);
}

static const struct ipproto tcp_proto = {
    .ipr_protocol = IP4_P_TCP, .ipr_input = tcp_input, .ipr_ctlinput = tcp_ctlinput};
LINK_SET_ADD(ipprotos, tcp_proto);

static int tcp_start(void)
{
	unsigned i;

	in_pcbtable_init(&tcp_table);
	for (i = 0; i < TCP_LOCKS; i++)
		mutex_init(&tcp_bucket_locks[i], MUTEX_SPIN);
	tcp_timer_init();
	tcp_syn_init();
	tcp_timewait_init();
	return 0;
}
RUMP_COMPONENT(netinet_tcp, RUMP_PHASE_PROTO, tcp_start);
