/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network interface that the host gives to a process: whole Ethernet frames
 * through two hypercalls.  One is enough: a hosted process has one host.
 */
#include <net/if_arp.h>
#include <rumpuser.h>
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/softint.h>
#include <kern/systm.h>
#include <net/ifnet.h>
#include <net/mbuf.h>

#define HOSTIF_MAXSEGS 40
#define HOSTIF_BATCH   32

static struct ifnet hostif_ifnet;
static struct softint *hostif_softint;

static void transmit(struct ifnet *ifp, struct mbuf *chain)
{
	struct rumpuser_iovec iov[HOSTIF_MAXSEGS];
	struct mbuf *m, *next, *n;
	unsigned niov;

	for (m = chain; m; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		niov = 0;
		for (n = m; n && niov < HOSTIF_MAXSEGS; n = n->m_next)
			if (n->m_len > 0)
				iov[niov++] = (struct rumpuser_iovec){n->m_data, n->m_len};
		if (n || rumpuser_net_send(iov, niov) != 0) {
			ifp->if_oerrors++;
		} else {
			ifp->if_opackets++;
			ifp->if_obytes += m->m_pktlen;
		}
		m_freem(m);
	}
}

static void receive(void *arg)
{
	struct ifnet *ifp = arg;
	struct mbuf *head, **tail, *m;
	unsigned n;
	size_t got;
	int error;

	do {
		head = NULL;
		tail = &head;
		for (n = 0; n < HOSTIF_BATCH; n++) {
			m = m_gethdr(true);
			if (!m) {
				ifp->if_iqdrops++;
				break;
			}
			m->m_data = m->m_storage;
			error = rumpuser_net_recv(m->m_data, MLLEN, &got);
			if (error) {
				m_freem(m);
				if (error != EMSGSIZE)
					break;
				ifp->if_ierrors++;
				continue;
			}
			m->m_len = m->m_pktlen = got;
			m->m_rcvif = ifp;
			*tail = m;
			tail = &m->m_nextpkt;
		}
		*tail = NULL;
		if (head)
			if_input(ifp, head);
	} while (n == HOSTIF_BATCH);
}

static void interrupt(void *arg)
{
	softint_schedule(hostif_softint);
}

static int hostif_init(void)
{
	struct ifnet *ifp = &hostif_ifnet;
	unsigned mtu, irq;
	int error = rumpuser_net_open(ifp->if_lladdr, &mtu, &irq);

	if (error)
		return error == ENXIO ? 0 : error;
	ifp->if_softc = ifp;
	ifp->if_type = ARPHRD_ETHER;
	ifp->if_mtu = KMIN(mtu, 1500U);
	ifp->if_transmit = transmit;
	hostif_softint = softint_establish(receive, ifp);
	if (!hostif_softint)
		return ENOMEM;
	error = intr_establish(irq, interrupt, NULL);
	if (!error)
		error = ether_ifattach(ifp);
	if (!error)
		softint_schedule(hostif_softint); /* what came before we listened */
	return error;
}
RUMP_COMPONENT(hostif, RUMP_PHASE_DEV, hostif_init);
