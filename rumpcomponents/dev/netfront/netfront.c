/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen network front end: what the two ends agree on in xenstore, rings that come and go with the
 * back end.  The interface, the queues and their granted pages stay when it goes.
 *
 * A queue per CPU, as far as the back end has as many, each with a pair of rings and an event
 * channel for each ring, if the back end offers that: then what is sent doesn't wake the half
 * of it that receives.  Only request-rx-copy is spoken: pages are never flipped.
 */
#include <net/if_arp.h>
#include <rumpuser.h>
#include <kern/cpu.h>
#include <kern/kmem.h>
#include <kern/random.h>
#include <kern/systm.h>
#include "netfront_impl.h"

#define MTU_DEFAULT 1500U
#define MTU_MAX	    9000U
#define MTU_PAGE    ((uint32_t)PAGE_SIZE - 18)

/* ----------------------------------------------------------- granted pages */

int netfront_buf_ready(struct netfront *nf, struct netfront_buf *nb, bool readonly)
{
	void *page;
	int error;

	if (nb->nb_va)
		return 0;
	error = xenbus_page_alloc(nf->nf_xd, readonly, &page, &nb->nb_ref);
	if (!error)
		nb->nb_va = page;
	return error;
}

static void bufs_free(struct netfront_buf *nb, unsigned n)
{
	for (; n-- > 0; nb++) {
		if (nb->nb_va)
			xenbus_page_free(nb->nb_va, nb->nb_ref);
		nb->nb_va = NULL;
	}
}

/* ------------------------------------------------------------------ queues */

/* Small guests get few buffers. */
static unsigned nbufs(unsigned min, unsigned nqueues)
{
	struct kmem_stats ks;
	unsigned n = NETFRONT_RING;

	kmem_stats(&ks);
	while (n > min && n > ks.ks_pages_total / 64 / nqueues)
		n /= 2;
	return n;
}

static void queue_destroy(struct netfront_queue *nq)
{
	if (!nq)
		return;
	if (nq->nq_rxbuf)
		kmem_free(nq->nq_rxbuf, nq->nq_rxsize * sizeof(*nq->nq_rxbuf));
	if (nq->nq_txbuf)
		kmem_free(nq->nq_txbuf, nq->nq_txsize * sizeof(*nq->nq_txbuf));
	kmem_free(nq, sizeof(*nq));
}

static struct netfront_queue *queue_create(struct netfront *nf)
{
	struct netfront_queue *nq = kmem_zalloc(sizeof(*nq));

	if (!nq)
		return NULL;
	nq->nq_dev = nf;
	nq->nq_rxsize = nbufs(NETFRONT_RXMIN, nf->nf_maxqueues);
	nq->nq_txsize = nbufs(2 * NETFRONT_RXMIN, 1);
	nq->nq_rxbuf = kmem_zalloc(nq->nq_rxsize * sizeof(*nq->nq_rxbuf));
	nq->nq_txbuf = kmem_zalloc(nq->nq_txsize * sizeof(*nq->nq_txbuf));
	if (!nq->nq_rxbuf || !nq->nq_txbuf) {
		queue_destroy(nq);
		return NULL;
	}
	mutex_init(&nq->nq_txlock, MUTEX_SPIN);
	mbufq_init(&nq->nq_txq);
	return nq;
}

/* Whatever is there of its connection goes. */
static void queue_disconnect(struct netfront_queue *nq, enum netfront_state state)
{
	netfront_tx_stop(nq, state);
	if (nq->nq_txchan && nq->nq_txchan != nq->nq_rxchan)
		xenbus_channel_free(nq->nq_txchan);
	if (nq->nq_rxchan)
		xenbus_channel_free(nq->nq_rxchan);
	nq->nq_txchan = nq->nq_rxchan = NULL;
	netfront_rx_stop(nq);
	if (nq->nq_tx)
		xenbus_ring_free(nq->nq_dev->nf_xd, nq->nq_tx, nq->nq_txref);
	if (nq->nq_rx)
		xenbus_ring_free(nq->nq_dev->nf_xd, nq->nq_rx, nq->nq_rxref);
	nq->nq_tx = NULL;
	nq->nq_rx = NULL;
}

/* => not connected */
static void queue_forget(struct netfront_queue *nq)
{
	bufs_free(nq->nq_rxbuf, nq->nq_rxsize);
	mutex_enter(&nq->nq_txlock);
	bufs_free(nq->nq_txbuf, nq->nq_txsize);
	mutex_exit(&nq->nq_txlock);
}

static int queue_connect(struct netfront_queue *nq, unsigned cpu)
{
	struct netfront *nf = nq->nq_dev;
	struct xenbus_device *xd = nf->nf_xd;
	void *page;
	int error;

	for (unsigned i = 0; i < nq->nq_rxsize; i++) {
		error = netfront_buf_ready(nf, &nq->nq_rxbuf[i], false);
		if (error)
			return error;
	}
	error = xenbus_ring_alloc(xd, &page, &nq->nq_txref);
	if (error)
		return error;
	nq->nq_tx = page;
	error = xenbus_ring_alloc(xd, &page, &nq->nq_rxref);
	if (error)
		return error;
	nq->nq_rx = page;
	netfront_rx_start(nq);
	error = xenbus_channel_alloc(
	    xd, cpu, nf->nf_split ? netfront_rx_softint : netfront_softint, nq, &nq->nq_rxchan);
	if (error)
		return error;
	nq->nq_txchan = nq->nq_rxchan;
	if (nf->nf_split)
		error = xenbus_channel_alloc(xd, cpu, netfront_tx_softint, nq, &nq->nq_txchan);
	if (error)
		nq->nq_txchan = NULL;
	return error;
}

/* Names of what a queue has; those that don't apply must not be there. */
static int queue_publish(struct netfront_queue *nq, const char *dir)
{
	const struct {
		const char *name;
		unsigned value;
	} keys[] = {
	    {"tx-ring-ref", nq->nq_txref},
	    {"rx-ring-ref", nq->nq_rxref},
	    {nq->nq_dev->nf_split ? "event-channel-rx" : "event-channel",
		xenbus_channel_port(nq->nq_rxchan)},
	    {"event-channel-tx", xenbus_channel_port(nq->nq_txchan)},
	};
	int error = 0;

	for (unsigned i = 0; i < NELEM(keys) - !nq->nq_dev->nf_split && !error; i++)
		error = xenstore_write_uint(XST_NIL, dir, keys[i].name, keys[i].value);
	return error;
}

static void queue_unpublish(const char *dir)
{
	static const char *const keys[] = {
	    "tx-ring-ref", "rx-ring-ref", "event-channel", "event-channel-rx", "event-channel-tx"};

	for (unsigned i = 0; i < NELEM(keys); i++)
		(void)xenstore_rm(XST_NIL, dir, keys[i]);
}

/* --------------------------------------------------------------- back ends */

/* A number that the back end offers; none is 0. */
static unsigned offered(const struct netfront *nf, const char *feature)
{
	uint64_t value;

	if (xenstore_read_uint(XST_NIL, nf->nf_xd->xd_backend, feature, &value) != 0)
		return 0;
	return (unsigned)KMIN(value, 1000U);
}

static void queue_dir(const struct netfront *nf, unsigned i, char *dir, size_t size)
{
	ksnprintf(dir, size, "%s/queue-%u", nf->nf_xd->xd_path, i);
}

static int publish(const struct netfront *nf, unsigned n)
{
	static const char *const features[] = {
	    "request-rx-copy", "feature-rx-notify", "feature-sg", "feature-gso-tcpv4"};
	const char *path = nf->nf_xd->xd_path;
	char dir[XENSTORE_PATH_MAX];
	int error = 0;

	for (unsigned i = 0; i < NELEM(features) && !error; i++)
		error = xenstore_write_uint(XST_NIL, path, features[i], 1);
	if (!error && n > 1)
		error = xenstore_write_uint(XST_NIL, path, "multi-queue-num-queues", n);
	for (unsigned i = 0; i < n && !error; i++) {
		queue_dir(nf, i, dir, sizeof(dir));
		error = queue_publish(nf->nf_queues[i], n > 1 ? dir : path);
	}
	return error;
}

/* Another back end would take for an offer of ours what is left there. */
static void unpublish(const struct netfront *nf, unsigned n)
{
	char dir[XENSTORE_PATH_MAX];

	queue_unpublish(nf->nf_xd->xd_path);
	if (n == 1)
		return;
	(void)xenstore_rm(XST_NIL, nf->nf_xd->xd_path, "multi-queue-num-queues");
	for (unsigned i = 0; i < n; i++) {
		queue_dir(nf, i, dir, sizeof(dir));
		(void)xenstore_rm(XST_NIL, dir, NULL);
	}
}

static void netfront_disconnect(struct xenbus_device *xd)
{
	struct netfront *nf = xd->xd_softc;
	unsigned n = nf->nf_nqueues;

	if_link_state(&nf->nf_ifnet, false);
	nf->nf_nqueues = 1; /* what is to be sent waits there */
	for (unsigned i = 0; i < n; i++)
		queue_disconnect(nf->nf_queues[i], i == 0 ? NETFRONT_WAITING : NETFRONT_SHUT);
	unpublish(nf, n);
}

static void netfront_forget(struct xenbus_device *xd)
{
	struct netfront *nf = xd->xd_softc;

	for (unsigned i = 0; i < nf->nf_maxqueues; i++)
		if (nf->nf_queues[i])
			queue_forget(nf->nf_queues[i]);
}

/* *n queues, or fewer if there are no interrupts or pages for as many. */
static int connect_queues(struct netfront *nf, unsigned *n)
{
	int error = 0;

	for (unsigned i = 0; i < *n; i++) {
		if (!nf->nf_queues[i])
			nf->nf_queues[i] = queue_create(nf);
		error = nf->nf_queues[i] ? queue_connect(nf->nf_queues[i], i) : ENOMEM;
		if (!error)
			continue;
		if (i == 0 || (error != ENOSPC && error != ENOMEM))
			return error;
		if (nf->nf_queues[i]) {
			queue_disconnect(nf->nf_queues[i], NETFRONT_SHUT);
			queue_forget(nf->nf_queues[i]);
		}
		*n = i;
	}
	return publish(nf, *n);
}

/* Without scatter-gather a frame has one page; the MTU is as before when that is over. */
static void limit_mtu(struct netfront *nf)
{
	uint32_t *mtu = &nf->nf_ifnet.if_mtu;

	if (!nf->nf_sg && *mtu > MTU_PAGE) {
		nf->nf_mtu = *mtu;
		*mtu = MTU_PAGE;
	} else if (nf->nf_sg && nf->nf_mtu) {
		if (*mtu == MTU_PAGE) /* else somebody wants less */
			*mtu = nf->nf_mtu;
		nf->nf_mtu = 0;
	}
}

static int netfront_connect(struct xenbus_device *xd)
{
	struct netfront *nf = xd->xd_softc;
	unsigned n = KMAX(KMIN(offered(nf, "multi-queue-max-queues"), nf->nf_maxqueues), 1U);
	uint32_t caps = IFCAP_RXCSUM;
	int error;

	if (!offered(nf, "feature-rx-copy")) {
		xenbus_complain(xd, "the back end does not copy what we receive");
		return ENOTSUP;
	}
	nf->nf_split = offered(nf, "feature-split-event-channels");
	nf->nf_sg = offered(nf, "feature-sg");
	if (!offered(nf, "feature-no-csum-offload"))
		caps |= IFCAP_TXCSUM;
	if (caps & IFCAP_TXCSUM && nf->nf_sg && offered(nf, "feature-gso-tcpv4"))
		caps |= IFCAP_TSO4;
	nf->nf_ifnet.if_capabilities = caps;
	limit_mtu(nf);
	error = connect_queues(nf, &n);
	if (error) {
		for (unsigned i = 0; i < n && nf->nf_queues[i]; i++)
			queue_disconnect(
			    nf->nf_queues[i], i == 0 ? NETFRONT_WAITING : NETFRONT_SHUT);
		unpublish(nf, n);
		return error;
	}
	for (unsigned i = 0; i < n; i++)
		netfront_tx_start(nf->nf_queues[i]);
	__atomic_store_n(&nf->nf_nqueues, n, __ATOMIC_RELEASE);
	return 0;
}

static int netfront_connected(struct xenbus_device *xd)
{
	struct netfront *nf = xd->xd_softc;

	if_link_state(&nf->nf_ifnet, true);
	return 0;
}

/* ------------------------------------------------------------------ attach */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "00:16:3e:01:02:03" */
static bool parse_lladdr(const char *s, uint8_t *mac)
{
	for (unsigned i = 0; i < 6; i++, s += 3) {
		int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);

		if (low < 0 || s[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return !(mac[0] & 1);
}

static void read_lladdr(struct xenbus_device *xd, uint8_t *mac)
{
	char text[24];

	if (xenstore_read(XST_NIL, xd->xd_path, "mac", text, sizeof(text)) == 0 &&
	    parse_lladdr(text, mac))
		return;
	random_bytes(mac, 6);
	mac[0] = (mac[0] & 0xfe) | 0x02; /* unicast, locally administered */
}

static void netfront_destroy(struct netfront *nf)
{
	if (nf->nf_queues) {
		queue_destroy(nf->nf_queues[0]);
		kmem_free(nf->nf_queues, nf->nf_maxqueues * sizeof(*nf->nf_queues));
	}
	kmem_free(nf, sizeof(*nf));
}

static void describe(struct netfront *nf, struct xenbus_device *xd)
{
	struct ifnet *ifp = &nf->nf_ifnet;
	uint64_t mtu;

	ifp->if_softc = nf;
	ifp->if_type = ARPHRD_ETHER;
	read_lladdr(xd, ifp->if_lladdr);
	if (xenstore_read_uint(XST_NIL, xd->xd_path, "mtu", &mtu) != 0)
		mtu = MTU_DEFAULT;
	ifp->if_mtu = (uint32_t)KMAX(KMIN(mtu, MTU_MAX), 576U);
	ifp->if_transmit = netfront_transmit;
}

/* The interface is there at once, so that it is configured; what it is to send waits. */
static int netfront_attach(struct xenbus_device *xd)
{
	struct netfront *nf = kmem_zalloc(sizeof(*nf));
	int error = ENOMEM;

	if (!nf)
		return ENOMEM;
	nf->nf_xd = xd;
	nf->nf_maxqueues = cpu_count;
	nf->nf_nqueues = 1;
	nf->nf_queues = kmem_zalloc(nf->nf_maxqueues * sizeof(*nf->nf_queues));
	if (nf->nf_queues)
		nf->nf_queues[0] = queue_create(nf);
	if (nf->nf_queues && nf->nf_queues[0]) {
		describe(nf, xd);
		error = ether_ifattach(&nf->nf_ifnet);
	}
	if (error)
		netfront_destroy(nf);
	else
		xd->xd_softc = nf;
	return error;
}

static const struct xenbus_driver netfront_driver = {
    .xdr_type = "vif",
    .xdr_attach = netfront_attach,
    .xdr_connect = netfront_connect,
    .xdr_connected = netfront_connected,
    .xdr_disconnect = netfront_disconnect,
    .xdr_forget = netfront_forget,
    .xdr_connected_first = true,
};
XENBUS_DRIVER(netfront_driver);
