/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the interfaces and the protocols above them: who gets a frame of
 * which type, what goes along with a batch of frames, and byte order.
 */
#ifndef NET_NETINPUT_H
#define NET_NETINPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kern/linkset.h>

struct ifnet;
struct mbuf;

/* What the frames of one if_input() share.  On the stack of the soft interrupt. */
struct netbatch {
	struct ifnet *nb_ifp;
	const struct mbuf *nb_next; /* the frame after this one, NULL if this is the last */
	unsigned nb_lhdrlen;	    /* bytes of its link-level header */
	uint64_t nb_now;	    /* netbatch_now() */
};

/* Monotonic time, read once a batch. */
uint64_t netbatch_now(struct netbatch *nb);

/*
 * A network protocol on Ethernet: LINK_SET_ADD(etherprotos, x).  ep_input gets the packet
 * without its Ethernet header (which is still there in front of m_data), in a soft interrupt;
 * consumes it.
 */
struct etherproto {
	uint16_t ep_type; /* host order */
	void (*ep_input)(struct mbuf *m, struct netbatch *nb);
};

/* Called for each interface that attaches, in phase DEV or later; LINK_SET_ADD(ifattach_hooks, f).
 */
typedef void ifattach_hook_t(struct ifnet *ifp);

#define ETHER_TYPE_IP  0x0800
#define ETHER_TYPE_ARP 0x0806

struct ether_frame {
	uint8_t ef_dst[6], ef_src[6];
	uint16_t ef_type; /* network order */
} __attribute__((packed));

/* Put an Ethernet header in front and transmit; consumes m. */
void ether_send(struct ifnet *ifp, struct mbuf *m, const uint8_t dst[6], uint16_t type);
/* An IPv4 packet to the loopback interface; consumes m. */
int loop_output(struct ifnet *ifp, struct mbuf *m, uint32_t nexthop);

static inline uint16_t hton16(uint16_t x)
{
	return __builtin_bswap16(x);
}
static inline uint32_t hton32(uint32_t x)
{
	return __builtin_bswap32(x);
}
static inline uint16_t ntoh16(uint16_t x)
{
	return __builtin_bswap16(x);
}
static inline uint32_t ntoh32(uint32_t x)
{
	return __builtin_bswap32(x);
}
/* Reads and writes of any alignment. */
static inline uint16_t get16(const void *p)
{
	uint16_t x;
	__builtin_memcpy(&x, p, 2);
	return ntoh16(x);
}
static inline uint32_t get32(const void *p)
{
	uint32_t x;
	__builtin_memcpy(&x, p, 4);
	return ntoh32(x);
}
static inline void put16(void *p, uint16_t x)
{
	x = hton16(x);
	__builtin_memcpy(p, &x, 2);
}
static inline void put32(void *p, uint32_t x)
{
	x = hton32(x);
	__builtin_memcpy(p, &x, 4);
}

#endif
