/* SPDX-License-Identifier: BSD-2-Clause */
/* A back end for the tests of the network front end: honest, unless they do its work themselves. */
#ifndef NETFRONT_PEER_H
#define NETFRONT_PEER_H

#include "netfront_world.h"

#define BACKEND world_device.xd_backend

extern struct world_back peer;
extern struct ifnet *ifp;
extern uint8_t wire[1U << 22]; /* what the back end has sent on */
extern size_t wire_len;
extern unsigned wire_packets, events; /* events: how often we were interrupted for sending */
extern unsigned last_gso;	      /* of the last packet */
extern uint16_t last_flags;

struct netif_tx_request tx_request(RING_IDX i);
void tx_answer(unsigned id, int status);
bool send_one(void);
void put_frame(size_t len, size_t piece, unsigned extras, uint16_t flags, uint8_t seed);
bool deliver(void);
struct mbuf *packet(size_t len, unsigned piece, uint8_t seed);
void check_bytes(const uint8_t *p, size_t len, uint8_t seed);
void transmit(struct mbuf *m);
void attach(unsigned max_queues);
void connect_all(unsigned nqueues);
void setup(void);

#endif
