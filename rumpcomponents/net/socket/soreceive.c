/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving: streams and datagrams. */
#include <netinet/in.h>
#include <net/mbuf.h>
#include <kern/uio.h>
#include "socket_impl.h"

int soput(const struct mbuf *m, size_t off, size_t n, struct uio *uio)
{
	int error = 0;

	for (; m && off >= m->m_len; m = m->m_next)
		off -= m->m_len;
	for (; m && n > 0 && !error; m = m->m_next) {
		size_t piece = KMIN(n, m->m_len - off);

		error = uiomove(m->m_data + off, piece, uio);
		n -= piece;
		off = 0;
	}
	return error;
}

/* Why there is nothing to receive: 0 is the end of the stream; EAGAIN: wait.  => locked. */
static int why_empty(struct socket *so, bool *end)
{
	int error = sogeterror(so);

	*end = false;
	if (error)
		return error;
	if (so->so_state & SS_CANTRCVMORE) {
		*end = true;
		return 0;
	}
	if ((so->so_proto->pr_flags & PR_CONNREQUIRED) &&
	    !(so->so_state & (SS_ISCONNECTED | SS_ISCONNECTING)))
		return ENOTCONN;
	return EAGAIN;
}

int soreceive_stream(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	struct sockbuf *sb = &so->so_rcv;
	size_t peeked = 0, got = 0;
	int error = 0;
	bool end, peek = sm->sm_flags & MSG_PEEK;

	if (sm->sm_flags & MSG_OOB)
		return EINVAL;
	sm->sm_namelen = 0;
	mutex_enter(so->so_lock);
	if (so->so_state & SS_LISTENING) {
		mutex_exit(so->so_lock);
		return ENOTCONN;
	}
	while (uio->uio_resid > 0) {
		size_t avail = sb->sb_cc - peeked, n = KMIN(uio->uio_resid, avail);

		if (n > 0) {
			if (sm->sm_flags & MSG_TRUNC)
				uio->uio_resid -= n; /* the bytes are thrown away */
			else
				error = soput(sb->sb_mb, peeked, n, uio);
			if (error)
				break;
			if (peek)
				peeked += n;
			else
				sbdrop(sb, (uint32_t)n);
			got += n;
			if (!(sm->sm_flags & MSG_WAITALL))
				break;
			continue;
		}
		/* What has been received counts; an error stays for the next call. */
		if (got > 0 && (so->so_error || !(sm->sm_flags & MSG_WAITALL) || peek))
			break;
		error = why_empty(so, &end);
		if (end || error != EAGAIN || (sm->sm_flags & MSG_DONTWAIT))
			break;
		if (got > 0 && so->so_proto->pr_rcvd)
			so->so_proto->pr_rcvd(so); /* the window must open for the rest */
		error = sbwait(so, sb);
		if (error)
			break;
	}
	if (got > 0 && !peek && so->so_proto->pr_rcvd)
		so->so_proto->pr_rcvd(so);
	mutex_exit(so->so_lock);
	return got > 0 && error != EFAULT ? 0 : error;
}

/* IPv4 sender of a queued datagram. */
static void put_sender(const struct mbuf *m, struct sockmsg *sm)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)sm->sm_name;

	if (!sin)
		return;
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = (uint32_t)m->m_cookie;
	sin->sin_port = (uint16_t)(m->m_cookie >> 32);
	sm->sm_namelen = sizeof(*sin);
}

int soreceive_dgram(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	struct sockbuf *sb = &so->so_rcv;
	struct mbuf *m;
	uint32_t len;
	int error = 0;
	bool end;

	if (sm->sm_flags & MSG_OOB)
		return EOPNOTSUPP;
	sm->sm_namelen = 0;
	mutex_enter(so->so_lock);
	while (!sb->sb_mb) {
		error = why_empty(so, &end);
		if (!end && error == EAGAIN && !(sm->sm_flags & MSG_DONTWAIT))
			error = sbwait(so, sb);
		else if (end || error)
			break;
		if (error)
			break;
	}
	if (!sb->sb_mb) {
		mutex_exit(so->so_lock);
		return error;
	}
	if (sm->sm_flags & MSG_PEEK) {
		m = sb->sb_mb;
	} else {
		m = sbtakerecord(sb);
		mutex_exit(so->so_lock);
	}
	put_sender(m, sm);
	len = m->m_pktlen;
	if (len > uio->uio_resid) {
		sm->sm_outflags |= MSG_TRUNC;
		sm->sm_truelen = len;
		len = (uint32_t)uio->uio_resid;
	}
	error = soput(m, 0, len, uio);
	if (sm->sm_flags & MSG_PEEK)
		mutex_exit(so->so_lock);
	else
		m_freem(m);
	return error;
}

void soaddcontrol(struct sockmsg *sm, int level, int type, const void *data, unsigned len)
{
	struct cmsghdr *cm;
	unsigned at = ROUNDUP(sm->sm_controllen, sizeof(size_t));

	if (!sm->sm_control || at + CMSG_LEN(len) > sm->sm_controlroom) {
		sm->sm_outflags |= MSG_CTRUNC;
		return;
	}
	cm = (struct cmsghdr *)((char *)sm->sm_control + at);
	memset(cm, 0, sizeof(*cm));
	cm->cmsg_len = CMSG_LEN(len);
	cm->cmsg_level = level;
	cm->cmsg_type = type;
	memcpy(CMSG_DATA(cm), data, len);
	sm->sm_controllen = (unsigned)KMIN(at + CMSG_SPACE(len), sm->sm_controlroom);
}
