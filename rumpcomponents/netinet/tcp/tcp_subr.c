/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of connections; sequence numbers that cannot be guessed; the end of a connection. */
#include <kern/kmem.h>
#include <kern/random.h>
#include "tcp_impl.h"

struct tcpbucket tcp_buckets[TCP_BUCKETS];
kmutex_t tcp_bucket_locks[TCP_LOCKS];
struct inpcbtable tcp_table;
POOL_DEFINE(tcp_pool, sizeof(struct tcpcb), "tcpcb");

/* --------------------------------------------------------------- hashing */

static uint64_t secret[2];

static void make_secret(void)
{
	uint64_t s[2];

	random_bytes(s, sizeof(s));
	s[0] |= 1;
	if (secret[0] == 0) {
		secret[1] = s[1];
		__atomic_store_n(&secret[0], s[0], __ATOMIC_RELEASE);
	}
}

#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define SIPROUND                                                                                   \
	(v0 += v1, v1 = ROTL(v1, 13), v1 ^= v0, v0 = ROTL(v0, 32), v2 += v3, v3 = ROTL(v3, 16),    \
	    v3 ^= v2, v0 += v3, v3 = ROTL(v3, 21), v3 ^= v0, v2 += v1, v1 = ROTL(v1, 17),          \
	    v1 ^= v2, v2 = ROTL(v2, 32))

/* SipHash-2-4 of two words. */
uint32_t tcp_siphash(uint64_t a, uint64_t b)
{
	uint64_t v0, v1, v2, v3, m[3] = {a, b, 16ULL << 56};
	unsigned i;

	if (__builtin_expect(secret[0] == 0, 0))
		make_secret();
	v0 = secret[0] ^ 0x736f6d6570736575ULL;
	v1 = secret[1] ^ 0x646f72616e646f6dULL;
	v2 = secret[0] ^ 0x6c7967656e657261ULL;
	v3 = secret[1] ^ 0x7465646279746573ULL;
	for (i = 0; i < 3; i++) {
		v3 ^= m[i];
		SIPROUND;
		SIPROUND;
		v0 ^= m[i];
	}
	v2 ^= 0xff;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	v0 ^= v1 ^ v2 ^ v3;
	return (uint32_t)(v0 ^ v0 >> 32);
}

/* Where a connection is found.  Keyed, so that nobody can choose connections that share a bucket.
 */
unsigned tcp_bucket(uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport)
{
	uint64_t x = ((uint64_t)faddr << 32 | (uint32_t)fport << 16 | lport) ^ (uint64_t)laddr
										   << 13;

	if (__builtin_expect(secret[0] == 0, 0))
		make_secret();
	x = (x ^ secret[1]) * secret[0];
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ULL;
	return (unsigned)(x >> 40) % TCP_BUCKETS;
}

/* RFC 6528: a clock of 4 microseconds, and a hash that nobody else can compute. */
uint32_t tcp_new_isn(uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport, uint64_t now,
    uint32_t *ts_offset)
{
	uint64_t a = (uint64_t)laddr << 32 | faddr, b = (uint32_t)lport << 16 | fport;

	if (ts_offset)
		*ts_offset = tcp_siphash(a, b | 1ULL << 40);
	return tcp_siphash(a, b) + (uint32_t)(now / 4000);
}

/* --------------------------------------------------------------- lookup */

int tcp_hash_insert(struct tcpcb *tp)
{
	const struct inpcb *inp = &tp->t_inpcb;
	unsigned b = tcp_bucket(inp->inp_laddr, inp->inp_lport, inp->inp_faddr, inp->inp_fport);
	struct tcpcb *p;

	mutex_enter(tcp_bucket_lock(b));
	LIST_FOREACH (p, &tcp_buckets[b].tb_conn, t_hash) {
		const struct inpcb *q = &p->t_inpcb;

		if (q->inp_fport == inp->inp_fport && q->inp_faddr == inp->inp_faddr &&
		    q->inp_lport == inp->inp_lport && q->inp_laddr == inp->inp_laddr) {
			mutex_exit(tcp_bucket_lock(b));
			return EADDRNOTAVAIL;
		}
	}
	soref(tp_so(tp));
	tp->t_flags |= TF_HASHED;
	LIST_INSERT_HEAD(&tcp_buckets[b].tb_conn, tp, t_hash);
	mutex_exit(tcp_bucket_lock(b));
	return 0;
}

static void hash_remove(struct tcpcb *tp)
{
	const struct inpcb *inp = &tp->t_inpcb;
	unsigned b;

	if (!(tp->t_flags & TF_HASHED))
		return;
	b = tcp_bucket(inp->inp_laddr, inp->inp_lport, inp->inp_faddr, inp->inp_fport);
	mutex_enter(tcp_bucket_lock(b));
	LIST_REMOVE(tp, t_hash);
	mutex_exit(tcp_bucket_lock(b));
	tp->t_flags &= ~(uint32_t)TF_HASHED;
	sorele(tp_so(tp));
}

struct tcpcb *tcp_find_listener(const struct tcpseg *seg)
{
	struct inpcb *inp, *best = NULL;
	bool best_bound = false;
	unsigned equals = 0;
	uint32_t h = 0;

	mutex_enter(&tcp_table.it_lock);
	LIST_FOREACH (inp, &tcp_table.it_port[in_porthash(seg->dport)], inp_porthash) {
		bool bound = inp->inp_laddr != 0;

		if (inp->inp_lport != seg->dport ||
		    ((struct tcpcb *)inp)->t_state != TCP_LISTEN_STATE ||
		    (bound && inp->inp_laddr != seg->dst) || (best && !bound && best_bound))
			continue;
		if (!best || bound != best_bound) {
			best = inp;
			best_bound = bound;
			equals = 1;
		} else { /* SO_REUSEPORT: they share the load by where it comes from */
			if (equals == 1)
				h = tcp_siphash(seg->src, seg->sport);
			if (h % ++equals == 0)
				best = inp;
			h = h * 0x9e3779b1U + 1;
		}
	}
	if (best)
		soref(&best->inp_socket);
	mutex_exit(&tcp_table.it_lock);
	return (struct tcpcb *)best;
}

/* ----------------------------------------------------------------- life */

void tcp_reset_pcb(struct tcpcb *tp)
{
	tp->t_rto = TCP_RTO_INIT;
	tp->t_srtt = tp->t_rttvar = 0;
	tp->t_rttime = 0;
	tp->t_rxtshift = tp->t_dupacks = tp->t_keepprobes = 0;
	tp->t_maxseg = tp->t_peermss = TCP_MSS_DEFAULT;
	tp->snd_cwnd = 0;
	tp->snd_ssthresh = 1U << 30;
	tp->snd_wnd = tp->snd_maxwnd = 0;
	tp->snd_wscale = 0;
	tp->rcv_nxt = tp->rcv_adv = tp->last_ack_sent = 0;
	tp->t_flags &= ~(uint32_t)(TF_TS | TF_WSCALE | TF_OFFERTS | TF_SENTFIN | TF_RECOVERY |
				   TF_ACKNOW | TF_DELACK | TF_FORCE);
}

void tcp_init_pcb(struct tcpcb *tp)
{
	tcp_reset_pcb(tp);
	tp->t_keepidle = 7200;
	tp->t_keepintvl = 75;
	tp->t_keepcnt = 9;
	callout_init(&tp->t_callout, tcp_timer_fire, tp);
}

uint8_t tcp_scale_for(uint32_t bytes)
{
	uint8_t s = 0;

	while (s < 14 && (65535U << s) < bytes)
		s++;
	return s;
}

void tcp_set_mss(struct tcpcb *tp, uint16_t peermss)
{
	uint32_t mss;

	if (peermss == 0)
		peermss = TCP_MSS_DEFAULT; /* RFC 9293 3.7.1 */
	tp->t_peermss = KMAX(peermss, TCP_MSS_MIN);
	mss = KMIN(tp->t_peermss, tp->t_inpcb.inp_route.rt_mtu - 40);
	if (tp->t_usermss)
		mss = KMIN(mss, tp->t_usermss);
	if (tp->t_flags & TF_TS)
		mss -= TCP_TSOPT_LEN;
	tp->t_maxseg = mss;
	if (tp->snd_cwnd == 0) /* RFC 6928 */
		tp->snd_cwnd = KMIN(10 * mss, KMAX(2 * mss, 14600U));
}

void tcp_closed(struct tcpcb *tp)
{
	struct socket *so = tp_so(tp);

	if (tp->t_state == TCP_CLOSED)
		return;
	tp->t_state = TCP_CLOSED;
	tp->t_flags &= ~(uint32_t)(TF_ACKNOW | TF_DELACK);
	tcp_timers_stop(tp);
	tcp_reass_free(tp);
	/* A port that the program chose stays its own: it may connect again from there. */
	if ((so->so_state & SS_NOFDREF) || (tp->t_inpcb.inp_flags & INP_ANONPORT))
		in_pcbunbind(&tp->t_inpcb);
	soisdisconnected(so);
	hash_remove(tp);
}

void tcp_drop(struct tcpcb *tp, int error)
{
	struct socket *so = tp_so(tp);
	const struct inpcb *inp = &tp->t_inpcb;

	if (tp->t_state >= TCP_SYN_RECEIVED) {
		struct tcpreply r = {.laddr = inp->inp_laddr,
		    .faddr = inp->inp_faddr,
		    .lport = inp->inp_lport,
		    .fport = inp->inp_fport,
		    .seq = tp->snd_max,
		    .ack = tp->rcv_nxt,
		    .flags = THF_RST | THF_ACK};

		tcp_reply(&r);
	}
	if (error)
		so->so_error = error;
	sbflush(&so->so_snd, false);
	tcp_closed(tp);
}
