/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where packets go: our own addresses, the networks of our interfaces, then a
 * small table of host and default routes.  Connections cache the answer and
 * compare ip_route_gen, which counts changes.
 *
 * Path MTUs (RFC 1191) are a table beside it: sixteen destinations, the oldest makes room.
 */
#include <kern/ktime.h>
#include "ip_impl.h"

#define ROUTES	  8
#define PMTUS	  16
#define PMTU_LIFE (600 * NSEC_PER_SEC)

struct route {
	uint32_t dst, mask, gateway;
	bool used;
	const void *owner; /* NULL: the configuration */
};
struct pmtu {
	uint32_t dst, mtu;
	uint64_t expires;
};

volatile uint32_t ip_route_gen = 1;
static struct route routes[ROUTES];
static struct pmtu pmtus[PMTUS];
static volatile bool any_pmtu;
static kmutex_t route_lock; /* spin */

void ip_route_init(void)
{
	mutex_init(&route_lock, MUTEX_SPIN);
}

static void routes_changed(void)
{
	__atomic_add_fetch(&ip_route_gen, 1, __ATOMIC_RELEASE);
}

static struct ifnet *onlink_interface(uint32_t addr)
{
	struct ifnet *ifp;

	TAILQ_FOREACH (ifp, &ifnet_list, if_list)
		if (ifp->if_inaddr && (ifp->if_flags & IFF_UP) && in_onlink(ifp->if_inaddr, addr))
			return ifp;
	return NULL;
}

static struct ifnet *first_ether(void)
{
	struct ifnet *ifp;

	TAILQ_FOREACH (ifp, &ifnet_list, if_list)
		if (!(ifp->if_flags & IFF_LOOPBACK) && (ifp->if_flags & IFF_UP))
			return ifp;
	return NULL;
}

static bool better(const struct route *a, const struct route *b)
{
	if (a->mask != b->mask)
		return ntoh32(a->mask) > ntoh32(b->mask);
	return !a->owner && b->owner;
}

/* The longest match of the table. */
static bool table_lookup(uint32_t dst, uint32_t *gateway)
{
	const struct route *r, *best = NULL;

	mutex_enter(&route_lock);
	for (r = routes; r < routes + ROUTES; r++)
		if (r->used && ((dst ^ r->dst) & r->mask) == 0 && (!best || better(r, best)))
			best = r;
	if (best)
		*gateway = best->gateway;
	mutex_exit(&route_lock);
	return best;
}

static uint32_t path_mtu(uint32_t dst, uint32_t mtu)
{
	const struct pmtu *p;

	if (!any_pmtu)
		return mtu;
	mutex_enter(&route_lock);
	for (p = pmtus; p < pmtus + PMTUS; p++)
		if (p->dst == dst && p->expires > nanouptime())
			mtu = KMIN(mtu, p->mtu);
	mutex_exit(&route_lock);
	return mtu;
}

int ip_route(uint32_t dst, struct iproute *rt)
{
	struct ifnet *ifp;
	uint32_t gateway;

	rt->rt_gen = __atomic_load_n(&ip_route_gen, __ATOMIC_ACQUIRE);
	rt->rt_nexthop = dst;
	rt->rt_broadcast = false;
	if (IP4_LOOPBACK(dst) || in_ours(dst)) {
		rt->rt_ifp = &loop_ifnet;
		rt->rt_src = dst;
		rt->rt_mtu = loop_ifnet.if_mtu;
		return 0;
	}
	ifp = onlink_interface(dst);
	if (!ifp && (dst == IP4_BROADCAST || IP4_MULTICAST(dst)))
		ifp = first_ether();
	if (!ifp && dst != 0 && table_lookup(dst, &gateway)) {
		ifp = onlink_interface(gateway);
		rt->rt_nexthop = gateway;
	}
	if (!ifp) {
		rt->rt_gen = 0;
		return ENETUNREACH;
	}
	rt->rt_ifp = ifp;
	rt->rt_src = ifp->if_inaddr ? ifp->if_inaddr->ia_addr : 0;
	rt->rt_mtu = path_mtu(dst, ifp->if_mtu);
	rt->rt_broadcast = in_broadcast(ifp, dst);
	return 0;
}

int ip_route_add(uint32_t dst, uint32_t mask, uint32_t gateway, const void *owner)
{
	struct route *r, *slot = NULL;
	struct iproute rt;

	mutex_enter(&route_lock);
	for (r = routes; r < routes + ROUTES; r++) {
		if (r->used && r->dst == (dst & mask) && r->mask == mask && r->owner == owner) {
			slot = r;
			break;
		}
		if (!r->used && !slot)
			slot = r;
	}
	if (slot)
		*slot = (struct route){dst & mask, mask, gateway, true, owner};
	mutex_exit(&route_lock);
	routes_changed();
	if (gateway != 0 && ip_route(gateway, &rt) == 0 && rt.rt_ifp->if_output == arp_output)
		arp_resolve(rt.rt_ifp, gateway);
	return slot ? 0 : ENOBUFS;
}

void ip_route_delete(uint32_t dst, uint32_t mask, const void *owner)
{
	struct route *r;

	mutex_enter(&route_lock);
	for (r = routes; r < routes + ROUTES; r++)
		if (r->used && r->dst == (dst & mask) && r->mask == mask && r->owner == owner)
			r->used = false;
	mutex_exit(&route_lock);
	routes_changed();
}

void ip_pmtu_learn(uint32_t dst, uint32_t mtu)
{
	uint64_t now = nanouptime();
	struct pmtu *p, *slot = pmtus;

	mutex_enter(&route_lock);
	for (p = pmtus; p < pmtus + PMTUS; p++) {
		if (p->dst == dst) {
			slot = p;
			break;
		}
		if (p->expires < slot->expires)
			slot = p;
	}
	*slot = (struct pmtu){dst, mtu, now + PMTU_LIFE};
	any_pmtu = true;
	mutex_exit(&route_lock);
	routes_changed();
}
