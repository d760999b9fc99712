/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP inside the kernel. */
#ifndef NETINET_UDP_VAR_H
#define NETINET_UDP_VAR_H

#include <netinet/in_pcb.h>

struct udphdr4 {
	uint16_t uh_sport, uh_dport, uh_len, uh_sum;
} __attribute__((packed));

/*
 * Send m from source to destination; rt NULL: by the routing table.  laddr 0: the
 * route's.  Consumes m.  As ip_output().
 */
int udp_output(struct mbuf *m, uint32_t laddr, uint16_t lport, uint32_t faddr, uint16_t fport,
    const struct inpcb *inp, const struct iproute *rt);

#endif
