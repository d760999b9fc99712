/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces: what a driver provides and what it may call.
 *
 * Life of an Ethernet driver: fill in a zeroed struct ifnet, ether_ifattach()
 * (may sleep), hand received frames up with if_input() from its soft
 * interrupt, send what if_transmit brings.  It touches nothing else of net.
 */
#ifndef NET_IFNET_H
#define NET_IFNET_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <kern/mutex.h>

struct mbuf;
struct in_ifaddr;

#define IFCAP_TXCSUM 0x01 /* honours MCSUM_TX_L4 */
#define IFCAP_TSO4   0x02 /* honours m_tso_segsz for IPv4/TCP: packets up to 64 KB */
#define IFCAP_RXCSUM 0x04 /* may set MCSUM_RX_L4_OK */

struct ifnet {
	/* Set by the driver before attach, constant afterwards. */
	char if_xname[IFNAMSIZ]; /* filled in by attach: "eth0"; "lo" by the loopback */
	void *if_softc;		 /* the driver's own */
	uint8_t if_lladdr[6];
	uint16_t if_type; /* ARPHRD_ETHER, ARPHRD_LOOPBACK */
	uint32_t if_mtu;
	uint32_t if_capabilities; /* IFCAP_*; may change while the link is down */
	/*
	 * Send the packets of the m_nextpkt chain m (complete link-level frames); consumes
	 * all.  Drops, with if_oerrors, what has no room.  Any context but interrupt handlers; must
	 * not sleep; several CPUs may call at once.
	 */
	void (*if_transmit)(struct ifnet *ifp, struct mbuf *m);
	/* SIOCSIFFLAGS and the like reached the driver; may be NULL. */
	int (*if_ioctl)(struct ifnet *ifp, unsigned long cmd, void *data);

	/* net's own. */
	int if_index;		    /* 1.. */
	volatile uint32_t if_flags; /* IFF_* */
	bool if_link_up;
	int (*if_output)(struct ifnet *ifp, struct mbuf *m,
	    uint32_t nexthop);	     /* IPv4 packet; nexthop in network order */
	struct in_ifaddr *if_inaddr; /* IPv4 addresses; netinet's lock */
	volatile uint64_t if_ipackets, if_opackets, if_ibytes, if_obytes, if_ierrors, if_oerrors,
	    if_iqdrops;
	TAILQ_ENTRY(ifnet) if_list;
};

/* Register an Ethernet interface and bring its link up.  ENOMEM.  May sleep. */
int ether_ifattach(struct ifnet *ifp);
/*
 * Frames received, an m_nextpkt chain of M_PKTHDR packets with m_rcvif set, m_data at the Ethernet
 * header.  Consumes all.  From soft interrupts.  Calling it once for many frames lets TCP
 * acknowledge and wake once.
 */
void if_input(struct ifnet *ifp, struct mbuf *m);
/* The driver's transmit ring has room again / link changed. */
void if_link_state(struct ifnet *ifp, bool up);
/* By name or index; interfaces are never freed. */
struct ifnet *ifunit(const char *name);
struct ifnet *if_byindex(int index);
/* Interfaces in the order of attachment.  Only ever appended to: may be walked without a lock. */
TAILQ_HEAD(ifnethead, ifnet);
extern struct ifnethead ifnet_list;
/* The loopback interface. */
extern struct ifnet loop_ifnet;

#endif
