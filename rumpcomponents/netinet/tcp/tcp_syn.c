/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections before they are connections: what remembers a SYN is small, and bounded; a listener's
 * program hears of nothing before the handshake is complete.
 *
 * When there is no room, the answer to a SYN carries all we need to know in its sequence number (a
 * SYN cookie): 5 bits of time, 3 bits of segment size, 24 bits of a hash over both and the
 * addresses.  Such connections have neither window scaling nor timestamps.
 *
 * Lock order: syn_lock, bucket lock.  Whoever takes an entry off the list under syn_lock owns it.
 */
#include <kern/kmem.h>
#include "tcp_impl.h"

#define SYN_TRIES     4
#define COOKIE_PERIOD (64 * NSEC_PER_SEC)

static POOL_DEFINE(tcp_syn_pool, sizeof(struct tcpsyn), "tcpsyn");
static TAILQ_HEAD(, tcpsyn) syn_list = TAILQ_HEAD_INITIALIZER(syn_list);
static unsigned syn_count, syn_max;
static kmutex_t syn_lock; /* default */
static callout_t syn_callout;
static volatile uint64_t cookies_until; /* cookies sent may come back until then */

unsigned tcp_syn_count(void)
{
	return syn_count;
}

struct tcpsyn *tcp_syn_find(struct tcpbucket *tb, const struct tcpseg *seg)
{
	struct tcpsyn *sy;

	LIST_FOREACH (sy, &tb->tb_syn, sy_hash)
		if (sy->sy_fport == seg->sport && sy->sy_faddr == seg->src &&
		    sy->sy_lport == seg->dport && sy->sy_laddr == seg->dst)
			return sy;
	return NULL;
}

/* Take it out of table and list.  => syn_lock held */
static void take(struct tcpsyn *sy)
{
	unsigned b = tcp_bucket(sy->sy_laddr, sy->sy_lport, sy->sy_faddr, sy->sy_fport);

	mutex_enter(tcp_bucket_lock(b));
	LIST_REMOVE(sy, sy_hash);
	mutex_exit(tcp_bucket_lock(b));
	TAILQ_REMOVE(&syn_list, sy, sy_list);
	syn_count--;
}

static uint16_t our_mss(uint32_t faddr, uint32_t usermss)
{
	struct iproute rt;

	if (ip_route(faddr, &rt) != 0)
		return TCP_MSS_DEFAULT;
	return (uint16_t)KMIN(rt.rt_mtu - 40, usermss ? usermss : 65495U);
}

static void send_synack(const struct tcpsyn *sy, uint16_t mss, uint64_t now)
{
	struct tcpreply r = {.laddr = sy->sy_laddr,
	    .faddr = sy->sy_faddr,
	    .lport = sy->sy_lport,
	    .fport = sy->sy_fport,
	    .seq = sy->sy_iss,
	    .ack = sy->sy_irs + 1,
	    .win = sy->sy_win,
	    .flags = THF_SYN | THF_ACK,
	    .ts = sy->sy_ts,
	    .tsval = tcp_ts(now, sy->sy_ts_offset),
	    .tsecr = sy->sy_ts_recent,
	    .mss = mss,
	    .wscale = sy->sy_wscale >= 0 ? (int8_t)sy->sy_rcvscale : -1};

	tcp_reply(&r);
}

/* ---------------------------------------------------------------- cookies */

static const uint16_t cookie_mss[8] = {88, 536, 1220, 1400, 1440, 1460, 4312, 8960};

static uint32_t cookie_hash(const struct tcpsyn *sy, uint32_t period, unsigned mss)
{
	uint64_t a = (uint64_t)sy->sy_laddr << 32 | sy->sy_faddr;
	uint64_t b = (uint64_t)sy->sy_irs << 32 | (uint32_t)sy->sy_lport << 16 | sy->sy_fport;

	return tcp_siphash(a, b ^ tcp_siphash(period, mss)) & 0xffffff;
}

static uint32_t make_cookie(const struct tcpsyn *sy, uint64_t now)
{
	uint32_t period = (uint32_t)(now / COOKIE_PERIOD);
	unsigned i = 7;

	while (i > 0 && cookie_mss[i] > (sy->sy_mss ? sy->sy_mss : TCP_MSS_DEFAULT))
		i--;
	return (period & 31) << 27 | i << 24 | cookie_hash(sy, period, i);
}

/* Is ack - 1 a cookie of ours?  Then *sy is what the SYN was. */
static bool check_cookie(const struct tcpseg *seg, struct tcpsyn *sy)
{
	uint32_t cookie = seg->ack - 1, now = (uint32_t)(seg->now / COOKIE_PERIOD), period;
	unsigned i = cookie >> 24 & 7;

	*sy = (struct tcpsyn){.sy_laddr = seg->dst,
	    .sy_faddr = seg->src,
	    .sy_lport = seg->dport,
	    .sy_fport = seg->sport,
	    .sy_irs = seg->seq - 1,
	    .sy_iss = cookie,
	    .sy_mss = cookie_mss[i],
	    .sy_wscale = -1};
	for (period = now; period + 2 > now && period != UINT32_MAX; period--)
		if ((period & 31) == cookie >> 27 &&
		    cookie_hash(sy, period, i) == (cookie & 0xffffff))
			return true;
	return false;
}

/* --------------------------------------------------------------- a SYN */

/* The SYN of a handshake that has begun: again, or instead of the old one.  true: answered. */
static bool again(const struct tcpseg *seg, unsigned b, uint16_t mss)
{
	struct tcpsyn *sy, copy;

	mutex_enter(&syn_lock);
	mutex_enter(tcp_bucket_lock(b));
	sy = tcp_syn_find(&tcp_buckets[b], seg);
	mutex_exit(tcp_bucket_lock(b));
	if (sy && sy->sy_irs == seg->seq) {
		if (seg->ts)
			sy->sy_ts_recent = seg->tsval;
		copy = *sy;
		mutex_exit(&syn_lock);
		send_synack(&copy, mss, seg->now);
		return true;
	}
	if (sy) {
		take(sy);
		pool_put(&tcp_syn_pool, sy);
	}
	mutex_exit(&syn_lock);
	return false;
}

static void fill(struct tcpsyn *sy, const struct tcpcb *lp, const struct tcpseg *seg)
{
	const struct socket *so = &lp->t_inpcb.inp_socket;

	*sy = (struct tcpsyn){.sy_laddr = seg->dst,
	    .sy_faddr = seg->src,
	    .sy_lport = seg->dport,
	    .sy_fport = seg->sport,
	    .sy_irs = seg->seq,
	    .sy_mss = seg->mss,
	    .sy_wscale = seg->wscale,
	    .sy_rcvscale = seg->wscale >= 0 ? tcp_scale_for(so->so_rcv.sb_hiwat) : 0,
	    .sy_ts = seg->ts,
	    .sy_ts_recent = seg->ts ? seg->tsval : 0,
	    .sy_win = (uint16_t)KMIN(so->so_rcv.sb_hiwat, 65535U)};
	sy->sy_iss =
	    tcp_new_isn(seg->dst, seg->dport, seg->src, seg->sport, seg->now, &sy->sy_ts_offset);
	sy->sy_next = seg->now + TCP_RTO_INIT;
}

void tcp_syn_input(struct tcpcb *lp, const struct tcpseg *seg)
{
	unsigned b = tcp_bucket(seg->dst, seg->dport, seg->src, seg->sport);
	uint16_t mss = our_mss(seg->src, lp->t_usermss);
	struct tcpsyn *sy = NULL, cookie;

	if (seg->src == seg->dst && seg->sport == seg->dport)
		return; /* the "land" attack */
	if (again(seg, b, mss))
		return;
	/* The program is too slow: let the peer ask again later, as Linux does. */
	if (tp_so(lp)->so_qlen >= tp_so(lp)->so_qlimit)
		return;
	if (syn_count < syn_max)
		sy = pool_get(&tcp_syn_pool);
	if (!sy) {
		fill(&cookie, lp, seg);
		cookie.sy_ts = false;
		cookie.sy_wscale = -1;
		cookie.sy_iss = make_cookie(&cookie, seg->now);
		cookies_until = seg->now + 2 * COOKIE_PERIOD;
		send_synack(&cookie, mss, seg->now);
		return;
	}
	fill(sy, lp, seg);
	cookie = *sy;
	mutex_enter(&syn_lock);
	TAILQ_INSERT_TAIL(&syn_list, sy, sy_list);
	syn_count++;
	mutex_enter(tcp_bucket_lock(b));
	LIST_INSERT_HEAD(&tcp_buckets[b].tb_syn, sy, sy_hash);
	mutex_exit(tcp_bucket_lock(b));
	if (!callout_pending(&syn_callout))
		callout_schedule_at(&syn_callout, sy->sy_next);
	mutex_exit(&syn_lock);
	send_synack(&cookie, mss, seg->now);
}

static void syn_fire(void *arg)
{
	uint64_t now = nanouptime(), next = 0;
	struct tcpsyn *sy, *after, resend[8];
	unsigned n = 0, i;

	(void)arg;
	mutex_enter(&syn_lock);
	for (sy = TAILQ_FIRST(&syn_list); sy; sy = after) {
		after = TAILQ_NEXT(sy, sy_list);
		if (sy->sy_next <= now && n < NELEM(resend)) {
			if (++sy->sy_tries > SYN_TRIES) {
				take(sy);
				pool_put(&tcp_syn_pool, sy);
				continue;
			}
			sy->sy_next = now + (TCP_RTO_INIT << sy->sy_tries);
			resend[n++] = *sy;
		}
		if (next == 0 || sy->sy_next < next)
			next = sy->sy_next;
	}
	if (next != 0)
		callout_schedule_at(&syn_callout, KMAX(next, now + 100 * NSEC_PER_MSEC));
	mutex_exit(&syn_lock);
	for (i = 0; i < n; i++)
		send_synack(&resend[i], our_mss(resend[i].sy_faddr, 0), now);
}

/* ------------------------------------------------- the handshake completes */

/* The new connection takes after its listener.  lp locked. */
static struct tcpcb *make_child(struct tcpcb *lp, const struct tcpsyn *sy, const struct tcpseg *seg)
{
	struct socket *lso = tp_so(lp), *so = soalloc(lso->so_proto);
	struct tcpcb *tp = (struct tcpcb *)so;
	struct inpcb *inp;

	if (!so)
		return NULL;
	inp = &tp->t_inpcb;
	tcp_init_pcb(tp);
	so->so_options = lso->so_options;
	so->so_linger = lso->so_linger;
	so->so_rcv.sb_hiwat = lso->so_rcv.sb_hiwat;
	so->so_rcv.sb_lowat = lso->so_rcv.sb_lowat;
	so->so_rcv.sb_timeo = lso->so_rcv.sb_timeo;
	so->so_snd.sb_hiwat = lso->so_snd.sb_hiwat;
	so->so_snd.sb_timeo = lso->so_snd.sb_timeo;
	inp->inp_laddr = sy->sy_laddr;
	inp->inp_faddr = sy->sy_faddr;
	inp->inp_lport = sy->sy_lport;
	inp->inp_fport = sy->sy_fport;
	inp->inp_ttl = lp->t_inpcb.inp_ttl;
	inp->inp_tos = lp->t_inpcb.inp_tos;
	tp->t_flags = lp->t_flags & (TF_NODELAY | TF_CORK);
	tp->t_keepidle = lp->t_keepidle;
	tp->t_keepintvl = lp->t_keepintvl;
	tp->t_keepcnt = lp->t_keepcnt;
	tp->t_usertimeout = lp->t_usertimeout;
	tp->t_usermss = lp->t_usermss;
	tp->iss = tp->snd_recover = sy->sy_iss;
	tp->snd_una = tp->snd_nxt = tp->snd_max = sy->sy_iss + 1;
	tp->irs = sy->sy_irs;
	tp->rcv_nxt = tp->last_ack_sent = sy->sy_irs + 1;
	tp->rcv_adv = tp->rcv_nxt + sy->sy_win;
	if (sy->sy_wscale >= 0) {
		tp->t_flags |= TF_WSCALE;
		tp->snd_wscale = (uint8_t)sy->sy_wscale;
		tp->rcv_wscale = sy->sy_rcvscale;
	}
	if (sy->sy_ts) {
		tp->t_flags |= TF_TS;
		tp->ts_recent = sy->sy_ts_recent;
		tp->ts_recent_age = (uint32_t)(seg->now / NSEC_PER_MSEC);
		tp->ts_offset = sy->sy_ts_offset;
	}
	tp->snd_wnd = tp->snd_maxwnd = (uint32_t)seg->win << tp->snd_wscale;
	tp->snd_wl1 = seg->seq;
	tp->snd_wl2 = seg->ack;
	tp->t_rcvtime = seg->now;
	if (ip_route(inp->inp_faddr, &inp->inp_route) != 0) {
		sorele(so);
		return NULL;
	}
	tcp_set_mss(tp, sy->sy_mss);
	tp->t_state = TCP_ESTAB;
	so->so_state = SS_ISCONNECTED | SS_WASCONNECTED;
	return tp;
}

/*
 * On success tp is in the table and in the listener's queue (a reference each), and the
 * caller gets one more, and its lock.
 */
static struct tcpcb *accept_child(
    struct tcpcb *lp, const struct tcpsyn *sy, const struct tcpseg *seg)
{
	struct socket *lso = tp_so(lp);
	struct tcpcb *tp = NULL;

	mutex_enter(lso->so_lock);
	if (lp->t_state == TCP_LISTEN_STATE && lso->so_qlen < lso->so_qlimit)
		tp = make_child(lp, sy, seg);
	if (tp) {
		mutex_enter(tp_so(tp)->so_lock);
		if (tcp_hash_insert(tp) != 0) { /* another CPU was faster with the same ACK */
			mutex_exit(tp_so(tp)->so_lock);
			sorele(tp_so(tp));
			tp = NULL;
		} else {
			soref(tp_so(tp));
			(void)soqueue(
			    lso, tp_so(tp)); /* there is room, and it takes the first reference */
			tcp_keepalive(tp, seg->now);
		}
	}
	mutex_exit(lso->so_lock);
	return tp;
}

struct tcpcb *tcp_syn_complete(const struct tcpseg *seg, bool *answer)
{
	unsigned b = tcp_bucket(seg->dst, seg->dport, seg->src, seg->sport);
	struct tcpsyn *sy, copy;
	struct tcpcb *lp, *tp;

	mutex_enter(&syn_lock);
	mutex_enter(tcp_bucket_lock(b));
	sy = tcp_syn_find(&tcp_buckets[b], seg);
	mutex_exit(tcp_bucket_lock(b));
	if (sy && (seg->flags & THF_RST)) {
		if (seg->seq == sy->sy_irs + 1) {
			take(sy);
			pool_put(&tcp_syn_pool, sy);
		}
		mutex_exit(&syn_lock);
		*answer = false;
		return NULL;
	}
	if (sy)
		copy = *sy;
	mutex_exit(&syn_lock);
	if (!sy &&
	    (seg->now >= cookies_until || (seg->flags & (THF_ACK | THF_SYN | THF_RST)) != THF_ACK ||
		!check_cookie(seg, &copy)))
		return NULL;
	if ((seg->flags & THF_SYN) || !(seg->flags & THF_ACK)) {
		*answer =
		    seg->flags & THF_SYN; /* tcp_syn_input() sees to it; else it means nothing */
		return NULL;
	}
	if (seg->ack != copy.sy_iss + 1)
		return NULL; /* RST: RFC 9293 3.10.7.4 */
	if (SEQ_LT(seg->seq, copy.sy_irs + 1) || SEQ_GT(seg->seq, copy.sy_irs + 1 + copy.sy_win)) {
		*answer = false;
		return NULL;
	}
	lp = tcp_find_listener(seg);
	if (!lp)
		return NULL;
	/* If the queue is full, the ACK is ignored; the SYN|ACK will be repeated. */
	*answer = false;
	tp = accept_child(lp, &copy, seg);
	sorele(tp_so(lp));
	if (tp && sy) {
		mutex_enter(&syn_lock);
		mutex_enter(tcp_bucket_lock(b));
		sy = tcp_syn_find(&tcp_buckets[b], seg); /* it may have gone meanwhile */
		mutex_exit(tcp_bucket_lock(b));
		if (sy) {
			take(sy);
			pool_put(&tcp_syn_pool, sy);
		}
		mutex_exit(&syn_lock);
	}
	return tp;
}

void tcp_syn_init(void)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	syn_max = (unsigned)KMIN(KMAX(ks.ks_pages_total / 8, 128UL), 4096UL);
	mutex_init(&syn_lock, MUTEX_DEFAULT);
	callout_init(&syn_callout, syn_fire, NULL);
}
