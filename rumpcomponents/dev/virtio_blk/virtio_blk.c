/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio disk (virtio v1.2, 5.2): one queue.
 *
 * A transfer needs a header and a status byte that the device reads and writes; they lie in slots,
 * as many as the queue has room for short transfers.  Without a free slot, or room for its
 * pieces, a transfer waits its turn in vb_waiting.  When the device makes no sense, all transfers
 * fail with EIO from then on.
 */
#include <sys/sysmacros.h>
#include <kern/kmem.h>
#include <kern/systm.h>
#include <dev/disk.h>
#include <dev/virtio.h>

#define BLK_F_SEG_MAX  (1ULL << 2)
#define BLK_F_RO       (1ULL << 5)
#define BLK_F_BLK_SIZE (1ULL << 6)
#define BLK_F_FLUSH    (1ULL << 9)
#define BLK_F_DISCARD  (1ULL << 13)

/* Configuration space, 5.2.4. */
#define CONFIG_CAPACITY		   0
#define CONFIG_SEG_MAX		   12
#define CONFIG_BLK_SIZE		   20
#define CONFIG_MAX_DISCARD_SECTORS 36

#define BLK_T_IN		   0
#define BLK_T_OUT		   1
#define BLK_T_FLUSH		   4
#define BLK_T_DISCARD		   11

#define BLK_S_OK		   0
#define BLK_S_UNSUPP		   2

#define QUEUE_SIZE		   256
#define NSLOTS			   64
#define NSEGS			   128 /* pieces of one transfer, at most */
#define XFER_MAX		   (1024 * 1024)
#define BLK_MAJOR		   254 /* what Linux gives it, as a rule; 16 minors a disk */

/* What the device sees of a transfer besides its data; never across a page. */
struct slot {
	uint32_t type, reserved;
	uint64_t sector;
	uint64_t discard_sector; /* a discard's one range, 5.2.6 */
	uint32_t discard_count, discard_flags;
	uint8_t status;
	uint8_t pad[7];
	struct buf *buf;   /* NULL: free */
	struct slot *next; /* free */
	uint64_t pad2;
};
_Static_assert(sizeof(struct slot) == 64, "a power of two");

struct virtio_blk {
	struct disk vb_disk;
	kmutex_t vb_lock; /* MUTEX_SPIN; all below is under it */
	struct virtqueue *vb_queue;
	struct slot *vb_slots, *vb_free;
	struct bufq vb_waiting;
	struct virtio_sg vb_sg[NSEGS + 2];
};

static unsigned ndisks; /* attach runs in one lwp */

static void fill_slot(struct slot *s, struct buf *bp)
{
	static const uint8_t types[] = {[BUF_READ] = BLK_T_IN,
	    [BUF_WRITE] = BLK_T_OUT,
	    [BUF_FLUSH] = BLK_T_FLUSH,
	    [BUF_DISCARD] = BLK_T_DISCARD};

	s->type = types[bp->b_op];
	s->sector = bp->b_op == BUF_READ || bp->b_op == BUF_WRITE ? bp->b_blkno : 0;
	s->status = 0xff; /* none of those that the device writes */
	s->buf = bp;
	if (bp->b_op == BUF_DISCARD) {
		s->discard_sector = bp->b_blkno;
		s->discard_count = (uint32_t)(bp->b_bcount >> DEV_BSHIFT);
	}
}

/* Into the queue; false: no room now.  => vb_lock */
static bool start(struct virtio_blk *vb, struct buf *bp)
{
	struct virtio_sg *sg = vb->vb_sg;
	struct slot *s = vb->vb_free;
	unsigned n = 0;

	if (!s)
		return false;
	fill_slot(s, bp);
	sg[n++] = (struct virtio_sg){.pa = page_pa(s), .len = 16};
	if (bp->b_op == BUF_DISCARD)
		sg[n++] = (struct virtio_sg){.pa = page_pa(&s->discard_sector), .len = 16};
	else
		for (unsigned i = 0; i < bp->b_nseg; i++)
			sg[n++] = (struct virtio_sg){.pa = bp->b_seg[i].ds_pa,
			    .len = bp->b_seg[i].ds_len,
			    .device_writes = bp->b_op == BUF_READ};
	sg[n++] = (struct virtio_sg){.pa = page_pa(&s->status), .len = 1, .device_writes = true};
	if (virtqueue_add(vb->vb_queue, sg, n, s) != 0) {
		s->buf = NULL;
		return false;
	}
	vb->vb_free = s->next;
	return true;
}

static void virtio_blk_strategy(struct disk *dk, struct buf *bp)
{
	struct virtio_blk *vb = dk->dk_softc;
	bool dead;

	if (bp->b_op == BUF_FLUSH)
		bp->b_nseg = 0;
	mutex_enter(&vb->vb_lock);
	dead = virtqueue_broken(vb->vb_queue);
	if (!dead && (!TAILQ_EMPTY(&vb->vb_waiting) || !start(vb, bp)))
		TAILQ_INSERT_TAIL(&vb->vb_waiting, bp, b_list);
	else
		virtqueue_kick(vb->vb_queue);
	mutex_exit(&vb->vb_lock);
	if (dead)
		biodone(bp, EIO);
}

/* What the device has done; slots go back, results are in b_error.  => vb_lock */
static void collect(struct virtio_blk *vb, struct bufq *done)
{
	struct slot *s;
	uint32_t len;

	while ((s = virtqueue_get(vb->vb_queue, &len)) != NULL) {
		uint8_t status = *(volatile uint8_t *)&s->status;

		s->buf->b_error = status == BLK_S_OK	   ? 0
				  : status == BLK_S_UNSUPP ? EOPNOTSUPP
							   : EIO;
		TAILQ_INSERT_TAIL(done, s->buf, b_list);
		s->buf = NULL;
		s->next = vb->vb_free;
		vb->vb_free = s;
	}
}

/* Nothing comes back any more.  The slots stay the device's.  => vb_lock */
static void give_up(struct virtio_blk *vb, struct bufq *done)
{
	struct bufq lost = TAILQ_HEAD_INITIALIZER(lost);
	struct buf *bp;

	for (unsigned i = 0; i < NSLOTS; i++)
		if (vb->vb_slots[i].buf) {
			TAILQ_INSERT_TAIL(&lost, vb->vb_slots[i].buf, b_list);
			vb->vb_slots[i].buf = NULL;
		}
	TAILQ_CONCAT(&lost, &vb->vb_waiting, b_list);
	TAILQ_FOREACH (bp, &lost, b_list)
		bp->b_error = EIO;
	TAILQ_CONCAT(done, &lost, b_list);
}

static void virtio_blk_softint(void *arg)
{
	struct virtio_blk *vb = arg;
	struct bufq done = TAILQ_HEAD_INITIALIZER(done);
	struct buf *bp;

	mutex_enter(&vb->vb_lock);
	do {
		collect(vb, &done);
		while ((bp = TAILQ_FIRST(&vb->vb_waiting)) != NULL && start(vb, bp))
			TAILQ_REMOVE(&vb->vb_waiting, bp, b_list);
		virtqueue_kick(vb->vb_queue);
	} while (virtqueue_enable(vb->vb_queue, 1));
	if (virtqueue_broken(vb->vb_queue))
		give_up(vb, &done);
	mutex_exit(&vb->vb_lock);
	while ((bp = TAILQ_FIRST(&done)) != NULL) {
		TAILQ_REMOVE(&done, bp, b_list);
		biodone(bp, bp->b_error);
	}
}

static int alloc_slots(struct virtio_blk *vb)
{
	vb->vb_slots = kmem_zalloc(NSLOTS * sizeof(struct slot)); /* a page: page-aligned */
	if (!vb->vb_slots)
		return ENOMEM;
	for (unsigned i = 0; i < NSLOTS; i++) {
		vb->vb_slots[i].next = vb->vb_free;
		vb->vb_free = &vb->vb_slots[i];
	}
	return 0;
}
_Static_assert(NSLOTS * sizeof(struct slot) == PAGE_SIZE, "one page");

static void describe(struct virtio_blk *vb, struct virtio_device *dev, uint64_t features)
{
	struct disk *dk = &vb->vb_disk;
	unsigned segs = virtqueue_size(vb->vb_queue) - 2;

	ksnprintf(dk->dk_name, sizeof(dk->dk_name), "vd%c", 'a' + (int)ndisks);
	dk->dk_rdev = makedev(BLK_MAJOR, 16 * ndisks);
	dk->dk_nblocks = virtio_config_read(dev, CONFIG_CAPACITY, 4) |
			 (uint64_t)virtio_config_read(dev, CONFIG_CAPACITY + 4, 4) << 32;
	dk->dk_secsize =
	    features & BLK_F_BLK_SIZE ? virtio_config_read(dev, CONFIG_BLK_SIZE, 4) : DEV_BSIZE;
	dk->dk_readonly = features & BLK_F_RO;
	dk->dk_flush = features & BLK_F_FLUSH;
	if (features & BLK_F_DISCARD)
		dk->dk_maxdiscard = virtio_config_read(dev, CONFIG_MAX_DISCARD_SECTORS, 4);
	if (features & BLK_F_SEG_MAX)
		segs = KMIN(segs, KMAX(virtio_config_read(dev, CONFIG_SEG_MAX, 4), 1U));
	dk->dk_maxsegs = KMIN(segs, NSEGS);
	dk->dk_maxxfer = XFER_MAX;
	dk->dk_memalign = 1;
	dk->dk_strategy = virtio_blk_strategy;
	dk->dk_softc = vb;
}

static int virtio_blk_attach(struct virtio_device *dev)
{
	struct virtio_blk *vb;
	uint64_t features;
	int error;

	if (ndisks == 26)
		return ENOSPC;
	vb = kmem_zalloc(sizeof(*vb));
	if (!vb)
		return ENOMEM;
	mutex_init(&vb->vb_lock, MUTEX_SPIN);
	TAILQ_INIT(&vb->vb_waiting);
	error = alloc_slots(vb);
	if (!error)
		error = virtio_negotiate(dev,
		    BLK_F_SEG_MAX | BLK_F_RO | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_DISCARD,
		    &features);
	if (!error)
		error =
		    virtio_queue_setup(dev, 0, QUEUE_SIZE, virtio_blk_softint, vb, &vb->vb_queue);
	if (error) {
		if (vb->vb_slots)
			kmem_free(vb->vb_slots, PAGE_SIZE);
		kmem_free(vb, sizeof(*vb));
		return error;
	}
	/* From here on the queue knows of us, and interrupts may come: nothing is freed. */
	if (virtqueue_size(vb->vb_queue) < 4)
		return ENOTSUP;
	describe(vb, dev, features);
	virtio_ready(dev);
	if (virtqueue_enable(vb->vb_queue, 1))
		virtqueue_poll(vb->vb_queue);
	error = disk_attach(&vb->vb_disk);
	if (!error)
		ndisks++;
	return error;
}

static const struct virtio_driver virtio_blk_driver = {
    .vd_name = "virtio-blk", .vd_id = VIRTIO_ID_BLK, .vd_attach = virtio_blk_attach};
VIRTIO_DRIVER(virtio_blk_driver);
