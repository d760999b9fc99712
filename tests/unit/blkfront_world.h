/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the block front end stands on, beside front_world.h: the back end's view of a queue, a disk
 * behind it, transfers that know whether they came out right.
 */
#ifndef BLKFRONT_WORLD_H
#define BLKFRONT_WORLD_H

#include "blkfront_impl.h"
#include "front_world.h"

#define WORLD_BACKEND "/local/domain/0/backend/vbd/3/51712"
#define WORLD_BLOCKS  4096U
#define WORLD_SEGS    8U

extern uint8_t world_store[WORLD_BLOCKS * DEV_BSIZE]; /* the disk */
extern unsigned world_flushes;
extern unsigned world_attached; /* disks */

/* The back end offers everything. */
void world_init(unsigned max_queues);
/* Something to read. */
void world_fill_store(void);
struct blkfront *world_blkfront(void);

struct world_back {
	struct blkif_sring *ring;
	struct xenbus_channel *chan;
	RING_IDX cons, prod;
};
/* The back end's side of a queue, as the store names it; checks that all is there. */
void world_back_attach(struct world_back *b, unsigned queue, unsigned nqueues);
/* The next request; false if there is none.  *w is a copy. */
bool world_back_take(struct world_back *b, union blkfront_words *w);
uint64_t world_request_id(const union blkfront_words *w);
/* Do it: the answer's status.  Checks that the request is as the protocol has it. */
int16_t world_back_do(const union blkfront_words *w);
/* Answer; an event, if the front end wants one. */
void world_back_answer(struct world_back *b, uint64_t id, int16_t status);
/* Take, do and answer all there are, until there are no more. */
void world_back_work(struct world_back *b);

/* A transfer. */
struct world_xfer {
	struct buf x_buf;
	struct disk_seg x_seg[WORLD_SEGS];
	uint8_t *x_mem;
	size_t x_size; /* of x_mem */
	unsigned x_done;
};
extern unsigned world_done; /* transfers that ended */
/*
 * A new one, of pieces that `seed` decides on.  World_xfer_begin() gives it to the driver; once it
 * is done, world_xfer_free().
 */
struct world_xfer *world_xfer(enum buf_op op, uint64_t blkno, size_t len, unsigned seed);
void world_xfer_begin(struct world_xfer *x);
void world_xfer_free(struct world_xfer *x);
/* The i-th byte of its memory. */
uint8_t *world_xfer_byte(struct world_xfer *x, size_t i);

#endif
