/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks: what their drivers provide, and what file systems use.  Programs have them as
 * /dev/vda, /dev/xvda ... (dev/disk makes the names).
 *
 * A disk is an array of sectors of dk_secsize bytes; positions count blocks of DEV_BSIZE bytes, in
 * multiples of sectors.  A transfer is a struct buf: where on the disk, and a list of pieces of
 * physical memory.  It is asynchronous: disk_strategy() returns at once and b_iodone is called
 * when the disk has done it, exactly once.  Transfers may be done in any order, also of overlapping
 * ranges: who cares waits.
 *
 * What is written may be lost when the power fails, until a later BUF_FLUSH is done.
 *
 * Nothing here caches: that is for file systems.
 */
#ifndef DEV_DISK_H
#define DEV_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <kern/mutex.h>

#define DEV_BSHIFT 9
#define DEV_BSIZE  (1U << DEV_BSHIFT)

struct disk;

enum buf_op {
	BUF_READ,
	BUF_WRITE,
	BUF_FLUSH,   /* what was written and done before is safe afterwards; no range, no memory */
	BUF_DISCARD, /* the contents of the range are no longer needed; no memory */
};

/* Physically contiguous memory. */
struct disk_seg {
	uint64_t ds_pa;
	uint32_t ds_len;
};

/*
 * One transfer.  The caller's until disk_strategy(), and again from b_iodone on; memory and list of
 * pieces stay as they are in between.
 */
struct buf {
	enum buf_op b_op;
	unsigned b_nseg;
	const struct disk_seg *b_seg;
	uint64_t b_blkno;  /* first block */
	uint64_t b_bcount; /* bytes: the sum of the pieces, or how much to discard */
	int b_error; /* result: 0; EIO; EROFS; EOPNOTSUPP no discard; EINVAL the rules below */
	/* In soft-interrupt context, or, on an early failure, in the caller's.  May free bp. */
	void (*b_iodone)(struct buf *bp);
	void *b_private; /* the caller's own */
	/* dev/disk's, from disk_strategy() on. */
	struct disk *b_disk;
	/* The driver's, while it has it. */
	TAILQ_ENTRY(buf) b_list;
	uint64_t b_issued;
	unsigned b_pending;
};
TAILQ_HEAD(bufq, buf);

/*
 * Filled in by the driver (zeroed before) up to disk_attach(), and constant from then on but for
 * those marked (v), which may change at any time.
 */
struct disk {
	char dk_name[16];	      /* below /dev */
	uint64_t dk_rdev;	      /* makedev(): Linux's number */
	volatile uint64_t dk_nblocks; /* (v) of DEV_BSIZE */
	uint32_t dk_secsize;	      /* power of two, DEV_BSIZE..PAGE_SIZE */
	bool dk_readonly;
	bool dk_flush;		/* (v) there is a cache: BUF_FLUSH reaches the driver */
	uint64_t dk_maxdiscard; /* (v) blocks in one BUF_DISCARD; 0: it can't */
	/*
	 * A transfer has at most dk_maxsegs pieces and dk_maxxfer bytes (at least a page).  A piece
	 * begins and ends at multiples of dk_memalign (a power of two, at most DEV_BSIZE) and, if
	 * dk_boundary isn't 0, lies within one block of that size (a power of two, at least a
	 * page).
	 */
	uint32_t dk_maxsegs, dk_maxxfer;
	uint32_t dk_memalign, dk_boundary;
	/*
	 * Begin bp, which keeps all these rules; biodone() ends it.  From lwps and soft interrupts,
	 * on several CPUs at once.  It does not wait for room: what there is none for is queued.
	 * Locks that it takes are held briefly, and it may end bp, or others, before it returns.
	 */
	void (*dk_strategy)(struct disk *dk, struct buf *bp);
	void *dk_softc; /* the driver's own */

	/* dev/disk's own. */
	kmutex_t dk_waitlock;	     /* who waits, and what has come */
	krwlock_t dk_sectors;	     /* writer: a sector is changed in part */
	volatile uint32_t dk_unsafe; /* 0: all that was written is safe; atomic */
	STAILQ_ENTRY(disk) dk_list;  /* all disks; they stay for ever */
};

/* ---- for drivers */

/* A disk is there; dk stays for ever.  EEXIST the name or number is taken.  May sleep. */
int disk_attach(struct disk *dk);
/*
 * bp is done.  From soft interrupts and lwps, holding no spin lock, nor a lock that a caller of
 * disk_strategy() might hold.  b_iodone takes adaptive locks, as soft interrupts may.
 */
void biodone(struct buf *bp, int error);

/* ---- for users */

/* By name, "vda"; NULL. */
struct disk *disk_find(const char *name);

/*
 * Begin bp; does not wait for it.  From lwps and soft interrupts, holding no spin lock, nor a lock
 * that b_iodone takes.
 */
void disk_strategy(struct disk *dk, struct buf *bp);

/* The same, and wait for the end; b_iodone and b_private are not the caller's.  b_error.  Sleeps.
 */
int disk_wait(struct disk *dk, struct buf *bp);

/*
 * Read or write len bytes of memory from kmem_alloc(), in as many transfers as it takes, and wait.
 * blkno and len in whole sectors, va aligned to dk_memalign.  As b_error.  Sleeps.
 */
int disk_rw(struct disk *dk, enum buf_op op, uint64_t blkno, void *va, size_t len);
int disk_flush(struct disk *dk);
int disk_discard(struct disk *dk, uint64_t blkno, uint64_t nblocks);

#endif
