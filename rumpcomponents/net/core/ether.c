/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ethernet II: frames in are handed to the protocol of their type, packets
 * out get a header.  How a protocol's address becomes an Ethernet address is the
 * protocol's business (ARP: netinet/ip/arp.c).
 */
#include <net/if_arp.h>
#include <kern/systm.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <net/netinput.h>
#include "core_impl.h"

LINK_SET_DECLARE(etherprotos, const struct etherproto);

int ether_ifattach(struct ifnet *ifp)
{
	static volatile unsigned unit;
	unsigned n = __atomic_fetch_add(&unit, 1, __ATOMIC_RELAXED);

	ksnprintf(ifp->if_xname, sizeof(ifp->if_xname), "eth%u", n);
	ifp->if_type = ARPHRD_ETHER;
	ifp->if_flags = IFF_UP | IFF_BROADCAST | IFF_MULTICAST;
	if_link_state(ifp, true);
	if_attach(ifp);
	return 0;
}

static bool same_address(const uint8_t *a, const uint8_t *b)
{
	uint32_t a4, b4;
	uint16_t a2, b2;

	__builtin_memcpy(&a4, a, 4);
	__builtin_memcpy(&b4, b, 4);
	__builtin_memcpy(&a2, a + 4, 2);
	__builtin_memcpy(&b2, b + 4, 2);
	return a4 == b4 && a2 == b2;
}

static bool is_broadcast(const uint8_t *a)
{
	return (a[0] & a[1] & a[2] & a[3] & a[4] & a[5]) == 0xff;
}

static void ether_input(struct ifnet *ifp, struct mbuf *m, struct netbatch *nb)
{
	const struct etherproto *const *ep;
	const struct ether_frame *ef;
	uint16_t type;

	if (m->m_len < sizeof(*ef)) {
		ifp->if_ierrors++;
		m_freem(m);
		return;
	}
	ef = (const struct ether_frame *)m->m_data;
	if (ef->ef_dst[0] & 1)
		m->m_flags |= is_broadcast(ef->ef_dst) ? M_BCAST : M_MCAST;
	else if (!same_address(ef->ef_dst, ifp->if_lladdr)) {
		m_freem(m);
		return;
	}
	type = ntoh16(ef->ef_type);
	m->m_data += sizeof(*ef);
	m->m_len -= sizeof(*ef);
	m->m_pktlen -= sizeof(*ef);
	LINK_SET_FOREACH (ep, etherprotos)
		if ((*ep)->ep_type == type) {
			(*ep)->ep_input(m, nb);
			return;
		}
	m_freem(m);
}

void if_input(struct ifnet *ifp, struct mbuf *m)
{
	struct netbatch nb = {.nb_ifp = ifp, .nb_lhdrlen = sizeof(struct ether_frame)};
	struct mbuf *next;

	for (; m; m = next) {
		nb.nb_next = next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m->m_rcvif = ifp;
		ifp->if_ipackets++;
		ifp->if_ibytes += m->m_pktlen;
		ether_input(ifp, m, &nb);
	}
}

void ether_send(struct ifnet *ifp, struct mbuf *m, const uint8_t dst[6], uint16_t type)
{
	struct ether_frame *ef;

	m = m_prepend(m, sizeof(*ef));
	if (!m) {
		ifp->if_oerrors++;
		return;
	}
	m->m_csum_start += sizeof(*ef);
	m->m_hdrlen += sizeof(*ef);
	m->m_nextpkt = NULL;
	ef = (struct ether_frame *)m->m_data;
	__builtin_memcpy(ef->ef_dst, dst, 6);
	__builtin_memcpy(ef->ef_src, ifp->if_lladdr, 6);
	ef->ef_type = hton16(type);
	ifp->if_transmit(ifp, m);
}
