/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of level IPPROTO_TCP, with Linux's numbers and answers. */
#include <netinet/tcp.h>
#include "tcp_impl.h"

/* Linux's numbers of our states, by enum tcp_state. */
static const uint8_t linux_state[] = {TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT, TCP_SYN_RECV,
    TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_FIN_WAIT1, TCP_CLOSING, TCP_LAST_ACK, TCP_FIN_WAIT2};

static int set_flag(struct tcpcb *tp, uint32_t flag, int on)
{
	uint32_t was = tp->t_flags & flag;

	tp->t_flags = on ? tp->t_flags | flag : tp->t_flags & ~flag;
	/* Pulling the cork, or no delay any more: what was held back goes. */
	if (flag == TF_CORK && !on) {
		tcp_timer_off(tp, TT_PERSIST);
		tp->t_flags &= ~(uint32_t)TF_MORE;
	}
	if (tp->t_state >= TCP_ESTAB &&
	    ((flag == TF_CORK && was && !on) || (flag == TF_NODELAY && on && !was)) &&
	    tp_so(tp)->so_snd.sb_cc > tp->snd_nxt - tp->snd_una)
		tcp_output(tp);
	return 0;
}

static int set_range(uint32_t *to, int n, int lo, int hi)
{
	if (n < lo || n > hi)
		return EINVAL;
	*to = (uint32_t)n;
	return 0;
}

static int set_option(struct tcpcb *tp, int name, int n)
{
	int error;

	switch (name) {
	case TCP_NODELAY:
		return set_flag(tp, TF_NODELAY, n);
	case TCP_CORK:
		return set_flag(tp, TF_CORK, n);
	case TCP_MAXSEG:
		return set_range(&tp->t_usermss, n, (int)TCP_MSS_MIN, 32767);
	case TCP_KEEPIDLE:
		error = set_range(&tp->t_keepidle, n, 1, 32767);
		if (!error && tp->t_state >= TCP_ESTAB)
			tcp_keepalive(tp, tp->t_rcvtime);
		return error;
	case TCP_KEEPINTVL:
		return set_range(&tp->t_keepintvl, n, 1, 32767);
	case TCP_KEEPCNT:
		return set_range(&tp->t_keepcnt, n, 1, 127);
	case TCP_USER_TIMEOUT:
		return set_range(&tp->t_usertimeout, n, 0, INT32_MAX);
	case TCP_SYNCNT:
	case TCP_LINGER2:
	case TCP_DEFER_ACCEPT:
	case TCP_WINDOW_CLAMP:
	case TCP_QUICKACK:
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

static void fill_info(const struct tcpcb *tp, struct tcp_info *ti)
{
	memset(ti, 0, sizeof(*ti));
	ti->tcpi_state = linux_state[tp->t_state];
	ti->tcpi_retransmits = tp->t_rxtshift;
	ti->tcpi_options = (tp->t_flags & TF_TS ? 1 : 0) | (tp->t_flags & TF_WSCALE ? 4 : 0);
	ti->tcpi_snd_wscale = tp->snd_wscale & 15;
	ti->tcpi_rcv_wscale = tp->rcv_wscale & 15;
	ti->tcpi_rto = (uint32_t)(tp->t_rto / 1000);
	ti->tcpi_ato = (uint32_t)(TCP_DELACK / 1000);
	ti->tcpi_snd_mss = ti->tcpi_rcv_mss = tp->t_maxseg;
	ti->tcpi_rtt = tp->t_srtt;
	ti->tcpi_rttvar = tp->t_rttvar;
	ti->tcpi_snd_ssthresh = tp->snd_ssthresh / tp->t_maxseg;
	ti->tcpi_snd_cwnd = tp->snd_cwnd / tp->t_maxseg;
	ti->tcpi_unacked = (tp->snd_max - tp->snd_una + tp->t_maxseg - 1) / tp->t_maxseg;
	ti->tcpi_pmtu = tp->t_inpcb.inp_route.rt_mtu;
	ti->tcpi_advmss = tp->t_maxseg;
	ti->tcpi_rcv_space = tp->t_inpcb.inp_socket.so_rcv.sb_hiwat;
}

static int get_option(const struct tcpcb *tp, int name, int *n)
{
	switch (name) {
	case TCP_NODELAY:
		*n = !!(tp->t_flags & TF_NODELAY);
		return 0;
	case TCP_CORK:
		*n = !!(tp->t_flags & TF_CORK);
		return 0;
	case TCP_MAXSEG:
		*n = (int)(tp->t_state >= TCP_ESTAB || !tp->t_usermss ? tp->t_maxseg
								      : tp->t_usermss);
		return 0;
	case TCP_KEEPIDLE:
		*n = (int)tp->t_keepidle;
		return 0;
	case TCP_KEEPINTVL:
		*n = (int)tp->t_keepintvl;
		return 0;
	case TCP_KEEPCNT:
		*n = (int)tp->t_keepcnt;
		return 0;
	case TCP_USER_TIMEOUT:
		*n = (int)tp->t_usertimeout;
		return 0;
	case TCP_SYNCNT:
		*n = TCP_SYN_REXMT_MAX;
		return 0;
	case TCP_LINGER2:
		*n = (int)(TCP_FINWAIT2 / NSEC_PER_SEC);
		return 0;
	case TCP_DEFER_ACCEPT:
	case TCP_WINDOW_CLAMP:
		*n = 0;
		return 0;
	case TCP_QUICKACK:
		*n = 1;
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

int tcp_ctloutput(struct socket *so, bool set, int level, int name, void *value, unsigned *len)
{
	struct tcpcb *tp = so_tcpcb(so);
	struct tcp_info ti;
	int n = 0, error;

	if (level != IPPROTO_TCP)
		return in_ctloutput(so, set, level, name, value, len);
	if (set) {
		if (name == TCP_CONGESTION)
			return *len >= 4 && memcmp(value, "reno", 4) == 0 ? 0 : ENOENT;
		if (*len < sizeof(n))
			return EINVAL;
		memcpy(&n, value, sizeof(n));
		return set_option(tp, name, n);
	}
	if (name == TCP_INFO) {
		fill_info(tp, &ti);
		*len = KMIN(*len, (unsigned)sizeof(ti));
		memcpy(value, &ti, *len);
		return 0;
	}
	if (name == TCP_CONGESTION) {
		*len = KMIN(*len, 16U);
		memset(value, 0, *len);
		memcpy(value, "reno", KMIN(*len, 4U));
		return 0;
	}
	error = get_option(tp, name, &n);
	if (error)
		return error;
	*len = KMIN(*len, (unsigned)sizeof(n));
	memcpy(value, &n, *len);
	return 0;
}
