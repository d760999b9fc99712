/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv4 addresses of interfaces: one each. */
#include <kern/kmem.h>
#include "ip_impl.h"

static kmutex_t in_lock;
static bool in_lock_ready;

static void in_ifattach(struct ifnet *ifp)
{
	if (!in_lock_ready) { /* the first is the loopback, before anything runs beside us */
		mutex_init(&in_lock, MUTEX_DEFAULT);
		in_lock_ready = true;
	}
	if (!ifp->if_output)
		ifp->if_output = arp_output;
	ifp->if_inaddr = kmem_zalloc(sizeof(struct in_ifaddr));
	if (!ifp->if_inaddr) {
		kprintf("kiln: %s: no memory for its address\n", ifp->if_xname);
		return;
	}
	if (ifp->if_flags & IFF_LOOPBACK)
		(void)in_setaddr(ifp, hton32(0x7f000001), hton32(0xff000000));
}
LINK_SET_ADD(ifattach_hooks, in_ifattach);

int in_setaddr(struct ifnet *ifp, uint32_t addr, uint32_t mask)
{
	struct in_ifaddr *ia = ifp->if_inaddr;

	if (!ia)
		return ENOMEM;
	mutex_enter(&in_lock);
	ia->ia_addr = 0; /* readers see no address rather than a mixture */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ia->ia_mask = mask;
	/* A point-to-point mask leaves no broadcast address. */
	ia->ia_bcast = ntoh32(~mask) > 1 ? (addr | ~mask) : IP4_BROADCAST;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ia->ia_addr = addr;
	__atomic_add_fetch(&ip_route_gen, 1, __ATOMIC_RELEASE);
	mutex_exit(&in_lock);
	if (addr != 0 && !(ifp->if_flags & IFF_LOOPBACK))
		arp_announce(ifp, addr);
	return 0;
}

bool in_ours(uint32_t addr)
{
	struct ifnet *ifp;

	if (addr == 0)
		return false;
	TAILQ_FOREACH (ifp, &ifnet_list, if_list)
		if (ifp->if_inaddr && ifp->if_inaddr->ia_addr == addr)
			return true;
	return IP4_LOOPBACK(addr);
}

bool in_broadcast(const struct ifnet *ifp, uint32_t addr)
{
	if (addr == IP4_BROADCAST)
		return true;
	if (ifp) {
		const struct in_ifaddr *ia = ifp->if_inaddr;

		return ia && ia->ia_addr != 0 && (ifp->if_flags & IFF_BROADCAST) &&
		       addr == ia->ia_bcast;
	}
	TAILQ_FOREACH (ifp, &ifnet_list, if_list)
		if (in_broadcast(ifp, addr))
			return true;
	return false;
}

bool in_parse(const char **s, uint32_t *addr)
{
	const char *p = *s;
	uint32_t a = 0;
	unsigned i, n, digits;

	for (i = 0; i < 4; i++) {
		if (i > 0 && *p++ != '.')
			return false;
		for (n = digits = 0; *p >= '0' && *p <= '9'; p++, digits++)
			if ((n = n * 10 + (unsigned)(*p - '0')) > 255)
				return false;
		if (digits == 0 || digits > 3)
			return false;
		a = a << 8 | n;
	}
	*addr = hton32(a);
	*s = p;
	return true;
}
