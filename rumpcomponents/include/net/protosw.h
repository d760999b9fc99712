/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol switch: what a kind of socket does.  A protocol registers with
 * LINK_SET_ADD(protosws, its_protosw); linking it is what makes socket(2) know it.
 *
 * "Locked": called, and returns, with *so->so_lock held.
 */
#ifndef NET_PROTOSW_H
#define NET_PROTOSW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kern/linkset.h>

struct file;
struct mbuf;
struct pool;
struct socket;
struct sockaddr;
struct sockmsg;
struct uio;

#define PR_ATOMIC	0x01 /* datagrams: one send, one message */
#define PR_CONNREQUIRED 0x02 /* no sending or receiving without a connection */
#define PR_LISTEN	0x04 /* listen and accept */

struct protosw {
	uint8_t pr_domain; /* AF_* */
	uint8_t pr_type;   /* SOCK_* */
	uint8_t pr_flags;
	uint16_t pr_protocol; /* the one that protocol 0 means */
	/* Objects of the protocol: a structure with struct socket first. */
	struct pool *pr_pool;

	/* A new zeroed object, socket part initialised.  Not locked: nobody knows it yet. */
	int (*pr_attach)(struct socket *so, int protocol);
	/* The last descriptor is gone; the caller's reference goes afterwards.  Not locked; may
	 * sleep. */
	void (*pr_close)(struct socket *so);
	/* The last reference is gone: release what the object holds, but the object. */
	void (*pr_free)(struct socket *so);

	/* Locked; NULL: EOPNOTSUPP.  sa is a kernel copy of len bytes, at least a family. */
	int (*pr_bind)(struct socket *so, const struct sockaddr *sa, unsigned len);
	int (*pr_listen)(struct socket *so);
	/* Starts it: EINPROGRESS means that it will end by soisconnected() or so_error. */
	int (*pr_connect)(struct socket *so, const struct sockaddr *sa, unsigned len);
	/* pr_connect said EAGAIN, and the program can wait: until it is worth trying again.
	 * NULL: never.  EAGAIN after SO_SNDTIMEO, EINTR, ERESTART.  Woken by accept through the
	 * listener's so_snd.sb_cv.  Locked, but not all the time. */
	int (*pr_connwait)(struct socket *so, const struct sockaddr *sa, unsigned len);
	/* SHUT_RD and SHUT_WR have been noted in so_state by the caller afterwards. */
	int (*pr_shutdown)(struct socket *so, int how);
	/* Own or peer's name into sa (a sockaddr_storage), its true length in *len. */
	int (*pr_name)(struct socket *so, struct sockaddr *sa, unsigned *len, bool peer);
	/* Level other than SOL_SOCKET.  set: value is *len bytes; get: room for *len, *len updated.
	 */
	int (*pr_ctloutput)(
	    struct socket *so, bool set, int level, int name, void *value, unsigned *len);

	/* A whole send or receive.  Not locked; may sleep. */
	int (*pr_sosend)(struct socket *so, struct uio *uio, struct sockmsg *sm);
	int (*pr_soreceive)(struct socket *so, struct uio *uio, struct sockmsg *sm);

	/* For sosend_stream() and soreceive_stream().  Locked.  pr_send consumes m. */
	int (*pr_send)(struct socket *so, struct mbuf *m, bool more);
	void (*pr_rcvd)(struct socket *so);
	/* A queued connection that nobody accepted goes away.  Not locked. */
	void (*pr_abort)(struct socket *so);
	/* socketpair(2).  Neither locked. */
	int (*pr_connect2)(struct socket *a, struct socket *b);
	/* fo_ioctl for what sockets in general do not know; ENOTTY.  Not locked. */
	int (*pr_ioctl)(struct socket *so, unsigned long cmd, void *data);
	/* Readiness, if the general one does not fit.  Not locked. */
	int (*pr_poll)(struct socket *so, int events);
	/* A connection was accepted into a descriptor, or a buffer size changed.  Locked; may be
	 * NULL. */
	void (*pr_changed)(struct socket *so);
};

#endif
