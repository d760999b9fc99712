/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue's granted pages: made when they are first needed, and kept. */
#include <rumpuser.h>
#include <kern/kmem.h>
#include "blkfront_impl.h"

/* Granted to a former back end, which another one must not see as it is. */
static void revoke(struct blkfront_queue *bq, struct blkfront_page *bg)
{
	if (rumpuser_grant_end(bg->bg_ref) == 0)
		page_free(page_pa(bg->bg_va), 0);
	else
		xenbus_complain(bq->bq_dev->bf_xd, "domain %u keeps a page of ours", bg->bg_domid);
	bg->bg_va = NULL;
}

static bool ready(struct blkfront_queue *bq, struct blkfront_page *bg)
{
	unsigned domid = bq->bq_dev->bf_xd->xd_backend_domid;
	uint64_t pa;

	if (bg->bg_va && bg->bg_domid == domid)
		return true;
	if (bg->bg_va)
		revoke(bq, bg);
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
