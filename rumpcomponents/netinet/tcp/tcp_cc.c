/* SPDX-License-Identifier: BSD-2-Clause */
/* Congestion control (RFC 5681, RFC 6582 NewReno) and the retransmission timeout (RFC 6298). */
#include "tcp_impl.h"

void tcp_rtt_sample(struct tcpcb *tp, uint64_t rtt_ns)
{
	uint32_t rtt = (uint32_t)KMIN(rtt_ns / 1000, (uint64_t)60000000), delta;

	if (tp->t_srtt == 0) {
		tp->t_srtt = KMAX(rtt, 1U);
		tp->t_rttvar = rtt / 2;
	} else {
		delta = rtt > tp->t_srtt ? rtt - tp->t_srtt : tp->t_srtt - rtt;
		tp->t_rttvar += delta / 4 - tp->t_rttvar / 4;
		tp->t_srtt = KMAX(tp->t_srtt - tp->t_srtt / 8 + rtt / 8, 1U);
	}
	tp->t_rto = (uint64_t)tp->t_srtt * 1000 + KMAX((uint64_t)tp->t_rttvar * 4000, TCP_RTO_MIN);
	tp->t_rto = KMIN(tp->t_rto, TCP_RTO_MAX);
}

/*
 * The peer may acknowledge a whole window at once (its card coalesces segments): what counts is
 * bytes, not ACKs (RFC 3465), and how much was under way before this ACK.
 */
void tcp_cc_acked(struct tcpcb *tp, uint32_t acked)
{
	uint32_t mss = tp->t_maxseg, flight = tp->snd_max - tp->snd_una + acked, grow;

	tp->t_dupacks = 0;
	/* Left behind, it would seem to lie ahead after 2^31 bytes. */
	if (SEQ_LT(tp->snd_recover, tp->snd_una))
		tp->snd_recover = tp->snd_una;
	/* A window that was not used says nothing about the path (RFC 7661 in spirit). */
	if (flight + 2 * mss < tp->snd_cwnd / 2)
		return;
	if (tp->snd_cwnd < tp->snd_ssthresh) {
		/* What was sent before a timeout may be acknowledged all at once, and says little.
		 */
		grow = SEQ_LT(tp->snd_una, tp->snd_recover) ? KMIN(acked, 2 * mss) : acked;
		grow = KMIN(grow, tp->snd_ssthresh - tp->snd_cwnd);
	} else {
		grow = (uint32_t)((uint64_t)mss * KMIN(acked, tp->snd_cwnd) / tp->snd_cwnd);
	}
	tp->snd_cwnd = KMIN(tp->snd_cwnd + KMAX(grow, 1U), 1U << 30);
}

static void halve(struct tcpcb *tp)
{
	uint32_t flight = KMIN(tp->snd_max - tp->snd_una, tp->snd_cwnd);

	tp->snd_ssthresh = KMAX(flight / 2, 2 * tp->t_maxseg);
}

/* Send the segment at snd_una again, and nothing else. */
static void retransmit_one(struct tcpcb *tp)
{
	uint32_t nxt = tp->snd_nxt, cwnd = tp->snd_cwnd;

	tp->snd_nxt = tp->snd_una;
	tp->snd_cwnd = tp->t_maxseg;
	tp->t_rttime = 0;
	tp->t_flags |= TF_ACKNOW;
	tcp_output(tp);
	tp->snd_cwnd = cwnd;
	if (SEQ_GT(nxt, tp->snd_nxt))
		tp->snd_nxt = nxt;
}

void tcp_cc_dupack(struct tcpcb *tp)
{
	uint32_t cwnd;

	if (tp->t_flags & TF_RECOVERY) {
		tp->snd_cwnd += tp->t_maxseg; /* a segment has left the network */
		tcp_output(tp);
		return;
	}
	if (tp->t_dupacks < 255)
		tp->t_dupacks++;
	if (tp->t_dupacks < 3) { /* RFC 3042: limited transmit */
		cwnd = tp->snd_cwnd;
		tp->snd_cwnd = tp->snd_max - tp->snd_una + tp->t_dupacks * tp->t_maxseg;
		tp->snd_cwnd = KMIN(tp->snd_cwnd, cwnd + 2 * tp->t_maxseg);
		tcp_output(tp);
		tp->snd_cwnd = cwnd;
		return;
	}
	if (SEQ_LT(tp->snd_una, tp->snd_recover))
		return; /* of a loss that has been dealt with: RFC 6582 3.2 */
	halve(tp);
	tp->t_flags |= TF_RECOVERY;
	tp->snd_recover = tp->snd_max;
	retransmit_one(tp);
	tp->snd_cwnd = tp->snd_ssthresh + 3 * tp->t_maxseg;
	tcp_output(tp);
}

bool tcp_cc_recovery(struct tcpcb *tp, uint32_t acked)
{
	if (!(tp->t_flags & TF_RECOVERY))
		return false;
	if (SEQ_GEQ(tp->snd_una, tp->snd_recover)) {
		tp->t_flags &= ~(uint32_t)TF_RECOVERY;
		tp->t_dupacks = 0;
		tp->snd_cwnd = KMIN(
		    tp->snd_ssthresh, KMAX(tp->snd_max - tp->snd_una, tp->t_maxseg) + tp->t_maxseg);
		return true;
	}
	/* The next hole: RFC 6582 3.2 step 5. */
	retransmit_one(tp);
	tp->snd_cwnd = tp->snd_cwnd > acked + tp->t_maxseg ? tp->snd_cwnd - acked : tp->t_maxseg;
	if (acked >= tp->t_maxseg)
		tp->snd_cwnd += tp->t_maxseg;
	return true;
}

void tcp_cc_timeout(struct tcpcb *tp)
{
	if (tp->t_rxtshift <= 1)
		halve(tp);
	tp->snd_cwnd = tp->t_maxseg;
	tp->snd_recover = tp->snd_max;
	tp->t_dupacks = 0;
	tp->t_flags &= ~(uint32_t)TF_RECOVERY;
}
