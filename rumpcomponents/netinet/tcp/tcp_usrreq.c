/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP sockets: what the program does with them. */
#include <kern/kmem.h>
#include "tcp_impl.h"

static int attach(struct socket *so, int protocol)
{
	(void)protocol;
	tcp_init_pcb(so_tcpcb(so));
	return 0;
}

static int bind_name(struct socket *so, const struct sockaddr *sa, unsigned len)
{
	return in_pcbbind(so_inpcb(so), &tcp_table, sa, len);
}

/* Another listener on the port that does not share it?  => it_lock held. */
static bool listener_conflict(const struct inpcb *inp)
{
	const struct inpcb *p;

	LIST_FOREACH (p, &tcp_table.it_port[in_porthash(inp->inp_lport)], inp_porthash)
		if (p != inp && p->inp_lport == inp->inp_lport &&
		    ((const struct tcpcb *)p)->t_state == TCP_LISTEN_STATE &&
		    (p->inp_laddr == 0 || inp->inp_laddr == 0 || p->inp_laddr == inp->inp_laddr) &&
		    !(p->inp_socket.so_options & inp->inp_socket.so_options & SO_BIT(SO_REUSEPORT)))
			return true;
	return false;
}

/* What a connect that failed has left behind; the port and address the program chose stay. */
static void forget_attempt(struct socket *so)
{
	struct inpcb *inp = so_inpcb(so);

	so->so_state &= (uint16_t) ~(SS_CANTRCVMORE | SS_CANTSENDMORE);
	if (!inp->inp_table)
		inp->inp_lport = 0;
	if (!(inp->inp_flags & INP_BOUNDADDR))
		inp->inp_laddr = 0;
	inp->inp_faddr = 0;
	inp->inp_fport = 0;
	tcp_reset_pcb(so_tcpcb(so));
}

static int listen_now(struct socket *so)
{
	struct tcpcb *tp = so_tcpcb(so);
	struct inpcb *inp = &tp->t_inpcb;
	int error = 0;

	if (tp->t_state == TCP_LISTEN_STATE)
		return 0;
	if (tp->t_state != TCP_CLOSED || (so->so_state & SS_WASCONNECTED))
		return EINVAL;
	if (so->so_error)
		return EINVAL; /* as Linux: a failed connect that the program has yet to hear of */
	forget_attempt(so);
	if (inp->inp_lport == 0)
		error = in_pcbanonport(inp, &tcp_table);
	if (error)
		return error;
	mutex_enter(&tcp_table.it_lock);
	if (listener_conflict(inp))
		error = EADDRINUSE;
	else
		tp->t_state = TCP_LISTEN_STATE;
	mutex_exit(&tcp_table.it_lock);
	return error;
}

static int connect_to(struct socket *so, const struct sockaddr *sa, unsigned len)
{
	struct tcpcb *tp = so_tcpcb(so);
	struct inpcb *inp = &tp->t_inpcb;
	struct sockaddr_in sin;
	uint64_t now = nanouptime();
	int error;

	if (sa->sa_family == AF_UNSPEC)
		return 0; /* dissolves what is not there */
	error = in_pcbaddr(sa, len, &sin);
	if (error)
		return error;
	if (so->so_state & SS_WASCONNECTED)
		return EISCONN; /* a connection that is over cannot begin again here */
	if (sin.sin_addr.s_addr == 0)
		sin.sin_addr.s_addr = hton32(0x7f000001);
	error = ip_route(sin.sin_addr.s_addr, &inp->inp_route);
	if (error)
		return error;
	if (inp->inp_route.rt_broadcast || IP4_MULTICAST(sin.sin_addr.s_addr))
		return ENETUNREACH;
	forget_attempt(so); /* a try before this one may have failed */
	if (!(inp->inp_flags & INP_BOUNDADDR))
		inp->inp_laddr =
		    IP4_LOOPBACK(sin.sin_addr.s_addr) ? hton32(0x7f000001) : inp->inp_route.rt_src;
	if (inp->inp_lport == 0)
		error = in_pcbanonport(inp, &tcp_table);
	if (error)
		return error == EADDRINUSE ? EADDRNOTAVAIL : error;
	inp->inp_faddr = sin.sin_addr.s_addr;
	inp->inp_fport = sin.sin_port;
	tp->iss = tcp_new_isn(
	    inp->inp_laddr, inp->inp_lport, inp->inp_faddr, inp->inp_fport, now, &tp->ts_offset);
	tp->snd_una = tp->snd_nxt = tp->snd_max = tp->snd_recover = tp->iss;
	tp->rcv_wscale = tcp_scale_for(so->so_rcv.sb_hiwat);
	tp->t_flags |= TF_OFFERTS;
	error = tcp_hash_insert(tp);
	if (error) {
		inp->inp_faddr = 0;
		inp->inp_fport = 0;
		return error;
	}
	tcp_tw_forget(inp->inp_laddr, inp->inp_lport, inp->inp_faddr, inp->inp_fport);
	tp->t_state = TCP_SYN_SENT_STATE;
	so->so_state |= SS_ISCONNECTING;
	tp->t_stalled = now;
	tcp_output(tp);
	return EINPROGRESS;
}

/* No more data from us: FIN after what is queued. */
static void finish(struct tcpcb *tp)
{
	switch (tp->t_state) {
	case TCP_SYN_RECEIVED: /* when the peer has answered our SYN: ack_arrives() */
		return;
	case TCP_ESTAB:
		tp->t_state = TCP_FIN_WAIT_1;
		break;
	case TCP_CLOSE_WAIT_STATE:
		tp->t_state = TCP_LAST_ACK_STATE;
		break;
	default:
		return;
	}
	tcp_output(tp);
}

static int shut(struct socket *so, int how)
{
	struct tcpcb *tp = so_tcpcb(so);

	if (tp->t_state == TCP_LISTEN_STATE) {
		if (how == SHUT_WR)
			return 0;
		/* As Linux: it stops listening, and who waits in accept() is woken. */
		mutex_enter(&tcp_table.it_lock);
		tp->t_state = TCP_CLOSED;
		mutex_exit(&tcp_table.it_lock);
		so->so_state &= (uint16_t)~SS_LISTENING;
		return 0;
	}
	if (how != SHUT_RD) {
		if (tp->t_state == TCP_SYN_SENT_STATE)
			tcp_closed(tp);
		else
			finish(tp);
	}
	return 0;
}

/* SO_LINGER with a time: until everything is acknowledged. */
static void linger(struct tcpcb *tp)
{
	struct socket *so = tp_so(tp);
	uint64_t deadline = nanouptime() + (uint64_t)so->so_linger * NSEC_PER_SEC;

	while (tp->t_state == TCP_FIN_WAIT_1 || tp->t_state == TCP_CLOSING_STATE ||
	       tp->t_state == TCP_LAST_ACK_STATE)
		if (cv_timedwait_sig(&so->so_snd.sb_cv, so->so_lock, deadline) != 0)
			break;
}

static void close_socket(struct socket *so)
{
	struct tcpcb *tp = so_tcpcb(so);
	bool listening;

	mutex_enter(so->so_lock);
	so->so_state |= SS_NOFDREF;
	listening = tp->t_state == TCP_LISTEN_STATE || so->so_qlimit > 0;
	if (listening || tp->t_state <= TCP_SYN_SENT_STATE) {
		if (tp->t_state == TCP_CLOSED)
			in_pcbunbind(&tp->t_inpcb);
		so->so_state &= (uint16_t)~SS_LISTENING;
		tcp_closed(tp);
	} else if (so->so_linger == 0 || so->so_rcv.sb_cc > 0) {
		/* Asked for, or data that nobody will read: the peer must know (RFC 2525 2.17). */
		tcp_drop(tp, 0);
	} else {
		tp->t_flags &= ~(uint32_t)(TF_CORK | TF_MORE);
		tp->t_stalled = nanouptime(); /* from now on its time is limited */
		finish(tp);
		if (tp->t_state == TCP_FIN_WAIT_2)
			tcp_timer_at(tp, TT_FINWAIT, nanouptime() + TCP_FINWAIT2);
		if (so->so_linger > 0)
			linger(tp);
	}
	mutex_exit(so->so_lock);
	if (listening)
		soabortqueue(so);
}

static void free_socket(struct socket *so)
{
	tcp_reass_free(so_tcpcb(so));
}

static void abort_connection(struct socket *so)
{
	mutex_enter(so->so_lock);
	so->so_state |= SS_NOFDREF;
	if (so_tcpcb(so)->t_state != TCP_CLOSED)
		tcp_drop(so_tcpcb(so), 0);
	mutex_exit(so->so_lock);
}

static int send_data(struct socket *so, struct mbuf *m, bool more)
{
	struct tcpcb *tp = so_tcpcb(so);

	sbappendstream(&so->so_snd, m);
	tp->t_flags = more ? tp->t_flags | TF_MORE : tp->t_flags & ~(uint32_t)TF_MORE;
	tcp_output(tp);
	return 0;
}

/* The program has read: tell the peer of the room, if it is worth a segment. */
static void received(struct socket *so)
{
	struct tcpcb *tp = so_tcpcb(so);
	uint32_t offered = tp->rcv_adv - tp->rcv_nxt, gain;

	if (tp->t_state < TCP_ESTAB)
		return;
	gain = tcp_rcv_window(tp);
	gain = gain > offered ? gain - offered : 0;
	if (gain >= so->so_rcv.sb_hiwat / 4 &&
	    (gain >= 2 * tp->t_maxseg || 2 * gain >= so->so_rcv.sb_hiwat))
		tcp_output(tp);
}

static void changed(struct socket *so)
{
	struct tcpcb *tp = so_tcpcb(so);

	if (tp->t_state >= TCP_ESTAB)
		tcp_keepalive(tp, nanouptime());
}

static const struct protosw tcp_protosw = {
    .pr_domain = AF_INET,
    .pr_type = SOCK_STREAM,
    .pr_flags = PR_CONNREQUIRED | PR_LISTEN,
    .pr_protocol = IPPROTO_TCP,
    .pr_pool = &tcp_pool,
    .pr_attach = attach,
    .pr_close = close_socket,
    .pr_free = free_socket,
    .pr_bind = bind_name,
    .pr_listen = listen_now,
    .pr_connect = connect_to,
    .pr_shutdown = shut,
    .pr_name = in_pcbname,
    .pr_ctloutput = tcp_ctloutput,
    .pr_sosend = sosend_stream,
    .pr_soreceive = soreceive_stream,
    .pr_send = send_data,
    .pr_rcvd = received,
    .pr_abort = abort_connection,
    .pr_ioctl = in_ioctl,
    .pr_changed = changed,
};
LINK_SET_ADD(protosws, tcp_protosw);
