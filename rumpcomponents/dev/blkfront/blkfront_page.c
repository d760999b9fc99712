/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue's granted pages: made when they are first needed, and kept. */
#include <rumpuser.h>
#include <kern/kmem.h>
#include "blkfront_impl.h"

static bool ready(struct blkfront_queue *bq, struct blkfront_page *bg)
{
	unsigned domid = bq->bq_dev->bf_xd->xd_backend_domid;
	uint64_t pa;

	if (bg->bg_va && bg->bg_domid == domid)
		return true;
	if (bg->bg_va) /* a former one's, which another one must not see as it is */
		xenbus_page_free(bg->bg_va, bg->bg_ref);
	bg->bg_va = NULL;
	pa = page_zalloc(0);
	if (!pa)
		return false;
	if (rumpuser_grant(domid, pa, false, &bg->bg_ref) != 0) {
		page_free(pa, 0);
		return false;
	}
	bg->bg_va = page_va(pa);
	bg->bg_domid = domid;
	return true;
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
