/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP sockets: what the program does with them. */
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/uio.h>
#include "udp_impl.h"

#define UDP_MAXLEN (65535U - 20 - 8)

struct inpcbtable udp_table;
static POOL_DEFINE(udp_pool, sizeof(struct inpcb), "udpcb");

int udp_output(struct mbuf *m, uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport,
    const struct inpcb *inp, const struct iproute *rt)
{
	struct ipout out = {.dst = faddr, .protocol = IP4_P_UDP, .rt = rt};
	struct udphdr4 *uh;

	m = m_prepend(m, sizeof(*uh));
	if (!m)
		return ENOBUFS;
	out.src = laddr ? laddr : rt->rt_src;
	if (inp) {
		out.ttl = inp->inp_ttl;
		out.tos = inp->inp_tos;
	}
	/* Multicast stays on the link unless told otherwise. */
	if (IP4_MULTICAST(faddr))
		out.ttl = 1;
	uh = (struct udphdr4 *)m->m_data;
	uh->uh_sport = lport;
	uh->uh_dport = fport;
	uh->uh_len = hton16((uint16_t)m->m_pktlen);
	uh->uh_sum = in_cksum_fold(in_pseudo(out.src, faddr, IP4_P_UDP, m->m_pktlen));
	m->m_csum_flags = MCSUM_TX_L4;
	m->m_csum_start = 0;
	m->m_csum_offset = offsetof(struct udphdr4, uh_sum);
	m->m_hdrlen = sizeof(*uh);
	return ip_output(m, &out);
}

/* Where a send goes.  Fills *to and *rt.  => locked. */
static int destination(
    struct inpcb *inp, const struct sockmsg *sm, struct sockaddr_in *to, struct iproute *rt)
{
	struct socket *so = &inp->inp_socket;
	int error = sogeterror(so);

	if (error)
		return error;
	if (so->so_state & SS_CANTSENDMORE)
		return EPIPE;
	if (sm->sm_name) {
		error = in_pcbaddr(sm->sm_name, sm->sm_namelen, to);
		if (error == EAFNOSUPPORT && to->sin_family == AF_UNSPEC)
			error = 0;
		if (error)
			return error;
		if (to->sin_port == 0)
			return EINVAL;
	} else {
		if (inp->inp_fport == 0)
			return EDESTADDRREQ;
		to->sin_addr.s_addr = inp->inp_faddr;
		to->sin_port = inp->inp_fport;
	}
	if (to->sin_addr.s_addr == 0)
		to->sin_addr.s_addr = hton32(0x7f000001);
	if (!sm->sm_name || to->sin_addr.s_addr == inp->inp_faddr) {
		error = in_pcbroute(inp);
		*rt = inp->inp_route;
	} else {
		error = ip_route(to->sin_addr.s_addr, rt);
	}
	if (error)
		return error;
	if (rt->rt_broadcast && !(so->so_options & SO_BIT(SO_BROADCAST)))
		return EACCES;
	return inp->inp_lport == 0 ? in_pcbanonport(inp, &udp_table) : 0;
}

static int udp_sosend(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	struct inpcb *inp = so_inpcb(so);
	struct sockaddr_in to;
	struct iproute rt;
	struct mbuf *m;
	uint32_t laddr;
	uint16_t lport;
	int error;

	if (sm->sm_flags & MSG_OOB)
		return EOPNOTSUPP;
	if (uio->uio_resid > UDP_MAXLEN)
		return EMSGSIZE;
	mutex_enter(so->so_lock);
	error = destination(inp, sm, &to, &rt);
	laddr = inp->inp_laddr;
	lport = inp->inp_lport;
	mutex_exit(so->so_lock);
	if (error)
		return error;
	error = souiocopy(uio, uio->uio_resid, &m);
	if (error)
		return error;
	return udp_output(m, laddr, lport, to.sin_addr.s_addr, to.sin_port, inp, &rt);
}

static int udp_attach(struct socket *so, int protocol)
{
	(void)so;
	(void)protocol;
	return 0;
}

static int udp_bind(struct socket *so, const struct sockaddr *sa, unsigned len)
{
	return in_pcbbind(so_inpcb(so), &udp_table, sa, len);
}

static int udp_connect(struct socket *so, const struct sockaddr *sa, unsigned len)
{
	struct inpcb *inp = so_inpcb(so);
	struct sockaddr_in sin;
	struct iproute rt;
	int error;

	if (sa->sa_family == AF_UNSPEC) {
		mutex_enter(&udp_table.it_lock);
		inp->inp_faddr = 0;
		inp->inp_fport = 0;
		if (!(inp->inp_flags & INP_BOUNDADDR))
			inp->inp_laddr = 0;
		mutex_exit(&udp_table.it_lock);
		so->so_state &= (uint16_t)~SS_ISCONNECTED;
		return 0;
	}
	error = in_pcbaddr(sa, len, &sin);
	if (error)
		return error;
	if (sin.sin_addr.s_addr == 0)
		sin.sin_addr.s_addr = hton32(0x7f000001);
	error = ip_route(sin.sin_addr.s_addr, &rt);
	if (!error && rt.rt_broadcast && !(so->so_options & SO_BIT(SO_BROADCAST)))
		error = EACCES;
	if (!error && inp->inp_lport == 0)
		error = in_pcbanonport(inp, &udp_table);
	if (error)
		return error;
	mutex_enter(&udp_table.it_lock);
	if (inp->inp_laddr == 0 || !(inp->inp_flags & INP_BOUNDADDR))
		inp->inp_laddr = rt.rt_src == sin.sin_addr.s_addr &&
					 rt.rt_ifp->if_flags & IFF_LOOPBACK &&
					 IP4_LOOPBACK(rt.rt_src)
				     ? hton32(0x7f000001)
				     : rt.rt_src;
	inp->inp_faddr = sin.sin_addr.s_addr;
	inp->inp_fport = sin.sin_port;
	mutex_exit(&udp_table.it_lock);
	inp->inp_route = rt;
	soisconnected(so);
	return 0;
}

static int udp_shutdown(struct socket *so, int how)
{
	(void)so;
	(void)how;
	return 0;
}

static void udp_close(struct socket *so)
{
	mutex_enter(so->so_lock);
	so->so_state |= SS_NOFDREF;
	in_pcbunbind(so_inpcb(so));
	mutex_exit(so->so_lock);
}

static const struct protosw udp_protosw = {
    .pr_domain = AF_INET,
    .pr_type = SOCK_DGRAM,
    .pr_flags = PR_ATOMIC,
    .pr_protocol = IPPROTO_UDP,
    .pr_pool = &udp_pool,
    .pr_attach = udp_attach,
    .pr_close = udp_close,
    .pr_bind = udp_bind,
    .pr_connect = udp_connect,
    .pr_shutdown = udp_shutdown,
    .pr_name = in_pcbname,
    .pr_ctloutput = in_ctloutput,
    .pr_sosend = udp_sosend,
    .pr_soreceive = soreceive_dgram,
    .pr_ioctl = in_ioctl,
};
LINK_SET_ADD(protosws, udp_protosw);

static int udp_start(void)
{
	in_pcbtable_init(&udp_table);
	return 0;
}
RUMP_COMPONENT(netinet_udp, RUMP_PHASE_KERN, udp_start);
