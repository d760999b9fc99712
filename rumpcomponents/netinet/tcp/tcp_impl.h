/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP (RFC 9293), shared by the files of this component.
 *
 * A connection is one object: tcpcb = inpcb = socket, guarded by so_lock.  Before the handshake is
 * complete it is a struct tcpsyn, after the end a struct tcptw: a few dozen bytes each.  All three
 * are found through one hash table by addresses and ports, whose locks are spin and innermost.
 *
 * References (so_refs): the descriptor, the hash table, an armed callout, the delayed-ACK list,
 * the accept queue, and whoever is working on a segment.
 *
 * Timers are deadlines in t_deadline[].  There is one callout; it is armed for the earliest
 * deadline it knew of, and moved only to an earlier one: a deadline that has been put off or
 * cancelled is noticed when the callout runs.  So data that flows costs no timer.
 */
#ifndef TCP_IMPL_H
#define TCP_IMPL_H

#include <kern/callout.h>
#include <kern/ktime.h>
#include <kern/systm.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <netinet/in_pcb.h>

struct tcphdr4 {
	uint16_t th_sport, th_dport;
	uint32_t th_seq, th_ack;
	uint8_t th_off; /* header words in the upper half */
	uint8_t th_flags;
	uint16_t th_win, th_sum, th_urp;
} __attribute__((packed));
_Static_assert(sizeof(struct tcphdr4) == 20, "RFC 9293 3.1");

#define THF_FIN	      0x01
#define THF_SYN	      0x02
#define THF_RST	      0x04
#define THF_PUSH      0x08
#define THF_ACK	      0x10
#define THF_URG	      0x20

#define SEQ_LT(a, b)  ((int32_t)((a) - (b)) < 0)
#define SEQ_LEQ(a, b) ((int32_t)((a) - (b)) <= 0)
#define SEQ_GT(a, b)  ((int32_t)((a) - (b)) > 0)
#define SEQ_GEQ(a, b) ((int32_t)((a) - (b)) >= 0)

/* Linux's numbering is in tcp_sockopt.c. */
enum tcp_state {
	TCP_CLOSED,
	TCP_LISTEN_STATE,
	TCP_SYN_SENT_STATE,
	TCP_SYN_RECEIVED,
	TCP_ESTAB,
	TCP_CLOSE_WAIT_STATE,
	TCP_FIN_WAIT_1,
	TCP_CLOSING_STATE,
	TCP_LAST_ACK_STATE,
	TCP_FIN_WAIT_2,
};

enum tcp_timer { TT_REXMT, TT_PERSIST, TT_KEEP, TT_FINWAIT, TT_COUNT };

struct tcpcb {
	struct inpcb t_inpcb;	  /* first */
	LIST_ENTRY(tcpcb) t_hash; /* bucket lock; TF_HASHED */
	uint32_t t_flags;
	uint8_t t_state;
	uint8_t t_dupacks, t_rxtshift;
	uint8_t snd_wscale, rcv_wscale;
	uint8_t t_keepprobes;

	/* Sending; RFC 9293 3.3.1 */
	uint32_t snd_una, snd_nxt, snd_max; /* oldest unacknowledged, next to send, highest sent */
	uint32_t snd_wnd, snd_maxwnd, snd_wl1, snd_wl2;
	uint32_t iss;
	uint32_t snd_cwnd, snd_ssthresh, snd_recover; /* RFC 5681, 6582 */
	uint32_t t_maxseg;			      /* payload per segment, options taken off */
	uint32_t t_peermss;

	/* Receiving */
	uint32_t rcv_nxt, rcv_adv, irs;
	uint32_t last_ack_sent;
	uint32_t ts_recent, ts_recent_age, ts_offset; /* RFC 7323; ms */
	struct mbuf *t_reass;			      /* m_nextpkt, sorted by sequence number */
	uint32_t t_reasslen;

	/* RFC 6298; ns */
	uint64_t t_rttime; /* when t_rtseq was sent; 0: not timing */
	uint32_t t_rtseq;
	uint32_t t_srtt, t_rttvar; /* us */
	uint64_t t_rto;

	uint64_t t_deadline[TT_COUNT]; /* 0: off */
	uint64_t t_armed;	       /* what t_callout was set to; 0: it is not */
	callout_t t_callout;
	TAILQ_ENTRY(tcpcb) t_delacks; /* delayed-ACK list, its lock; TF_ONDELACK */
	uint64_t t_delacktime;
	uint64_t t_rcvtime; /* last segment from the peer */
	uint64_t t_stalled; /* since when what was sent is unacknowledged */

	uint32_t t_keepidle, t_keepintvl, t_keepcnt; /* s, s, count */
	uint32_t t_usertimeout;			     /* ms, 0: default */
	uint32_t t_usermss;
};

#define TF_ACKNOW   0x0001
#define TF_DELACK   0x0002
#define TF_NODELAY  0x0004
#define TF_CORK	    0x0008
#define TF_MORE	    0x0010 /* more data follows at once */
#define TF_TS	    0x0020 /* timestamps agreed upon */
#define TF_WSCALE   0x0040 /* window scaling agreed upon */
#define TF_HASHED   0x0080
#define TF_ONDELACK 0x0100
#define TF_SENTFIN  0x0200
#define TF_FORCE    0x0400 /* window probe */
#define TF_RECOVERY 0x0800 /* fast recovery */
#define TF_OFFERTS  0x1000 /* in our SYN */
#define TF_LAZYARM  0x2000
#define TF_QUICKACK 0x4000

static inline struct tcpcb *so_tcpcb(struct socket *so)
{
	return (struct tcpcb *)so;
}
static inline struct socket *tp_so(struct tcpcb *tp)
{
	return &tp->t_inpcb.inp_socket;
}

/* A segment, parsed once.  Numbers in host order, addresses and ports as on the wire. */
struct tcpseg {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t len; /* payload */
	uint32_t tsval, tsecr;
	uint16_t win, mss; /* mss 0: not given */
	uint8_t flags;
	int8_t wscale; /* -1: not given */
	bool ts;
	bool more;	/* the next frame of the batch belongs to the same connection */
	struct mbuf *m; /* payload; NULL once it has been taken */
	uint64_t now;
};

/* Connections that are over.  Compact: 2 minutes of them must cost little. */
struct tcptw {
	LIST_ENTRY(tcptw) tw_hash;
	TAILQ_ENTRY(tcptw) tw_list; /* by time of expiry */
	uint32_t tw_laddr, tw_faddr;
	uint16_t tw_lport, tw_fport;
	uint32_t tw_snd_nxt, tw_rcv_nxt;
	uint32_t tw_ts_recent, tw_ts_offset;
	uint16_t tw_win;
	bool tw_ts;
	uint64_t tw_expires;
};

/* Connections whose SYN has been answered. */
struct tcpsyn {
	LIST_ENTRY(tcpsyn) sy_hash;
	TAILQ_ENTRY(tcpsyn) sy_list; /* by time of arrival */
	uint32_t sy_laddr, sy_faddr;
	uint16_t sy_lport, sy_fport;
	uint32_t sy_iss, sy_irs;
	uint32_t sy_ts_recent, sy_ts_offset;
	uint16_t sy_mss;
	int8_t sy_wscale; /* peer's, -1: none */
	uint8_t sy_rcvscale;
	bool sy_ts;
	uint8_t sy_tries;
	uint16_t sy_win;
	uint64_t sy_next; /* when the SYN|ACK is repeated */
};

#define TCP_BUCKETS 256
#define TCP_LOCKS   16
struct tcpbucket {
	LIST_HEAD(, tcpcb) tb_conn;
	LIST_HEAD(, tcptw) tb_tw;
	LIST_HEAD(, tcpsyn) tb_syn;
};
extern struct tcpbucket tcp_buckets[TCP_BUCKETS];
extern kmutex_t tcp_bucket_locks[TCP_LOCKS]; /* spin */
extern struct inpcbtable tcp_table;
extern struct pool tcp_pool;

unsigned tcp_bucket(uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport);
static inline kmutex_t *tcp_bucket_lock(unsigned b)
{
	return &tcp_bucket_locks[b % TCP_LOCKS];
}

/* Times, RFC numbers and Linux's choices. */
#define TCP_RTO_MIN	  (200 * NSEC_PER_MSEC)
#define TCP_RTO_INIT	  NSEC_PER_SEC
#define TCP_RTO_MAX	  (60 * NSEC_PER_SEC)
#define TCP_REXMT_MAX	  15
#define TCP_SYN_REXMT_MAX 6
#define TCP_DELACK	  (40 * NSEC_PER_MSEC)
#define TCP_CORK_MAX	  (200 * NSEC_PER_MSEC)
#define TCP_TIMEWAIT	  (60 * NSEC_PER_SEC)
#define TCP_FINWAIT2	  (60 * NSEC_PER_SEC)
#define TCP_ORPHAN_MAX	  (120 * NSEC_PER_SEC) /* without progress, once the program has closed */
#define TCP_MSS_MIN	  88U
#define TCP_MSS_DEFAULT	  536U
#define TCP_TSOPT_LEN	  12U
#define TCP_HEADROOM	  104U /* virtio, Ethernet, IPv4, TCP with timestamps */

/* ---- tcp_subr.c */
void tcp_init_pcb(struct tcpcb *tp);
/* What a failed attempt to connect has left, and a new one begins with. */
void tcp_reset_pcb(struct tcpcb *tp);
/* Into the hash table: EADDRNOTAVAIL if there is such a connection. */
int tcp_hash_insert(struct tcpcb *tp);
/* Timestamp clock of a connection. */
static inline uint32_t tcp_ts(uint64_t now, uint32_t offset)
{
	return (uint32_t)(now / NSEC_PER_MSEC) + offset;
}
/* RFC 6528; *ts_offset may be NULL. */
uint32_t tcp_new_isn(uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport, uint64_t now,
    uint32_t *ts_offset);
uint32_t tcp_siphash(uint64_t a, uint64_t b);
uint8_t tcp_scale_for(uint32_t bytes);
/* Segment size and congestion window once route and peer's MSS are known.  => locked */
void tcp_set_mss(struct tcpcb *tp, uint16_t peermss);
/* The connection is over: out of the table, timers off.  The caller has a reference.  => locked */
void tcp_closed(struct tcpcb *tp);
/* The same with an error for the program, and a RST for the peer if it knows of the connection. =>
 * locked */
void tcp_drop(struct tcpcb *tp, int error);
/* Hash of a connection's listener; referenced.  NULL: none. */
struct tcpcb *tcp_find_listener(const struct tcpseg *seg);

/* ---- tcp_segment.c.  All => locked */
/* A segment for a connection; consumes seg->m. */
void tcp_segment(struct tcpcb *tp, struct tcpseg *seg);
void tcp_established(struct tcpcb *tp);
bool tcp_challenge_allowed(void);

/* ---- tcp_data.c */
/* Payload and FIN of an acceptable segment. */
void tcp_data(struct tcpcb *tp, struct tcpseg *seg);
void tcp_reass_free(struct tcpcb *tp);

/* ---- tcp_cc.c */
void tcp_cc_acked(struct tcpcb *tp, uint32_t acked);
void tcp_cc_dupack(struct tcpcb *tp);
/* New data was acknowledged (snd_una has moved): true if that was part of a fast recovery. */
bool tcp_cc_recovery(struct tcpcb *tp, uint32_t acked);
void tcp_cc_timeout(struct tcpcb *tp);
void tcp_rtt_sample(struct tcpcb *tp, uint64_t rtt);

/* ---- tcp_output.c */
/* Send what may be sent.  => locked */
void tcp_output(struct tcpcb *tp);
/* Is there data, or a FIN, that has never been sent?  => locked */
bool tcp_unsent(const struct tcpcb *tp);
/* A segment that belongs to no pcb. */
struct tcpreply {
	uint32_t laddr, faddr;
	uint16_t lport, fport;
	uint32_t seq, ack;
	uint16_t win;
	uint8_t flags;
	bool ts;
	uint32_t tsval, tsecr;
	uint16_t mss;  /* SYN: option; 0: none */
	int8_t wscale; /* SYN: option; -1: none */
};
void tcp_reply(const struct tcpreply *r);
/* RST as an answer to seg (RFC 9293 3.10.7.1). */
void tcp_reply_rst(const struct tcpseg *seg);
uint32_t tcp_rcv_window(const struct tcpcb *tp);

/* ---- tcp_timer.c.  => locked */
void tcp_timer_at(struct tcpcb *tp, enum tcp_timer which, uint64_t deadline);
static inline void tcp_timer_off(struct tcpcb *tp, enum tcp_timer which)
{
	tp->t_deadline[which] = 0;
}
void tcp_timers_stop(struct tcpcb *tp);
void tcp_timer_fire(void *arg);
/* Have an ACK sent before long, unless data takes it along. */
void tcp_delack(struct tcpcb *tp, uint64_t now);
void tcp_timer_init(void);
void tcp_keepalive(struct tcpcb *tp, uint64_t now);

/* ---- tcp_syn.c */
/* A SYN for listener lp (not locked). */
void tcp_syn_input(struct tcpcb *lp, const struct tcpseg *seg);
/* An ACK (or RST) that may complete a handshake: the new connection, locked and referenced, or
 * NULL. *answer: a RST is due. */
struct tcpcb *tcp_syn_complete(const struct tcpseg *seg, bool *answer);
/* => bucket lock held */
struct tcpsyn *tcp_syn_find(struct tcpbucket *tb, const struct tcpseg *seg);
void tcp_syn_init(void);
unsigned tcp_syn_count(void);

/* ---- tcp_timewait.c */
/* The connection enters TIME-WAIT: a tcptw remembers it, the tcpcb is closed.  => locked */
void tcp_timewait(struct tcpcb *tp, uint64_t now);
/* => bucket lock held */
struct tcptw *tcp_tw_find(
    struct tcpbucket *tb, uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport);
/* A segment for it, bucket lock held, released here.  true: a SYN that may begin a new connection.
 */
bool tcp_tw_input(struct tcptw *tw, const struct tcpseg *seg, unsigned bucket, uint32_t *isn_floor);
/* A new connection of ours replaces it, if there is one. */
void tcp_tw_forget(uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport);
void tcp_timewait_init(void);
unsigned tcp_tw_count(void);

/* ---- tcp_sockopt.c */
int tcp_ctloutput(struct socket *so, bool set, int level, int name, void *value, unsigned *len);

#endif
