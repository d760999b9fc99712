/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DHCP client (RFC 2131): one kernel lwp for all interfaces that want an address.
 *
 * It sleeps in the receive call of a socket on port 68 until an answer comes or the next deadline
 * of an interface is reached.  Messages are told apart by their transaction numbers.  The start-up
 * waits for the first lease, so that the program finds its address, but not for ever.
 */
#include <kern/config.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/random.h>
#include <kern/systm.h>
#include <kern/uio.h>
#include <net/ifnet.h>
#include <net/mbuf.h>
#include <netinet/udp_var.h>
#include "dhcp_impl.h"

#define CLIENT_PORT    68
#define SERVER_PORT    67
#define INTERFACES_MAX 4
#define BOOT_WAIT      (5 * NSEC_PER_SEC)
#define RETRY_FIRST    (500 * NSEC_PER_MSEC)
#define RETRY_MAX      (64 * NSEC_PER_SEC)
#define LEASE_MIN      60U /* s; less would have us do nothing else */

enum state { SELECTING, REQUESTING, BOUND, RENEWING, REBINDING };

struct client {
	struct ifnet *ifp;
	unsigned index; /* in the configuration */
	enum state state;
	uint32_t xid;
	uint64_t started, deadline, retry; /* ns */
	uint64_t t2, expires;		   /* UINT64_MAX: for ever */
	struct dhcp_answer lease;	   /* the offer, then what holds */
	uint32_t router;		   /* of our default route, 0: none */
	bool bound;			   /* once: start-up waits for it */
};

static struct client clients[INTERFACES_MAX]; /* the lwp's own, but for bound */
static volatile unsigned nclients;
static struct socket *dhcp_so;
static kmutex_t dhcp_lock;
static kcondvar_t dhcp_cv;

/* --------------------------------------------------------------- sending */

CONFIG_KEY(hostname, "hostname", CONFIG_STRING);

static void send_query(struct client *c, uint8_t type)
{
	struct ifnet *ifp = c->ifp;
	bool unicast = c->state == RENEWING, holds = c->state == RENEWING || c->state == REBINDING;
	uint32_t dst = unicast ? c->lease.server : IP4_BROADCAST;
	struct iproute rt = {
	    .rt_ifp = ifp, .rt_nexthop = dst, .rt_mtu = ifp->if_mtu, .rt_broadcast = !unicast};
	struct dhcp_query q = {.type = type, .xid = c->xid, .hostname = config_string("hostname")};
	struct mbuf *m = m_gethdr(true);

	if (!m)
		return;
	memcpy(q.mac, ifp->if_lladdr, 6);
	q.secs = (uint16_t)KMIN((nanouptime() - c->started) / NSEC_PER_SEC, 65535ULL);
	if (holds) {
		q.ciaddr = c->lease.addr;
	} else if (type == DHCPREQUEST) {
		q.requested = c->lease.addr;
		q.server = c->lease.server;
	}
	m->m_len = m->m_pktlen = (uint32_t)dhcp_build(m->m_data, &q);
	/* A server in another network is reached through the router. */
	(void)udp_output(
	    m, q.ciaddr, hton16(CLIENT_PORT), dst, hton16(SERVER_PORT), NULL, unicast ? NULL : &rt);
}

static void again_in(struct client *c, uint64_t now)
{
	/* RFC 2131 4.1: doubled each time, and spread. */
	c->deadline = now + c->retry + random_u32() % (uint32_t)(c->retry / 8 + 1);
	c->retry = KMIN(c->retry * 2, RETRY_MAX);
}

static void begin(struct client *c, uint64_t now)
{
	c->state = SELECTING;
	c->xid = random_u32();
	c->started = now;
	c->retry = RETRY_FIRST;
	memset(&c->lease, 0, sizeof(c->lease));
	send_query(c, DHCPDISCOVER);
	again_in(c, now);
}

/* ---------------------------------------------------------------- leases */

/* The default route that is ours; others may have set one, too. */
static void set_router(struct client *c, uint32_t router)
{
	if (c->router == router)
		return;
	if (router)
		(void)ip_route_add(0, 0, router, c);
	else
		ip_route_delete(0, 0, c);
	c->router = router;
}

static void lose(struct client *c, uint64_t now)
{
	kprintf("kiln: %s: the lease has ended\n", c->ifp->if_xname);
	(void)in_setaddr(c->ifp, 0, 0);
	set_router(c, 0);
	begin(c, now);
}

static uint64_t after(uint64_t now, uint32_t seconds)
{
	uint64_t ns = seconds * NSEC_PER_SEC;

	return seconds == UINT32_MAX || ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

static void bind_lease(struct client *c, const struct dhcp_answer *a, uint64_t now)
{
	bool news = c->lease.addr != a->addr || !c->bound;
	uint32_t lease = KMAX(a->lease, LEASE_MIN), t1, t2;

	t1 = a->t1 && a->t1 < lease ? a->t1 : lease == UINT32_MAX ? lease : lease / 2;
	t2 = a->t2 && a->t2 >= t1 && a->t2 < lease ? a->t2
	     : lease == UINT32_MAX		   ? lease
						   : lease / 8 * 7;
	t1 = KMIN(t1, t2); /* given late, without the other */
	c->lease = *a;
	c->state = BOUND;
	c->deadline = after(now, t1);
	c->t2 = after(now, t2);
	c->expires = after(now, lease);
	if (news || c->ifp->if_inaddr->ia_mask != a->mask) {
		if (a->mtu >= 576 && a->mtu < c->ifp->if_mtu)
			c->ifp->if_mtu = a->mtu;
		(void)in_setaddr(c->ifp, a->addr, a->mask);
		if (a->ndns)
			in_resolvconf(a->dns, a->ndns, a->domain[0] ? a->domain : NULL);
	}
	set_router(c, a->router);
	mutex_enter(&dhcp_lock);
	c->bound = true;
	cv_broadcast(&dhcp_cv);
	mutex_exit(&dhcp_lock);
}

/* An address that a station may have, in a network that has room for others. */
static bool plausible(struct dhcp_answer *a)
{
	uint32_t addr = ntoh32(a->addr), inv;

	if (addr == 0 || addr >> 24 == 127 || addr >> 28 >= 0xe || a->server == 0)
		return false;
	if (a->mask == 0)
		a->mask = hton32(addr >> 31 == 0   ? 0xff000000
				 : addr >> 30 == 2 ? 0xffff0000
						   : 0xffffff00);
	inv = ~ntoh32(a->mask);
	return (inv & (inv + 1)) == 0;
}

static void answer(struct client *c, struct dhcp_answer *a, uint64_t now)
{
	if (a->type == DHCPOFFER && c->state == SELECTING && plausible(a)) {
		c->lease = *a;
		c->state = REQUESTING;
		c->retry = RETRY_FIRST;
		send_query(c, DHCPREQUEST);
		again_in(c, now);
	} else if (a->type == DHCPACK && c->state != SELECTING && c->state != BOUND) {
		if (a->server == 0)
			a->server = c->lease.server;
		if (plausible(a) && (c->state != REQUESTING || a->addr == c->lease.addr))
			bind_lease(c, a, now);
	} else if (a->type == DHCPNAK && c->state != SELECTING && c->state != BOUND &&
		   (c->state == REBINDING || a->server == c->lease.server)) {
		if (c->bound)
			lose(c, now);
		else
			begin(c, now);
	}
}

static void deadline_reached(struct client *c, uint64_t now)
{
	uint64_t next;

	switch (c->state) {
	case SELECTING:
		send_query(c, DHCPDISCOVER);
		again_in(c, now);
		return;
	case REQUESTING:
		if (c->retry > 8 * RETRY_FIRST) { /* that server has gone */
			begin(c, now);
			return;
		}
		send_query(c, DHCPREQUEST);
		again_in(c, now);
		return;
	case BOUND:
		c->state = RENEWING;
		c->xid = random_u32();
		c->started = now;
		break;
	default:
		if (now >= c->expires) {
			lose(c, now);
			return;
		}
		if (now >= c->t2)
			c->state = REBINDING;
		break;
	}
	send_query(c, DHCPREQUEST);
	/* RFC 2131 4.4.5: half of what remains, but at least a minute. */
	next = c->state == RENEWING ? c->t2 : c->expires;
	c->deadline = KMIN(next, now + KMAX((next - KMIN(now, next)) / 2, 60 * NSEC_PER_SEC));
}

/* ----------------------------------------------------------------- the lwp */

static void receive(uint8_t *buf, size_t room)
{
	struct sockmsg sm = {0};
	struct dhcp_answer a;
	struct iovec iov;
	struct uio uio;
	size_t len;
	unsigned i;

	uio_init1(&uio, &iov, buf, room, UIO_READ, UIO_SYSSPACE);
	if (soreceive_dgram(dhcp_so, &uio, &sm) != 0)
		return;
	len = room - uio.uio_resid;
	for (i = 0; i < nclients; i++)
		if (dhcp_parse(buf, len, clients[i].ifp->if_lladdr, &a) && a.xid == clients[i].xid)
			answer(&clients[i], &a, nanouptime());
}

static void dhcp_main(void *arg)
{
	static uint8_t buf[DHCP_MSG_MAX];
	uint64_t now, next;
	unsigned i;

	(void)arg;
	for (;;) {
		now = nanouptime();
		next = UINT64_MAX;
		for (i = 0; i < nclients; i++) {
			if (clients[i].deadline <= now)
				deadline_reached(&clients[i], now);
			next = KMIN(next, clients[i].deadline);
		}
		now = nanouptime();
		dhcp_so->so_rcv.sb_timeo = next == UINT64_MAX ? 0 : next > now ? next - now : 1;
		receive(buf, sizeof(buf));
	}
}

static int start_lwp(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = hton16(CLIENT_PORT)};
	int error;

	mutex_init(&dhcp_lock, MUTEX_DEFAULT);
	cv_init(&dhcp_cv, "dhcp");
	error = socreate(AF_INET, SOCK_DGRAM, 0, &dhcp_so);
	if (error)
		return error;
	mutex_enter(dhcp_so->so_lock);
	/* A program with a DHCP server or client of its own may have the port, too. */
	dhcp_so->so_options |= SO_BIT(SO_REUSEADDR);
	error = dhcp_so->so_proto->pr_bind(dhcp_so, (struct sockaddr *)&sin, sizeof(sin));
	mutex_exit(dhcp_so->so_lock);
	return error ? error : kthread_create(PRI_KTHREAD, -1, dhcp_main, NULL, "dhcp");
}

int dhcp_start(struct ifnet *ifp, unsigned index)
{
	struct client *c = &clients[nclients];
	uint64_t now = nanouptime(), deadline = now + BOOT_WAIT;
	int error = 0;

	if (nclients == INTERFACES_MAX)
		return ENOSPC;
	c->ifp = ifp;
	c->index = index;
	c->state = SELECTING;
	c->xid = random_u32();
	c->started = c->deadline =
	    now; /* the lwp sends the first message, once it can hear the answer */
	c->retry = RETRY_FIRST;
	if (nclients++ == 0) {
		error = start_lwp();
	} else {
		mutex_enter(dhcp_so->so_lock);
		soseterror(dhcp_so, EAGAIN); /* it has a new deadline to look at */
		mutex_exit(dhcp_so->so_lock);
	}
	if (error) {
		kprintf(
		    "kiln: %s: the DHCP client does not start: error %d\n", ifp->if_xname, error);
		return error;
	}
	mutex_enter(&dhcp_lock);
	while (!c->bound && !error)
		error = cv_timedwait(&dhcp_cv, &dhcp_lock, deadline);
	mutex_exit(&dhcp_lock);
	if (!c->bound)
		kprintf("kiln: %s: no answer from a DHCP server yet; asking on\n", ifp->if_xname);
	return 0;
}
