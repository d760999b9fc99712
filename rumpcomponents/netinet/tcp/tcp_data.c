/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of segments, in order and out of order, and the peer's FIN.
 *
 * Segments that came too early wait in t_reass, sorted; m_cookie of each is its
 * sequence number, with bit 32 set if it ends in FIN.  What they may occupy is bounded by the
 * window, and by a number of segments, because a byte in a frame-sized mbuf costs 2 KB.
 */
#include "tcp_impl.h"

#define REASS_SEGMENTS 256U
#define COOKIE_FIN     (1ULL << 32)

void tcp_reass_free(struct tcpcb *tp)
{
	m_freepkts(tp->t_reass);
	tp->t_reass = NULL;
	tp->t_reasslen = 0;
}

/*
 * n more have arrived in order.  They may lie behind the window as it was announced: a FIN
 * needs no room, and data may use what the program has freed since.
 */
static void advance_rcv(struct tcpcb *tp, uint32_t n)
{
	tp->rcv_nxt += n;
	if (SEQ_GT(tp->rcv_nxt, tp->rcv_adv))
		tp->rcv_adv = tp->rcv_nxt;
}

/* The peer has sent its last byte. */
static void fin_arrives(struct tcpcb *tp, const struct tcpseg *seg)
{
	struct socket *so = tp_so(tp);

	advance_rcv(tp, 1);
	if (!(so->so_state & SS_CANTRCVMORE))
		socantrcvmore(so);
	else
		sorwakeup(so);
	switch (tp->t_state) {
	case TCP_SYN_RECEIVED:
	case TCP_ESTAB:
		tp->t_state = TCP_CLOSE_WAIT_STATE;
		/* The program will close soon: one segment can then carry ACK and FIN. */
		tcp_delack(tp, seg->now);
		break;
	case TCP_FIN_WAIT_1:
		tp->t_state = TCP_CLOSING_STATE;
		tp->t_flags |= TF_ACKNOW;
		break;
	case TCP_FIN_WAIT_2:
		tp->t_flags |= TF_ACKNOW;
		tcp_output(tp);
		tcp_timewait(tp, seg->now);
		break;
	default:
		tp->t_flags |= TF_ACKNOW;
		break;
	}
}

/* Bytes for the program, which are next in order.  Takes m. */
static void deliver(struct tcpcb *tp, struct mbuf *m, uint32_t len)
{
	struct socket *so = tp_so(tp);

	advance_rcv(tp, len);
	if (so->so_state & SS_CANTRCVMORE) {
		m_freem(m); /* shutdown(SHUT_RD): acknowledged and thrown away */
		return;
	}
	sbappendstream(&so->so_rcv, m);
}

/* Keep a segment that came too early.  Takes seg->m if it does. */
static void insert(struct tcpcb *tp, struct tcpseg *seg)
{
	struct mbuf **pp = &tp->t_reass, *p = NULL, *q;
	uint32_t seq = seg->seq, len = seg->len, end;
	bool fin = seg->flags & THF_FIN;

	if (tp->t_reasslen >= REASS_SEGMENTS)
		return;
	for (; (q = *pp) != NULL && SEQ_LEQ((uint32_t)q->m_cookie, seq); pp = &q->m_nextpkt)
		p = q;
	if (p) { /* cut off what the one before has */
		end = (uint32_t)p->m_cookie + p->m_pktlen;
		if (SEQ_GEQ(end, seq + len)) {
			/* Nothing new but the end, perhaps; an end before the end is nonsense. */
			if (fin && end == seq + len)
				p->m_cookie |= COOKIE_FIN;
			return;
		}
		if (SEQ_GT(end, seq)) {
			uint32_t cut = end - seq;

			m_adj(seg->m, (long)cut);
			seq += cut;
			len -= cut;
		}
	}
	while ((q = *pp) != NULL && SEQ_LT((uint32_t)q->m_cookie, seq + len)) {
		end = (uint32_t)q->m_cookie + q->m_pktlen;
		if (SEQ_GT(end, seq + len)) { /* ours loses what the next one has */
			uint32_t cut = seq + len - (uint32_t)q->m_cookie;

			m_adj(seg->m, -(long)cut);
			len -= cut;
			fin = false;
			break;
		}
		fin |= !!(q->m_cookie & COOKIE_FIN);
		*pp = q->m_nextpkt;
		q->m_nextpkt = NULL;
		m_freem(q);
		tp->t_reasslen--;
	}
	seg->m->m_cookie = seq | (fin ? COOKIE_FIN : 0);
	seg->m->m_pktlen = len;
	seg->m->m_nextpkt = *pp;
	*pp = seg->m;
	seg->m = NULL;
	tp->t_reasslen++;
}

/* What has become next in order.  true if a FIN was. */
static bool drain(struct tcpcb *tp)
{
	struct mbuf *m;
	bool fin = false;

	while ((m = tp->t_reass) != NULL && SEQ_LEQ((uint32_t)m->m_cookie, tp->rcv_nxt) && !fin) {
		uint32_t old = tp->rcv_nxt - (uint32_t)m->m_cookie, len = m->m_pktlen;

		fin = m->m_cookie & COOKIE_FIN;
		tp->t_reass = m->m_nextpkt;
		m->m_nextpkt = NULL;
		tp->t_reasslen--;
		if (old > len) {
			fin = false;
			m_freem(m);
			continue;
		}
		m_adj(m, (long)old);
		deliver(tp, m, len - old);
	}
	return fin;
}

void tcp_data(struct tcpcb *tp, struct tcpseg *seg)
{
	struct socket *so = tp_so(tp);
	struct mbuf *m = seg->m;
	bool fin = seg->flags & THF_FIN;

	/* After its FIN the peer has nothing more to say. */
	if (tp->t_state == TCP_CLOSE_WAIT_STATE || tp->t_state == TCP_CLOSING_STATE ||
	    tp->t_state == TCP_LAST_ACK_STATE) {
		tp->t_flags |= TF_ACKNOW;
		return;
	}
	if (seg->seq != tp->rcv_nxt) {
		insert(tp, seg);
		/* Each one tells the peer what is missing: RFC 5681 4.2. */
		tp->t_flags |= TF_ACKNOW | TF_QUICKACK;
		return;
	}
	seg->m = NULL;
	if (seg->len > 0)
		deliver(tp, m, seg->len);
	else
		m_freem(m);
	if (tp->t_reass) {
		fin |= drain(tp);
		tp->t_flags |= TF_ACKNOW;
	} else if (tp->rcv_nxt - tp->last_ack_sent >= 2 * tp->t_maxseg) {
		tp->t_flags |= TF_ACKNOW;
	} else if (!fin && !(tp->t_flags & TF_ACKNOW)) {
		tcp_delack(tp, seg->now);
	}
	if (fin) {
		tcp_reass_free(tp);
		fin_arrives(tp, seg);
	} else if (so->so_rcv.sb_cc > 0) {
		sorwakeup(so);
	}
}
