/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 inside the kernel: wire formats, addresses, routes, input and output.
 * Addresses are in network order unless a name says otherwise.
 */
#ifndef NETINET_IP_VAR_H
#define NETINET_IP_VAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kern/linkset.h>
#include <net/netinput.h>

struct ifnet;
struct mbuf;
struct socket;

struct iphdr4 {
	uint8_t ip_vhl; /* version and header words */
	uint8_t ip_tos;
	uint16_t ip_len;
	uint16_t ip_id;
	uint16_t ip_off;
	uint8_t ip_ttl;
	uint8_t ip_p;
	uint16_t ip_sum;
	uint32_t ip_src, ip_dst;
} __attribute__((packed));
_Static_assert(sizeof(struct iphdr4) == 20, "RFC 791");

#define IP4_DF		 0x4000
#define IP4_MF		 0x2000
#define IP4_OFFMASK	 0x1fff
#define IP4_TTL		 64
#define IP4_P_ICMP	 1
#define IP4_P_TCP	 6
#define IP4_P_UDP	 17
#define IP4_LOOPBACK(a)	 (((a)&hton32(0xff000000)) == hton32(0x7f000000))
#define IP4_MULTICAST(a) (((a)&hton32(0xf0000000)) == hton32(0xe0000000))
#define IP4_BROADCAST	 0xffffffffU

struct icmphdr4 {
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_sum;
	uint16_t icmp_void, icmp_mtu; /* or id and sequence */
} __attribute__((packed));

/*
 * A transport protocol: LINK_SET_ADD(ipprotos, x).
 * ipr_input: m_data at the IPv4 header, hlen bytes of which are contiguous and valid; the
 *   packet ends where ip_len says.  Consumes m.
 * ipr_ctlinput: an ICMP error about a packet we sent from laddr to faddr: error is an
 *   errno, EMSGSIZE with mtu.  l4 are the first 8 bytes behind the IPv4 header.  May be NULL.
 */
struct ipproto {
	uint8_t ipr_protocol;
	void (*ipr_input)(struct mbuf *m, unsigned hlen, struct netbatch *nb);
	void (*ipr_ctlinput)(
	    int error, unsigned mtu, uint32_t laddr, uint32_t faddr, const uint8_t *l4);
};

/* One per interface, made when it attaches.  Written under in_lock, each word atomically. */
struct in_ifaddr {
	volatile uint32_t ia_addr; /* 0: none */
	volatile uint32_t ia_mask;
	volatile uint32_t ia_bcast;
};

/* Where a packet goes.  rt_gen tells whether it still holds: compare with ip_route_gen. */
struct iproute {
	struct ifnet *rt_ifp;
	uint32_t rt_nexthop;
	uint32_t rt_src; /* address to send from */
	uint32_t rt_gen;
	uint32_t rt_mtu;
	bool rt_broadcast;
};
extern volatile uint32_t ip_route_gen;

/* ENETUNREACH. */
int ip_route(uint32_t dst, struct iproute *rt);
/*
 * Add or replace: mask 0xffffffff is a host, 0 the default route.  A route belongs to who has set
 * it (owner; NULL is the configuration) and leaves those of others alone; where several are equally
 * good, the configuration's counts, then the oldest.  ENOBUFS: table full.
 */
int ip_route_add(uint32_t dst, uint32_t mask, uint32_t gateway, const void *owner);
void ip_route_delete(uint32_t dst, uint32_t mask, const void *owner);
/* Path MTU as learnt by ICMP; the interface's if nothing is known. */
void ip_pmtu_learn(uint32_t dst, uint32_t mtu);

/* Set the interface's address; 0 removes it.  May sleep. */
int in_setaddr(struct ifnet *ifp, uint32_t addr, uint32_t mask);
/* Is it an address of ours? */
bool in_ours(uint32_t addr);
/* Is it a broadcast address of ifp (NULL: of any interface)? */
bool in_broadcast(const struct ifnet *ifp, uint32_t addr);
/* "192.0.2.1"; advances *s behind it.  false: not an address. */
bool in_parse(const char **s, uint32_t *addr);
/* Interface ioctls, SIOCGIFCONF and kin.  ENOTTY. */
int in_ioctl(struct socket *so, unsigned long cmd, void *data);
/* Servers that were learnt, to /etc/resolv.conf, if there is a file system and unless the
 * configuration names others. */
void in_resolvconf(const uint32_t *servers, unsigned n, const char *domain);

/*
 * Send the transport packet m from src to dst.  Fills in the IPv4 header, computes
 * what checksums the interface does not, fragments if df is false.
 * EMSGSIZE, ENETUNREACH, ENOBUFS, EHOSTUNREACH.  Consumes m.
 */
struct ipout {
	uint32_t src, dst;
	uint8_t protocol, ttl, tos;
	bool df;
	const struct iproute *rt; /* NULL: look it up */
};
int ip_output(struct mbuf *m, const struct ipout *out);
/* m has its complete IPv4 header but for checksum; routed by rt, not longer than its MTU (or TSO).
 */
int ip_send(struct mbuf *m, const struct iproute *rt);

/* Internet checksum (RFC 1071) of len bytes from off, added to sum; folded by in_cksum_fold. */
uint32_t in_cksum_add(const struct mbuf *m, size_t off, size_t len, uint32_t sum);
uint32_t in_cksum_bytes(const void *p, size_t len, uint32_t sum);
static inline uint16_t in_cksum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
/* Pseudo header, not folded; len in host order. */
static inline uint32_t in_pseudo(uint32_t src, uint32_t dst, uint8_t protocol, uint32_t len)
{
	return (src & 0xffff) + (src >> 16) + (dst & 0xffff) + (dst >> 16) + hton16(protocol) +
	       hton16((uint16_t)len);
}
/* Transport checksum of a received packet is right (or vouched for). */
bool ip_cksum_ok(const struct mbuf *m, unsigned hlen);

/* Tell the sender of m (at its IPv4 header) why it was not taken; consumes m.  Rate limited. */
void icmp_error(struct mbuf *m, uint8_t type, uint8_t code, unsigned mtu);
#define ICMP4_ECHOREPLY	       0
#define ICMP4_UNREACH	       3
#define ICMP4_ECHO	       8
#define ICMP4_TIMXCEED	       11
#define ICMP4_PARAMPROB	       12
#define ICMP4_UNREACH_PROTOCOL 2
#define ICMP4_UNREACH_PORT     3
#define ICMP4_UNREACH_NEEDFRAG 4

/* At most n a second?  One per reason. */
struct ratelimit {
	uint64_t rl_second;
	uint32_t rl_count;
};
bool ip_ratelimit(struct ratelimit *rl, unsigned n);

/* Hook of netinet/dhcp; test the address.  Asks for an address in the background; *done is set when
 * one is there. */
int dhcp_start(struct ifnet *ifp, unsigned index) __attribute__((weak));

#endif
