/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TIME-WAIT (RFC 9293 3.10.7.4, RFC 1337, RFC 6191).
 *
 * A closed connection is remembered for a minute by a few dozen bytes.  There is a most; when it is
 * reached the oldest is forgotten, which is the least harmful thing that can be done.
 *
 * Lock order: tw_lock, bucket lock.  Whoever takes an entry off the list under tw_lock frees it.
 */
#include <kern/kmem.h>
#include "tcp_impl.h"

static POOL_DEFINE(tcp_tw_pool, sizeof(struct tcptw), "tcptw");
static TAILQ_HEAD(tcptwlist, tcptw) tw_list = TAILQ_HEAD_INITIALIZER(tw_list);
static unsigned tw_count, tw_max;
static kmutex_t tw_lock; /* default; guards list, count */
static callout_t tw_callout;

unsigned tcp_tw_count(void)
{
	return tw_count;
}

struct tcptw *tcp_tw_find(
    struct tcpbucket *tb, uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport)
{
	struct tcptw *tw;

	LIST_FOREACH (tw, &tb->tb_tw, tw_hash)
		if (tw->tw_fport == fport && tw->tw_faddr == faddr && tw->tw_lport == lport &&
		    tw->tw_laddr == laddr)
			return tw;
	return NULL;
}

/* => tw_lock held */
static void forget(struct tcptw *tw)
{
	unsigned b = tcp_bucket(tw->tw_laddr, tw->tw_lport, tw->tw_faddr, tw->tw_fport);

	mutex_enter(tcp_bucket_lock(b));
	LIST_REMOVE(tw, tw_hash);
	mutex_exit(tcp_bucket_lock(b));
	TAILQ_REMOVE(&tw_list, tw, tw_list);
	tw_count--;
	pool_put(&tcp_tw_pool, tw);
}

void tcp_tw_forget(uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport)
{
	unsigned b = tcp_bucket(laddr, lport, faddr, fport);
	struct tcptw *tw;

	mutex_enter(&tw_lock);
	mutex_enter(tcp_bucket_lock(b));
	tw = tcp_tw_find(&tcp_buckets[b], laddr, lport, faddr, fport);
	mutex_exit(tcp_bucket_lock(b));
	if (tw)
		forget(tw);
	mutex_exit(&tw_lock);
}

static void tw_fire(void *arg)
{
	uint64_t now = nanouptime();
	struct tcptw *tw;

	(void)arg;
	mutex_enter(&tw_lock);
	while ((tw = TAILQ_FIRST(&tw_list)) != NULL && tw->tw_expires <= now)
		forget(tw);
	if (tw) /* not for each one: what expires within a second goes together */
		callout_schedule_at(&tw_callout, tw->tw_expires + NSEC_PER_SEC);
	mutex_exit(&tw_lock);
}

void tcp_timewait(struct tcpcb *tp, uint64_t now)
{
	const struct inpcb *inp = &tp->t_inpcb;
	struct tcptw *tw = pool_get(&tcp_tw_pool);
	unsigned b = tcp_bucket(inp->inp_laddr, inp->inp_lport, inp->inp_faddr, inp->inp_fport);

	if (tw) {
		tw->tw_laddr = inp->inp_laddr;
		tw->tw_faddr = inp->inp_faddr;
		tw->tw_lport = inp->inp_lport;
		tw->tw_fport = inp->inp_fport;
		tw->tw_snd_nxt = tp->snd_max;
		tw->tw_rcv_nxt = tp->rcv_nxt;
		tw->tw_ts = tp->t_flags & TF_TS;
		tw->tw_ts_recent = tp->ts_recent;
		tw->tw_ts_offset = tp->ts_offset;
		tw->tw_win = (uint16_t)((tp->rcv_adv - tp->rcv_nxt) >> tp->rcv_wscale);
		tw->tw_expires = now + TCP_TIMEWAIT;
		mutex_enter(&tw_lock);
		if (tw_count >= tw_max)
			forget(TAILQ_FIRST(&tw_list));
		tw_count++;
		TAILQ_INSERT_TAIL(&tw_list, tw, tw_list);
		mutex_enter(tcp_bucket_lock(b));
		LIST_INSERT_HEAD(&tcp_buckets[b].tb_tw, tw, tw_hash);
		mutex_exit(tcp_bucket_lock(b));
		if (!callout_pending(&tw_callout))
			callout_schedule_at(&tw_callout, tw->tw_expires + NSEC_PER_SEC);
		mutex_exit(&tw_lock);
	}
	tcp_closed(tp);
}

bool tcp_tw_input(struct tcptw *tw, const struct tcpseg *seg, unsigned bucket, uint32_t *isn_floor)
{
	/* Copied: once the lock is gone, the entry may be. */
	struct tcpreply r = {.laddr = tw->tw_laddr,
	    .faddr = tw->tw_faddr,
	    .lport = tw->tw_lport,
	    .fport = tw->tw_fport,
	    .seq = tw->tw_snd_nxt,
	    .ack = tw->tw_rcv_nxt,
	    .win = tw->tw_win,
	    .flags = THF_ACK,
	    .ts = tw->tw_ts,
	    .tsval = tcp_ts(seg->now, tw->tw_ts_offset),
	    .tsecr = tw->tw_ts_recent};
	bool fresh, rst_ok = seg->seq == tw->tw_rcv_nxt;

	/* A SYN with a higher number or a later timestamp is a new connection: RFC 6191. */
	fresh = (seg->flags & (THF_SYN | THF_ACK | THF_RST)) == THF_SYN &&
		(SEQ_GT(seg->seq, tw->tw_rcv_nxt) ||
		    (seg->ts && tw->tw_ts && (int32_t)(seg->tsval - tw->tw_ts_recent) > 0));
	*isn_floor = tw->tw_snd_nxt;
	mutex_exit(tcp_bucket_lock(bucket));
	if (fresh) {
		tcp_tw_forget(r.laddr, r.lport, r.faddr, r.fport);
		return true;
	}
	if (seg->flags & THF_RST) {
		/* RFC 1337 would ignore it; RFC 9293 ends the state.  Exact numbers only. */
		if (rst_ok)
			tcp_tw_forget(r.laddr, r.lport, r.faddr, r.fport);
		return false;
	}
	/* A FIN again, or data: the last ACK was lost.  Bare ACKs are not answered. */
	if ((seg->len > 0 || (seg->flags & (THF_FIN | THF_SYN))) && tcp_challenge_allowed())
		tcp_reply(&r);
	return false;
}

void tcp_timewait_init(void)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	tw_max = (unsigned)KMIN(KMAX(ks.ks_pages_total, 256UL), 16384UL);
	mutex_init(&tw_lock, MUTEX_DEFAULT);
	callout_init(&tw_callout, tw_fire, NULL);
}
