/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of the block front end (<xen/io/blkif.h> is the protocol).
 *
 * THE BACK END IS NOT TRUSTED.  A grant is of a whole page and the back end may keep a page for as
 * long as it likes, so it gets pages of ours that are used for nothing else, and what is
 * transferred is copied, once, in or out.  The same pages are used again and again, the last used
 * first: a back end with feature-persistent leaves them mapped, which saves it more than the copy
 * costs us (it changes page tables, and tells other processors, for every page otherwise); and no
 * grant is made or ended for a transfer.
 *
 * Of what stands in the ring nothing is used unchecked, and each word is read once.  When indices
 * or ids make no sense, that is said once, and all that the queue has fails with EIO, as does what
 * comes later, until the next connection.
 *
 * A back end may go and come again.  What it had not answered is then issued anew, all of it: the
 * buffers are still there.  Unless it was taken away for good (online is 0): then transfers fail.
 *
 * LOCK ORDER: under bq_lock come the locks of the allocator, of xenbus and of the console, and no
 * other bq_lock; nothing sleeps under it.
 */
#ifndef BLKFRONT_IMPL_H
#define BLKFRONT_IMPL_H

#include <stdint.h>
#define __XEN_INTERFACE_VERSION__ 0x00040d00
#include <xen/xen.h>
#include <xen/io/blkif.h>
#include <xen/io/protocols.h>
#include <kern/mutex.h>
#include <kern/systm.h>
#include <dev/disk.h>
#include <dev/xenbus.h>

#define BLKFRONT_RING	  32U  /* requests in a page, a power of two */
#define BLKFRONT_SEGS	  32U  /* pages of one request */
#define BLKFRONT_PAGES	  384U /* of a queue, at most */
#define BLKFRONT_XFER_MAX (1024 * 1024)

_Static_assert(__CONST_RING_SIZE(blkif, 4096) == BLKFRONT_RING, "xen/io/blkif.h");
_Static_assert(sizeof(struct blkif_request) == 112, "xen/io/blkif.h");
_Static_assert(sizeof(struct blkif_request_segment) == 8, "xen/io/blkif.h");

/* A request as it stands in the ring. */
union blkfront_words {
	struct blkif_request request;
	struct blkif_request_discard discard;
	struct blkif_request_indirect indirect;
};
_Static_assert(sizeof(union blkfront_words) == sizeof(struct blkif_request), "xen/io/blkif.h");

/* A page that is granted to the back end, or none yet. */
struct blkfront_page {
	uint8_t *bg_va; /* NULL: no page */
	uint32_t bg_ref;
};

/* A request in the ring: its id is its index. */
struct blkfront_slot {
	struct buf *bs_buf; /* NULL: free */
	uint64_t bs_off;    /* of its bytes within the transfer's */
	uint32_t bs_len;
	uint16_t bs_npages;
	uint16_t bs_page[BLKFRONT_SEGS + 1]; /* with one for the list of the others */
};

enum blkfront_state {
	BLKFRONT_DOWN, /* no back end: transfers wait, those of all queues in the first */
	BLKFRONT_UP,
	BLKFRONT_SHUT, /* gone, or it makes no sense: transfers fail */
};

struct blkfront_queue {
	struct blkfront *bq_dev;
	struct xenbus_channel *bq_chan; /* xenbus's lwp's */
	uint32_t bq_ref;

	/*
	 * MUTEX_SPIN; all below is under it.  A program's thread that held it and were preempted
	 * would keep the soft interrupts of its CPU until its next turn.
	 */
	kmutex_t bq_lock;
	enum blkfront_state bq_state;
	struct blkif_sring *bq_ring; /* NULL: not connected */
	RING_IDX bq_prod, bq_cons, bq_pushed;
	struct bufq bq_waiting; /* the first may be in the ring in part */
	struct blkfront_slot bq_slots[BLKFRONT_RING];
	struct blkfront_page *bq_pages;
	unsigned bq_npages, bq_nfree;
	uint16_t bq_free[BLKFRONT_PAGES]; /* the last used on top */
};

struct blkfront {
	struct disk bf_disk;
	struct xenbus_device *bf_xd;
	uint16_t bf_handle;
	bool bf_attached;	      /* programs have it */
	bool bf_refused;	      /* its back end is none for us */
	volatile unsigned bf_nqueues; /* in use, at least one */
	unsigned bf_maxqueues;
	unsigned bf_segs; /* pages of one request; changes only while all queues are down */
	struct blkfront_queue *bf_queues[];
};

/*
 * Name below /dev and device number of Xen's virtual device number (docs/misc/vbd-interface of
 * Xen).  false: it names none.
 */
bool blkfront_name(uint64_t vdev, char *name, size_t size, uint64_t *rdev);

/* A free page, granted: its number.  false: there is none now.  => bq_lock */
bool blkfront_page_get(struct blkfront_queue *bq, uint16_t *n);
void blkfront_page_put(struct blkfront_queue *bq, uint16_t n);
/* No page is granted any more.  => not connected, nothing under way */
void blkfront_pages_free(struct blkfront_queue *bq);

/* struct disk's dk_strategy. */
void blkfront_strategy(struct disk *dk, struct buf *bp);
/* The channel's; arg is the queue. */
void blkfront_softint(void *arg);
/* The ring is new and empty; begin, with what waits.  => all that bf_disk says is true */
void blkfront_start(struct blkfront_queue *bq);
/* Nothing goes into the ring any more, and the channel isn't notified.  The softint may run. */
void blkfront_stop(struct blkfront_queue *bq, enum blkfront_state state);
/*
 * What bq had goes to `to`, which is stopped, to be issued anew; to NULL: fails.  bq is stopped and
 * its softint cannot run.
 */
void blkfront_requeue(struct blkfront_queue *bq, struct blkfront_queue *to);

#endif
