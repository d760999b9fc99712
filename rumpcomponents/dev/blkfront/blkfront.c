/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen block front end: what the two ends agree on in xenstore; rings that come and go with the back
 * end.  The disk and the queues with their pages stay when it goes.
 *
 * All that counts sectors counts 512 bytes, whatever the back end's sector-size; a transfer is of
 * whole ones of those.
 */
#include <kern/cpu.h>
#include <kern/kmem.h>
#include "blkfront_impl.h"

#define QUEUES_MAX  8U
#define PAGES_MIN   (BLKFRONT_SEGS + 2) /* of a queue */
#define SEGS_MAX    256U		/* pieces of memory in a transfer */
#define DISCARD_MAX (1ULL << 32)	/* blocks; there is no limit to keep to */

/* ------------------------------------------------------------------ queues */

/* Small guests get few pages. */
static unsigned npages(unsigned nqueues)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	return (unsigned)KMAX(
	    KMIN(ks.ks_pages_total / 64 / nqueues, (uint64_t)BLKFRONT_PAGES), PAGES_MIN);
}

static struct blkfront_queue *queue_create(struct blkfront *bf)
{
	struct blkfront_queue *bq = kmem_zalloc(sizeof(*bq));

	if (!bq)
		return NULL;
	bq->bq_dev = bf;
	bq->bq_npages = npages(bf->bf_maxqueues);
	bq->bq_pages = kmem_zalloc(bq->bq_npages * sizeof(*bq->bq_pages));
	if (!bq->bq_pages) {
		kmem_free(bq, sizeof(*bq));
		return NULL;
	}
	for (unsigned i = bq->bq_npages; i > 0; i--)
		blkfront_page_put(bq, (uint16_t)(i - 1));
	mutex_init(&bq->bq_lock, MUTEX_SPIN);
	TAILQ_INIT(&bq->bq_waiting);
	return bq;
}

/* Whatever is there of its connection goes.  => stopped */
static void queue_disconnect(struct blkfront_queue *bq)
{
	if (bq->bq_chan)
		xenbus_channel_free(bq->bq_chan);
	bq->bq_chan = NULL;
	if (bq->bq_ring)
		xenbus_ring_free(bq->bq_dev->bf_xd, bq->bq_ring, bq->bq_ref);
	bq->bq_ring = NULL;
}

static int queue_connect(struct blkfront_queue *bq, unsigned cpu)
{
	struct xenbus_device *xd = bq->bq_dev->bf_xd;
	void *page;
	int error = xenbus_ring_alloc(xd, &page, &bq->bq_ref);

	if (error)
		return error;
	bq->bq_ring = page;
	SHARED_RING_INIT(bq->bq_ring);
	error = xenbus_channel_alloc(xd, cpu, blkfront_softint, bq, &bq->bq_chan);
	if (error)
		bq->bq_chan = NULL;
	return error;
}

/* ---------------------------------------------------------------- xenstore */

static void queue_dir(const struct blkfront *bf, unsigned i, char *dir, size_t size)
{
	ksnprintf(dir, size, "%s/queue-%u", bf->bf_xd->xd_path, i);
}

static int publish(const struct blkfront *bf, unsigned n)
{
	const char *path = bf->bf_xd->xd_path;
	char dir[XENSTORE_PATH_MAX];
	int error = xenstore_write(XST_NIL, path, "protocol", XEN_IO_PROTO_ABI_X86_64);

	if (!error)
		error = xenstore_write_uint(XST_NIL, path, "feature-persistent", 1);
	if (!error && n > 1)
		error = xenstore_write_uint(XST_NIL, path, "multi-queue-num-queues", n);
	for (unsigned i = 0; i < n && !error; i++) {
		const struct blkfront_queue *bq = bf->bf_queues[i];

		queue_dir(bf, i, dir, sizeof(dir));
		error = xenstore_write_uint(XST_NIL, n > 1 ? dir : path, "ring-ref", bq->bq_ref);
		if (!error)
			error = xenstore_write_uint(XST_NIL, n > 1 ? dir : path, "event-channel",
			    xenbus_channel_port(bq->bq_chan));
	}
	return error;
}

/* Another back end would take for an offer of ours what is left there. */
static void unpublish(const struct blkfront *bf, unsigned n)
{
	char dir[XENSTORE_PATH_MAX];

	(void)xenstore_rm(XST_NIL, bf->bf_xd->xd_path, "ring-ref");
	(void)xenstore_rm(XST_NIL, bf->bf_xd->xd_path, "event-channel");
	if (n == 1)
		return;
	(void)xenstore_rm(XST_NIL, bf->bf_xd->xd_path, "multi-queue-num-queues");
	for (unsigned i = 0; i < n; i++) {
		queue_dir(bf, i, dir, sizeof(dir));
		(void)xenstore_rm(XST_NIL, dir, NULL);
	}
}

/* A number that the back end offers; none is 0. */
static uint64_t offered(const struct blkfront *bf, const char *name)
{
	uint64_t value;

	return xenstore_read_uint(XST_NIL, bf->bf_xd->xd_backend, name, &value) == 0 ? value : 0;
}

/* ------------------------------------------------------------- coming, going */

/* The back end was taken away for good, and isn't restarted. */
static bool detached(const struct blkfront *bf)
{
	uint64_t online;
	int error = xenstore_read_uint(XST_NIL, bf->bf_xd->xd_backend, "online", &online);

	return error == ENOENT || (!error && online == 0);
}

/* The first n queues; what they have waits for the next back end, unless there won't be one. */
static void disconnect_queues(struct blkfront *bf, unsigned n, bool gone)
{
	for (unsigned i = 0; i < n; i++)
		blkfront_stop(bf->bf_queues[i], gone ? BLKFRONT_SHUT : BLKFRONT_DOWN);
	bf->bf_nqueues = 1;
	for (unsigned i = n; i-- > 0;) {
		queue_disconnect(bf->bf_queues[i]);
		blkfront_requeue(bf->bf_queues[i], gone ? NULL : bf->bf_queues[0]);
	}
	unpublish(bf, n);
}

static void blkfront_disconnect(struct xenbus_device *xd)
{
	struct blkfront *bf = xd->xd_softc;

	disconnect_queues(bf, bf->bf_nqueues, bf->bf_refused || detached(bf));
}

static void blkfront_forget(struct xenbus_device *xd)
{
	struct blkfront *bf = xd->xd_softc;

	for (unsigned i = 0; i < bf->bf_maxqueues; i++)
		if (bf->bf_queues[i])
			blkfront_pages_free(bf->bf_queues[i]);
}

/*
 * *n: how many there are afterwards, also on failure; fewer, if there are no interrupts or pages
 * for as many.
 */
static int connect_queues(struct blkfront *bf, unsigned *n)
{
	unsigned want = *n;
	int error = 0;

	for (*n = 0; *n < want && !error; ++*n) {
		struct blkfront_queue **bq = &bf->bf_queues[*n];

		if (!*bq)
			*bq = queue_create(bf);
		if (*bq)
			blkfront_stop(*bq, BLKFRONT_DOWN);
		error = *bq ? queue_connect(*bq, *n) : ENOMEM;
		if (*n > 0 && (error == ENOSPC || error == ENOMEM)) {
			if (*bq)
				queue_disconnect(*bq);
			error = 0;
			break;
		}
	}
	return error ? error : publish(bf, *n);
}

static int blkfront_connect(struct xenbus_device *xd)
{
	struct blkfront *bf = xd->xd_softc;
	unsigned n = (unsigned)KMIN(offered(bf, "multi-queue-max-queues"), bf->bf_maxqueues);
	int error;

	n = KMAX(n, 1U);
	bf->bf_refused = false;
	error = connect_queues(bf, &n);
	if (error) {
		disconnect_queues(bf, n, true);
		return error;
	}
	bf->bf_nqueues = n;
	return 0;
}

/* What the back end says of the disk.  It may change with a new back end, but not in kind. */
static int describe(struct blkfront *bf)
{
	struct disk *dk = &bf->bf_disk;
	uint64_t secsize, info = offered(bf, "info"), segs;
	int error = xenstore_read_uint(XST_NIL, bf->bf_xd->xd_backend, "sector-size", &secsize);

	if (error)
		secsize = DEV_BSIZE;
	if (secsize < DEV_BSIZE || secsize > PAGE_SIZE || secsize & (secsize - 1))
		return ENOTSUP;
	if (bf->bf_attached &&
	    (secsize != dk->dk_secsize || (info & VDISK_READONLY && !dk->dk_readonly)))
		return EINVAL;
	dk->dk_nblocks = offered(bf, "sectors");
	dk->dk_secsize = (uint32_t)secsize;
	if (!bf->bf_attached)
		dk->dk_readonly = info & (VDISK_READONLY | VDISK_CDROM);
	dk->dk_flush = offered(bf, "feature-flush-cache");
	dk->dk_maxdiscard = offered(bf, "feature-discard") ? DISCARD_MAX : 0;
	segs = offered(bf, "feature-max-indirect-segments");
	bf->bf_segs = (unsigned)KMIN(
	    KMAX(segs, (uint64_t)BLKIF_MAX_SEGMENTS_PER_REQUEST), (uint64_t)BLKFRONT_SEGS);
	return 0;
}

static int blkfront_connected(struct xenbus_device *xd)
{
	struct blkfront *bf = xd->xd_softc;
	int error = describe(bf);

	bf->bf_refused = error;
	if (error)
		return error;
	for (unsigned i = 0; i < bf->bf_nqueues; i++)
		blkfront_start(bf->bf_queues[i]);
	if (!bf->bf_attached)
		error = disk_attach(&bf->bf_disk);
	bf->bf_attached = !error;
	return error;
}

static int blkfront_attach(struct xenbus_device *xd)
{
	unsigned maxqueues = KMIN(cpu_count, QUEUES_MAX);
	size_t size = sizeof(struct blkfront) + maxqueues * sizeof(struct blkfront_queue *);
	struct blkfront *bf;
	struct disk *dk;
	uint64_t vdev;
	int error = xenstore_read_uint(XST_NIL, xd->xd_path, "virtual-device", &vdev);

	if (error)
		return error;
	bf = kmem_zalloc(size);
	if (!bf)
		return ENOMEM;
	dk = &bf->bf_disk;
	bf->bf_xd = xd;
	bf->bf_maxqueues = maxqueues;
	bf->bf_nqueues = 1;
	bf->bf_handle = (uint16_t)vdev;
	bf->bf_queues[0] = queue_create(bf);
	if (!bf->bf_queues[0])
		error = ENOMEM;
	else if (!blkfront_name(vdev, dk->dk_name, sizeof(dk->dk_name), &dk->dk_rdev))
		error = ENXIO;
	if (error) {
		if (bf->bf_queues[0]) {
			kmem_free(bf->bf_queues[0]->bq_pages,
			    bf->bf_queues[0]->bq_npages * sizeof(struct blkfront_page));
			kmem_free(bf->bf_queues[0], sizeof(struct blkfront_queue));
		}
		kmem_free(bf, size);
		return error;
	}
	dk->dk_maxsegs = SEGS_MAX;
	dk->dk_maxxfer = BLKFRONT_XFER_MAX;
	dk->dk_memalign = 1;
	dk->dk_strategy = blkfront_strategy;
	dk->dk_softc = bf;
	xd->xd_softc = bf;
	return 0;
}

static const struct xenbus_driver blkfront_driver = {
    .xdr_type = "vbd",
    .xdr_attach = blkfront_attach,
    .xdr_connect = blkfront_connect,
    .xdr_connected = blkfront_connected,
    .xdr_disconnect = blkfront_disconnect,
    .xdr_forget = blkfront_forget,
};
XENBUS_DRIVER(blkfront_driver);
