/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue's granted pages: made when they are first needed, and kept for the same back end. */
#include "blkfront_impl.h"

static bool ready(struct blkfront_queue *bq, struct blkfront_page *bg)
{
	void *page;

	if (bg->bg_va)
		return true;
	if (xenbus_page_alloc(bq->bq_dev->bf_xd, false, &page, &bg->bg_ref) != 0)
		return false;
	bg->bg_va = page;
	return true;
}

void blkfront_pages_free(struct blkfront_queue *bq)
{
	mutex_enter(&bq->bq_lock);
	for (unsigned i = 0; i < bq->bq_npages; i++) {
		struct blkfront_page *bg = &bq->bq_pages[i];

		if (bg->bg_va)
			xenbus_page_free(bg->bg_va, bg->bg_ref);
		bg->bg_va = NULL;
	}
	mutex_exit(&bq->bq_lock);
}

bool blkfront_page_get(struct blkfront_queue *bq, uint16_t *n)
{
	if (bq->bq_nfree == 0 || !ready(bq, &bq->bq_pages[bq->bq_free[bq->bq_nfree - 1]]))
		return false;
	*n = bq->bq_free[--bq->bq_nfree];
	return true;
}

void blkfront_page_put(struct blkfront_queue *bq, uint16_t n)
{
	bq->bq_free[bq->bq_nfree++] = n;
}
