/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the network front end stands on, beside front_world.h: the back end's view of a queue; and
 * the network above, which keeps what it is handed.
 */
#ifndef NETFRONT_WORLD_H
#define NETFRONT_WORLD_H

#include "front_world.h"
#include "netfront_impl.h"

extern bool world_link;
extern int world_attach_error;	     /* of ether_ifattach() */
extern void (*world_on_input)(void); /* what else happens when frames are handed up */
/* Frames that if_input() was given: all, the last of them, calls. */
extern unsigned world_frames, world_inputs;
extern uint8_t world_frame[NETFRONT_RXMAX];
extern uint32_t world_frame_len;
extern uint16_t world_frame_flags;

/* The back end offers everything, queues as many as this. */
void world_init(unsigned max_queues);
struct netfront *world_netfront(void);

/* The back end's side of a queue, as the store names it; checks that all is there. */
struct world_back {
	struct netif_tx_sring *tx;
	struct netif_rx_sring *rx;
	struct xenbus_channel *txchan, *rxchan;
	RING_IDX txcons, txprod, rxcons, rxprod;
};
void world_back_attach(struct world_back *b, unsigned queue, unsigned nqueues);

#endif
