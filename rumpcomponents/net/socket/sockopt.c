/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of level SOL_SOCKET; the others are the protocol's. */
#include <netinet/in.h>
#include <kern/ktime.h>
#include "socket_impl.h"

#define FLAG_OPTIONS                                                                               \
	(SO_BIT(SO_REUSEADDR) | SO_BIT(SO_KEEPALIVE) | SO_BIT(SO_BROADCAST) |                      \
	    SO_BIT(SO_REUSEPORT) | SO_BIT(SO_DONTROUTE) | SO_BIT(SO_OOBINLINE) |                   \
	    SO_BIT(SO_DEBUG) | SO_BIT(SO_NO_CHECK))

static int get_int(const void *value, unsigned len, int *n)
{
	if (len < sizeof(int))
		return EINVAL;
	memcpy(n, value, sizeof(int));
	return 0;
}

static int put_int(int n, void *value, unsigned *len)
{
	*len = KMIN(*len, (unsigned)sizeof(n));
	memcpy(value, &n, *len);
	return 0;
}

static int set_timeout(struct sockbuf *sb, const void *value, unsigned len)
{
	struct timeval tv;

	if (len < sizeof(tv))
		return EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return EDOM;
	if (tv.tv_sec < 0)
		sb->sb_timeo = 1; /* as Linux: it has run out */
	else if ((uint64_t)tv.tv_sec > UINT64_MAX / NSEC_PER_SEC / 4)
		sb->sb_timeo = 0;
	else
		sb->sb_timeo = (uint64_t)tv.tv_sec * NSEC_PER_SEC + (uint64_t)tv.tv_usec * 1000;
	return 0;
}

static int get_timeout(const struct sockbuf *sb, void *value, unsigned *len)
{
	struct timeval tv = {(time_t)(sb->sb_timeo / NSEC_PER_SEC),
	    (suseconds_t)(sb->sb_timeo % NSEC_PER_SEC / 1000)};

	*len = KMIN(*len, (unsigned)sizeof(tv));
	memcpy(value, &tv, *len);
	return 0;
}

static int set_linger(struct socket *so, const void *value, unsigned len)
{
	struct linger l;

	if (len < sizeof(l))
		return EINVAL;
	memcpy(&l, value, sizeof(l));
	so->so_linger = l.l_onoff ? KMIN(KMAX(l.l_linger, 0), 3600) : -1;
	return 0;
}

static int set_buffer(struct socket *so, struct sockbuf *sb, int n)
{
	/* As Linux: the program's figure is doubled, for bookkeeping; it counts bytes. */
	sbreserve(sb, (uint64_t)(unsigned)KMAX(n, 0) * 2);
	if (so->so_proto->pr_changed)
		so->so_proto->pr_changed(so);
	sospace(so); /* there may be more now */
	return 0;
}

static int set_locked(struct socket *so, int name, void *value, unsigned len)
{
	int n, error;

	switch (name) {
	case SO_LINGER:
		return set_linger(so, value, len);
	case SO_RCVTIMEO:
		return set_timeout(&so->so_rcv, value, len);
	case SO_SNDTIMEO:
		return set_timeout(&so->so_snd, value, len);
	}
	error = get_int(value, len, &n);
	if (error)
		return error;
	if (name > 0 && name < 32 && (FLAG_OPTIONS & SO_BIT(name))) {
		so->so_options = n ? so->so_options | SO_BIT(name) : so->so_options & ~SO_BIT(name);
		if (so->so_proto->pr_changed)
			so->so_proto->pr_changed(so);
		return 0;
	}
	switch (name) {
	case SO_SNDBUF:
	case SO_SNDBUFFORCE:
		return set_buffer(so, &so->so_snd, n);
	case SO_RCVBUF:
	case SO_RCVBUFFORCE:
		return set_buffer(so, &so->so_rcv, n);
	case SO_RCVLOWAT:
		so->so_rcv.sb_lowat = (uint32_t)KMIN(KMAX(n, 1), (int)so->so_rcv.sb_hiwat);
		return 0;
	case SO_PRIORITY:
	case SO_MARK:
	case SO_BUSY_POLL:
	case SO_INCOMING_CPU:
		return 0; /* hints */
	case SO_PASSCRED:
		so->so_state =
		    n ? so->so_state | SS_PASSCRED : so->so_state & (uint16_t)~SS_PASSCRED;
		return 0;
	case SO_TIMESTAMP:
		return n ? ENOPROTOOPT : 0;
	case SO_TYPE:
	case SO_ERROR:
	case SO_ACCEPTCONN:
	case SO_DOMAIN:
	case SO_PROTOCOL:
	default:
		return ENOPROTOOPT;
	}
}

int sosetopt(struct socket *so, int level, int name, void *value, unsigned len)
{
	int error;

	if (level == SOL_SOCKET) {
		mutex_enter(so->so_lock);
		error = set_locked(so, name, value, len);
		mutex_exit(so->so_lock);
		return error;
	}
	if (!so->so_proto->pr_ctloutput)
		return EOPNOTSUPP;
	mutex_enter(so->so_lock);
	error = so->so_proto->pr_ctloutput(so, true, level, name, value, &len);
	mutex_exit(so->so_lock);
	return error;
}

static int get_locked(struct socket *so, int name, void *value, unsigned *len)
{
	struct linger l;

	switch (name) {
	case SO_LINGER:
		l = (struct linger){so->so_linger >= 0, KMAX(so->so_linger, 0)};
		*len = KMIN(*len, (unsigned)sizeof(l));
		memcpy(value, &l, *len);
		return 0;
	case SO_RCVTIMEO:
		return get_timeout(&so->so_rcv, value, len);
	case SO_SNDTIMEO:
		return get_timeout(&so->so_snd, value, len);
	case SO_SNDBUF:
		return put_int((int)so->so_snd.sb_hiwat, value, len);
	case SO_RCVBUF:
		return put_int((int)so->so_rcv.sb_hiwat, value, len);
	case SO_RCVLOWAT:
		return put_int((int)so->so_rcv.sb_lowat, value, len);
	case SO_SNDLOWAT:
		return put_int(1, value, len);
	case SO_ERROR:
		return put_int(sogeterror(so), value, len);
	case SO_TYPE:
		return put_int(so->so_proto->pr_type, value, len);
	case SO_DOMAIN:
		return put_int(so->so_proto->pr_domain, value, len);
	case SO_PROTOCOL:
		return put_int(so->so_protocol, value, len);
	case SO_ACCEPTCONN:
		return put_int(!!(so->so_state & SS_LISTENING), value, len);
	case SO_PASSCRED:
		return put_int(!!(so->so_state & SS_PASSCRED), value, len);
	case SO_PRIORITY:
	case SO_MARK:
		return put_int(0, value, len);
	default:
		if (name > 0 && name < 32 && (FLAG_OPTIONS & SO_BIT(name)))
			return put_int(!!(so->so_options & SO_BIT(name)), value, len);
		/* SO_PEERCRED and other names of the protocol's own. */
		if (so->so_proto->pr_domain == AF_UNIX && so->so_proto->pr_ctloutput)
			return so->so_proto->pr_ctloutput(so, false, SOL_SOCKET, name, value, len);
		return ENOPROTOOPT;
	}
}

int sogetopt(struct socket *so, int level, int name, void *value, unsigned *len)
{
	int error;

	if (level != SOL_SOCKET && !so->so_proto->pr_ctloutput)
		return EOPNOTSUPP;
	mutex_enter(so->so_lock);
	error = level == SOL_SOCKET
		    ? get_locked(so, name, value, len)
		    : so->so_proto->pr_ctloutput(so, false, level, name, value, len);
	mutex_exit(so->so_lock);
	return error;
}
