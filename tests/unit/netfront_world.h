/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the network front end stands on, made of memory: grants, ring pages, event channels, a
 * store with a directory for each end; the back end's view of a queue; and the network above,
 * which keeps what it is handed.
 */
#ifndef NETFRONT_WORLD_H
#define NETFRONT_WORLD_H

#include "netfront_impl.h"

#define WORLD_GRANTS   4096U
#define WORLD_CHANNELS 32U

struct world_grant {
	bool live, readonly, held; /* held: by the back end, it cannot be ended */
	unsigned domid;
	uint8_t *page;
};
extern struct world_grant world_grants[WORLD_GRANTS];
extern long world_grant_limit; /* live ones at most */
unsigned world_live_grants(void);

struct xenbus_channel {
	bool live;
	unsigned cpu, notified;
	void (*func)(void *);
	void *arg;
};
extern struct xenbus_channel world_channels[WORLD_CHANNELS];
extern long world_channel_limit;
unsigned world_live_channels(void);

extern unsigned world_complaints;
extern struct xenbus_device world_device;
extern bool world_link;
/* Frames that if_input() was given: all, the last of them, calls. */
extern unsigned world_frames, world_inputs;
extern uint8_t world_frame[NETFRONT_RXMAX];
extern uint32_t world_frame_len;
extern uint16_t world_frame_flags;

/* The back end offers everything, queues as many as this. */
void world_init(unsigned max_queues);
/* NULL: the node is no more. */
void world_set(const char *dir, const char *node, const char *value);
/* The front end's, NULL if there is none; a number, 0 if there is none. */
const char *world_get(const char *dir, const char *node);
unsigned world_get_uint(const char *dir, const char *node);

/* What the driver registers. */
int world_attach(void);
int world_connect(void);
int world_connected(void);
void world_disconnect(void);
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
