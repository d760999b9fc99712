/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Xen block front end against a hostile back end, which is the input: answers, indices, what
 * the store says, memory that it changes, that runs out, connections that come and go.
 *
 * What must hold: nothing is touched that isn't ours (ASan), every transfer ends exactly once,
 * every page of a queue is free or a request's, a back end is complained of once for each queue and
 * connection, and in the end nothing is left but the pages that stay granted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kern/cpu.h>
#include <kern/kmem.h>
#include <rumpuser.h>

#include "blkfront_world.h"
#include "fuzz_input.h"
#include "native.h"

#define NXFERS 64

static struct blkfront *bf;
static enum { DOWN, CONNECTING, UP } state;
static struct world_xfer *xfers[NXFERS];

/* ------------------------------------------------------------------ checks */

static void check_queue(struct blkfront_queue *bq)
{
	unsigned busy = 0, pages = bq->bq_nfree;
	struct buf *bp;

	for (unsigned i = 0; i < BLKFRONT_RING; i++) {
		const struct blkfront_slot *s = &bq->bq_slots[i];

		busy += s->bs_buf != NULL;
		pages += s->bs_buf ? s->bs_npages : 0U;
		REQUIRE(!s->bs_buf || s->bs_buf->b_pending > 0);
	}
	REQUIRE(pages == bq->bq_npages);
	REQUIRE(bq->bq_state == BLKFRONT_UP ? bq->bq_prod - bq->bq_cons == busy : busy == 0);
	REQUIRE(bq->bq_state != BLKFRONT_SHUT || TAILQ_EMPTY(&bq->bq_waiting));
	TAILQ_FOREACH (bp, &bq->bq_waiting, b_list)
		REQUIRE(bp == TAILQ_FIRST(&bq->bq_waiting) || bp->b_issued == 0);
}

static void check(void)
{
	REQUIRE(native_locks_held() == 0);
	for (unsigned i = 0; i < bf->bf_maxqueues; i++)
		if (bf->bf_queues[i])
			check_queue(bf->bf_queues[i]);
	for (unsigned i = 0; i < NXFERS; i++)
		if (xfers[i] && xfers[i]->x_done) {
			world_xfer_free(xfers[i]);
			xfers[i] = NULL;
		}
}

/* ------------------------------------------------------------------ actions */

static void transfer(void)
{
	static const enum buf_op ops[] = {
	    BUF_READ, BUF_WRITE, BUF_READ, BUF_WRITE, BUF_READ, BUF_WRITE, BUF_FLUSH, BUF_DISCARD};
	enum buf_op op = ops[fuzz_byte() % 8];
	unsigned len = (fuzz_byte() % 160 + 1) * DEV_BSIZE, i;

	native_cpu = fuzz_byte() % cpu_count;
	for (i = 0; i < NXFERS && xfers[i]; i++)
		continue;
	if (i == NXFERS)
		return;
	xfers[i] = world_xfer(
	    op, fuzz_word() % (WORLD_BLOCKS - 160), op == BUF_FLUSH ? 0 : len, fuzz_word());
	world_xfer_begin(xfers[i]);
}

static struct blkfront_queue *queue(void)
{
	return bf->bf_queues[fuzz_byte() % bf->bf_nqueues];
}

static void event(struct blkfront_queue *bq)
{
	if (bq->bq_chan)
		bq->bq_chan->func(bq->bq_chan->arg);
}

static void say(struct blkfront_queue *bq, uint64_t id, int16_t status)
{
	RING_IDX at = bq->bq_ring->rsp_prod;

	bq->bq_ring->ring[at % BLKFRONT_RING].rsp =
	    (struct blkif_response){.id = id, .status = status};
	bq->bq_ring->rsp_prod = at + 1;
}

/* One of the requests there are. */
static void answer(void)
{
	struct blkfront_queue *bq = queue();
	unsigned id = fuzz_byte() % BLKFRONT_RING, how = fuzz_byte();

	if (!bq->bq_ring)
		return;
	for (unsigned i = 0; i < BLKFRONT_RING; i++, id = (id + 1) % BLKFRONT_RING)
		if (bq->bq_slots[id].bs_buf)
			break;
	say(bq, id, how % 8 ? 0 : (int16_t)(int8_t)fuzz_byte());
	if (how & 0x80)
		event(bq);
}

static void speak_nonsense(void)
{
	struct blkfront_queue *bq = queue();
	unsigned what = fuzz_byte();

	if (!bq->bq_ring)
		return;
	if (what % 2)
		say(bq, fuzz_byte(), (int16_t)fuzz_word());
	else
		bq->bq_ring->rsp_prod = fuzz_word() << 16 | fuzz_word();
	event(bq);
}

/* Anywhere in the pages that it shares. */
static void scribble(void)
{
	unsigned n = fuzz_word() % 64 + 8, at = fuzz_word() % PAGE_SIZE, count = fuzz_byte() % 32;

	for (; count > 0; count--, at = (at + 1) % PAGE_SIZE)
		if (world_grants[n].live)
			world_grants[n].page[at] = (uint8_t)fuzz_byte();
}

static void set_store(void)
{
	static const char *const nodes[] = {"multi-queue-max-queues", "sectors", "sector-size",
	    "info", "feature-flush-cache", "feature-discard", "feature-max-indirect-segments",
	    "online"};
	static const char *const values[] = {
	    NULL, "", "0", "1", "2", "3", "12", "512", "4096", "18446744073709551615", "-1", "x"};
	unsigned node = fuzz_byte() % NELEM(nodes);

	world_set(WORLD_BACKEND, nodes[node], values[fuzz_byte() % NELEM(values)]);
}

/* As xenbus does. */
static void move(void)
{
	if (state == DOWN) {
		state = world_connect() == 0 ? CONNECTING : DOWN;
	} else if (state == CONNECTING && fuzz_byte() % 4) {
		state = UP;
		if (world_connected() != 0) {
			world_disconnect();
			state = DOWN;
		}
	} else if (fuzz_byte() % 2) {
		world_disconnect();
		state = DOWN;
		world_move(fuzz_byte() % 2);
	}
	if (state == DOWN)
		REQUIRE(world_live_channels() == 0);
}

static void shortage(void)
{
	switch (fuzz_byte() % 4) {
	case 0:
		native_alloc_fail(fuzz_byte() % 16);
		break;
	case 1:
		world_grant_limit = fuzz_byte();
		break;
	case 2:
		world_channel_limit = fuzz_byte() % 8;
		break;
	default:
		native_alloc_fail(-1);
		world_grant_limit = WORLD_GRANTS;
		world_channel_limit = WORLD_CHANNELS;
	}
}

static void act(void)
{
	static void (*const actions[])(void) = {transfer, transfer, answer, answer, speak_nonsense,
	    scribble, set_store, move, shortage};
	unsigned complaints = world_complaints;
	unsigned queues = bf->bf_nqueues;

	actions[fuzz_byte() % NELEM(actions)]();
	/* Of a queue, or of pages that were not let go: none is held here. */
	REQUIRE(world_complaints - complaints <= queues);
	check();
}

/* ------------------------------------------------------------------ the end */

static void finish(void)
{
	native_alloc_fail(-1);
	if (state == DOWN && world_connect() != 0)
		panic("no connection in the end");
	world_set(WORLD_BACKEND, "online", "0");
	world_disconnect();
	check();
	for (unsigned i = 0; i < NXFERS; i++)
		REQUIRE(!xfers[i]);
	for (unsigned i = 0; i < bf->bf_maxqueues; i++) {
		struct blkfront_queue *bq = bf->bf_queues[i];

		if (!bq)
			continue;
		for (unsigned k = 0; k < bq->bq_npages; k++)
			if (bq->bq_pages[k].bg_va) {
				REQUIRE(rumpuser_grant_end(bq->bq_pages[k].bg_ref) == 0);
				page_free(page_pa(bq->bq_pages[k].bg_va), 0);
			}
		kmem_free(bq->bq_pages, bq->bq_npages * sizeof(*bq->bq_pages));
		kmem_free(bq, sizeof(*bq));
	}
	REQUIRE(world_live_grants() == 0);
	kmem_free(bf, sizeof(*bf) + bf->bf_maxqueues * sizeof(bf->bf_queues[0]));
	REQUIRE(native_alloc_live() == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	native_quiet = true;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_in = data;
	fuzz_left = size;
	world_init(fuzz_byte() % 4);
	cpu_count = 3;
	REQUIRE(world_attach() == 0);
	bf = world_blkfront();
	state = DOWN;
	move();
	while (fuzz_left > 0)
		act();
	world_grant_limit = WORLD_GRANTS;
	world_channel_limit = WORLD_CHANNELS;
	finish();
	return 0;
}
