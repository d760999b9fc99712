/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire with the real network stack at one end and a test at the other, for
 * t_netinput and f_netinput: one Ethernet interface, 10.0.0.1/24 on our side, 10.0.0.2 the peer.
 *
 * Every frame that the stack sends is checked by code that shares nothing with it (lengths,
 * addresses, all checksums; a fault panics) and kept in a ring.  Frames go in split
 * over mbufs wherever a test wants, and also as foreign storage of exactly the frame's
 * size, so that ASan sees a read behind it, and a change to it is noticed.
 */
#ifndef NETWORLD_H
#define NETWORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp_impl.h"

#define NET_US	      0x0a000001U /* host order */
#define NET_PEER      0x0a000002U
#define NET_MTU	      1500U
#define NET_FRAME_MAX 66000U
#define NET_RING      128U /* frames remembered */

extern struct ifnet net_if;
extern const uint8_t net_our_mac[6], net_peer_mac[6];

/* A frame that the stack has sent. */
struct net_sent {
	uint32_t len;
	uint8_t frame[14 + NET_MTU];
};
/* How many there were. */
extern unsigned long net_nsent;
/* The n-th last: 0 the newest; NULL if there were not so many. */
const struct net_sent *net_sent(unsigned n);
/* Called for each, after the checks; may be NULL. */
extern void (*net_sent_hook)(const struct net_sent *s);

/* Start the stack and its interface with our address; once.  The peer is in the ARP cache
 * afterwards. */
void net_start(void);
/* The peer asks for our address, and so is known. */
void net_arp_hello(void);

/* ------------------------------------------------------------ frames in */

#define NET_SMALL 0x01 /* in small mbufs */
#define NET_EXT	  0x02 /* in foreign storage */
#define NET_HOLD  0x04 /* not now: with the next frame, as one batch */

/*
 * Deliver a frame.  split: bytes of the first mbuf but one, and of all that follow; 0: one
 * mbuf, if it fits.  The first has the Ethernet header at least.
 */
void net_deliver(const uint8_t *frame, size_t len, unsigned split, unsigned flags);
/* What is held. */
void net_flush(void);

/* ------------------------------------------------------- building frames */

#define NET_FIX_IPLEN 0x01
#define NET_FIX_IPSUM 0x02
#define NET_FIX_L4    0x04 /* checksum of TCP, UDP or ICMP, if it is not a fragment */
#define NET_FIX_ALL   0x07

/* Independent of the stack's own. */
uint16_t net_cksum(const uint8_t *p, size_t len, uint32_t sum);
/* Make lengths and sums right; whatever the bytes are, only what lies in the frame is touched. */
void net_fix(uint8_t *frame, size_t len, unsigned what);
/* Ethernet and IPv4 headers for us from src (0: the peer) before len bytes of body; the length of
 * all. */
size_t net_ip(uint8_t *frame, uint8_t protocol, uint32_t src, uint32_t dst, uint16_t off,
    uint16_t id, const void *body, size_t len);

/* A segment from the peer; ports in host order. */
struct net_seg {
	uint32_t src, dst; /* 0: the peer, us */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t win, urp;
	const uint8_t *opt;
	unsigned optlen; /* 0..40, a multiple of 4 */
	const void *data;
	size_t len;
};
size_t net_tcp(uint8_t *frame, const struct net_seg *s);
size_t net_udp(uint8_t *frame, uint16_t sport, uint16_t dport, const void *data, size_t len);
/* Build and deliver at once. */
void net_send_tcp(const struct net_seg *s);
void net_send_udp(uint16_t sport, uint16_t dport, const void *data, size_t len);
void net_send_arp(uint16_t op, const uint8_t sha[6], uint32_t spa, uint32_t tpa);

/* ------------------------------------------------------------ looking */

/* The headers of a frame that was sent; NULL if it is something else. */
const struct iphdr4 *net_sent_ip(const struct net_sent *s);
const struct tcphdr4 *net_sent_tcp(const struct net_sent *s);
/* Its payload. */
size_t net_tcp_payload(const struct net_sent *s, const uint8_t **data);

/* Our connection of these ports (host order), NULL if there is none. */
struct tcpcb *net_find(uint16_t lport, uint16_t fport);
/* Open a connection to our port: SYN, SYN|ACK, ACK.  The connection, NULL if it was not taken. */
struct tcpcb *net_handshake(uint16_t lport, uint16_t fport, uint32_t irs, uint16_t win,
    const uint8_t *opt, unsigned optlen);
/* Panic unless tp's numbers and queues make sense.  It is of no interest otherwise. */
void net_check_tcpcb(struct tcpcb *tp);

/* It also checks that there is room for what was offered; not so after SO_RCVBUF has shrunk. */
extern bool net_window_strict;

/*
 * Until nothing waits any more: no callout armed, nothing in reassembly.  The peer is silent.
 * false: it does not come to rest within `steps` callouts.
 */
bool net_quiesce(unsigned steps);

#endif
