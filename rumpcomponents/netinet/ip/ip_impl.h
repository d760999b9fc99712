/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of netinet/ip share. */
#ifndef IP_IMPL_H
#define IP_IMPL_H

#include <kern/systm.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <netinet/ip_var.h>

/* A fragment arrived (m at its header of hlen bytes): the whole packet, or NULL.  Consumes m. */
struct mbuf *ip_reass(struct mbuf *m, unsigned hlen, uint64_t now);
void ip_reass_init(void);

/* ifnet's if_output for Ethernet: resolve nexthop and send, or hold m until it is resolved. */
int arp_output(struct ifnet *ifp, struct mbuf *m, uint32_t nexthop);
/* Ask for ip now, so that the first packet to it need not wait. */
void arp_resolve(struct ifnet *ifp, uint32_t ip);
/* Tell the neighbours that addr is ours. */
void arp_announce(struct ifnet *ifp, uint32_t addr);
void arp_init(void);

/* An error about a packet of ours: its header and 8 bytes more. */
void ip_notify(int error, unsigned mtu, const uint8_t *packet);
void ip_route_init(void);
void icmp_input(struct mbuf *m, unsigned hlen, struct netbatch *nb);
/* The addresses of interface number n (0: the first that is not the loopback) from the
 * configuration. */
void in_configure(struct ifnet *ifp, unsigned n);

static inline bool in_onlink(const struct in_ifaddr *ia, uint32_t addr)
{
	return ia->ia_addr != 0 && ((addr ^ ia->ia_addr) & ia->ia_mask) == 0;
}

#endif
