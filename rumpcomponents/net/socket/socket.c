/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a socket and its states.
 *
 * soclose() is called when the last descriptor goes; the object lives on for as
 * long as its protocol has use for it (a connection that still sends), by references.
 */
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <net/mbuf.h>
#include "socket_impl.h"

LINK_SET_DECLARE(protosws, const struct protosw);

static int find_protosw(int domain, int type, int protocol, const struct protosw **prp)
{
	const struct protosw *const *pp;
	int error = EAFNOSUPPORT;

	LINK_SET_FOREACH (pp, protosws) {
		const struct protosw *pr = *pp;

		if (pr->pr_domain != domain)
			continue;
		if (pr->pr_type != type) {
			if (error == EAFNOSUPPORT)
				error = ESOCKTNOSUPPORT;
			continue;
		}
		if (protocol == 0 || protocol == pr->pr_protocol) {
			*prp = pr;
			return 0;
		}
		error = EPROTONOSUPPORT;
	}
	return error;
}

struct socket *soalloc(const struct protosw *pr)
{
	struct socket *so = pool_zget(pr->pr_pool);

	if (!so)
		return NULL;
	so->so_proto = pr;
	so->so_lock = &so->so_mutex;
	mutex_init(&so->so_mutex, MUTEX_DEFAULT);
	so->so_refs = 1;
	so->so_linger = -1;
	so->so_protocol = pr->pr_protocol;
	TAILQ_INIT(&so->so_queue);
	cv_init(&so->so_rcv.sb_cv, "recv");
	cv_init(&so->so_snd.sb_cv, "send");
	so->so_rcv.sb_hiwat = so->so_snd.sb_hiwat = sb_default;
	so->so_rcv.sb_lowat = so->so_snd.sb_lowat = 1;
	return so;
}

int socreate(int domain, int type, int protocol, struct socket **sop)
{
	const struct protosw *pr;
	struct socket *so;
	int error;

	if (domain < 0 || domain >= AF_MAX)
		return EAFNOSUPPORT;
	if (type < 0 || type > SOCK_PACKET)
		return EINVAL;
	error = find_protosw(domain, type, protocol, &pr);
	if (error)
		return error;
	so = soalloc(pr);
	if (!so)
		return ENOMEM;
	error = pr->pr_attach ? pr->pr_attach(so, protocol) : 0;
	if (error) {
		sorele(so);
		return error;
	}
	*sop = so;
	return 0;
}

void sorele(struct socket *so)
{
	if (so->so_refs != 1 && __atomic_sub_fetch(&so->so_refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (so->so_proto->pr_free)
		so->so_proto->pr_free(so);
	seldestroy(&so->so_sel);
	sbflush(&so->so_rcv, so->so_proto->pr_flags & PR_ATOMIC);
	sbflush(&so->so_snd, so->so_proto->pr_flags & PR_ATOMIC);
	cv_destroy(&so->so_rcv.sb_cv);
	cv_destroy(&so->so_snd.sb_cv);
	mutex_destroy(&so->so_mutex);
	pool_put(so->so_proto->pr_pool, so);
}

void soclose(struct socket *so)
{
	so->so_proto->pr_close(so);
	sorele(so);
}

/* ------------------------------------------------------------------ states */

void sorwakeup(struct socket *so)
{
	if (cv_has_waiters(&so->so_rcv.sb_cv))
		cv_broadcast(&so->so_rcv.sb_cv);
	selnotify(&so->so_sel, POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP | POLLERR);
}

void sowwakeup(struct socket *so)
{
	if (cv_has_waiters(&so->so_snd.sb_cv))
		cv_broadcast(&so->so_snd.sb_cv);
	selnotify(&so->so_sel, POLLOUT | POLLWRNORM | POLLHUP | POLLERR);
}

void sospace(struct socket *so)
{
	/* What was taken out must be seen before so_nospace is looked at: poll has no lock. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (so->so_nospace && sbwriteable(&so->so_snd)) {
		so->so_nospace = 0;
		sowwakeup(so);
	}
}

static void wake_all(struct socket *so)
{
	cv_broadcast(&so->so_rcv.sb_cv);
	cv_broadcast(&so->so_snd.sb_cv);
	selnotify(&so->so_sel, 0);
}

void soisconnected(struct socket *so)
{
	so->so_state =
	    (so->so_state & (uint16_t)~SS_ISCONNECTING) | SS_ISCONNECTED | SS_WASCONNECTED;
	wake_all(so);
}

void soisdisconnected(struct socket *so)
{
	so->so_state = (so->so_state & (uint16_t) ~(SS_ISCONNECTING | SS_ISCONNECTED)) |
		       SS_CANTRCVMORE | SS_CANTSENDMORE;
	wake_all(so);
}

void socantsendmore(struct socket *so)
{
	so->so_state |= SS_CANTSENDMORE;
	wake_all(so);
}

void socantrcvmore(struct socket *so)
{
	so->so_state |= SS_CANTRCVMORE;
	wake_all(so);
}

void soseterror(struct socket *so, int error)
{
	so->so_error = error;
	wake_all(so);
}

int sogeterror(struct socket *so)
{
	int error = so->so_error;

	if (error)
		so->so_error = 0;
	return error;
}

int soqueue(struct socket *head, struct socket *child)
{
	if (!(head->so_state & SS_LISTENING))
		return ECONNABORTED;
	if (head->so_qlen >= head->so_qlimit)
		return ENOBUFS;
	TAILQ_INSERT_TAIL(&head->so_queue, child, so_qentry);
	head->so_qlen++;
	sorwakeup(head);
	return 0;
}

void soabortqueue(struct socket *head)
{
	struct socket *so;

	for (;;) {
		mutex_enter(head->so_lock);
		so = TAILQ_FIRST(&head->so_queue);
		if (so) {
			TAILQ_REMOVE(&head->so_queue, so, so_qentry);
			head->so_qlen--;
		}
		mutex_exit(head->so_lock);
		if (!so)
			return;
		so->so_proto->pr_abort(so);
		sorele(so);
	}
}

int sbwait(struct socket *so, struct sockbuf *sb)
{
	int error;

	if (sb->sb_timeo == 0)
		return cv_wait_sig(&sb->sb_cv, so->so_lock);
	error = cv_timedwait_sig(&sb->sb_cv, so->so_lock, nanouptime() + sb->sb_timeo);
	/* A wait with an end is not begun again after a signal: it would last longer. */
	return error == EWOULDBLOCK ? EAGAIN : error == ERESTART ? EINTR : error;
}

/* Buffers that suit the machine: all sockets together must not eat it up. */
static int socket_start(void)
{
	struct kmem_stats ks;
	uint64_t mem;

	kmem_stats(&ks);
	mem = ks.ks_pages_total * PAGE_SIZE;
	sb_max = (uint32_t)KMIN(KMAX(mem / 32, 128UL << 10), 8UL << 20);
	sb_default = (uint32_t)KMIN(KMAX(mem / 256, 64UL << 10), 208UL << 10);
	return 0;
}
RUMP_COMPONENT(net_socket, RUMP_PHASE_NET, socket_start);
