/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/systm.h>
#include <rumpuser.h>

#include "native.h"
#include "netfront_world.h"

#define BACKEND "/local/domain/0/backend/vif/3/0"

bool world_link;
int world_attach_error;
void (*world_on_input)(void);
unsigned world_frames, world_inputs;
uint8_t world_frame[NETFRONT_RXMAX];
uint32_t world_frame_len;
uint16_t world_frame_flags;

/* ----------------------------------------------------------------- network */

int ether_ifattach(struct ifnet *ifp)
{
	(void)ifp;
	world_link = world_attach_error == 0;
	return world_attach_error;
}

void if_link_state(struct ifnet *ifp, bool up)
{
	(void)ifp;
	world_link = up;
}

void if_input(struct ifnet *ifp, struct mbuf *m)
{
	struct mbuf *next;

	world_inputs++;
	if (world_on_input)
		world_on_input();
	for (; m; m = next) {
		next = m->m_nextpkt;
		if (m->m_rcvif != ifp || m_length(m) != m->m_pktlen || !(m->m_flags & M_PKTHDR) ||
		    m->m_pktlen > sizeof(world_frame))
			panic("a frame is not well-formed");
		for (const struct mbuf *n = m; n; n = n->m_next)
			if (!m_writable(n))
				panic("a frame is shared with somebody");
		m_copydata(m, 0, m->m_pktlen, world_frame);
		world_frame_len = m->m_pktlen;
		world_frame_flags = m->m_csum_flags;
		world_frames++;
		m->m_nextpkt = NULL;
		m_freem(m);
	}
}

/* --------------------------------------------------------------- the world */

void world_init(unsigned max_queues)
{
	static const char *const offers[] = {
	    "feature-rx-copy", "feature-sg", "feature-gso-tcpv4", "feature-split-event-channels"};

	front_world_init("vif", BACKEND, max_queues);
	world_frames = world_inputs = 0;
	for (unsigned i = 0; i < NELEM(offers); i++)
		world_set(BACKEND, offers[i], "1");
	world_set(world_device.xd_path, "mac", "00:16:3e:aB:09:f0");
}

struct netfront *world_netfront(void)
{
	return world_device.xd_softc;
}

void world_back_attach(struct world_back *b, unsigned queue, unsigned nqueues)
{
	char dir[XENSTORE_PATH_MAX];

	world_queue_dir(dir, queue, nqueues);
	*b = (struct world_back){0};
	b->tx = world_shared_page(dir, "tx-ring-ref");
	b->rx = world_shared_page(dir, "rx-ring-ref");
	if (world_get(dir, "event-channel-tx")) {
		b->txchan = world_channel(dir, "event-channel-tx");
		b->rxchan = world_channel(dir, "event-channel-rx");
	} else {
		b->txchan = b->rxchan = world_channel(dir, "event-channel");
	}
}
