/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internet protocol control blocks: a socket with addresses and ports, and
 * the table of local ports that UDP and TCP each have.
 */
#ifndef NETINET_IN_PCB_H
#define NETINET_IN_PCB_H

#include <netinet/in.h>
#include <netinet/ip_var.h>
#include <net/socketvar.h>

struct inpcb {
	struct socket inp_socket; /* first */
	uint32_t inp_laddr, inp_faddr;
	uint16_t inp_lport, inp_fport; /* network order */
	uint8_t inp_ttl, inp_tos;
	uint8_t inp_flags;
	LIST_ENTRY(inpcb) inp_porthash; /* table's lock; linked while inp_lport is set */
	struct inpcbtable *inp_table;
	struct iproute inp_route; /* cached; see ip_route_gen */
};

#define INP_ANONPORT   0x01 /* port chosen by us */
#define INP_BOUNDADDR  0x02 /* bind() gave the address */
#define INP_RECVTTL    0x04
#define INP_PKTINFO    0x08
#define INP_PMTU_DONT  0x10 /* IP_MTU_DISCOVER: never set DF */

#define INPCB_PORTHASH 64
struct inpcbtable {
	LIST_HEAD(, inpcb) it_port[INPCB_PORTHASH];
	kmutex_t it_lock; /* spin; innermost */
};

static inline struct inpcb *so_inpcb(struct socket *so)
{
	return (struct inpcb *)so;
}
static inline unsigned in_porthash(uint16_t lport)
{
	return (unsigned)(lport ^ lport >> 8) % INPCB_PORTHASH;
}

/* Make an empty table ready.  Once, at start-up. */
void in_pcbtable_init(struct inpcbtable *it);
/* Check a sockaddr_in: EINVAL, EAFNOSUPPORT. */
int in_pcbaddr(const struct sockaddr *sa, unsigned len, struct sockaddr_in *sin);
/*
 * bind(2).  EINVAL already bound, EADDRNOTAVAIL, EADDRINUSE.  The socket is locked.
 * conflict() says whether another pcb that has the port excludes this one.
 */
int in_pcbbind(struct inpcb *inp, struct inpcbtable *it, const struct sockaddr *sa, unsigned len);
/* A port of the system's choice.  EADDRINUSE: none is free. */
int in_pcbanonport(struct inpcb *inp, struct inpcbtable *it);
/* Give the port back. */
void in_pcbunbind(struct inpcb *inp);
/* Route to inp_faddr in inp_route, looked up again only when routes have changed. */
static inline int in_pcbroute(struct inpcb *inp)
{
	return __builtin_expect(inp->inp_route.rt_gen == ip_route_gen, 1)
		   ? 0
		   : ip_route(inp->inp_faddr, &inp->inp_route);
}
/* pr_name for both. */
int in_pcbname(struct socket *so, struct sockaddr *sa, unsigned *len, bool peer);
/* Options of level IPPROTO_IP.  Locked. */
int in_ctloutput(struct socket *so, bool set, int level, int name, void *value, unsigned *len);

#endif
