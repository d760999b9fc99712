/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kern/kmem.h>
#include <kern/systm.h>
#include <rumpuser.h>

#include "front_world.h"
#include "native.h"

LINK_SET_DECLARE(xenbus_drivers, const struct xenbus_driver);

struct world_grant world_grants[WORLD_GRANTS];
long world_grant_limit;
struct xenbus_channel world_channels[WORLD_CHANNELS];
long world_channel_limit;
unsigned world_complaints;
struct xenbus_device world_device;

/* ------------------------------------------------------------------ grants */

static unsigned live_grants; /* counted: fuzz targets make very many */

unsigned world_live_grants(void)
{
	return live_grants;
}

int rumpuser_grant(unsigned domid, uint64_t pa, bool readonly, uint32_t *ref)
{
	static unsigned next;

	if (live_grants >= KMIN((unsigned long)world_grant_limit, WORLD_GRANTS - 8UL))
		return ENOSPC;
	do
		next = next < 8 || next == WORLD_GRANTS - 1 ? 8 : next + 1;
	while (world_grants[next].live);
	world_grants[next] = (struct world_grant){
	    .live = true, .domid = domid, .readonly = readonly, .page = page_va(pa)};
	*ref = next;
	live_grants++;
	return 0;
}

int rumpuser_grant_end(uint32_t ref)
{
	if (ref >= WORLD_GRANTS || !world_grants[ref].live)
		panic("grant %u ends twice", ref);
	if (world_grants[ref].held)
		return EBUSY;
	world_grants[ref].live = false;
	live_grants--;
	return 0;
}

/* ------------------------------------------------------------------ xenbus */

int xenbus_page_alloc(struct xenbus_device *xd, bool readonly, void **va, uint32_t *ref)
{
	uint64_t pa = page_zalloc(0);
	int error;

	if (!pa)
		return ENOMEM;
	error = rumpuser_grant(xd->xd_backend_domid, pa, readonly, ref);
	if (error)
		page_free(pa, 0);
	else
		*va = page_va(pa);
	return error;
}

int xenbus_ring_alloc(struct xenbus_device *xd, void **va, uint32_t *ref)
{
	return xenbus_page_alloc(xd, false, va, ref);
}

void xenbus_page_free(void *va, uint32_t ref)
{
	if (world_grants[ref].page != va)
		panic("ring page and grant don't match");
	if (rumpuser_grant_end(ref) == 0)
		page_free(page_pa(va), 0);
}

void xenbus_ring_free(struct xenbus_device *xd, void *va, uint32_t ref)
{
	(void)xd;
	xenbus_page_free(va, ref);
}

unsigned world_live_channels(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORLD_CHANNELS; i++)
		n += world_channels[i].live;
	return n;
}

int xenbus_channel_alloc(struct xenbus_device *xd, unsigned cpu, void (*func)(void *), void *arg,
    struct xenbus_channel **chp)
{
	(void)xd;
	if (world_live_channels() >= (unsigned long)world_channel_limit)
		return ENOSPC;
	for (unsigned i = 1; i < WORLD_CHANNELS; i++)
		if (!world_channels[i].live) {
			*chp = &world_channels[i];
			**chp = (struct xenbus_channel){
			    .live = true, .cpu = cpu, .func = func, .arg = arg};
			return 0;
		}
	return ENOSPC;
}

unsigned xenbus_channel_port(const struct xenbus_channel *ch)
{
	return (unsigned)(ch - world_channels);
}

void xenbus_channel_notify(struct xenbus_channel *ch)
{
	if (!ch->live)
		panic("a closed channel is notified");
	ch->notified++;
}

void xenbus_channel_later(struct xenbus_channel *ch)
{
	if (!ch->live)
		panic("a closed channel is to be served");
	ch->later++;
}

void xenbus_channel_free(struct xenbus_channel *ch)
{
	if (!ch->live)
		panic("a channel is closed twice");
	ch->live = false;
}

void xenbus_complain(struct xenbus_device *xd, const char *fmt, ...)
{
	(void)xd, (void)fmt;
	world_complaints++;
}

/* ---------------------------------------------------------------- xenstore */

static struct {
	char path[XENSTORE_PATH_MAX], value[64];
} nodes[128];

static int node_find(const char *dir, const char *node, bool create)
{
	char path[XENSTORE_PATH_MAX];
	int empty = -1;

	snprintf(path, sizeof(path), node ? "%s/%s" : "%s", dir, node);
	for (int i = 0; i < (int)NELEM(nodes); i++) {
		if (strcmp(nodes[i].path, path) == 0)
			return i;
		if (!nodes[i].path[0] && empty < 0)
			empty = i;
	}
	if (create && empty >= 0)
		strcpy(nodes[empty].path, path);
	return create ? empty : -1;
}

void world_set(const char *dir, const char *node, const char *value)
{
	int i = node_find(dir, node, value != NULL);

	if (value)
		snprintf(nodes[i].value, sizeof(nodes[i].value), "%s", value);
	else if (i >= 0)
		nodes[i].path[0] = '\0';
}

const char *world_get(const char *dir, const char *node)
{
	int i = node_find(dir, node, false);

	return i < 0 ? NULL : nodes[i].value;
}

unsigned world_get_uint(const char *dir, const char *node)
{
	const char *value = world_get(dir, node);

	return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

int xenstore_read(uint32_t tx, const char *dir, const char *node, char *buf, size_t size)
{
	const char *value = world_get(dir, node);

	(void)tx;
	if (!value)
		return ENOENT;
	if (strlen(value) >= size)
		return E2BIG;
	strcpy(buf, value);
	return 0;
}

int xenstore_read_uint(uint32_t tx, const char *dir, const char *node, uint64_t *value)
{
	const char *text = world_get(dir, node);
	char *end;

	(void)tx;
	if (!text)
		return ENOENT;
	*value = strtoull(text, &end, 10);
	return *end || end == text ? EINVAL : 0;
}

int xenstore_write_uint(uint32_t tx, const char *dir, const char *node, uint64_t value)
{
	char text[24];

	(void)tx;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	world_set(dir, node, text);
	return 0;
}

/* With all that is below. */
int xenstore_rm(uint32_t tx, const char *dir, const char *node)
{
	char path[XENSTORE_PATH_MAX];
	size_t len;

	(void)tx;
	snprintf(path, sizeof(path), node ? "%s/%s" : "%s", dir, node);
	len = strlen(path);
	for (unsigned i = 0; i < NELEM(nodes); i++)
		if (strncmp(nodes[i].path, path, len) == 0 &&
		    (nodes[i].path[len] == '/' || !nodes[i].path[len]))
			nodes[i].path[0] = '\0';
	return 0;
}

int xenstore_write(uint32_t tx, const char *dir, const char *node, const char *value)
{
	(void)tx;
	world_set(dir, node, value);
	return 0;
}

/* --------------------------------------------------------------- the world */

void front_world_init(const char *type, const char *backend, unsigned max_queues)
{
	char number[16];

	memset(world_grants, 0, sizeof(world_grants));
	live_grants = 0;
	memset(world_channels, 0, sizeof(world_channels));
	memset(nodes, 0, sizeof(nodes));
	world_grant_limit = WORLD_GRANTS;
	world_channel_limit = WORLD_CHANNELS;
	world_complaints = 0;
	world_device = (struct xenbus_device){0};
	snprintf(world_device.xd_path, XENSTORE_PATH_MAX, "device/%s/0", type);
	snprintf(world_device.xd_backend, XENSTORE_PATH_MAX, "%s", backend);
	snprintf(number, sizeof(number), "%u", max_queues);
	world_set(backend, "multi-queue-max-queues", number);
}

static const struct xenbus_driver *driver(void)
{
	return *__start_link_set_xenbus_drivers;
}

/* Devices are never freed: LSan finds them here. */
static void *attached[64];

int world_attach(void)
{
	static unsigned n;
	int error = driver()->xdr_attach(&world_device);

	attached[n++ % NELEM(attached)] = world_device.xd_softc;
	return error;
}

int world_connect(void)
{
	return driver()->xdr_connect(&world_device);
}

int world_connected(void)
{
	return driver()->xdr_connected(&world_device);
}

void world_disconnect(void)
{
	driver()->xdr_disconnect(&world_device);
}

void world_move(unsigned domid)
{
	if (domid == world_device.xd_backend_domid)
		return;
	driver()->xdr_forget(&world_device);
	world_device.xd_backend_domid = domid;
	for (unsigned i = 0; i < WORLD_GRANTS; i++)
		if (world_grants[i].live && !world_grants[i].held)
			panic("grant %u outlives its domain", i);
}

void *world_shared_page(const char *dir, const char *node)
{
	unsigned ref = world_get_uint(dir, node);

	if (ref >= WORLD_GRANTS || !world_grants[ref].live || world_grants[ref].readonly)
		panic("%s/%s names no grant", dir, node);
	return world_grants[ref].page;
}

struct xenbus_channel *world_channel(const char *dir, const char *node)
{
	unsigned port = world_get_uint(dir, node);

	if (port >= WORLD_CHANNELS || !world_channels[port].live)
		panic("%s/%s names no channel", dir, node);
	return &world_channels[port];
}

void world_queue_dir(char dir[XENSTORE_PATH_MAX], unsigned queue, unsigned nqueues)
{
	if (nqueues > 1)
		snprintf(dir, XENSTORE_PATH_MAX, "%.200s/queue-%u", world_device.xd_path, queue);
	else
		snprintf(dir, XENSTORE_PATH_MAX, "%.200s", world_device.xd_path);
}
