/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix-domain sockets: life, connections. */
#include <kern/component.h>
#include "unix_impl.h"

kmutex_t unix_lock;
static POOL_DEFINE(unix_pool, sizeof(struct unixpcb), "unixpcb");

static int attach(struct socket *so, int protocol)
{
	(void)protocol;
	so->so_lock = &unix_lock;
	cv_init(&so_unixpcb(so)->unp_space, "unixsend");
	return 0;
}

/* => locked.  a and b know each other from now on. */
static void join(struct unixpcb *a, struct unixpcb *b)
{
	soref(&a->unp_socket);
	soref(&b->unp_socket);
	a->unp_peer = b;
	b->unp_peer = a;
	soisconnected(&a->unp_socket);
	soisconnected(&b->unp_socket);
}

static int connect2(struct socket *a, struct socket *b)
{
	mutex_enter(&unix_lock);
	join(so_unixpcb(a), so_unixpcb(b));
	mutex_exit(&unix_lock);
	return 0;
}

/* => locked.  *drop: a peer whose reference the caller releases without the lock. */
static void part(struct unixpcb *unp, int error, struct unixpcb **drop)
{
	struct unixpcb *peer = unp->unp_peer;

	unp->unp_peer = NULL;
	*drop = peer;
	if (!peer)
		return;
	cv_broadcast(&peer->unp_space);
	/* Who sends to a datagram socket that has gone hears ECONNREFUSED when it tries. */
	if (unp->unp_socket.so_proto->pr_type == SOCK_DGRAM)
		return;
	if (peer->unp_peer == unp) {
		peer->unp_peer = NULL;
		sorele(&unp->unp_socket);
	}
	if (error)
		peer->unp_socket.so_error = error;
	peer->unp_socket.so_state &= (uint16_t)~SS_ISCONNECTED;
	soisdisconnected(&peer->unp_socket);
}

/* accepted: the program ever had a descriptor for it. */
static void finish(struct socket *so, bool accepted)
{
	struct unixpcb *unp = so_unixpcb(so), *drop = NULL;
	bool listening;

	mutex_enter(&unix_lock);
	so->so_state |= SS_NOFDREF | SS_CANTRCVMORE | SS_CANTSENDMORE;
	listening = so->so_state & SS_LISTENING;
	so->so_state &= (uint16_t)~SS_LISTENING;
	unix_unbind(unp);
	unix_want_nothing(unp);
	if (so->so_proto->pr_type == SOCK_DGRAM)
		unix_wake_wanting();
	part(unp, so->so_rcv.sb_mb || !accepted ? ECONNRESET : 0, &drop);
	cv_broadcast(&unp->unp_space);
	cv_broadcast(&so->so_snd.sb_cv); /* who waits to connect */
	mutex_exit(&unix_lock);
	if (drop)
		sorele(&drop->unp_socket);
	if (listening)
		soabortqueue(so);
	/* Nobody puts anything there any more; who still has a reference does not look at it. */
	unix_flush(&so->so_rcv);
}

static void close_socket(struct socket *so)
{
	finish(so, true);
}

static void abort_socket(struct socket *so)
{
	finish(so, false);
}

static void free_socket(struct socket *so)
{
	unix_flush(&so->so_rcv);
	cv_destroy(&so_unixpcb(so)->unp_space);
}

static int listen_now(struct socket *so)
{
	/* The queue may have grown. */
	cv_broadcast(&so->so_snd.sb_cv);
	return so_unixpcb(so)->unp_namelen > 0 ? 0 : EINVAL;
}

/* => locked.  A datagram socket's default destination. */
static int connect_dgram(struct unixpcb *unp, const struct sockaddr *sa, unsigned len)
{
	struct unixpcb *to = NULL, *old = unp->unp_peer;
	int error = 0;

	if (sa->sa_family != AF_UNSPEC)
		error = unix_lookup(sa, len, SOCK_DGRAM, &to);
	if (error)
		return error;
	if (to)
		soref(&to->unp_socket);
	unp->unp_peer = to;
	if (to) {
		soisconnected(&unp->unp_socket);
	} else {
		unp->unp_socket.so_state &= (uint16_t)~SS_ISCONNECTED;
		sowwakeup(&unp->unp_socket);
	}
	if (old) {
		cv_broadcast(&old->unp_space);
		/* A socketpair comes apart. */
		if (old->unp_peer == unp) {
			old->unp_peer = NULL;
			cv_broadcast(&unp->unp_space);
			sowwakeup(&old->unp_socket);
			sorele(&unp->unp_socket);
		}
		/* It may be the last: freeing closes descriptors, which may be such sockets. */
		mutex_exit(&unix_lock);
		sorele(&old->unp_socket);
		mutex_enter(&unix_lock);
	}
	return 0;
}

static int connect_to(struct socket *so, const struct sockaddr *sa, unsigned len)
{
	struct unixpcb *unp = so_unixpcb(so), *lp, *child;
	struct socket *lso, *cso;
	int error;

	if (so->so_proto->pr_type == SOCK_DGRAM)
		return connect_dgram(unp, sa, len);
	if (so->so_state & SS_WASCONNECTED)
		return EISCONN;
	error = unix_lookup(sa, len, so->so_proto->pr_type, &lp);
	if (error)
		return error;
	lso = &lp->unp_socket;
	if (!(lso->so_state & SS_LISTENING) || (lso->so_state & SS_CANTRCVMORE))
		return ECONNREFUSED;
	if (lso->so_qlen >= lso->so_qlimit)
		return EAGAIN;
	cso = soalloc(so->so_proto);
	if (!cso)
		return ENOMEM;
	(void)attach(cso, 0);
	child = so_unixpcb(cso);
	child->unp_name = lp->unp_name;
	child->unp_namelen = lp->unp_namelen;
	cso->so_rcv.sb_hiwat = lso->so_rcv.sb_hiwat;
	join(unp, child);
	return soqueue(lso, cso); /* cannot fail: looked at above */
}

/* Until somebody leaves the queue of the listener of that name. */
static int wait_to_connect(struct socket *so, const struct sockaddr *sa, unsigned len)
{
	struct unixpcb *lp;
	struct socket *lso;
	int error = unix_lookup(sa, len, so->so_proto->pr_type, &lp);

	if (error)
		return error;
	lso = &lp->unp_socket;
	/* It may have changed already: then connecting says what is wrong. */
	if (!(lso->so_state & SS_LISTENING) || (lso->so_state & SS_CANTRCVMORE) ||
	    lso->so_qlen < lso->so_qlimit)
		return 0;
	soref(lso);
	error = unix_wait(so, &lso->so_snd.sb_cv);
	mutex_exit(&unix_lock);
	sorele(lso);
	mutex_enter(&unix_lock);
	return error;
}

static int shut(struct socket *so, int how)
{
	struct unixpcb *peer = so_unixpcb(so)->unp_peer;

	if (peer && so->so_proto->pr_type != SOCK_DGRAM) {
		if (how != SHUT_RD)
			socantrcvmore(&peer->unp_socket);
		if (how != SHUT_WR)
			socantsendmore(&peer->unp_socket);
	}
	cv_broadcast(&so_unixpcb(so)->unp_space);
	if (peer)
		cv_broadcast(&peer->unp_space);
	return 0;
}

static int name(struct socket *so, struct sockaddr *sa, unsigned *len, bool peer)
{
	const struct unixpcb *u = so_unixpcb(so);

	if (peer) {
		u = u->unp_peer;
		if (!u)
			return ENOTCONN;
	}
	*len = sizeof(sa_family_t);
	sa->sa_family = AF_UNIX;
	if (u->unp_namelen > 0) {
		memcpy(sa, &u->unp_name, u->unp_namelen);
		*len = u->unp_namelen;
	}
	return 0;
}

static int ctloutput(struct socket *so, bool set, int level, int opt, void *value, unsigned *len)
{
	struct ucred cred = {.pid = 1};

	if (set || level != SOL_SOCKET || opt != SO_PEERCRED)
		return level == SOL_SOCKET ? ENOPROTOOPT : EOPNOTSUPP;
	if (!so_unixpcb(so)->unp_peer)
		cred = (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	*len = KMIN(*len, (unsigned)sizeof(cred));
	memcpy(value, &cred, *len);
	return 0;
}

static int ready(struct socket *so, int events)
{
	const struct unixpcb *peer;
	int r = 0;

	mutex_enter(&unix_lock);
	peer = so_unixpcb(so)->unp_peer;
	if (so->so_state & SS_LISTENING) {
		if (so->so_qlen > 0 || (so->so_state & SS_CANTRCVMORE))
			r = POLLIN | POLLRDNORM;
		mutex_exit(&unix_lock);
		return r & events;
	}
	if (so->so_rcv.sb_mb || (so->so_state & SS_CANTRCVMORE))
		r |= POLLIN | POLLRDNORM;
	if (so->so_state & SS_CANTRCVMORE)
		r |= POLLRDHUP;
	if (so->so_error)
		r |= POLLERR;
	if (unix_writable(so_unixpcb(so)))
		r |= POLLOUT | POLLWRNORM;
	else if (events & (POLLOUT | POLLWRNORM))
		unix_want_room(so_unixpcb(so));
	if ((so->so_state & SS_CANTRCVMORE) && (so->so_state & SS_CANTSENDMORE))
		r |= POLLHUP;
	if (!peer && (so->so_proto->pr_flags & PR_CONNREQUIRED))
		r |= POLLHUP;
	mutex_exit(&unix_lock);
	return r & (events | POLLERR | POLLHUP);
}

#define UNIX_PROTOSW(var, type, flags, listenfn)                                                   \
	static const struct protosw var = {.pr_domain = AF_UNIX,                                   \
	    .pr_type = type,                                                                       \
	    .pr_flags = flags,                                                                     \
	    .pr_pool = &unix_pool,                                                                 \
	    .pr_attach = attach,                                                                   \
	    .pr_close = close_socket,                                                              \
	    .pr_free = free_socket,                                                                \
	    .pr_bind = unix_bind,                                                                  \
	    .pr_listen = listenfn,                                                                 \
	    .pr_connect = connect_to,                                                              \
	    .pr_connwait = wait_to_connect,                                                        \
	    .pr_shutdown = shut,                                                                   \
	    .pr_name = name,                                                                       \
	    .pr_ctloutput = ctloutput,                                                             \
	    .pr_sosend = unix_sosend,                                                              \
	    .pr_soreceive = unix_soreceive,                                                        \
	    .pr_abort = abort_socket,                                                              \
	    .pr_connect2 = connect2,                                                               \
	    .pr_poll = ready};                                                                     \
	LINK_SET_ADD(protosws, var)

UNIX_PROTOSW(unix_stream, SOCK_STREAM, PR_ATOMIC | PR_CONNREQUIRED | PR_LISTEN, listen_now);
UNIX_PROTOSW(unix_seqpacket, SOCK_SEQPACKET, PR_ATOMIC | PR_CONNREQUIRED | PR_LISTEN, listen_now);
UNIX_PROTOSW(unix_dgram, SOCK_DGRAM, PR_ATOMIC, NULL);

static int unix_start(void)
{
	mutex_init(&unix_lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(net_unix, RUMP_PHASE_PROTO, unix_start);
