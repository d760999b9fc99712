/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loopback interface.  A packet is queued, and comes back in a soft
 * interrupt: its sender holds locks that its receiver may want, and stacks are
 * finite.  Packets carry no link-level header and no transport checksums.
 */
#include <net/if_arp.h>
#include <kern/softint.h>
#include <kern/systm.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <net/netinput.h>
#include "core_impl.h"

#define LOOP_MTU       65535
#define LOOP_QUEUE_MAX 1024

LINK_SET_DECLARE(etherprotos, const struct etherproto);

struct ifnet loop_ifnet;
static struct mbufq loop_queue; /* under loop_lock */
static kmutex_t loop_lock;	/* spin */
static struct softint *loop_softint;

static void loop_input(void *arg)
{
	struct netbatch nb = {.nb_ifp = &loop_ifnet};
	const struct etherproto *const *ep;
	struct mbuf *m, *next;

	(void)arg;
	mutex_enter(&loop_lock);
	m = loop_queue.mq_first;
	mbufq_init(&loop_queue);
	mutex_exit(&loop_lock);
	for (; m; m = next) {
		nb.nb_next = next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		LINK_SET_FOREACH (ep, etherprotos)
			if ((*ep)->ep_type == ETHER_TYPE_IP)
				break;
		if (ep < __stop_link_set_etherprotos)
			(*ep)->ep_input(m, &nb);
		else
			m_freem(m);
	}
}

int loop_output(struct ifnet *ifp, struct mbuf *m, uint32_t nexthop)
{
	bool full;

	(void)nexthop;
	/* What was to be computed by a device need not be: nothing can damage it here. */
	m->m_csum_flags = MCSUM_RX_L4_OK;
	m->m_tso_segsz = 0;
	m->m_rcvif = ifp;
	m->m_flags &= (uint16_t) ~(M_BCAST | M_MCAST);
	ifp->if_opackets++;
	ifp->if_obytes += m->m_pktlen;
	mutex_enter(&loop_lock);
	full = loop_queue.mq_len >= LOOP_QUEUE_MAX;
	if (!full)
		mbufq_put(&loop_queue, m);
	mutex_exit(&loop_lock);
	if (full) {
		ifp->if_iqdrops++;
		m_freem(m);
		return ENOBUFS;
	}
	ifp->if_ipackets++;
	ifp->if_ibytes += m->m_pktlen;
	softint_schedule(loop_softint);
	return 0;
}

int loop_attach(void)
{
	struct ifnet *ifp = &loop_ifnet;

	mutex_init(&loop_lock, MUTEX_SPIN);
	mbufq_init(&loop_queue);
	loop_softint = softint_establish(loop_input, NULL);
	if (!loop_softint)
		return ENOMEM;
	strlcpy(ifp->if_xname, "lo", sizeof(ifp->if_xname));
	ifp->if_type = ARPHRD_LOOPBACK;
	ifp->if_mtu = LOOP_MTU;
	ifp->if_capabilities = IFCAP_TXCSUM | IFCAP_RXCSUM;
	ifp->if_flags = IFF_UP | IFF_LOOPBACK;
	ifp->if_output = loop_output;
	if_link_state(ifp, true);
	if_attach(ifp);
	return 0;
}
