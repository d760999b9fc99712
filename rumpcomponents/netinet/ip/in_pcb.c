/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local ports.  A pcb is in its table's port hash while it has a port; the
 * table's lock is innermost and held for a few instructions.
 */
#include <kern/random.h>
#include <netinet/in_pcb.h>
#include "ip_impl.h"

#define ANON_FIRST 32768U /* as Linux's ip_local_port_range */
#define ANON_LAST  60999U

void in_pcbtable_init(struct inpcbtable *it)
{
	mutex_init(&it->it_lock, MUTEX_SPIN);
}

int in_pcbaddr(const struct sockaddr *sa, unsigned len, struct sockaddr_in *sin)
{
	if (len < sizeof(*sin))
		return EINVAL;
	memcpy(sin, sa, sizeof(*sin));
	return sin->sin_family == AF_INET ? 0 : EAFNOSUPPORT;
}

/*
 * May two pcbs share a port?  As Linux: if both set SO_REUSEPORT; or both set
 * SO_REUSEADDR and (streams) neither listens; or their addresses differ.
 */
static bool conflict(const struct inpcb *a, const struct inpcb *b, uint32_t laddr)
{
	const struct socket *sa = &a->inp_socket, *sb = &b->inp_socket;
	uint32_t both = sa->so_options & sb->so_options;

	if (laddr != 0 && b->inp_laddr != 0 && laddr != b->inp_laddr)
		return false;
	if (both & SO_BIT(SO_REUSEPORT))
		return false;
	if ((both & SO_BIT(SO_REUSEADDR)) &&
	    (sa->so_proto->pr_type != SOCK_STREAM || !(sb->so_state & SS_LISTENING)))
		return false;
	/* A connection that came in on the port does not keep a new listener with SO_REUSEADDR out.
	 */
	return true;
}

/* => it_lock held. */
static bool port_taken(
    const struct inpcb *inp, struct inpcbtable *it, uint32_t laddr, uint16_t lport, bool anon)
{
	const struct inpcb *p;

	LIST_FOREACH (p, &it->it_port[in_porthash(lport)], inp_porthash)
		if (p != inp && p->inp_lport == lport && (anon || conflict(inp, p, laddr)))
			return true;
	return false;
}

static void insert(struct inpcb *inp, struct inpcbtable *it, uint16_t lport)
{
	inp->inp_lport = lport;
	inp->inp_table = it;
	LIST_INSERT_HEAD(&it->it_port[in_porthash(lport)], inp, inp_porthash);
}

int in_pcbanonport(struct inpcb *inp, struct inpcbtable *it)
{
	uint32_t span = ANON_LAST - ANON_FIRST + 1, start = random_u32() % span, i;
	int error = EADDRINUSE;

	/* Port by port with the lock given up between: interrupts are held off while it is held. */
	for (i = 0; i < span && error; i++) {
		uint16_t port = hton16((uint16_t)(ANON_FIRST + (start + i) % span));

		mutex_enter(&it->it_lock);
		if (!port_taken(inp, it, inp->inp_laddr, port, true)) {
			insert(inp, it, port);
			inp->inp_flags |= INP_ANONPORT;
			error = 0;
		}
		mutex_exit(&it->it_lock);
	}
	return error;
}

int in_pcbbind(struct inpcb *inp, struct inpcbtable *it, const struct sockaddr *sa, unsigned len)
{
	struct sockaddr_in sin;
	uint32_t laddr;
	int error = in_pcbaddr(sa, len, &sin);

	/* As Linux: AF_UNSPEC with the any address is taken for AF_INET. */
	if (error == EAFNOSUPPORT && sin.sin_family == AF_UNSPEC && sin.sin_addr.s_addr == 0)
		error = 0;
	if (error)
		return error;
	if (inp->inp_lport != 0)
		return EINVAL;
	laddr = sin.sin_addr.s_addr;
	if (laddr != 0 && !in_ours(laddr) &&
	    (inp->inp_socket.so_proto->pr_type == SOCK_STREAM ||
		(!in_broadcast(NULL, laddr) && !IP4_MULTICAST(laddr))))
		return EADDRNOTAVAIL;
	if (sin.sin_port == 0) {
		inp->inp_laddr = laddr;
		error = in_pcbanonport(inp, it);
		inp->inp_flags &= (uint8_t)~INP_ANONPORT;
	} else {
		mutex_enter(&it->it_lock);
		error = port_taken(inp, it, laddr, sin.sin_port, false) ? EADDRINUSE : 0;
		if (!error) {
			inp->inp_laddr = laddr;
			insert(inp, it, sin.sin_port);
		}
		mutex_exit(&it->it_lock);
	}
	if (error)
		inp->inp_laddr = 0;
	else if (laddr != 0)
		inp->inp_flags |= INP_BOUNDADDR;
	return error;
}

void in_pcbunbind(struct inpcb *inp)
{
	struct inpcbtable *it = inp->inp_table;

	if (!it || inp->inp_lport == 0)
		return;
	mutex_enter(&it->it_lock);
	LIST_REMOVE(inp, inp_porthash);
	mutex_exit(&it->it_lock);
	inp->inp_table = NULL;
}

int in_pcbname(struct socket *so, struct sockaddr *sa, unsigned *len, bool peer)
{
	const struct inpcb *inp = so_inpcb(so);
	struct sockaddr_in sin;

	if (peer && !(so->so_state & SS_ISCONNECTED))
		return ENOTCONN;
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = peer ? inp->inp_faddr : inp->inp_laddr;
	sin.sin_port = peer ? inp->inp_fport : inp->inp_lport;
	memcpy(sa, &sin, sizeof(sin));
	*len = sizeof(sin);
	return 0;
}
