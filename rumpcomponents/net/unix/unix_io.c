/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix-domain sockets: sending and receiving. */
#include <kern/ktime.h>
#include "unix_impl.h"

#define PIECE_MAX 65536U

static struct unix_aux *aux_of(const struct mbuf *m)
{
	return (struct unix_aux *)(uintptr_t)m->m_cookie;
}

void unix_flush(struct sockbuf *sb)
{
	struct mbuf *m;

	while ((m = sbtakerecord(sb)) != NULL) {
		unix_free_aux(aux_of(m));
		m_freem(m);
	}
}

/* Where a send goes, referenced if there is no error.  => locked */
static int destination(struct unixpcb *unp, const struct sockmsg *sm, struct unixpcb **top)
{
	struct socket *so = &unp->unp_socket;
	struct unixpcb *to = unp->unp_peer;
	int error = sogeterror(so);

	if (error)
		return error;
	if (so->so_state & SS_CANTSENDMORE)
		return EPIPE;
	if (so->so_proto->pr_type != SOCK_DGRAM) {
		if (sm->sm_name)
			return to ? EISCONN : EOPNOTSUPP;
		if (!to)
			return so->so_state & SS_WASCONNECTED ? EPIPE : ENOTCONN;
	} else if (sm->sm_name) {
		error = unix_lookup(sm->sm_name, sm->sm_namelen, SOCK_DGRAM, &to);
		if (error)
			return error;
	} else if (!to) {
		return ENOTCONN;
	}
	if (to->unp_socket.so_state & SS_NOFDREF)
		return so->so_proto->pr_type == SOCK_DGRAM ? ECONNREFUSED : EPIPE;
	if (to->unp_socket.so_state & SS_CANTRCVMORE)
		return EPIPE;
	soref(&to->unp_socket);
	*top = to;
	return 0;
}

/* Most bytes that lie with `to` while `from` may still send.  => locked */
static uint32_t limit_of(const struct unixpcb *from, const struct unixpcb *to)
{
	return to->unp_peer == from ? from->unp_socket.so_snd.sb_hiwat
				    : to->unp_socket.so_rcv.sb_hiwat;
}

/* Storage may be several times the data, but not more. */
static bool is_below(const struct sockbuf *sb, uint32_t limit)
{
	return !sb->sb_mb || (sb->sb_cc < limit && sb->sb_mbcnt < 2 * limit);
}

bool unix_writable(const struct unixpcb *unp)
{
	const struct unixpcb *to = unp->unp_peer;
	uint32_t limit;

	/* Sending fails at once, or goes to whom nobody knows yet. */
	if (!to || (unp->unp_socket.so_state & SS_CANTSENDMORE) ||
	    (to->unp_socket.so_state & (SS_NOFDREF | SS_CANTRCVMORE)))
		return true;
	limit = limit_of(unp, to);
	return is_below(&to->unp_socket.so_rcv, limit - limit / 3);
}

static LIST_HEAD(, unixpcb) wanting = LIST_HEAD_INITIALIZER(wanting); /* unix_lock */

void unix_want_room(struct unixpcb *unp)
{
	/* Without a descriptor there is nobody to be woken, and it may go any moment. */
	if (unp->unp_wants || unp->unp_socket.so_proto->pr_type != SOCK_DGRAM ||
	    (unp->unp_socket.so_state & SS_NOFDREF))
		return;
	unp->unp_wants = true;
	LIST_INSERT_HEAD(&wanting, unp, unp_want);
}

void unix_want_nothing(struct unixpcb *unp)
{
	if (unp->unp_wants)
		LIST_REMOVE(unp, unp_want);
	unp->unp_wants = false;
}

void unix_wake_wanting(void)
{
	struct unixpcb *unp;

	while ((unp = LIST_FIRST(&wanting)) != NULL) {
		unix_want_nothing(unp);
		sowwakeup(&unp->unp_socket);
	}
}

int unix_wait(struct socket *so, kcondvar_t *cv)
{
	uint64_t timeo = so->so_snd.sb_timeo;
	int error;

	if (timeo == 0)
		return cv_wait_sig(cv, &unix_lock);
	error = cv_timedwait_sig(cv, &unix_lock, nanouptime() + timeo);
	return error == EWOULDBLOCK ? EAGAIN : error == ERESTART ? EINTR : error;
}

/* A piece of a stream may go with the last record, if nothing goes along with either.  => locked */
static bool append_to_last(struct sockbuf *sb, struct mbuf *m)
{
	struct mbuf *last = sb->sb_tail, *p;

	if (!last || aux_of(last) || m->m_next || m->m_len > 1024)
		return false;
	for (p = last; p->m_next; p = p->m_next)
		continue;
	if (m_trailingspace(p) < m->m_len)
		return false;
	memcpy(p->m_data + p->m_len, m->m_data, m->m_len);
	p->m_len += m->m_len;
	last->m_pktlen += m->m_len;
	sb->sb_cc += m->m_len;
	m_freem(m);
	return true;
}

/* Queue the record m (consumed on success).  Waits for room. */
static int deliver(
    struct unixpcb *unp, const struct sockmsg *sm, struct mbuf *m, struct unix_aux *aux)
{
	bool stream = unp->unp_socket.so_proto->pr_type == SOCK_STREAM;
	struct unixpcb *to = NULL;
	struct sockbuf *sb;
	int error;

	m->m_cookie = (uintptr_t)aux;
	mutex_enter(&unix_lock);
	for (;;) {
		error = destination(unp, sm, &to);
		if (error)
			break;
		sb = &to->unp_socket.so_rcv;
		if (is_below(sb, limit_of(unp, to))) {
			if (!stream || aux || !append_to_last(sb, m))
				sbputrecord(sb, m);
			sorwakeup(&to->unp_socket);
			break;
		}
		if (sm->sm_flags & MSG_DONTWAIT) {
			unix_want_room(unp);
			error = EAGAIN;
		} else {
			error = unix_wait(&unp->unp_socket, &to->unp_space);
		}
		if (error)
			break;
		mutex_exit(&unix_lock);
		sorele(&to->unp_socket);
		to = NULL;
		mutex_enter(&unix_lock);
	}
	mutex_exit(&unix_lock);
	if (to)
		sorele(&to->unp_socket);
	return error;
}

int unix_sosend(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	struct unixpcb *unp = so_unixpcb(so);
	bool stream = so->so_proto->pr_type == SOCK_STREAM;
	size_t want = uio->uio_resid, n;
	struct unix_aux *aux;
	struct mbuf *m;
	int error;

	if (sm->sm_flags & MSG_OOB)
		return EOPNOTSUPP;
	/* As Linux, which keeps a little for itself. */
	if (!stream && want > so->so_snd.sb_hiwat - 32)
		return EMSGSIZE;
	error = unix_take_control(sm, unp, &aux);
	if (error)
		return error;
	do {
		/* Of a stream, pieces that leave the other side something to do meanwhile. */
		n = stream ? KMIN(uio->uio_resid, KMIN(PIECE_MAX, so->so_snd.sb_hiwat / 2))
			   : uio->uio_resid;
		if (stream && n == 0)
			break;
		error = souiocopy(uio, n, &m);
		if (error)
			break;
		error = deliver(unp, sm, m, aux);
		if (error) {
			m_freem(m);
			uio->uio_resid += n;
			break;
		}
		aux = NULL;
	} while (uio->uio_resid > 0);
	unix_free_aux(aux);
	return stream && uio->uio_resid < want ? 0 : error;
}

/* ---------------------------------------------------------------- receive */

/* Until something waits: 0 with sb_mb NULL at the end.  => locked */
static int wait_for_data(struct socket *so, bool nowait)
{
	int error;

	while (!so->so_rcv.sb_mb) {
		error = sogeterror(so);
		if (error)
			return error;
		if (so->so_state & SS_CANTRCVMORE)
			return 0;
		if ((so->so_proto->pr_flags & PR_CONNREQUIRED) && !(so->so_state & SS_ISCONNECTED))
			return so->so_state & SS_LISTENING ? EINVAL : ENOTCONN;
		if (nowait)
			return EAGAIN;
		error = sbwait(so, &so->so_rcv);
		if (error)
			return error;
	}
	return 0;
}

/* Who waited for room may go on.  => locked */
static void room_made(struct unixpcb *unp)
{
	const struct sockbuf *sb = &unp->unp_socket.so_rcv;

	cv_broadcast(&unp->unp_space);
	if (unp->unp_peer && unix_writable(unp->unp_peer))
		sowwakeup(&unp->unp_peer->unp_socket);
	if (unp->unp_socket.so_proto->pr_type == SOCK_DGRAM &&
	    is_below(sb, sb->sb_hiwat - sb->sb_hiwat / 3))
		unix_wake_wanting();
}

static void put_name(const struct unix_aux *aux, struct sockmsg *sm)
{
	sm->sm_namelen = 0;
	if (sm->sm_name && aux && aux->ua_namelen > 0) {
		memcpy(sm->sm_name, &aux->ua_name, aux->ua_namelen);
		sm->sm_namelen = aux->ua_namelen;
	}
}

/* A whole record.  => locked; unlocked on return. */
static int receive_record(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	bool peek = sm->sm_flags & MSG_PEEK;
	struct mbuf *m = peek ? so->so_rcv.sb_mb : sbtakerecord(&so->so_rcv);
	struct unix_aux *aux = aux_of(m);
	size_t len = m->m_pktlen;
	int error;

	if (!peek) {
		room_made(so_unixpcb(so));
		mutex_exit(&unix_lock);
	}
	if (len > uio->uio_resid) {
		sm->sm_outflags |= MSG_TRUNC;
		sm->sm_truelen = len;
		len = uio->uio_resid;
	}
	put_name(aux, sm);
	error = soput(m, 0, len, uio);
	if (peek) {
		mutex_exit(&unix_lock);
		return error;
	}
	if (so->so_proto->pr_type == SOCK_SEQPACKET)
		sm->sm_outflags |= MSG_EOR;
	if (aux)
		unix_give_control(aux, sm);
	m_freem(m);
	return error;
}

/* Bytes from the front of the first record.  => locked */
static void drop_front(struct sockbuf *sb, uint32_t n)
{
	struct mbuf *m = sb->sb_mb;

	if (n == m->m_pktlen) {
		m_freem(sbtakerecord(sb));
		return;
	}
	m_adj(m, (long)n);
	sb->sb_cc -= n;
}

static int receive_stream(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	struct sockbuf *sb = &so->so_rcv;
	bool peek = sm->sm_flags & MSG_PEEK;
	struct unix_aux *came = NULL;
	size_t got = 0;
	int error = 0;

	while (uio->uio_resid > 0) {
		struct mbuf *m;
		uint32_t n;

		error = wait_for_data(so,
		    (sm->sm_flags & MSG_DONTWAIT) || (got > 0 && !(sm->sm_flags & MSG_WAITALL)));
		m = sb->sb_mb;
		if (error || !m)
			break;
		/* What goes along belongs to its bytes: never past it. */
		if (aux_of(m) && got > 0)
			break;
		n = (uint32_t)KMIN(uio->uio_resid, m->m_pktlen);
		error = soput(m, 0, n, uio);
		if (error)
			break;
		got += n;
		if (peek)
			break;
		if (aux_of(m)) {
			came = aux_of(m);
			m->m_cookie = 0;
		}
		drop_front(sb, n);
		if (came)
			break;
	}
	if (got > 0 && !peek)
		room_made(so_unixpcb(so));
	mutex_exit(&unix_lock);
	if (came)
		unix_give_control(came, sm);
	return got > 0 && error != EFAULT ? 0 : error;
}

int unix_soreceive(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	struct ucred cred = {.pid = 1};
	bool creds;
	int error;

	if (sm->sm_flags & MSG_OOB)
		return EOPNOTSUPP;
	sm->sm_namelen = 0;
	mutex_enter(&unix_lock);
	creds = so->so_state & SS_PASSCRED;
	if (so->so_proto->pr_type == SOCK_STREAM) {
		error = receive_stream(so, uio, sm);
	} else {
		error = wait_for_data(so, sm->sm_flags & MSG_DONTWAIT);
		if (error || !so->so_rcv.sb_mb)
			mutex_exit(&unix_lock);
		else
			error = receive_record(so, uio, sm);
	}
	if (!error && creds && sm->sm_control)
		soaddcontrol(sm, SOL_SOCKET, SCM_CREDENTIALS, &cred, sizeof(cred));
	return error;
}
