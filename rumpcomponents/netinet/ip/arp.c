/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARP (RFC 826, RFC 1122 2.3.2, RFC 5227 announcements).
 *
 * A cache of sets of four entries.  An entry is made only when we ask, or when somebody asks
 * for us; other traffic can refresh one, never add one.  While we wait for an answer packets are
 * held: the answers to a burst of new connections, each of which would cost its peer a second if it
 * were dropped.  Entries age by ticks of a callout that runs only while there are entries, so that
 * sending reads no clock.
 *
 * arp_lock (spin) guards the cache; packets are sent without it.
 */
#include <net/if_arp.h>
#include <kern/callout.h>
#include <kern/ktime.h>
#include "ip_impl.h"

#define SETS	   16
#define WAYS	   4
#define HOLD_MAX   64U	/* packets for one address */
#define HOLD_ALL   256U /* and for all of them */
#define TRIES_MAX  3
#define TICK	   NSEC_PER_SEC
#define AGE_PROBE  30 /* ticks: ask again if it was used */
#define AGE_MAX	   60 /* ticks: forget */
#define REPLY_RATE 200U

struct arp_packet {
	uint16_t ar_hrd, ar_pro;
	uint8_t ar_hln, ar_pln;
	uint16_t ar_op;
	uint8_t ar_sha[6];
	uint32_t ar_spa;
	uint8_t ar_tha[6];
	uint32_t ar_tpa;
} __attribute__((packed));
_Static_assert(sizeof(struct arp_packet) == 28, "RFC 826");

struct arp_entry {
	uint32_t ae_ip; /* 0: free */
	uint8_t ae_mac[6];
	bool ae_complete;
	bool ae_used;	/* since it was confirmed */
	bool ae_asked;	/* a request is under way */
	uint8_t ae_age; /* ticks since it was confirmed, or asked for first */
	uint8_t ae_nhold;
	struct ifnet *ae_ifp;
	struct mbuf *ae_hold, *ae_holdlast; /* m_nextpkt, oldest first */
};

static struct arp_entry arp_cache[SETS][WAYS];
static unsigned held_all;
static kmutex_t arp_lock;
static callout_t arp_callout;
static struct ratelimit reply_limit, complain_limit;
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static struct arp_entry *set_of(uint32_t ip)
{
	uint32_t h = ip ^ ip >> 16;

	return arp_cache[(h ^ h >> 8) % SETS];
}

static struct arp_entry *lookup(const struct ifnet *ifp, uint32_t ip)
{
	struct arp_entry *set = set_of(ip);
	unsigned i;

	for (i = 0; i < WAYS; i++)
		if (set[i].ae_ip == ip && set[i].ae_ifp == ifp)
			return &set[i];
	return NULL;
}

/* => arp_lock held.  What was held for e: the caller's from now on. */
static struct mbuf *take_held(struct arp_entry *e)
{
	struct mbuf *m = e->ae_hold;

	held_all -= e->ae_nhold;
	e->ae_nhold = 0;
	e->ae_hold = e->ae_holdlast = NULL;
	return m;
}

/* Make room.  What the victim held is put on *drop. */
static struct arp_entry *enter(struct ifnet *ifp, uint32_t ip, struct mbuf **drop)
{
	struct arp_entry *set = set_of(ip), *e = set;
	unsigned i;

	for (i = 0; i < WAYS && e->ae_ip != 0; i++)
		if (set[i].ae_ip == 0 || (!set[i].ae_used && e->ae_used) ||
		    (set[i].ae_used == e->ae_used && set[i].ae_age > e->ae_age))
			e = &set[i];
	*drop = take_held(e);
	*e = (struct arp_entry){.ae_ip = ip, .ae_ifp = ifp};
	if (!callout_pending(&arp_callout))
		callout_schedule(&arp_callout, TICK);
	return e;
}

static void arp_send(struct ifnet *ifp, uint16_t op, const uint8_t dst[6], uint32_t spa,
    const uint8_t tha[6], uint32_t tpa)
{
	struct mbuf *m = m_gethdr(false);
	struct arp_packet *ar;

	if (!m)
		return;
	m->m_data += 64;
	m->m_len = m->m_pktlen = sizeof(*ar);
	ar = (struct arp_packet *)m->m_data;
	ar->ar_hrd = hton16(ARPHRD_ETHER);
	ar->ar_pro = hton16(ETHER_TYPE_IP);
	ar->ar_hln = 6;
	ar->ar_pln = 4;
	ar->ar_op = hton16(op);
	memcpy(ar->ar_sha, ifp->if_lladdr, 6);
	ar->ar_spa = spa;
	if (tha)
		memcpy(ar->ar_tha, tha, 6);
	else
		memset(ar->ar_tha, 0, 6);
	ar->ar_tpa = tpa;
	ether_send(ifp, m, dst, ETHER_TYPE_ARP);
}

static void ask(struct ifnet *ifp, uint32_t ip, const uint8_t *mac)
{
	if (ifp->if_inaddr && ifp->if_inaddr->ia_addr != 0)
		arp_send(
		    ifp, ARPOP_REQUEST, mac ? mac : broadcast, ifp->if_inaddr->ia_addr, NULL, ip);
}

void arp_announce(struct ifnet *ifp, uint32_t addr)
{
	arp_send(ifp, ARPOP_REQUEST, broadcast, addr, NULL, addr);
}

/* Nobody answers for these packets: tell their senders. */
static void unreachable(struct mbuf *m)
{
	uint8_t head[68];
	struct mbuf *next;

	for (; m; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		if (m->m_pktlen >= 28) {
			m_copydata(m, 0, KMIN(m->m_pktlen, (uint32_t)sizeof(head)), head);
			ip_notify(EHOSTUNREACH, 0, head);
		}
		m_freem(m);
	}
}

/* => arp_lock held.  true: the caller is the one who asks. */
static bool must_ask(struct arp_entry *e)
{
	bool first = !e->ae_asked && !e->ae_complete;

	e->ae_asked = true;
	return first;
}

/* Hold m until the answer comes.  => arp_lock held.  false: there is no room. */
static bool hold(struct arp_entry *e, struct mbuf *m)
{
	if (e->ae_nhold == HOLD_MAX || held_all == HOLD_ALL)
		return false;
	m->m_nextpkt = NULL;
	if (e->ae_holdlast)
		e->ae_holdlast->m_nextpkt = m;
	else
		e->ae_hold = m;
	e->ae_holdlast = m;
	e->ae_nhold++;
	held_all++;
	return true;
}

void arp_resolve(struct ifnet *ifp, uint32_t ip)
{
	struct mbuf *drop = NULL;
	struct arp_entry *e;
	bool asking;

	mutex_enter(&arp_lock);
	e = lookup(ifp, ip);
	if (!e)
		e = enter(ifp, ip, &drop);
	asking = must_ask(e);
	mutex_exit(&arp_lock);
	m_freepkts(drop);
	if (asking)
		ask(ifp, ip, NULL);
}

int arp_output(struct ifnet *ifp, struct mbuf *m, uint32_t nexthop)
{
	struct mbuf *drop = NULL;
	struct arp_entry *e;
	uint8_t mac[6];
	bool asking, held;

	if (in_broadcast(ifp, nexthop)) {
		ether_send(ifp, m, broadcast, ETHER_TYPE_IP);
		return 0;
	}
	if (IP4_MULTICAST(nexthop)) { /* RFC 1112 6.4 */
		uint32_t group = ntoh32(nexthop);
		uint8_t mmac[6] = {
		    0x01, 0x00, 0x5e, (group >> 16) & 0x7f, (uint8_t)(group >> 8), (uint8_t)group};

		ether_send(ifp, m, mmac, ETHER_TYPE_IP);
		return 0;
	}
	mutex_enter(&arp_lock);
	e = lookup(ifp, nexthop);
	if (e && e->ae_complete) {
		e->ae_used = true;
		__builtin_memcpy(mac, e->ae_mac, 6);
		mutex_exit(&arp_lock);
		ether_send(ifp, m, mac, ETHER_TYPE_IP);
		return 0;
	}
	if (!e)
		e = enter(ifp, nexthop, &drop);
	asking = must_ask(e);
	held = hold(e, m);
	mutex_exit(&arp_lock);
	if (!held)
		m_freem(m);
	m_freepkts(drop);
	if (asking)
		ask(ifp, nexthop, NULL);
	return 0;
}

/* The sender of an ARP packet has this address.  Sends what waited for it. */
static void learn(struct ifnet *ifp, uint32_t ip, const uint8_t mac[6], bool create)
{
	struct mbuf *held = NULL, *drop = NULL, *next;
	struct arp_entry *e;

	mutex_enter(&arp_lock);
	e = lookup(ifp, ip);
	if (!e && create)
		e = enter(ifp, ip, &drop);
	if (e) {
		/* A fresh entry is not overturned: two stations would make it flap. */
		if (!e->ae_complete || e->ae_age > 0 || memcmp(e->ae_mac, mac, 6) == 0) {
			memcpy(e->ae_mac, mac, 6);
			e->ae_complete = true;
			e->ae_used = false;
			e->ae_age = 0;
		}
		held = take_held(e);
	}
	mutex_exit(&arp_lock);
	m_freepkts(drop);
	for (; held; held = next) {
		next = held->m_nextpkt;
		held->m_nextpkt = NULL;
		ether_send(ifp, held, mac, ETHER_TYPE_IP);
	}
}

static void arp_input(struct mbuf *m, struct netbatch *nb)
{
	struct ifnet *ifp = nb->nb_ifp;
	const struct in_ifaddr *ia = ifp->if_inaddr;
	struct arp_packet ar;
	uint16_t op;
	bool forus;

	if (m->m_pktlen < sizeof(ar) || !ia)
		goto out;
	m_copydata(m, 0, sizeof(ar), &ar);
	op = ntoh16(ar.ar_op);
	if (ar.ar_hrd != hton16(ARPHRD_ETHER) || ar.ar_pro != hton16(ETHER_TYPE_IP) ||
	    ar.ar_hln != 6 || ar.ar_pln != 4 || (op != ARPOP_REQUEST && op != ARPOP_REPLY) ||
	    (ar.ar_sha[0] & 1) || memcmp(ar.ar_sha, ifp->if_lladdr, 6) == 0 || ia->ia_addr == 0)
		goto out;
	forus = ar.ar_tpa == ia->ia_addr;
	if (ar.ar_spa == ia->ia_addr) {
		/* Somebody else claims our address: say so, and defend it. */
		if (ip_ratelimit(&complain_limit, 1)) {
			kprintf("kiln: %s: %02x:%02x:%02x:%02x:%02x:%02x uses our address\n",
			    ifp->if_xname, ar.ar_sha[0], ar.ar_sha[1], ar.ar_sha[2], ar.ar_sha[3],
			    ar.ar_sha[4], ar.ar_sha[5]);
			arp_announce(ifp, ia->ia_addr);
		}
		goto out;
	}
	if (ar.ar_spa != 0) {
		if (!in_onlink(ia, ar.ar_spa) || in_broadcast(ifp, ar.ar_spa))
			goto out;
		learn(ifp, ar.ar_spa, ar.ar_sha, forus && op == ARPOP_REQUEST);
	}
	if (forus && op == ARPOP_REQUEST && ip_ratelimit(&reply_limit, REPLY_RATE))
		arp_send(ifp, ARPOP_REPLY, ar.ar_sha, ia->ia_addr, ar.ar_sha, ar.ar_spa);
out:
	m_freem(m);
}

/* What the tick decided to do about one entry, once the lock is released. */
struct todo {
	struct ifnet *ifp;
	uint32_t ip;
	uint8_t mac[6];
	bool ask, unicast;
	struct mbuf *drop;
};

/* => arp_lock held.  true: the entry is still there. */
static bool age(struct arp_entry *e, struct todo *t)
{
	*t = (struct todo){.ifp = e->ae_ifp, .ip = e->ae_ip};
	e->ae_age++;
	if (e->ae_complete ? e->ae_age >= AGE_MAX : e->ae_age >= TRIES_MAX) {
		t->drop = take_held(e);
		*e = (struct arp_entry){0};
		return false;
	}
	if (!e->ae_complete) {
		t->ask = true;
	} else if (e->ae_used && e->ae_age >= AGE_PROBE && e->ae_age % 5 == 0) {
		t->ask = true;
		t->unicast = e->ae_age < AGE_PROBE + 15;
		memcpy(t->mac, e->ae_mac, 6);
	}
	return true;
}

static void arp_tick(void *arg)
{
	bool any = false;
	struct todo t;
	unsigned i;

	(void)arg;
	for (i = 0; i < SETS * WAYS; i++) {
		struct arp_entry *e = &arp_cache[i / WAYS][i % WAYS];

		/* Most are free; one that is taken just now has its own tick coming. */
		if (__atomic_load_n(&e->ae_ip, __ATOMIC_RELAXED) == 0)
			continue;
		mutex_enter(&arp_lock);
		if (e->ae_ip == 0) {
			mutex_exit(&arp_lock);
			continue;
		}
		any |= age(e, &t);
		mutex_exit(&arp_lock);
		unreachable(t.drop);
		if (t.ask)
			ask(t.ifp, t.ip, t.unicast ? t.mac : NULL);
	}
	if (any)
		callout_schedule(&arp_callout, TICK);
}

void arp_init(void)
{
	mutex_init(&arp_lock, MUTEX_SPIN);
	callout_init(&arp_callout, arp_tick, NULL);
}

static const struct etherproto arp_etherproto = {.ep_type = ETHER_TYPE_ARP, .ep_input = arp_input};
LINK_SET_ADD(etherprotos, arp_etherproto);
