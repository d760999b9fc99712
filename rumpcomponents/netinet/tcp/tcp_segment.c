/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment arrives (RFC 9293 3.10.7), for connections: from SYN-SENT to LAST-ACK.
 * All functions: so_lock held.
 */
#include "tcp_impl.h"

#define CHALLENGE_RATE 100U /* a second, RFC 5961 7 */

bool tcp_challenge_allowed(void)
{
	static struct ratelimit limit;

	return ip_ratelimit(&limit, CHALLENGE_RATE);
}

static void challenge(struct tcpcb *tp)
{
	if (tcp_challenge_allowed()) {
		tp->t_flags |= TF_ACKNOW;
		tcp_output(tp);
	}
}

void tcp_established(struct tcpcb *tp)
{
	tp->t_state = TCP_ESTAB;
	tp->t_rxtshift = 0;
	soisconnected(tp_so(tp));
}

/* ------------------------------------------------------------- SYN-SENT */

/* What the peer's SYN says, once we know it is for us. */
static void take_syn(struct tcpcb *tp, const struct tcpseg *seg)
{
	tp->irs = seg->seq;
	tp->rcv_nxt = seg->seq + 1;
	tp->rcv_adv = tp->rcv_nxt;
	tp->last_ack_sent = tp->rcv_nxt;
	if (seg->ts && (tp->t_flags & TF_OFFERTS)) {
		tp->t_flags |= TF_TS;
		tp->ts_recent = seg->tsval;
		tp->ts_recent_age = (uint32_t)(seg->now / NSEC_PER_MSEC);
	}
	if (seg->wscale >= 0) {
		tp->t_flags |= TF_WSCALE;
		tp->snd_wscale = (uint8_t)seg->wscale;
	} else {
		tp->rcv_wscale = 0;
	}
	tp->snd_wnd = tp->snd_maxwnd = seg->win; /* never scaled in a SYN */
	tp->snd_wl1 = seg->seq;
	tp->snd_wl2 = seg->ack;
	tcp_set_mss(tp, seg->mss);
}

static void syn_sent(struct tcpcb *tp, struct tcpseg *seg)
{
	bool ack = seg->flags & THF_ACK;

	if (ack && (SEQ_LEQ(seg->ack, tp->iss) || SEQ_GT(seg->ack, tp->snd_max))) {
		if (!(seg->flags & THF_RST))
			tcp_reply_rst(seg);
		return;
	}
	if (seg->flags & THF_RST) {
		if (ack)
			tcp_drop(tp, ECONNREFUSED);
		return;
	}
	if (!(seg->flags & THF_SYN))
		return;
	take_syn(tp, seg);
	if (!ack) { /* both sides open at once: RFC 9293 figure 7 */
		tp->t_state = TCP_SYN_RECEIVED;
		tp->snd_nxt = tp->iss;
		tcp_output(tp);
		return;
	}
	if (tp->t_rttime && tp->t_rxtshift == 0)
		tcp_rtt_sample(tp, seg->now - tp->t_rttime);
	tp->t_rttime = 0;
	tp->snd_una = tp->snd_nxt = seg->ack;
	tcp_timer_off(tp, TT_REXMT);
	tcp_established(tp);
	tp->t_flags |= TF_ACKNOW;
	tcp_keepalive(tp, seg->now);
	tcp_output(tp);
}

/* --------------------------------------------------- checks, in their order */

/* RFC 7323 5: an old duplicate by its timestamp.  Resets may carry any. */
static bool paws_reject(const struct tcpcb *tp, const struct tcpseg *seg)
{
	if (!(tp->t_flags & TF_TS) || !seg->ts || (seg->flags & THF_RST) ||
	    (int32_t)(seg->tsval - tp->ts_recent) >= 0)
		return false;
	/* After 24 days of silence the timestamp may have come round. */
	return (uint32_t)(seg->now / NSEC_PER_MSEC) - tp->ts_recent_age < 24U * 24 * 3600 * 1000;
}

/*
 * Does the segment lie in the window?  Cuts off what lies before or behind it.  false: it
 * is not acceptable; TF_ACKNOW is set where an ACK is due.
 */
static bool trim(struct tcpcb *tp, struct tcpseg *seg)
{
	/* What was once offered holds. */
	uint32_t edge = tp->rcv_nxt + KMAX(tcp_rcv_window(tp), tp->rcv_adv - tp->rcv_nxt), cut;
	uint32_t fin = !!(seg->flags & THF_FIN);

	if (SEQ_LT(seg->seq, tp->rcv_nxt)) {
		if (SEQ_LEQ(seg->seq + seg->len + fin, tp->rcv_nxt)) {
			if (seg->len + fin == 0 && SEQ_GEQ(seg->seq, tp->last_ack_sent)) {
				seg->seq = tp->rcv_nxt; /* an ACK that was overtaken by data */
				return true;
			}
			/* A repetition, or a keep-alive.  Two confused peers shall not talk for
			 * ever. */
			if (seg->len + fin > 0 || tcp_challenge_allowed())
				tp->t_flags |= TF_ACKNOW;
			return false;
		}
		cut = KMIN(tp->rcv_nxt - seg->seq, seg->len);
		m_adj(seg->m, (long)cut);
		seg->len -= cut;
		seg->seq = tp->rcv_nxt;
		tp->t_flags |= TF_ACKNOW;
	}
	if (SEQ_GT(seg->seq, edge) || (seg->seq == edge && seg->len > 0 && edge != tp->rcv_nxt)) {
		if (seg->len + fin > 0 || tcp_challenge_allowed())
			tp->t_flags |= TF_ACKNOW;
		return false;
	}
	if (SEQ_GT(
		seg->seq + seg->len, edge)) { /* also a probe of a closed window: its ACK counts */
		cut = seg->seq + seg->len - edge;
		m_adj(seg->m, -(long)cut);
		seg->len -= cut;
		seg->flags &= (uint8_t)~THF_FIN;
		tp->t_flags |= TF_ACKNOW;
	}
	return true;
}

/* RFC 5961 3: only the exact number resets; one in the window is challenged. */
static void reset_arrives(struct tcpcb *tp, const struct tcpseg *seg)
{
	uint32_t win = KMAX(tcp_rcv_window(tp), tp->rcv_adv - tp->rcv_nxt);

	if (seg->seq == tp->rcv_nxt || seg->seq == tp->last_ack_sent) {
		int error = tp->t_state == TCP_SYN_RECEIVED	  ? ECONNREFUSED
			    : tp->t_state == TCP_CLOSE_WAIT_STATE ? EPIPE
								  : ECONNRESET;

		if (tp->t_state != TCP_CLOSING_STATE && tp->t_state != TCP_LAST_ACK_STATE)
			tp_so(tp)->so_error = error;
		sbflush(&tp_so(tp)->so_snd, false);
		tcp_closed(tp);
	} else if (SEQ_GT(seg->seq, tp->rcv_nxt) && SEQ_LT(seg->seq, tp->rcv_nxt + win)) {
		challenge(tp);
	}
}

/* ------------------------------------------------------------------- ACK */

static void update_window(struct tcpcb *tp, const struct tcpseg *seg)
{
	uint32_t win = (uint32_t)seg->win << tp->snd_wscale;

	if (!(SEQ_LT(tp->snd_wl1, seg->seq) ||
		(tp->snd_wl1 == seg->seq && (SEQ_LT(tp->snd_wl2, seg->ack) ||
						(tp->snd_wl2 == seg->ack && win > tp->snd_wnd)))))
		return;
	if (tp->snd_wnd == 0 && win > 0)
		tcp_timer_off(tp, TT_PERSIST);
	tp->snd_wnd = win;
	tp->snd_wl1 = seg->seq;
	tp->snd_wl2 = seg->ack;
	tp->snd_maxwnd = KMAX(tp->snd_maxwnd, win);
}

/* Bytes acked of what we sent: free them, restart the timer. */
static void advance_una(struct tcpcb *tp, const struct tcpseg *seg)
{
	struct socket *so = tp_so(tp);
	uint32_t acked = seg->ack - tp->snd_una;

	if (tp->t_rttime && SEQ_GT(seg->ack, tp->t_rtseq)) {
		tcp_rtt_sample(tp, seg->now - tp->t_rttime);
		tp->t_rttime = 0;
	}
	tp->t_rxtshift = 0;
	tp->t_stalled = seg->now;
	tp->snd_una = seg->ack;
	if (SEQ_LT(tp->snd_nxt, tp->snd_una))
		tp->snd_nxt = tp->snd_una;
	sbdrop(&so->so_snd, KMIN(acked, so->so_snd.sb_cc));
	if (!tcp_cc_recovery(tp, acked))
		tcp_cc_acked(tp, acked);
	if (tp->snd_una == tp->snd_max)
		tcp_timer_off(tp, TT_REXMT);
	else
		tcp_timer_at(tp, TT_REXMT, seg->now + tp->t_rto);
	sospace(so);
}

/* Our FIN has been acknowledged.  false: the connection is over. */
static bool fin_acked(struct tcpcb *tp, const struct tcpseg *seg)
{
	switch (tp->t_state) {
	case TCP_FIN_WAIT_1:
		tp->t_state = TCP_FIN_WAIT_2;
		/* Nobody is there to wait for the peer's end: not for ever, then. */
		if (tp_so(tp)->so_state & SS_NOFDREF)
			tcp_timer_at(tp, TT_FINWAIT, seg->now + TCP_FINWAIT2);
		sowwakeup(tp_so(tp)); /* SO_LINGER */
		return true;
	case TCP_CLOSING_STATE:
		tcp_timewait(tp, seg->now);
		return false;
	case TCP_LAST_ACK_STATE:
		tcp_closed(tp);
		return false;
	default:
		return true;
	}
}

/*
 * RFC 5681 2: something is under way, and the segment repeats the last ACK and says nothing else.
 * With the window closed only probes are under way, and their answers tell of no loss.
 */
static bool duplicate_ack(const struct tcpcb *tp, const struct tcpseg *seg)
{
	return seg->ack == tp->snd_una && tp->snd_una != tp->snd_max && seg->len == 0 &&
	       !(seg->flags & (THF_SYN | THF_FIN)) && seg->win != 0 &&
	       tp->snd_wnd == (uint32_t)seg->win << tp->snd_wscale;
}

/* false: the segment has been dealt with (or the connection is over). */
static bool ack_arrives(struct tcpcb *tp, struct tcpseg *seg)
{
	/* RFC 5961 5: an ACK of what was never sent, or of long ago, is a blind attack. */
	if (SEQ_GT(seg->ack, tp->snd_max) ||
	    SEQ_LT(seg->ack, tp->snd_una - KMAX(tp->snd_maxwnd, 65535U))) {
		challenge(tp);
		return false;
	}
	if (tp->t_state == TCP_SYN_RECEIVED) {
		if (SEQ_LEQ(seg->ack, tp->snd_una))
			return false;
		tp->snd_una = tp->iss + 1;
		if (SEQ_LT(tp->snd_nxt, tp->snd_una))
			tp->snd_nxt = tp->snd_una;
		tcp_timer_off(tp, TT_REXMT);
		tp->snd_wnd = (uint32_t)seg->win << tp->snd_wscale;
		tcp_established(tp);
		if (tp_so(tp)->so_state & (SS_CANTSENDMORE | SS_NOFDREF)) {
			tp->t_state = TCP_FIN_WAIT_1; /* closed meanwhile */
			tp->t_flags |= TF_ACKNOW;
		}
	}
	if (SEQ_LEQ(seg->ack, tp->snd_una)) {
		if (duplicate_ack(tp, seg))
			tcp_cc_dupack(tp);
		else if (seg->ack == tp->snd_una)
			tp->t_dupacks = 0;
		if (seg->ack == tp->snd_una && seg->win == 0)
			tp->t_rxtshift = 0; /* it does not read, but it is alive */
	} else {
		bool all = seg->ack == tp->snd_max;

		advance_una(tp, seg);
		if (all && (tp->t_flags & TF_SENTFIN)) {
			update_window(tp, seg);
			return fin_acked(tp, seg);
		}
	}
	update_window(tp, seg);
	return true;
}

/* --------------------------------------------------------- all of it */

/* The one to echo is that of the earliest segment not yet acknowledged: RFC 7323 4.3. */
static void take_timestamp(struct tcpcb *tp, const struct tcpseg *seg)
{
	if (seg->ts && SEQ_LEQ(seg->seq, tp->last_ack_sent)) {
		tp->ts_recent = seg->tsval;
		tp->ts_recent_age = (uint32_t)(seg->now / NSEC_PER_MSEC);
	}
}

/*
 * The two cases that make up nearly all traffic of an established connection: the next data in
 * order with nothing new acknowledged, or an acknowledgement without data.
 */
static bool predicted(struct tcpcb *tp, struct tcpseg *seg)
{
	struct socket *so = tp_so(tp);

	if (tp->t_state != TCP_ESTAB ||
	    (seg->flags & (THF_SYN | THF_FIN | THF_RST | THF_URG | THF_ACK)) != THF_ACK ||
	    seg->seq != tp->rcv_nxt || SEQ_LT(seg->ack, tp->snd_una) ||
	    SEQ_GT(seg->ack, tp->snd_max) || tp->t_reass ||
	    (tp->t_flags & (TF_RECOVERY | TF_SENTFIN)) || seg->win == 0 ||
	    tp->snd_nxt != tp->snd_max || seg->len > tp->rcv_adv - tp->rcv_nxt ||
	    (so->so_state & (SS_CANTRCVMORE | SS_NOFDREF)))
		return false;
	if (seg->len == 0 && seg->ack == tp->snd_una)
		return false; /* window update, duplicate */
	take_timestamp(tp, seg);
	if (seg->ack != tp->snd_una)
		advance_una(tp, seg);
	tp->t_dupacks = 0;
	tp->snd_wnd = (uint32_t)seg->win << tp->snd_wscale;
	tp->snd_maxwnd = KMAX(tp->snd_maxwnd, tp->snd_wnd);
	tp->snd_wl1 = seg->seq;
	tp->snd_wl2 = seg->ack;
	if (seg->len > 0)
		tcp_data(tp, seg);
	return true;
}

/* Answer what came, if there is something to say. */
static void respond(struct tcpcb *tp, const struct tcpseg *seg)
{
	if (tp->t_state == TCP_CLOSED)
		return;
	/* The next segment of the batch is ours too: one answer will do for both. */
	if (seg->more && !(tp->t_flags & TF_QUICKACK)) {
		tcp_delack(tp, seg->now); /* should that one be no good */
		return;
	}
	tp->t_flags &= ~(uint32_t)TF_QUICKACK;
	if ((tp->t_flags & TF_ACKNOW) || tp_so(tp)->so_snd.sb_cc > tp->snd_max - tp->snd_una ||
	    tp->snd_nxt != tp->snd_max)
		tcp_output(tp);
}

void tcp_segment(struct tcpcb *tp, struct tcpseg *seg)
{
	struct socket *so = tp_so(tp);

	tp->t_rcvtime = seg->now;
	tp->t_keepprobes = 0;
	if (tp->t_state == TCP_SYN_SENT_STATE) {
		syn_sent(tp, seg);
		return;
	}
	if (paws_reject(tp, seg)) {
		if (seg->len > 0 || (seg->flags & THF_FIN) || tcp_challenge_allowed())
			tp->t_flags |= TF_ACKNOW;
		tcp_output(tp);
		return;
	}
	if (predicted(tp, seg)) {
		respond(tp, seg);
		return;
	}
	if (seg->flags & THF_RST) {
		reset_arrives(tp, seg);
		return;
	}
	if (seg->flags & THF_SYN) {
		/* The answer to our half of a simultaneous open; anything else is challenged (RFC
		 * 5961 4). */
		if (tp->t_state != TCP_SYN_RECEIVED || seg->seq != tp->irs) {
			challenge(tp);
			return;
		}
		seg->flags &= (uint8_t)~THF_SYN;
		seg->seq++;
	}
	if (!trim(tp, seg)) {
		tcp_output(tp);
		return;
	}
	if (!(seg->flags & THF_ACK))
		return;
	take_timestamp(tp, seg);
	/* Data for a program that has gone is lost: say so. */
	if ((so->so_state & SS_NOFDREF) && seg->len > 0 && tp->t_state >= TCP_FIN_WAIT_1) {
		tcp_drop(tp, 0);
		return;
	}
	if (!ack_arrives(tp, seg))
		return;
	if (seg->len > 0 || (seg->flags & THF_FIN))
		tcp_data(tp, seg);
	respond(tp, seg);
}
