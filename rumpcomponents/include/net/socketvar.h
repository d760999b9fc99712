/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets inside the kernel.
 *
 * A protocol's object (struct tcpcb, struct udpcb, struct unpcb) begins with a struct socket: one
 * allocation is the whole of it.  It is reference counted: one for the file,
 * and whatever the protocol counts (being in a hash table, an armed callout, a packet on its way to
 * it).  *so_lock guards everything not marked otherwise; (c) constant, (a) atomic.
 *
 * LOCK ORDER: so_lock of a listener, so_lock of its connection, locks of protocol tables
 * (spin), selinfo.
 */
#ifndef NET_SOCKETVAR_H
#define NET_SOCKETVAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <kern/mutex.h>
#include <kern/poll.h>
#include <net/protosw.h>

struct file;
struct mbuf;
struct uio;

/*
 * Data that waits.  Streams: one chain, sb_mb to sb_tail.  Datagrams: packets through
 * m_nextpkt, sb_mb to sb_tail (the first mbuf of the last).
 */
struct sockbuf {
	struct mbuf *sb_mb, *sb_tail;
	volatile uint32_t sb_cc; /* bytes of data; written under the lock, read anywhere */
	uint32_t sb_mbcnt;	 /* bytes of storage (datagrams) */
	uint32_t sb_hiwat;	 /* most bytes */
	uint32_t sb_lowat;
	uint64_t sb_timeo; /* SO_RCVTIMEO/SO_SNDTIMEO, ns, 0: for ever */
	kcondvar_t sb_cv;
};

struct socket {
	const struct protosw *so_proto; /* (c) */
	kmutex_t *so_lock;		/* (c) usually &so_mutex; unix-domain sockets share one */
	volatile uint32_t so_refs;	/* (a) */
	volatile uint16_t so_state;	/* SS_* */
	uint16_t so_protocol;		/* (c) */
	uint32_t so_options;		/* 1 << SO_REUSEADDR ... */
	volatile int so_error;		/* reported once */
	struct sockbuf so_rcv, so_snd;
	struct selinfo so_sel;
	volatile uint8_t so_nospace; /* somebody wants room in so_snd: soaskspace(), sospace() */
	int so_linger;		     /* seconds, -1: off */
	/* Listening: connections that are ready; each holds a reference. */
	uint32_t so_qlen, so_qlimit;
	TAILQ_HEAD(, socket) so_queue;
	TAILQ_ENTRY(socket) so_qentry; /* on the listener's so_queue, its lock */
	kmutex_t so_mutex;
};

#define SS_ISCONNECTED	0x001
#define SS_ISCONNECTING 0x002
#define SS_LISTENING	0x004
#define SS_CANTSENDMORE 0x008
#define SS_CANTRCVMORE	0x010
#define SS_NOFDREF	0x020 /* no descriptor any more */
#define SS_WASCONNECTED 0x040 /* connected once; now it is over */
#define SS_TIMESTAMP	0x080 /* SO_TIMESTAMP */
#define SS_PASSCRED	0x100

#define SO_BIT(opt)	(1U << (opt))

/* One sendmsg or recvmsg, beside the data. */
struct sockmsg {
	struct sockaddr *sm_name; /* send: destination or NULL; recv: a sockaddr_storage or NULL */
	unsigned sm_namelen;	  /* recv: set to its length, 0 if there is none */
	int sm_flags;		  /* MSG_*; MSG_DONTWAIT also for O_NONBLOCK */
	int sm_outflags;	  /* recv: MSG_TRUNC, MSG_CTRUNC, MSG_EOR */
	void *sm_control;	  /* kernel memory: cmsgs, or room for them */
	unsigned sm_controllen;	  /* send: bytes; recv: room, then bytes used */
	unsigned sm_controlroom;
	size_t sm_truelen; /* recv: length of the datagram, if longer than the buffers; else 0 */
};

/* ------------------------------------------------------------- life */
/* EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT, ENOMEM.  One reference. */
int socreate(int domain, int type, int protocol, struct socket **sop);
/* An object of proto, socket part initialised, one reference, pr_attach not called.  NULL: no
 * memory. */
struct socket *soalloc(const struct protosw *proto);
void soclose(struct socket *so);
static inline void soref(struct socket *so)
{
	__atomic_add_fetch(&so->so_refs, 1, __ATOMIC_RELAXED);
}
void sorele(struct socket *so);

/* ------------------------------------------------- state; all locked */
void soisconnected(struct socket *so);
/* Both directions are over; wakes everybody. */
void soisdisconnected(struct socket *so);
void socantsendmore(struct socket *so);
void socantrcvmore(struct socket *so);
void soseterror(struct socket *so, int error);
/* The pending error, taken. */
int sogeterror(struct socket *so);
/* Data or space or a state: wake sleepers and pollers.  Locked or not. */
void sorwakeup(struct socket *so);
void sowwakeup(struct socket *so);
/*
 * Room in so_snd.  Who finds none asks to be told, and looks once more; who makes some looks
 * whether somebody has asked.  Neither needs a lock for that: one of the two sees what the other
 * has done.
 */
static inline void soaskspace(struct socket *so)
{
	__atomic_exchange_n(&so->so_nospace, 1, __ATOMIC_SEQ_CST);
}
void sospace(struct socket *so);
/* child is ready for accept on head; takes over a reference.  head locked.  ECONNABORTED: closed,
 * ENOBUFS: full. */
int soqueue(struct socket *head, struct socket *child);
/* All queued connections of a listener that closes.  Not locked. */
void soabortqueue(struct socket *head);
/*
 * Wait for sb to change; the lock is given up meanwhile.  EAGAIN after sb_timeo;
 * EINTR, ERESTART.
 */
int sbwait(struct socket *so, struct sockbuf *sb);

/* -------------------------------------------- socket buffers; all locked */
static inline uint32_t sbspace(const struct sockbuf *sb)
{
	uint32_t cc = sb->sb_cc;

	return cc < sb->sb_hiwat ? sb->sb_hiwat - cc : 0;
}
/* Enough room for poll to say so and sleepers to go on. */
static inline bool sbwriteable(const struct sockbuf *sb)
{
	return sb->sb_cc <= sb->sb_hiwat - sb->sb_hiwat / 3;
}
void sbappendstream(struct sockbuf *sb, struct mbuf *m);
/* A datagram (M_PKTHDR, m_pktlen right).  false: no room, m is still the caller's. */
bool sbappendrecord(struct sockbuf *sb, struct mbuf *m);
/* The same, whether there is room or not: the caller has its own idea of room. */
void sbputrecord(struct sockbuf *sb, struct mbuf *m);
/* First n bytes of a stream go. */
void sbdrop(struct sockbuf *sb, uint32_t n);
/* Take the first datagram off; NULL if none. */
struct mbuf *sbtakerecord(struct sockbuf *sb);
void sbflush(struct sockbuf *sb, bool records);
/* SO_SNDBUF, SO_RCVBUF and defaults: bytes, limited to what memory allows. */
void sbreserve(struct sockbuf *sb, uint64_t bytes);
extern uint32_t sb_max, sb_default;

/* ----------------------------------------------------- transfer */
int sosend_stream(struct socket *so, struct uio *uio, struct sockmsg *sm);
int soreceive_stream(struct socket *so, struct uio *uio, struct sockmsg *sm);
int soreceive_dgram(struct socket *so, struct uio *uio, struct sockmsg *sm);
/* The next n bytes of uio as a packet with headroom.  ENOBUFS, EFAULT: uio_resid is as it was. */
int souiocopy(struct uio *uio, size_t n, struct mbuf **mp);
/* n bytes of the chain m from off to uio.  EFAULT. */
int soput(const struct mbuf *m, size_t off, size_t n, struct uio *uio);
/* Where a datagram came from: fills a sockaddr_storage; set by the protocol in m_cookie. */
static inline uint64_t socookie(uint32_t addr, uint16_t port)
{
	return (uint64_t)port << 32 | addr;
}
/* Append a cmsg to what recvmsg gives; MSG_CTRUNC if it does not fit. */
void soaddcontrol(struct sockmsg *sm, int level, int type, const void *data, unsigned len);

/* Options of level SOL_SOCKET. */
int sosetopt(struct socket *so, int level, int name, void *value, unsigned len);
int sogetopt(struct socket *so, int level, int name, void *value, unsigned *len);

/* ---------------------------------------------------- files */
/* A descriptor for so, whose reference it takes over on success. */
int sofile(struct socket *so, int flags, int *fdp);
struct socket *file_socket(struct file *fp);

#endif
