/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending on a stream.
 *
 * The program's bytes are copied before the lock is taken: a page fault on the way
 * then holds up nobody.  How much is copied follows the room seen without the lock; if
 * another thread takes that room meanwhile, the buffer goes over its limit by one
 * piece, which is harmless.
 */
#include <kern/kmem.h>
#include <net/mbuf.h>
#include "socket_impl.h"

#define SEND_PIECE 65536U

int souiocopy(struct uio *uio, size_t n, struct mbuf **mp)
{
	struct mbuf *head = NULL, **tail = &head, *m;
	size_t resid = uio->uio_resid;
	uint32_t total = (uint32_t)n;
	int error = 0;

	do {
		/* The first has room in front for headers, so that it can leave as it is. */
		m = head ? m_get(n > MHLEN) : m_gethdr(n + M_MAXHDR > MHLEN);
		if (!m) {
			error = ENOBUFS;
			break;
		}
		if (!head && m->m_size == MHLEN)
			m->m_data += M_MAXHDR;
		m->m_len = (uint32_t)KMIN(n, m_trailingspace(m));
		*tail = m;
		tail = &m->m_next;
		error = m->m_len ? uiomove(m->m_data, m->m_len, uio) : 0;
		n -= m->m_len;
	} while (!error && n > 0);
	if (error) {
		m_freem(head);
		uio->uio_resid = resid; /* what has been copied will not be sent */
		return error;
	}
	head->m_pktlen = total;
	*mp = head;
	return 0;
}

/* May data be sent?  => locked. */
static int check_send(struct socket *so)
{
	int error = sogeterror(so);

	if (error)
		return error;
	if (so->so_state & SS_CANTSENDMORE)
		return EPIPE;
	if (!(so->so_state & SS_ISCONNECTED))
		return so->so_state & SS_ISCONNECTING	? EAGAIN
		       : so->so_state & SS_WASCONNECTED ? EPIPE
							: ENOTCONN;
	return 0;
}

/* Until there is room.  EAGAIN if that would mean waiting and must not. */
static int wait_for_room(struct socket *so, bool nowait)
{
	int error;

	mutex_enter(so->so_lock);
	for (;;) {
		error = check_send(so);
		if (error == EAGAIN && !nowait)
			error = 0; /* still connecting: wait for that */
		else if (error || (nowait ? sbspace(&so->so_snd) > 0 : sbwriteable(&so->so_snd)))
			break;
		soaskspace(so);
		if (nowait) {
			error = EAGAIN;
			break;
		}
		error = sbwait(so, &so->so_snd);
		if (error)
			break;
	}
	mutex_exit(so->so_lock);
	return error;
}

static int send_piece(struct socket *so, struct mbuf *m, bool more)
{
	int error;

	mutex_enter(so->so_lock);
	error = check_send(so);
	if (!error)
		error = so->so_proto->pr_send(so, m, more);
	else
		m_freem(m);
	mutex_exit(so->so_lock);
	return error;
}

int sosend_stream(struct socket *so, struct uio *uio, struct sockmsg *sm)
{
	struct mbuf *m;
	size_t n, want = uio->uio_resid;
	int error = 0;

	if (sm->sm_flags & MSG_OOB)
		return EOPNOTSUPP;
	if (uio->uio_resid == 0) {
		mutex_enter(so->so_lock);
		error = check_send(so);
		mutex_exit(so->so_lock);
		return error;
	}
	while (uio->uio_resid > 0) {
		n = sbspace(&so->so_snd);
		if (n == 0 || !(so->so_state & SS_ISCONNECTED)) {
			error = wait_for_room(so, sm->sm_flags & MSG_DONTWAIT);
			if (error)
				break;
			n = sbspace(&so->so_snd);
			if (n == 0)
				continue;
		}
		n = KMIN(KMIN(n, uio->uio_resid), SEND_PIECE);
		error = souiocopy(uio, n, &m);
		if (error)
			break;
		error = send_piece(so, m, uio->uio_resid > 0 || (sm->sm_flags & MSG_MORE));
		if (error) {
			uio->uio_resid += n;
			break;
		}
	}
	return uio->uio_resid < want ? 0 : error;
}

/* ---------------------------------------------------------------- sendfile */

#define SENDPAGE_COPY_MAX 4096U

static void release_nothing(void *arg)
{
	(void)arg;
}

static int sendpage_copied(
    struct file *fp, const struct file_extent *ext, struct sockmsg *sm, size_t *sent)
{
	struct socket *so = fp->f_data;
	struct iovec iov;
	struct uio uio;
	int error;

	uio_init1(
	    &uio, &iov, (void *)(uintptr_t)ext->fe_addr, ext->fe_len, UIO_WRITE, UIO_SYSSPACE);
	error = so->so_proto->pr_sosend(so, &uio, sm);
	*sent = ext->fe_len - uio.uio_resid;
	if (ext->fe_release)
		ext->fe_release(ext->fe_arg);
	return error;
}

/*
 * Small files are copied: that costs less than another piece in each packet.
 * What lies in the image for ever needs no reference.
 */
static int sendpage(struct file *fp, const struct file_extent *ext, bool more, size_t *sent)
{
	struct socket *so = fp->f_data;
	struct sockmsg sm = {.sm_flags = (more ? MSG_MORE : 0) | sofile_dontwait(fp)};
	struct mbuf *m;
	size_t n;
	int error;

	*sent = 0;
	if (ext->fe_len <= SENDPAGE_COPY_MAX || !so->so_proto->pr_send)
		return sendpage_copied(fp, ext, &sm, sent);
	error = wait_for_room(so, sm.sm_flags & MSG_DONTWAIT);
	n = KMIN(ext->fe_len, (size_t)KMAX(sbspace(&so->so_snd), 1U));
	m = NULL;
	if (!error) {
		m = m_getext((void *)(uintptr_t)ext->fe_addr, n,
		    ext->fe_release ? ext->fe_release : release_nothing, ext->fe_arg);
		if (!m)
			error = ENOBUFS;
	}
	if (!m) {
		if (ext->fe_release)
			ext->fe_release(ext->fe_arg);
		return error;
	}
	error = send_piece(so, m, more || n < ext->fe_len);
	if (!error)
		*sent = n;
	return error;
}

int sofile_sendpage(struct file *fp, const struct file_extent *ext, bool more, size_t *sent)
{
	const struct socket *so = fp->f_data;
	int error = sendpage(fp, ext, more, sent);

	if (error == EPIPE && so->so_proto->pr_type != SOCK_DGRAM)
		sosigpipe();
	return error;
}
