/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of interfaces.  Interfaces are added, never removed: readers of the
 * list take no lock, writers take if_lock.
 */
#include <kern/component.h>
#include <kern/ktime.h>
#include <kern/systm.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <net/netinput.h>
#include "core_impl.h"

LINK_SET_DECLARE(ifattach_hooks, ifattach_hook_t);

struct ifnethead ifnet_list = TAILQ_HEAD_INITIALIZER(ifnet_list);
static kmutex_t if_lock;
static int if_count;

void if_attach(struct ifnet *ifp)
{
	ifattach_hook_t *const *hook;

	mutex_enter(&if_lock);
	ifp->if_index = ++if_count;
	TAILQ_INSERT_TAIL(&ifnet_list, ifp, if_list);
	mutex_exit(&if_lock);
	LINK_SET_FOREACH (hook, ifattach_hooks)
		(*hook)(ifp);
}

struct ifnet *ifunit(const char *name)
{
	struct ifnet *ifp;

	TAILQ_FOREACH (ifp, &ifnet_list, if_list)
		if (strncmp(ifp->if_xname, name, IFNAMSIZ) == 0)
			return ifp;
	return NULL;
}

struct ifnet *if_byindex(int index)
{
	struct ifnet *ifp;

	TAILQ_FOREACH (ifp, &ifnet_list, if_list)
		if (ifp->if_index == index)
			return ifp;
	return NULL;
}

void if_link_state(struct ifnet *ifp, bool up)
{
	ifp->if_link_up = up;
	if (up)
		ifp->if_flags |= IFF_RUNNING;
	else
		ifp->if_flags &= ~(uint32_t)IFF_RUNNING;
}

uint64_t netbatch_now(struct netbatch *nb)
{
	if (nb->nb_now == 0)
		nb->nb_now = nanouptime();
	return nb->nb_now;
}

static int if_start(void)
{
	mutex_init(&if_lock, MUTEX_DEFAULT);
	return loop_attach();
}
RUMP_COMPONENT(net_core, RUMP_PHASE_NET, if_start);
