/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks: who there is, and transfers from and to kernel memory.
 *
 * Whoever waits for a transfer sleeps under the disk's dk_waitlock, and the one who ends it does
 * not touch it any more once he has let that go.
 *
 * LOCK ORDER: dk_sectors; dk_waitlock is taken last and briefly.
 */
#include <fcntl.h>
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <vfs/device.h>
#include <vfs/mount.h>
#include <vfs/namei.h>
#include "disk_impl.h"

#define SEGS_MAX      32		  /* pieces of a transfer that disk_rw() makes */
#define SHUTDOWN_WAIT (10 * NSEC_PER_SEC) /* for the disks, when the program has ended */

/* dk_unsafe: a write has ended since the last flush began; and so many flushes are under way. */
#define DISK_WRITTEN  1U
#define DISK_FLUSHING 2U

struct disklist disk_list = STAILQ_HEAD_INITIALIZER(disk_list);
static kmutex_t attach_lock;

/* ------------------------------------------------------------------ who there is */

struct disk *disk_find(const char *name)
{
	struct disk *dk;

	STAILQ_FOREACH (dk, &disk_list, dk_list)
		if (strcmp(dk->dk_name, name) == 0)
			return dk;
	return NULL;
}

static bool is_power2(uint64_t x)
{
	return x && !(x & (x - 1));
}

static bool makes_sense(const struct disk *dk)
{
	return is_power2(dk->dk_secsize) && dk->dk_secsize >= DEV_BSIZE &&
	       dk->dk_secsize <= PAGE_SIZE && is_power2(dk->dk_memalign) &&
	       dk->dk_memalign <= DEV_BSIZE &&
	       (dk->dk_boundary == 0 ||
		   (is_power2(dk->dk_boundary) && dk->dk_boundary >= PAGE_SIZE)) &&
	       dk->dk_maxsegs > 0 && dk->dk_maxxfer >= PAGE_SIZE;
}

int disk_attach(struct disk *dk)
{
	struct vattr va = {.va_mode = S_IFBLK | 0660, .va_rdev = dk->dk_rdev};
	char path[32];
	struct disk *other;
	int error = 0;

	if (!makes_sense(dk))
		return EINVAL;
	mutex_init(&dk->dk_waitlock, MUTEX_DEFAULT);
	rw_init(&dk->dk_sectors);
	mutex_enter(&attach_lock);
	STAILQ_FOREACH (other, &disk_list, dk_list)
		if (strcmp(other->dk_name, dk->dk_name) == 0 || other->dk_rdev == dk->dk_rdev)
			error = EEXIST;
	if (!error) {
		/* All of it before others can see it. */
		dk->dk_list.stqe_next = NULL;
		__atomic_store_n(disk_list.stqh_last, dk, __ATOMIC_RELEASE);
		disk_list.stqh_last = &dk->dk_list.stqe_next;
	}
	mutex_exit(&attach_lock);
	if (error)
		return error;
	ksnprintf(path, sizeof(path), "/dev/%s", dk->dk_name);
	error = vn_create(AT_FDCWD, path, &va, NULL);
	if (error && error != EEXIST)
		kprintf("kiln: %s: error %d\n", path, error);
	return 0;
}

/* ------------------------------------------------------------------ transfers */

/* Does bp keep the rules? */
static int check_range(const struct disk *dk, const struct buf *bp)
{
	uint64_t size = disk_size(dk);

	if (bp->b_bcount == 0 || bp->b_blkno > size >> DEV_BSHIFT ||
	    bp->b_bcount > size - (bp->b_blkno << DEV_BSHIFT) ||
	    ((bp->b_blkno << DEV_BSHIFT) | bp->b_bcount) & (dk->dk_secsize - 1))
		return EINVAL;
	return 0;
}

static int check_segs(const struct disk *dk, const struct buf *bp)
{
	uint64_t total = 0;

	if (bp->b_nseg > dk->dk_maxsegs || bp->b_bcount > dk->dk_maxxfer)
		return EINVAL;
	for (unsigned i = 0; i < bp->b_nseg; i++) {
		const struct disk_seg *s = &bp->b_seg[i];

		if (s->ds_len == 0 || (s->ds_pa | s->ds_len) & (dk->dk_memalign - 1) ||
		    s->ds_pa + s->ds_len < s->ds_pa)
			return EINVAL;
		if (dk->dk_boundary &&
		    (s->ds_pa ^ (s->ds_pa + s->ds_len - 1)) & ~(uint64_t)(dk->dk_boundary - 1))
			return EINVAL;
		total += s->ds_len;
	}
	return total == bp->b_bcount ? 0 : EINVAL;
}

static int check(const struct disk *dk, const struct buf *bp)
{
	int error = bp->b_op == BUF_FLUSH ? 0 : check_range(dk, bp);

	if (!error && dk->dk_readonly && (bp->b_op == BUF_WRITE || bp->b_op == BUF_DISCARD))
		error = EROFS;
	if (!error && bp->b_op == BUF_DISCARD && bp->b_bcount >> DEV_BSHIFT > dk->dk_maxdiscard)
		error = dk->dk_maxdiscard ? EINVAL : EOPNOTSUPP;
	if (!error && (bp->b_op == BUF_READ || bp->b_op == BUF_WRITE))
		error = check_segs(dk, bp);
	return error;
}

void biodone(struct buf *bp, int error)
{
	bp->b_error = error;
	/* Only now: a flush that began before does not see to it. */
	if (bp->b_op == BUF_WRITE)
		__atomic_fetch_or(&bp->b_disk->dk_unsafe, DISK_WRITTEN, __ATOMIC_SEQ_CST);
	bp->b_iodone(bp);
}

void disk_strategy(struct disk *dk, struct buf *bp)
{
	int error = check(dk, bp);

	bp->b_disk = dk;
	if (error || (bp->b_op == BUF_FLUSH && (!dk->dk_flush || dk->dk_readonly)))
		biodone(bp, error);
	else
		dk->dk_strategy(dk, bp);
}

struct waiter {
	struct disk *w_disk;
	bool w_done;
	kcondvar_t w_cv;
};

static void wakeup_waiter(struct buf *bp)
{
	struct waiter *w = bp->b_private;
	kmutex_t *lock = &w->w_disk->dk_waitlock;

	mutex_enter(lock);
	w->w_done = true;
	cv_signal(&w->w_cv);
	mutex_exit(lock);
}

static void begin(struct disk *dk, struct buf *bp, struct waiter *w)
{
	w->w_disk = dk;
	w->w_done = false;
	cv_init(&w->w_cv, "disk");
	bp->b_iodone = wakeup_waiter;
	bp->b_private = w;
	disk_strategy(dk, bp);
}

/* EWOULDBLOCK: it is still going on at the deadline. */
static int end(struct buf *bp, struct waiter *w, uint64_t deadline)
{
	kmutex_t *lock = &w->w_disk->dk_waitlock;
	int error = 0;

	mutex_enter(lock);
	while (!w->w_done && !error)
		error = cv_timedwait(&w->w_cv, lock, deadline);
	error = w->w_done ? bp->b_error : error;
	mutex_exit(lock);
	return error;
}

int disk_wait(struct disk *dk, struct buf *bp)
{
	struct waiter w;

	begin(dk, bp, &w);
	return end(bp, &w, UINT64_MAX);
}

/* The longest leading part of [pa, pa + len) that one transfer can take. */
static size_t make_segs(
    const struct disk *dk, uint64_t pa, size_t len, struct disk_seg *seg, unsigned *nseg)
{
	size_t done = 0;

	len = KMIN(len, ROUNDDOWN(dk->dk_maxxfer, dk->dk_secsize));
	for (*nseg = 0; done < len && *nseg < KMIN(SEGS_MAX, dk->dk_maxsegs); ++*nseg) {
		size_t n = KMIN(len - done, 1U << 30);

		if (dk->dk_boundary)
			n = KMIN(n, dk->dk_boundary - ((pa + done) & (dk->dk_boundary - 1)));
		seg[*nseg] = (struct disk_seg){pa + done, (uint32_t)n};
		done += n;
	}
	while (done & (dk->dk_secsize - 1)) { /* whole sectors only */
		size_t n = KMIN(done & (dk->dk_secsize - 1), seg[*nseg - 1].ds_len);

		seg[*nseg - 1].ds_len -= (uint32_t)n;
		*nseg -= seg[*nseg - 1].ds_len == 0;
		done -= n;
	}
	return done;
}

int disk_rw(struct disk *dk, enum buf_op op, uint64_t blkno, void *va, size_t len)
{
	struct disk_seg seg[SEGS_MAX];
	struct buf b = {.b_op = op, .b_seg = seg, .b_blkno = blkno};
	uint64_t pa = page_pa(va);
	int error = len == 0 || len & (dk->dk_secsize - 1) ? EINVAL : 0;

	while (len > 0 && !error) {
		b.b_bcount = make_segs(dk, pa, len, seg, &b.b_nseg);
		error = disk_wait(dk, &b);
		pa += b.b_bcount;
		len -= b.b_bcount;
		b.b_blkno += b.b_bcount >> DEV_BSHIFT;
	}
	return error;
}

int disk_flush(struct disk *dk)
{
	struct buf b = {.b_op = BUF_FLUSH};
	int error;

	/* Never 0 before it is done: who finds that takes everything for safe. */
	__atomic_fetch_add(&dk->dk_unsafe, DISK_FLUSHING, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&dk->dk_unsafe, ~DISK_WRITTEN, __ATOMIC_SEQ_CST);
	error = disk_wait(dk, &b);
	if (error)
		__atomic_fetch_or(&dk->dk_unsafe, DISK_WRITTEN, __ATOMIC_SEQ_CST);
	__atomic_fetch_sub(&dk->dk_unsafe, DISK_FLUSHING, __ATOMIC_SEQ_CST);
	return error;
}

int disk_discard(struct disk *dk, uint64_t blkno, uint64_t nblocks)
{
	uint64_t most =
	    dk->dk_maxdiscard ? ROUNDDOWN(dk->dk_maxdiscard, dk->dk_secsize >> DEV_BSHIFT) : 0;
	struct buf b = {.b_op = BUF_DISCARD, .b_blkno = blkno};
	int error = most ? 0 : EOPNOTSUPP;

	while (nblocks > 0 && !error) {
		uint64_t n = KMIN(KMIN(nblocks, most), (uint64_t)INT64_MAX >> DEV_BSHIFT);

		b.b_bcount = n << DEV_BSHIFT;
		error = disk_wait(dk, &b);
		b.b_blkno += n;
		nblocks -= n;
	}
	return error;
}

/* ------------------------------------------------------------------ the end */

void disk_sync(void)
{
	struct disk *dk;

	STAILQ_FOREACH (dk, &disk_list, dk_list)
		if (dk->dk_unsafe)
			(void)disk_flush(dk);
}
LINK_SET_ADD(sync_hooks, disk_sync);

/* The last flush must not keep the machine from going off: a disk may have died. */
static void disk_shutdown(void)
{
	uint64_t deadline = nanouptime() + SHUTDOWN_WAIT;
	struct disk *dk;

	STAILQ_FOREACH (dk, &disk_list, dk_list) {
		struct late {
			struct buf buf;
			struct waiter waiter;
		} *l = dk->dk_unsafe ? kmem_zalloc(sizeof(*l)) : NULL;

		if (!l)
			continue;
		l->buf.b_op = BUF_FLUSH;
		begin(dk, &l->buf, &l->waiter);
		if (end(&l->buf, &l->waiter, deadline) != EWOULDBLOCK)
			kmem_free(l, sizeof(*l)); /* else it is the disk's */
	}
}
LINK_SET_ADD(shutdown_hooks, disk_shutdown);

static int disk_init(void)
{
	mutex_init(&attach_lock, MUTEX_DEFAULT);
	return 0;
}
RUMP_COMPONENT(disk, RUMP_PHASE_KERN, disk_init);
