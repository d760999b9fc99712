/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include <kern/kmem.h>
#include <kern/systm.h>

#include "blkfront_world.h"
#include "native.h"

uint8_t world_store[WORLD_BLOCKS * DEV_BSIZE];
unsigned world_flushes, world_attached, world_done;

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond);                             \
	} while (0)

/* ------------------------------------------------------------------- above */

int disk_attach(struct disk *dk)
{
	(void)dk;
	world_attached++;
	return 0;
}

void biodone(struct buf *bp, int error)
{
	bp->b_error = error;
	bp->b_iodone(bp);
}

static void xfer_done(struct buf *bp)
{
	struct world_xfer *x = bp->b_private;

	REQUIRE(native_locks_held() == 0);
	REQUIRE(x->x_done == 0);
	x->x_done++;
	world_done++;
}

struct world_xfer *world_xfer(enum buf_op op, uint64_t blkno, size_t len, unsigned seed)
{
	struct world_xfer *x = calloc(1, sizeof(*x));
	size_t at = 0, left = len;

	x->x_size = len + WORLD_SEGS * 64 + 1;
	x->x_mem = malloc(x->x_size);
	memset(x->x_mem, 0xee, x->x_size);
	x->x_buf = (struct buf){.b_op = op,
	    .b_seg = x->x_seg,
	    .b_blkno = blkno,
	    .b_bcount = len,
	    .b_iodone = xfer_done,
	    .b_private = x};
	while (left > 0 && (op == BUF_READ || op == BUF_WRITE)) {
		size_t n = left;

		seed = seed * 1103515245 + 12345;
		if (x->x_buf.b_nseg < WORLD_SEGS - 1 && seed >> 30)
			n = 1 + (seed >> 8) % left;
		at += seed >> 26;
		x->x_seg[x->x_buf.b_nseg++] =
		    (struct disk_seg){page_pa(x->x_mem + at), (uint32_t)n};
		at += n;
		left -= n;
	}
	return x;
}

void world_xfer_begin(struct world_xfer *x)
{
	struct disk *dk = &world_blkfront()->bf_disk;

	dk->dk_strategy(dk, &x->x_buf);
}

void world_xfer_free(struct world_xfer *x)
{
	REQUIRE(x->x_done == 1);
	free(x->x_mem);
	free(x);
}

uint8_t *world_xfer_byte(struct world_xfer *x, size_t i)
{
	const struct disk_seg *s = x->x_seg;

	for (; i >= s->ds_len; s++)
		i -= s->ds_len;
	return (uint8_t *)page_va(s->ds_pa) + i;
}

/* -------------------------------------------------------------- the back end */

void world_init(unsigned max_queues)
{
	front_world_init("vbd", WORLD_BACKEND, max_queues);
	world_flushes = world_attached = world_done = 0;
	world_set(world_device.xd_path, "virtual-device", "51712");
	world_set(WORLD_BACKEND, "online", "1");
	world_set(WORLD_BACKEND, "sectors", "4096");
	world_set(WORLD_BACKEND, "sector-size", "512");
	world_set(WORLD_BACKEND, "info", "0");
	world_set(WORLD_BACKEND, "feature-flush-cache", "1");
	world_set(WORLD_BACKEND, "feature-discard", "1");
	world_set(WORLD_BACKEND, "feature-persistent", "1");
	world_set(WORLD_BACKEND, "feature-max-indirect-segments", "256");
}

void world_fill_store(void)
{
	for (size_t i = 0; i < sizeof(world_store); i++)
		world_store[i] = (uint8_t)(i * 7 + (i >> 9));
}

struct blkfront *world_blkfront(void)
{
	return world_device.xd_softc;
}

void world_back_attach(struct world_back *b, unsigned queue, unsigned nqueues)
{
	char dir[XENSTORE_PATH_MAX];

	world_queue_dir(dir, queue, nqueues);
	*b = (struct world_back){.ring = world_shared_page(dir, "ring-ref"),
	    .chan = world_channel(dir, "event-channel")};
}

bool world_back_take(struct world_back *b, union blkfront_words *w)
{
	if (b->cons == b->ring->req_prod)
		return false;
	REQUIRE(b->ring->req_prod - b->prod <= BLKFRONT_RING);
	memcpy(w, &b->ring->ring[b->cons++ % BLKFRONT_RING].req, sizeof(*w));
	return true;
}

uint64_t world_request_id(const union blkfront_words *w)
{
	return w->request.operation == BLKIF_OP_INDIRECT ? w->indirect.id : w->request.id;
}

static uint8_t *granted(uint32_t ref)
{
	REQUIRE(ref < WORLD_GRANTS && world_grants[ref].live);
	return world_grants[ref].page;
}

static void transfer(
    uint8_t op, uint64_t sector, const struct blkif_request_segment *seg, unsigned n)
{
	REQUIRE(op == BLKIF_OP_READ || op == BLKIF_OP_WRITE);
	for (unsigned i = 0; i < n; i++) {
		unsigned count = seg[i].last_sect - seg[i].first_sect + 1U;
		uint8_t *mem = granted(seg[i].gref) + seg[i].first_sect * DEV_BSIZE;
		uint8_t *at = world_store + sector * DEV_BSIZE;

		REQUIRE(seg[i].last_sect < 8 && seg[i].first_sect <= seg[i].last_sect);
		REQUIRE(sector + count <= WORLD_BLOCKS);
		memcpy(op == BLKIF_OP_READ ? mem : at, op == BLKIF_OP_READ ? at : mem,
		    (size_t)count * DEV_BSIZE);
		sector += count;
	}
}

int16_t world_back_do(const union blkfront_words *w)
{
	switch (w->request.operation) {
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
		REQUIRE(w->request.nr_segments > 0 &&
			w->request.nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST);
		REQUIRE(w->request.handle == 51712);
		transfer(w->request.operation, w->request.sector_number, w->request.seg,
		    w->request.nr_segments);
		break;
	case BLKIF_OP_INDIRECT:
		REQUIRE(w->indirect.nr_segments > 0 &&
			w->indirect.nr_segments <=
			    world_get_uint(WORLD_BACKEND, "feature-max-indirect-segments"));
		transfer(w->indirect.indirect_op, w->indirect.sector_number,
		    (void *)granted(w->indirect.indirect_grefs[0]), w->indirect.nr_segments);
		break;
	case BLKIF_OP_DISCARD:
		REQUIRE(w->discard.sector_number + w->discard.nr_sectors <= WORLD_BLOCKS);
		memset(world_store + w->discard.sector_number * DEV_BSIZE, 0,
		    w->discard.nr_sectors * DEV_BSIZE);
		break;
	case BLKIF_OP_FLUSH_DISKCACHE:
		REQUIRE(w->request.nr_segments == 0);
		world_flushes++;
		break;
	default:
		panic("request %u", w->request.operation);
	}
	return BLKIF_RSP_OKAY;
}

void world_back_answer(struct world_back *b, uint64_t id, int16_t status)
{
	struct blkif_response *r = &b->ring->ring[b->prod++ % BLKFRONT_RING].rsp;
	RING_IDX old = b->ring->rsp_prod;

	*r = (struct blkif_response){.id = id, .status = status};
	b->ring->rsp_prod = b->prod;
	if (b->prod - b->ring->rsp_event < b->prod - old)
		b->chan->func(b->chan->arg);
}

void world_back_work(struct world_back *b)
{
	union blkfront_words w;

	while (world_back_take(b, &w)) {
		int16_t status = world_back_do(&w);
		world_back_answer(b, world_request_id(&w), status);
	}
	b->ring->req_event = b->cons + 1;
}
