/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers and requests.  A transfer becomes one request or several, of at most bf_segs pages
 * each; it ends when all of them have been answered.  b_issued counts its bytes that are in
 * requests, b_pending the requests that have no answer.  A transfer that isn't issued wholly is the
 * first of bq_waiting.
 */
#include <kern/cpu.h>
#include <kern/kmem.h>
#include "blkfront_impl.h"

static RING_IDX load(const RING_IDX *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static bool moves_data(const struct buf *bp)
{
	return bp->b_op == BUF_READ || bp->b_op == BUF_WRITE;
}

static void finish(struct bufq *done)
{
	struct buf *bp;

	while ((bp = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, bp, b_list);
		biodone(bp, bp->b_error);
	}
}

/* ------------------------------------------------------------------ issue */

/* Between the transfer's memory and the request's pages. */
static void copy(struct blkfront_queue *bq, const struct blkfront_slot *s)
{
	const struct buf *bp = s->bs_buf;
	const struct disk_seg *seg = bp->b_seg;
	uint64_t skip = s->bs_off;

	for (; skip >= seg->ds_len; seg++)
		skip -= seg->ds_len;
	for (uint32_t at = 0, n; at < s->bs_len; at += n) {
		uint8_t *page = bq->bq_pages[s->bs_page[at >> PAGE_SHIFT]].bg_va + (at & PAGE_MASK);
		uint8_t *mem = page_va(seg->ds_pa + skip);

		n = (uint32_t)KMIN(seg->ds_len - skip, PAGE_SIZE - (at & PAGE_MASK));
		n = KMIN(n, s->bs_len - at);
		if (bp->b_op == BUF_READ)
			memcpy(mem, page, n);
		else
			memcpy(page, mem, n);
		skip += n;
		if (skip == seg->ds_len) {
			seg++;
			skip = 0;
		}
	}
}

static void put_pages(struct blkfront_queue *bq, struct blkfront_slot *s)
{
	while (s->bs_npages > 0)
		blkfront_page_put(bq, s->bs_page[--s->bs_npages]);
}

/* Pages for up to `len` bytes; how many bytes there are pages for, whole sectors. */
static uint32_t get_pages(struct blkfront_queue *bq, struct blkfront_slot *s, uint64_t len)
{
	unsigned want = (unsigned)KMIN(round_page(len) >> PAGE_SHIFT, bq->bq_dev->bf_segs), n;

	/* One more for the list of so many. */
	want += want > BLKIF_MAX_SEGMENTS_PER_REQUEST;
	for (s->bs_npages = 0; s->bs_npages < want; s->bs_npages++)
		if (!blkfront_page_get(bq, &s->bs_page[s->bs_npages]))
			break;
	n = s->bs_npages;
	n -= n > BLKIF_MAX_SEGMENTS_PER_REQUEST;
	return (uint32_t)KMIN(len, n * PAGE_SIZE);
}

static struct blkif_request_segment segment(
    const struct blkfront_queue *bq, const struct blkfront_slot *s, unsigned i)
{
	uint32_t bytes = (uint32_t)KMIN(s->bs_len - i * PAGE_SIZE, PAGE_SIZE);

	return (struct blkif_request_segment){.gref = bq->bq_pages[s->bs_page[i]].bg_ref,
	    .last_sect = (uint8_t)((bytes >> DEV_BSHIFT) - 1)};
}

/* The request's words for slot s.  The list of many pages is in the last page. */
static void describe(struct blkfront_queue *bq, struct blkfront_slot *s, union blkfront_words *w)
{
	static const uint8_t ops[] = {[BUF_READ] = BLKIF_OP_READ,
	    [BUF_WRITE] = BLKIF_OP_WRITE,
	    [BUF_FLUSH] = BLKIF_OP_FLUSH_DISKCACHE,
	    [BUF_DISCARD] = BLKIF_OP_DISCARD};
	const struct buf *bp = s->bs_buf;
	unsigned n = (s->bs_len + PAGE_MASK) >> PAGE_SHIFT;
	uint64_t id = (uint64_t)(s - bq->bq_slots), sector = 0;
	struct blkif_request_segment *list = w->request.seg;

	memset(w, 0, sizeof(*w));
	if (bp->b_op != BUF_FLUSH)
		sector = bp->b_blkno + (s->bs_off >> DEV_BSHIFT);
	if (bp->b_op == BUF_DISCARD) {
		w->discard = (struct blkif_request_discard){.operation = BLKIF_OP_DISCARD,
		    .handle = bq->bq_dev->bf_handle,
		    .id = id,
		    .sector_number = sector,
		    .nr_sectors = bp->b_bcount >> DEV_BSHIFT};
		return;
	}
	if (!moves_data(bp))
		n = 0;
	if (n > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		const struct blkfront_page *last = &bq->bq_pages[s->bs_page[n]];

		list = (struct blkif_request_segment *)last->bg_va;
		w->indirect = (struct blkif_request_indirect){.operation = BLKIF_OP_INDIRECT,
		    .indirect_op = ops[bp->b_op],
		    .nr_segments = (uint16_t)n,
		    .id = id,
		    .sector_number = sector,
		    .handle = bq->bq_dev->bf_handle,
		    .indirect_grefs[0] = last->bg_ref};
	} else {
		w->request.operation = ops[bp->b_op];
		w->request.nr_segments = (uint8_t)n;
		w->request.handle = bq->bq_dev->bf_handle;
		w->request.id = id;
		w->request.sector_number = sector;
	}
	for (unsigned i = 0; i < n; i++)
		list[i] = segment(bq, s, i);
}

static struct blkfront_slot *free_slot(struct blkfront_queue *bq)
{
	/* So many as the ring has room for. */
	for (unsigned i = 0; i < BLKFRONT_RING; i++)
		if (!bq->bq_slots[i].bs_buf)
			return &bq->bq_slots[i];
	return NULL;
}

/* One request for bp, the next part.  EAGAIN: no room now. */
static int issue(struct blkfront_queue *bq, struct buf *bp)
{
	struct blkfront_slot *s = free_slot(bq);
	union blkfront_words w;

	if (!s)
		return EAGAIN;
	s->bs_off = bp->b_issued;
	s->bs_npages = 0;
	s->bs_len = 0;
	if (moves_data(bp)) {
		s->bs_len = get_pages(bq, s, bp->b_bcount - bp->b_issued);
		if (s->bs_len == 0) /* pages come back with answers, if any are to come */
			return bq->bq_prod == bq->bq_cons ? ENOMEM : EAGAIN;
		bp->b_issued += s->bs_len;
	} else {
		bp->b_issued = bp->b_bcount;
	}
	s->bs_buf = bp;
	bp->b_pending++;
	if (bp->b_op == BUF_WRITE)
		copy(bq, s);
	describe(bq, s, &w);
	memcpy(&bq->bq_ring->ring[bq->bq_prod++ & (BLKFRONT_RING - 1)].req, &w, sizeof(w));
	return 0;
}

/* Show the back end what is new in the ring.  => bq_lock */
static void push(struct blkfront_queue *bq)
{
	RING_IDX old = bq->bq_pushed, new = bq->bq_prod;

	if (old == new)
		return;
	bq->bq_pushed = new;
	__atomic_store_n(&bq->bq_ring->req_prod, new, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (new - load(&bq->bq_ring->req_event) < new - old)
		xenbus_channel_notify(bq->bq_chan);
}

/* What waits into the ring, as far as there is room.  => bq_lock, BLKFRONT_UP */
static void run(struct blkfront_queue *bq, struct bufq *done)
{
	struct buf *bp;

	while ((bp = TAILQ_FIRST(&bq->bq_waiting)) != NULL) {
		int error;

		do
			error = issue(bq, bp);
		while (!error && bp->b_issued < bp->b_bcount);
		if (error == EAGAIN)
			break;
		TAILQ_REMOVE(&bq->bq_waiting, bp, b_list);
		if (error) { /* none of it is in the ring: that is empty */
			bp->b_error = error;
			TAILQ_INSERT_TAIL(done, bp, b_list);
		}
	}
	push(bq);
}

void blkfront_strategy(struct disk *dk, struct buf *bp)
{
	struct blkfront *bf = dk->dk_softc;
	struct blkfront_queue *bq = bf->bf_queues[cpu_index() % bf->bf_nqueues];
	struct bufq done = TAILQ_HEAD_INITIALIZER(done);

	bp->b_error = 0;
	bp->b_issued = bp->b_pending = 0;
	if (!moves_data(bp))
		bp->b_nseg = 0;
	if (bp->b_op == BUF_FLUSH)
		bp->b_bcount = 0;
	mutex_enter(&bq->bq_lock);
	if (bq->bq_state == BLKFRONT_DOWN && bq != bf->bf_queues[0]) {
		mutex_exit(&bq->bq_lock);
		bq = bf->bf_queues[0];
		mutex_enter(&bq->bq_lock);
	}
	if (bq->bq_state == BLKFRONT_SHUT) {
		bp->b_error = EIO;
		TAILQ_INSERT_TAIL(&done, bp, b_list);
	} else {
		TAILQ_INSERT_TAIL(&bq->bq_waiting, bp, b_list);
		if (bq->bq_state == BLKFRONT_UP)
			run(bq, &done);
	}
	mutex_exit(&bq->bq_lock);
	finish(&done);
}

/* ---------------------------------------------------------------- answers */

/* Everything that bq has, waiting or under way, is taken from it.  => bq_lock */
static void take_all(struct blkfront_queue *bq, struct bufq *all)
{
	struct buf *bp;

	for (unsigned i = 0; i < BLKFRONT_RING; i++) {
		struct blkfront_slot *s = &bq->bq_slots[i];

		bp = s->bs_buf;
		if (!bp)
			continue;
		s->bs_buf = NULL;
		put_pages(bq, s);
		/* Once; one that isn't issued wholly still waits. */
		if (bp->b_pending > 0 && bp->b_issued == bp->b_bcount)
			TAILQ_INSERT_TAIL(all, bp, b_list);
		bp->b_pending = 0;
	}
	TAILQ_CONCAT(all, &bq->bq_waiting, b_list);
	TAILQ_FOREACH (bp, all, b_list) {
		bp->b_issued = 0;
		bp->b_error = 0;
	}
}

static void fail_all(struct bufq *all)
{
	struct buf *bp;

	TAILQ_FOREACH (bp, all, b_list)
		bp->b_error = EIO;
}

/* The back end makes no sense.  => bq_lock */
static void shut(struct blkfront_queue *bq, const char *what, uint64_t value, struct bufq *done)
{
	struct bufq all = TAILQ_HEAD_INITIALIZER(all);

	xenbus_complain(bq->bq_dev->bf_xd, "the back end %s %llu: disk stopped", what,
	    (unsigned long long)value);
	bq->bq_state = BLKFRONT_SHUT;
	take_all(bq, &all);
	fail_all(&all);
	TAILQ_CONCAT(done, &all, b_list);
}

/* What the back end cannot do, it is not asked for any more. */
static int unsupported(struct disk *dk, const struct buf *bp)
{
	switch (bp->b_op) {
	case BUF_FLUSH:
		dk->dk_flush = false;
		return 0;
	case BUF_DISCARD:
		dk->dk_maxdiscard = 0;
		return EOPNOTSUPP;
	default:
		return EIO;
	}
}

static void answered(
    struct blkfront_queue *bq, struct blkfront_slot *s, int16_t status, struct bufq *done)
{
	struct buf *bp = s->bs_buf;
	int error = status == BLKIF_RSP_OKAY	     ? 0
		    : status == BLKIF_RSP_EOPNOTSUPP ? unsupported(&bq->bq_dev->bf_disk, bp)
						     : EIO;

	if (!error && bp->b_op == BUF_READ)
		copy(bq, s);
	if (error)
		bp->b_error = error;
	put_pages(bq, s);
	s->bs_buf = NULL;
	if (--bp->b_pending == 0 && bp->b_issued == bp->b_bcount)
		TAILQ_INSERT_TAIL(done, bp, b_list);
}

/* All answers there are.  => bq_lock, BLKFRONT_UP */
static void collect(struct blkfront_queue *bq, struct bufq *done)
{
	RING_IDX prod = load(&bq->bq_ring->rsp_prod);

	if (prod - bq->bq_cons > bq->bq_pushed - bq->bq_cons) {
		shut(bq, "answers more than it was asked, up to", prod, done);
		return;
	}
	while (bq->bq_cons != prod) {
		const struct blkif_response *r =
		    &bq->bq_ring->ring[bq->bq_cons & (BLKFRONT_RING - 1)].rsp;
		uint64_t id = __atomic_load_n(&r->id, __ATOMIC_RELAXED);
		int16_t status = __atomic_load_n(&r->status, __ATOMIC_RELAXED);

		if (id >= BLKFRONT_RING || !bq->bq_slots[id].bs_buf) {
			shut(bq, "answers a request that it does not have:", id, done);
			return;
		}
		bq->bq_cons++;
		answered(bq, &bq->bq_slots[id], status, done);
	}
}

void blkfront_softint(void *arg)
{
	struct blkfront_queue *bq = arg;
	struct bufq done = TAILQ_HEAD_INITIALIZER(done);

	mutex_enter(&bq->bq_lock);
	while (bq->bq_state == BLKFRONT_UP) {
		collect(bq, &done);
		if (bq->bq_state != BLKFRONT_UP)
			break;
		run(bq, &done);
		/* An event for the next answer; one that came meanwhile is still to be seen. */
		__atomic_store_n(&bq->bq_ring->rsp_event, bq->bq_cons + 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (load(&bq->bq_ring->rsp_prod) == bq->bq_cons)
			break;
	}
	mutex_exit(&bq->bq_lock);
	finish(&done);
}

/* ------------------------------------------------------------ coming, going */

void blkfront_start(struct blkfront_queue *bq)
{
	struct bufq done = TAILQ_HEAD_INITIALIZER(done);

	mutex_enter(&bq->bq_lock);
	bq->bq_prod = bq->bq_cons = bq->bq_pushed = 0;
	bq->bq_state = BLKFRONT_UP;
	run(bq, &done);
	mutex_exit(&bq->bq_lock);
	finish(&done);
}

void blkfront_stop(struct blkfront_queue *bq, enum blkfront_state state)
{
	mutex_enter(&bq->bq_lock);
	bq->bq_state = state;
	mutex_exit(&bq->bq_lock);
}

void blkfront_requeue(struct blkfront_queue *bq, struct blkfront_queue *to)
{
	struct bufq all = TAILQ_HEAD_INITIALIZER(all);

	mutex_enter(&bq->bq_lock);
	take_all(bq, &all);
	mutex_exit(&bq->bq_lock);
	if (to) {
		mutex_enter(&to->bq_lock);
		TAILQ_CONCAT(&all, &to->bq_waiting, b_list);
		TAILQ_CONCAT(&to->bq_waiting, &all, b_list);
		mutex_exit(&to->bq_lock);
	} else {
		fail_all(&all);
		finish(&all);
	}
}
