/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Xen front end stands on, made of memory: grants, ring pages, event channels, and a store
 * with a directory for each end.  One device, one driver.
 */
#ifndef FRONT_WORLD_H
#define FRONT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <dev/xenbus.h>

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
	unsigned cpu, notified, later;
	void (*func)(void *);
	void *arg;
};
extern struct xenbus_channel world_channels[WORLD_CHANNELS];
extern long world_channel_limit;
unsigned world_live_channels(void);

extern unsigned world_complaints;
extern struct xenbus_device world_device;

/* An empty world, a device of this type, a back end that offers queues as many as this. */
void front_world_init(const char *type, const char *backend, unsigned max_queues);
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
/* Its back end is another domain.  Disconnected before; checks that no page is left to the former.
 */
void world_move(unsigned domid);

/* What the front end named: its page, its channel.  Checks that they are there. */
void *world_shared_page(const char *dir, const char *node);
struct xenbus_channel *world_channel(const char *dir, const char *node);
/* Where queue's names are. */
void world_queue_dir(char dir[XENSTORE_PATH_MAX], unsigned queue, unsigned nqueues);

#endif
