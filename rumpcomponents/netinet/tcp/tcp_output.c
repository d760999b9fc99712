/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP output.  so_lock held, unless noted.
 *
 * Data that is the whole of one mbuf which nobody else uses leaves with its headers written in
 * front of it, in that mbuf's own headroom: one piece, no copy.  Otherwise the headers are a small
 * mbuf of their own and the data is shared.
 */
#include "tcp_impl.h"

uint32_t tcp_rcv_window(const struct tcpcb *tp)
{
	uint32_t win = sbspace(&tp->t_inpcb.inp_socket.so_rcv);

	return KMIN(win, 65535U << tp->rcv_wscale);
}

/* The window to announce: never one that takes back what was offered, nor a silly little one. */
static uint32_t announce(const struct tcpcb *tp)
{
	const struct sockbuf *sb = &tp->t_inpcb.inp_socket.so_rcv;
	uint32_t win = tcp_rcv_window(tp), offered = tp->rcv_adv - tp->rcv_nxt;

	if (win < sb->sb_hiwat / 4 && win < tp->t_maxseg)
		win = 0;
	return KMAX(win, offered);
}

static void put_timestamps(uint8_t *p, uint32_t val, uint32_t ecr)
{
	put32(p, 0x0101080a);
	put32(p + 4, val);
	put32(p + 8, ecr);
}

/* IPv4 header and checksums for the segment m, whose TCP header is at m_data; send it. */
static int emit(struct mbuf *m, uint32_t laddr, uint32_t faddr, uint8_t ttl, uint8_t tos,
    const struct iproute *rt, unsigned thlen)
{
	struct tcphdr4 *th = (struct tcphdr4 *)m->m_data;
	struct iphdr4 *ip;

	th->th_sum = in_cksum_fold(in_pseudo(laddr, faddr, IP4_P_TCP, m->m_pktlen));
	m->m_csum_flags = MCSUM_TX_L4;
	m->m_csum_start = sizeof(*ip);
	m->m_csum_offset = offsetof(struct tcphdr4, th_sum);
	m->m_hdrlen = (uint16_t)(sizeof(*ip) + thlen);
	m->m_data -= sizeof(*ip);
	m->m_len += (uint32_t)sizeof(*ip);
	m->m_pktlen += (uint32_t)sizeof(*ip);
	ip = (struct iphdr4 *)m->m_data;
	ip->ip_vhl = 0x45;
	ip->ip_tos = tos;
	ip->ip_len = hton16((uint16_t)m->m_pktlen);
	ip->ip_id = 0;
	ip->ip_off = hton16(IP4_DF);
	ip->ip_ttl = ttl ? ttl : IP4_TTL;
	ip->ip_p = IP4_P_TCP;
	ip->ip_src = laddr;
	ip->ip_dst = faddr;
	return ip_send(m, rt);
}

/* ------------------------------------------------------------ a SYN of ours */

static void send_syn(struct tcpcb *tp)
{
	const struct inpcb *inp = &tp->t_inpcb;
	uint64_t now = nanouptime();
	bool both = tp->t_state == TCP_SYN_RECEIVED;
	struct tcpreply r = {.laddr = inp->inp_laddr,
	    .faddr = inp->inp_faddr,
	    .lport = inp->inp_lport,
	    .fport = inp->inp_fport,
	    .seq = tp->iss,
	    .ack = both ? tp->rcv_nxt : 0,
	    .flags = THF_SYN | (both ? THF_ACK : 0),
	    .win = (uint16_t)KMIN(sbspace(&inp->inp_socket.so_rcv), 65535U),
	    .wscale = both && !(tp->t_flags & TF_WSCALE) ? -1 : (int8_t)tp->rcv_wscale,
	    .ts = both ? tp->t_flags & TF_TS : tp->t_flags & TF_OFFERTS,
	    .tsval = tcp_ts(now, tp->ts_offset),
	    .tsecr = both ? tp->ts_recent : 0,
	    .mss =
		(uint16_t)KMIN(inp->inp_route.rt_mtu - 40, tp->t_usermss ? tp->t_usermss : 65495U)};

	if (tp->t_rxtshift == 0)
		tp->t_rttime = now;
	tp->t_rtseq = tp->iss;
	tp->snd_nxt = tp->iss + 1;
	if (SEQ_GT(tp->snd_nxt, tp->snd_max))
		tp->snd_max = tp->snd_nxt;
	tp->rcv_adv = tp->rcv_nxt + r.win;
	tp->t_flags &= ~(uint32_t)(TF_ACKNOW | TF_DELACK);
	tcp_timer_at(tp, TT_REXMT, now + tp->t_rto);
	tcp_reply(&r);
}

/* ------------------------------------------------------------- deciding */

/* What one segment is to carry. */
struct plan {
	uint32_t off, len; /* payload, from snd_una */
	bool fin, again;   /* again: more may follow */
	bool tso;
};

/* May a segment that does not fill up go?  Nagle (RFC 9293 3.7.4), TCP_CORK, MSG_MORE. */
static bool small_ok(const struct tcpcb *tp, const struct plan *pl, uint32_t cc)
{
	bool last = pl->off + pl->len == cc;

	if (pl->fin && last)
		return true;
	/* A full buffer has no room for the rest of the segment, and only an ACK makes room. */
	if ((tp->t_flags & (TF_CORK | TF_MORE)) &&
	    (tp->snd_max != tp->snd_una || sbwriteable(&tp->t_inpcb.inp_socket.so_snd)))
		return false;
	if (!last && pl->len < tp->snd_maxwnd / 2)
		return false; /* the window cuts it: wait for room (silly window avoidance) */
	return (tp->t_flags & TF_NODELAY) || tp->snd_max == tp->snd_una ||
	       pl->len >= tp->snd_maxwnd / 2;
}

static bool window_update_due(const struct tcpcb *tp)
{
	const struct sockbuf *sb = &tp->t_inpcb.inp_socket.so_rcv;
	uint32_t win = tcp_rcv_window(tp), offered = tp->rcv_adv - tp->rcv_nxt;
	uint32_t gain = win > offered ? win - offered : 0;

	return (gain >= 2 * tp->t_maxseg && gain >= sb->sb_hiwat / 4) || 2 * gain >= sb->sb_hiwat;
}

static bool closing(const struct tcpcb *tp)
{
	return tp->t_state == TCP_FIN_WAIT_1 || tp->t_state == TCP_CLOSING_STATE ||
	       tp->t_state == TCP_LAST_ACK_STATE;
}

bool tcp_unsent(const struct tcpcb *tp)
{
	return tp->t_inpcb.inp_socket.so_snd.sb_cc > tp->snd_max - tp->snd_una ||
	       (closing(tp) && !(tp->t_flags & TF_SENTFIN));
}

/* false: nothing is to be sent now. */
static bool make_plan(struct tcpcb *tp, struct plan *pl)
{
	const struct socket *so = tp_so(tp);
	uint32_t cc = so->so_snd.sb_cc, wnd = KMIN(tp->snd_wnd, tp->snd_cwnd), avail, room, full;

	if ((tp->t_flags & TF_FORCE) && wnd == 0)
		wnd = 1;
	*pl = (struct plan){.off = tp->snd_nxt - tp->snd_una};
	avail = cc > pl->off ? cc - pl->off : 0;
	room = wnd > pl->off ? wnd - pl->off : 0;
	pl->len = KMIN(avail, room);
	if (pl->len > tp->t_maxseg) {
		full = tp->t_maxseg;
		if (tp->t_inpcb.inp_route.rt_ifp->if_capabilities & IFCAP_TSO4) {
			full = KMIN(pl->len, 65535U - 128);
			full -= full % tp->t_maxseg;
			pl->tso = full > tp->t_maxseg;
		}
		pl->len = full;
		pl->again = true;
	}
	/* The FIN goes with the last byte, and again only if everything is sent again. */
	pl->fin = closing(tp) && pl->off + pl->len == cc &&
		  (!(tp->t_flags & TF_SENTFIN) || SEQ_LT(tp->snd_nxt, tp->snd_max));
	if (pl->len >= tp->t_maxseg ||
	    (pl->len > 0 && ((tp->t_flags & TF_FORCE) || SEQ_LT(tp->snd_nxt, tp->snd_max))))
		return true;
	if (pl->len > 0 && small_ok(tp, pl, cc))
		return true;
	if (pl->fin && pl->off == cc && pl->len == 0)
		return true;
	/* Held back: what goes now, if anything, is an ACK. */
	pl->len = 0;
	pl->fin = false;
	return (tp->t_flags & TF_ACKNOW) || window_update_due(tp);
}

/* --------------------------------------------------------------- building */

/* The packet with room for headers of hlen bytes, m_data at the TCP header. */
static struct mbuf *make_packet(struct tcpcb *tp, const struct plan *pl, unsigned hlen)
{
	struct mbuf *m, *data = tp_so(tp)->so_snd.sb_mb;
	uint32_t off = pl->off;

	if (pl->len > 0) {
		while (off >= data->m_len) {
			off -= data->m_len;
			data = data->m_next;
		}
		if (off == 0 && data->m_len >= pl->len &&
		    (m = m_share_headroom(data, pl->len, TCP_HEADROOM)) != NULL) {
			m->m_flags |= M_PKTHDR;
			m->m_data -= hlen;
			m->m_len += hlen;
			m->m_pktlen = m->m_len;
			m->m_tso_segsz = 0;
			return m;
		}
	}
	m = m_gethdr(false);
	if (!m)
		return NULL;
	m->m_data +=
	    MHLEN - 60; /* TCP header with the most options, IPv4 header and the rest before it */
	m->m_len = hlen;
	m->m_pktlen = hlen + pl->len;
	if (pl->len > 0 && !(m->m_next = m_copym(data, off, pl->len))) {
		m_freem(m);
		return NULL;
	}
	return m;
}

static int send_one(struct tcpcb *tp, const struct plan *pl, uint64_t now)
{
	const struct inpcb *inp = &tp->t_inpcb;
	unsigned hlen = sizeof(struct tcphdr4) + (tp->t_flags & TF_TS ? TCP_TSOPT_LEN : 0);
	struct mbuf *m = make_packet(tp, pl, hlen);
	struct tcphdr4 *th;
	uint32_t win;

	if (!m)
		return ENOBUFS;
	if (pl->tso)
		m->m_tso_segsz = (uint16_t)tp->t_maxseg;
	win = announce(tp);
	th = (struct tcphdr4 *)m->m_data;
	th->th_sport = inp->inp_lport;
	th->th_dport = inp->inp_fport;
	/* Without text the number is that of the next byte, whatever is being repeated. */
	th->th_seq = hton32(pl->len > 0 || pl->fin ? tp->snd_nxt : tp->snd_max);
	th->th_ack = hton32(tp->rcv_nxt);
	th->th_off = (uint8_t)(hlen / 4 << 4);
	th->th_flags =
	    THF_ACK | (pl->fin ? THF_FIN : 0) |
	    (pl->len > 0 && pl->off + pl->len == inp->inp_socket.so_snd.sb_cc ? THF_PUSH : 0);
	win = KMIN(win >> tp->rcv_wscale, 65535U);
	th->th_win = hton16((uint16_t)win);
	th->th_urp = 0;
	if (tp->t_flags & TF_TS)
		put_timestamps((uint8_t *)(th + 1), tcp_ts(now, tp->ts_offset), tp->ts_recent);
	win <<= tp->rcv_wscale;
	if (SEQ_GT(tp->rcv_nxt + win, tp->rcv_adv))
		tp->rcv_adv = tp->rcv_nxt + win;
	tp->last_ack_sent = tp->rcv_nxt;
	tp->t_flags &= ~(uint32_t)(TF_ACKNOW | TF_DELACK);
	return emit(
	    m, inp->inp_laddr, inp->inp_faddr, inp->inp_ttl, inp->inp_tos, &inp->inp_route, hlen);
}

/* What was sent counts as sent, whether or not it got out: the timer sees to the rest. */
static void account(struct tcpcb *tp, const struct plan *pl, uint64_t now)
{
	uint32_t first = tp->snd_nxt;

	if (pl->len == 0 && !pl->fin)
		return;
	tp->snd_nxt += pl->len + pl->fin;
	if (pl->fin)
		tp->t_flags |= TF_SENTFIN;
	if (SEQ_GT(tp->snd_nxt, tp->snd_max)) {
		if (tp->snd_una == tp->snd_max)
			tp->t_stalled = now;
		tp->snd_max = tp->snd_nxt;
		if (tp->t_rttime == 0) {
			tp->t_rttime = now;
			tp->t_rtseq = first;
		}
	}
	if (tp->t_flags & TF_FORCE)
		return;
	tcp_timer_off(tp, TT_PERSIST);
	if (tp->t_deadline[TT_REXMT] == 0)
		tcp_timer_at(tp, TT_REXMT, now + tp->t_rto);
}

/* Data waits and nothing will move it: probe the window, or end a cork. */
static void start_persist(struct tcpcb *tp)
{
	const struct socket *so = tp_so(tp);
	uint32_t off = tp->snd_nxt - tp->snd_una;
	uint64_t now;

	if (so->so_snd.sb_cc <= off || tp->t_deadline[TT_REXMT] != 0 ||
	    tp->t_deadline[TT_PERSIST] != 0)
		return;
	now = nanouptime();
	if (tp->snd_wnd > off && (tp->t_flags & (TF_CORK | TF_MORE)))
		tcp_timer_at(tp, TT_PERSIST, now + TCP_CORK_MAX);
	else
		tcp_timer_at(tp, TT_PERSIST, now + KMAX(tp->t_rto, TCP_RTO_MIN));
}

void tcp_output(struct tcpcb *tp)
{
	struct plan pl;
	uint64_t now = 0;
	int error;

	if (tp->t_state < TCP_ESTAB) {
		if (tp->t_state == TCP_SYN_SENT_STATE || tp->t_state == TCP_SYN_RECEIVED)
			send_syn(tp);
		return;
	}
	if (in_pcbroute(&tp->t_inpcb) != 0) {
		/* No way there now: the retransmission timer tries again. */
		if (tp->t_deadline[TT_REXMT] == 0 &&
		    (tp->snd_una != tp->snd_max || tcp_unsent(tp))) {
			now = nanouptime();
			if (tp->snd_una == tp->snd_max && tp->t_rxtshift == 0)
				tp->t_stalled = now;
			tcp_timer_at(tp, TT_REXMT, now + tp->t_rto);
		}
		return;
	}
	do {
		if (!make_plan(tp, &pl)) {
			start_persist(tp);
			return;
		}
		if (now == 0)
			now = nanouptime();
		error = send_one(tp, &pl, now);
		account(tp, &pl, now);
		if (error == EMSGSIZE)
			tcp_set_mss(tp, (uint16_t)tp->t_peermss);
	} while (!error && pl.again && !(tp->t_flags & TF_FORCE));
	if (tp->t_state >= TCP_ESTAB && !pl.again)
		start_persist(tp);
}

/* ---------------------------------------------- segments without a pcb; not locked */

void tcp_reply(const struct tcpreply *r)
{
	struct mbuf *m = m_gethdr(false);
	struct tcphdr4 *th;
	struct iproute rt;
	uint8_t *p;
	unsigned hlen;

	if (!m)
		return;
	if (ip_route(r->faddr, &rt) != 0) {
		m_freem(m);
		return;
	}
	m->m_data += MHLEN - 60;
	th = (struct tcphdr4 *)m->m_data;
	*th = (struct tcphdr4){.th_sport = r->lport,
	    .th_dport = r->fport,
	    .th_seq = hton32(r->seq),
	    .th_ack = hton32(r->ack),
	    .th_flags = r->flags,
	    .th_win = hton16(r->win)};
	p = (uint8_t *)(th + 1);
	if (r->flags & THF_SYN) {
		if (r->mss) {
			put32(p, 0x02040000U | r->mss);
			p += 4;
		}
		if (r->wscale >= 0) {
			put32(p, 0x01030300U | (uint8_t)r->wscale);
			p += 4;
		}
	}
	if (r->ts) {
		put_timestamps(p, r->tsval, r->tsecr);
		p += TCP_TSOPT_LEN;
	}
	hlen = (unsigned)(p - m->m_data);
	th->th_off = (uint8_t)(hlen / 4 << 4);
	m->m_len = m->m_pktlen = hlen;
	(void)emit(m, r->laddr, r->faddr, 0, 0, &rt, hlen);
}

void tcp_reply_rst(const struct tcpseg *seg)
{
	struct tcpreply r = {
	    .laddr = seg->dst, .faddr = seg->src, .lport = seg->dport, .fport = seg->sport};

	if (seg->flags & THF_RST)
		return;
	if (seg->flags & THF_ACK) {
		r.seq = seg->ack;
		r.flags = THF_RST;
	} else {
		r.ack = seg->seq + seg->len + !!(seg->flags & THF_SYN) + !!(seg->flags & THF_FIN);
		r.flags = THF_RST | THF_ACK;
	}
	tcp_reply(&r);
}
