/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP timers: see tcp_impl.h for how deadlines and the callout relate.
 *
 * Delayed acknowledgements are too many and too short-lived for that; connections that owe one
 * are on a list that one callout for all of them walks.  A connection stays on the list although
 * data took its ACK along: busy connections cost one visit per 40 ms.
 */
#include "tcp_impl.h"

static TAILQ_HEAD(, tcpcb) delack_list = TAILQ_HEAD_INITIALIZER(delack_list);
static kmutex_t delack_lock; /* spin */
static callout_t delack_callout;

/* -------------------------------------------------------------- deadlines */

static void arm(struct tcpcb *tp, uint64_t deadline)
{
	if (tp->t_armed == 0)
		soref(tp_so(tp));
	tp->t_armed = deadline;
	callout_schedule_at(&tp->t_callout, deadline);
}

void tcp_timer_at(struct tcpcb *tp, enum tcp_timer which, uint64_t deadline)
{
	tp->t_deadline[which] = deadline;
	if (tp->t_armed == 0 || deadline < tp->t_armed)
		arm(tp, deadline);
}

void tcp_timers_stop(struct tcpcb *tp)
{
	memset(tp->t_deadline, 0, sizeof(tp->t_deadline));
	/* If it runs already it finds nothing to do and drops its reference itself. */
	if (tp->t_armed != 0 && callout_stop(&tp->t_callout)) {
		tp->t_armed = 0;
		sorele(tp_so(tp));
	}
}

/* ----------------------------------------------------------- what is due */

static void backoff(struct tcpcb *tp)
{
	tp->t_rto = KMIN(tp->t_rto * 2, TCP_RTO_MAX);
}

static bool gave_up(const struct tcpcb *tp, uint64_t now, unsigned most)
{
	if (tp->t_usertimeout && tp->t_stalled &&
	    now - tp->t_stalled >= tp->t_usertimeout * NSEC_PER_MSEC)
		return true;
	/* Its peer may answer every probe of a closed window, for ever: nobody is left to decide.
	 */
	if ((tp->t_inpcb.inp_socket.so_state & SS_NOFDREF) && tp->t_stalled &&
	    now - KMIN(tp->t_stalled, now) >= TCP_ORPHAN_MAX)
		return true;
	return tp->t_rxtshift > most;
}

static void rexmt_due(struct tcpcb *tp, uint64_t now)
{
	bool opening = tp->t_state == TCP_SYN_SENT_STATE || tp->t_state == TCP_SYN_RECEIVED;

	if (tp->snd_una == tp->snd_max && !opening && !tcp_unsent(tp))
		return;
	tp->t_rxtshift++;
	if (gave_up(tp, now, opening ? TCP_SYN_REXMT_MAX : TCP_REXMT_MAX)) {
		tcp_drop(tp, ETIMEDOUT);
		return;
	}
	backoff(tp);
	tp->t_rttime = 0; /* Karn: RFC 6298 3 */
	if (opening) {
		tcp_output(tp);
		return;
	}
	if (tp->snd_una != tp->snd_max) /* else there was no route: no sign of congestion */
		tcp_cc_timeout(tp);
	tp->snd_nxt = tp->snd_una;
	/* The window may have been closed over what is under way: then this is a probe of it. */
	tp->t_flags |= TF_ACKNOW | (tp->snd_wnd == 0 ? TF_FORCE : 0);
	tcp_output(tp);
	tp->t_flags &= ~(uint32_t)TF_FORCE;
	if (tp->t_state != TCP_CLOSED && tp->t_deadline[TT_REXMT] == 0 &&
	    tp->snd_una != tp->snd_max)
		tcp_timer_at(tp, TT_REXMT, now + tp->t_rto);
}

static void persist_due(struct tcpcb *tp, uint64_t now)
{
	uint32_t held = tp->t_flags & (TF_CORK | TF_MORE);

	if (tp->snd_wnd > tp->snd_nxt - tp->snd_una && held) {
		/* A cork that has lasted too long: push out what there is. */
		tp->t_flags &= ~held;
		tcp_output(tp);
		tp->t_flags |= held & TF_CORK;
		return;
	}
	tp->t_rxtshift++;
	if (gave_up(tp, now, TCP_REXMT_MAX)) {
		tcp_drop(tp, ETIMEDOUT);
		return;
	}
	if (tp->t_stalled == 0)
		tp->t_stalled = now;
	backoff(tp);
	tp->t_flags |= TF_FORCE;
	tp->snd_nxt = tp->snd_una; /* an earlier probe may have been thrown away */
	tcp_output(tp);
	tp->t_flags &= ~(uint32_t)TF_FORCE;
	if (tp->t_state == TCP_CLOSED)
		return;
	tp->t_rttime = 0;
	/* The probe is not data under way: it must not block what follows. */
	if (tp->snd_wnd == 0)
		tp->snd_nxt = tp->snd_una;
	tcp_timer_at(tp, TT_PERSIST, now + tp->t_rto);
}

void tcp_keepalive(struct tcpcb *tp, uint64_t now)
{
	if (tp_so(tp)->so_options & SO_BIT(SO_KEEPALIVE))
		tcp_timer_at(tp, TT_KEEP, now + tp->t_keepidle * NSEC_PER_SEC);
	else
		tcp_timer_off(tp, TT_KEEP);
}

static void keep_due(struct tcpcb *tp, uint64_t now)
{
	const struct inpcb *inp = &tp->t_inpcb;
	uint64_t idle = now - KMIN(tp->t_rcvtime, now);
	struct tcpreply r;

	if (!(inp->inp_socket.so_options & SO_BIT(SO_KEEPALIVE)) || tp->t_state < TCP_ESTAB)
		return;
	if (tp->t_keepprobes == 0 && idle < tp->t_keepidle * NSEC_PER_SEC) {
		tcp_timer_at(tp, TT_KEEP, tp->t_rcvtime + tp->t_keepidle * NSEC_PER_SEC);
		return;
	}
	if (tp->snd_una != tp->snd_max) { /* retransmission finds out */
		tcp_keepalive(tp, now);
		return;
	}
	if (tp->t_keepprobes >= tp->t_keepcnt ||
	    (tp->t_usertimeout && tp->t_keepprobes && idle >= tp->t_usertimeout * NSEC_PER_MSEC)) {
		tcp_drop(tp, ETIMEDOUT);
		return;
	}
	tp->t_keepprobes++;
	r = (struct tcpreply){.laddr = inp->inp_laddr,
	    .faddr = inp->inp_faddr,
	    .lport = inp->inp_lport,
	    .fport = inp->inp_fport,
	    .seq = tp->snd_una - 1,
	    .ack = tp->rcv_nxt,
	    .flags = THF_ACK,
	    .win = (uint16_t)((tp->rcv_adv - tp->rcv_nxt) >> tp->rcv_wscale),
	    .ts = tp->t_flags & TF_TS,
	    .tsval = tcp_ts(now, tp->ts_offset),
	    .tsecr = tp->ts_recent};
	tcp_reply(&r);
	tcp_timer_at(tp, TT_KEEP, now + tp->t_keepintvl * NSEC_PER_SEC);
}

static void due(struct tcpcb *tp, enum tcp_timer which, uint64_t now)
{
	switch (which) {
	case TT_REXMT:
		rexmt_due(tp, now);
		break;
	case TT_PERSIST:
		persist_due(tp, now);
		break;
	case TT_KEEP:
		keep_due(tp, now);
		break;
	default:
		tcp_closed(tp); /* FIN-WAIT-2 without anybody to care */
		break;
	}
}

/* The callout; it comes with a reference. */
void tcp_timer_fire(void *arg)
{
	struct tcpcb *tp = arg;
	struct socket *so = tp_so(tp);
	uint64_t now, next = 0;
	unsigned i;

	mutex_enter(so->so_lock);
	if (callout_pending(&tp->t_callout)) {
		/* Set anew while we waited for the lock: that run has the reference. */
		mutex_exit(so->so_lock);
		return;
	}
	now = nanouptime();
	tp->t_armed =
	    1; /* early enough that nothing below arms it: the earliest is found at the end */
	for (i = 0; i < TT_COUNT && tp->t_state != TCP_CLOSED; i++) {
		if (tp->t_deadline[i] == 0 || tp->t_deadline[i] > now)
			continue;
		tp->t_deadline[i] = 0;
		due(tp, (enum tcp_timer)i, now);
	}
	for (i = 0; i < TT_COUNT && tp->t_state != TCP_CLOSED; i++)
		if (tp->t_deadline[i] != 0 && (next == 0 || tp->t_deadline[i] < next))
			next = tp->t_deadline[i];
	tp->t_armed = 0;
	if (next != 0) {
		tp->t_armed = next;
		callout_schedule_at(&tp->t_callout, next);
	}
	mutex_exit(so->so_lock);
	if (next == 0)
		sorele(so);
}

/* ------------------------------------------------------------ delayed ACKs */

void tcp_delack(struct tcpcb *tp, uint64_t now)
{
	bool idle;

	tp->t_flags |= TF_DELACK;
	tp->t_delacktime = now;
	if (tp->t_flags & TF_ONDELACK)
		return;
	tp->t_flags |= TF_ONDELACK;
	soref(tp_so(tp));
	mutex_enter(&delack_lock);
	idle = TAILQ_EMPTY(&delack_list);
	TAILQ_INSERT_TAIL(&delack_list, tp, t_delacks);
	mutex_exit(&delack_lock);
	if (idle)
		callout_schedule_at(&delack_callout, now + TCP_DELACK);
}

/* true: it owes an ACK still, but not yet. */
static bool delack_visit(struct tcpcb *tp, uint64_t now)
{
	bool later = false;

	mutex_enter(tp_so(tp)->so_lock);
	if (tp->t_flags & TF_DELACK) {
		later = now - KMIN(tp->t_delacktime, now) < TCP_DELACK;
		if (!later && tp->t_state != TCP_CLOSED) {
			tp->t_flags |= TF_ACKNOW;
			tcp_output(tp);
		}
	}
	if (!later)
		tp->t_flags &= ~(uint32_t)TF_ONDELACK;
	mutex_exit(tp_so(tp)->so_lock);
	return later;
}

static void delack_fire(void *arg)
{
	TAILQ_HEAD(, tcpcb) work, keep;
	struct tcpcb *tp;
	uint64_t now = nanouptime();
	bool any;

	(void)arg;
	TAILQ_INIT(&work);
	TAILQ_INIT(&keep);
	mutex_enter(&delack_lock);
	TAILQ_CONCAT(&work, &delack_list, t_delacks);
	mutex_exit(&delack_lock);
	while ((tp = TAILQ_FIRST(&work)) != NULL) {
		TAILQ_REMOVE(&work, tp, t_delacks);
		if (delack_visit(tp, now))
			TAILQ_INSERT_TAIL(&keep, tp, t_delacks);
		else
			sorele(tp_so(tp));
	}
	mutex_enter(&delack_lock);
	TAILQ_CONCAT(&delack_list, &keep, t_delacks);
	any = !TAILQ_EMPTY(&delack_list);
	mutex_exit(&delack_lock);
	if (any)
		callout_schedule_at(&delack_callout, now + TCP_DELACK / 2);
}

void tcp_timer_init(void)
{
	mutex_init(&delack_lock, MUTEX_SPIN);
	callout_init(&delack_callout, delack_fire, NULL);
}
