/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix-domain sockets, shared by the files of this component.
 *
 * All of them share one lock, unix_lock: sending touches two sockets, closing too, and this
 * is not where images spend their time.  It is an adaptive lock; copying to and from
 * the program happens without it where the amount is not small.
 *
 * Data lies in the receiver's so_rcv only, as records (m_nextpkt) for all types: what one send
 * brought, with what came along (struct unix_aux) in m_cookie.  Streams read across records.
 *
 * Room: between two that are connected the sender's SO_SNDBUF limits what lies there, as on Linux;
 * for datagrams from anybody it is the receiver's SO_RCVBUF.  While what is queued is below the
 * limit, one more record goes, of whatever size: so nothing that a send accepts can wait for ever,
 * and who was told that there is room (poll) need not wait.
 */
#ifndef UNIX_IMPL_H
#define UNIX_IMPL_H

#include <sys/un.h>
#include <kern/file.h>
#include <kern/kmem.h>
#include <kern/systm.h>
#include <kern/uio.h>
#include <net/mbuf.h>
#include <net/socketvar.h>

struct unixpcb {
	struct socket unp_socket;      /* first */
	struct unixpcb *unp_peer;      /* referenced */
	LIST_ENTRY(unixpcb) unp_names; /* while it is bound under a name */
	bool unp_bound;
	unsigned unp_namelen; /* of unp_name; 0: none */
	struct sockaddr_un unp_name;
	kcondvar_t unp_space; /* senders wait here for room in our so_rcv */
	bool unp_wants;	      /* on unix_wanting */
	LIST_ENTRY(unixpcb) unp_want;
};

/* What goes along with a record. */
struct unix_aux {
	struct unix_aux *ua_next; /* while it waits to be freed */
	unsigned ua_nfiles, ua_namelen;
	struct sockaddr_un ua_name;
	struct file *ua_files[];
};
#define UNIX_FILES_MAX 253U /* as Linux's SCM_MAX_FD */

extern kmutex_t unix_lock;

static inline struct unixpcb *so_unixpcb(struct socket *so)
{
	return (struct unixpcb *)so;
}

/* ---- unix_name.c; locked */
int unix_bind(struct socket *so, const struct sockaddr *sa, unsigned len);
/* The socket of that name, not referenced.  EINVAL, ENOENT, ECONNREFUSED, EPROTOTYPE. */
int unix_lookup(const struct sockaddr *sa, unsigned len, int type, struct unixpcb **up);
void unix_unbind(struct unixpcb *unp);

/* ---- unix_rights.c */
/* cmsgs of a send: *auxp is NULL if nothing goes along.  Not locked. */
int unix_take_control(const struct sockmsg *sm, const struct unixpcb *from, struct unix_aux **auxp);
/* Descriptors for what came along, cmsgs; frees aux.  Not locked. */
void unix_give_control(struct unix_aux *aux, struct sockmsg *sm);
/* Closes what did not arrive.  May sleep; not locked. */
void unix_free_aux(struct unix_aux *aux);

/* ---- unix_io.c */
int unix_sosend(struct socket *so, struct uio *uio, struct sockmsg *sm);
int unix_soreceive(struct socket *so, struct uio *uio, struct sockmsg *sm);
/* Wait as long as sends of so may.  EAGAIN after SO_SNDTIMEO; EINTR, ERESTART.  => locked */
int unix_wait(struct socket *so, kcondvar_t *cv);
/* A send would not have to wait.  => locked */
bool unix_writable(const struct unixpcb *unp);
/*
 * Datagram sockets that found a receiver full and have been told so, by poll or EAGAIN.  A receiver
 * does not know who sends to it, and a sender may wait for several; so there is one list
 * for all, and when any receiver has room again everybody on it is woken and taken off: who
 * still finds no room comes back.  => locked
 */
void unix_want_room(struct unixpcb *unp);
void unix_want_nothing(struct unixpcb *unp);
void unix_wake_wanting(void);
/* All queued records go.  Not locked, and the socket is dead. */
void unix_flush(struct sockbuf *sb);

#endif
