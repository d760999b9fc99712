/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file's pages: a tree of nodes with 64 pointers, as high as the highest page asks for.
 * A page outlives its place in the tree while it is mapped or being sent.
 */
#include "tmpfs_impl.h"

#define BITS	   6
#define FANOUT	   (1U << BITS)
#define NODE_SIZE  (FANOUT * sizeof(void *))
#define MAX_HEIGHT 9 /* 2^54 pages and more */

static POOL_DEFINE(page_pool, sizeof(struct tmpfs_page), "tmpfs_page");

/* The place of a page, NULL if there is none (and make is false or memory is short). */
static void **slot(struct tmpfs_node *n, uint64_t index, bool make)
{
	void **p = &n->tn_tree;

	while (index >> (BITS * n->tn_height)) {
		void **node;
		if (!make || n->tn_height == MAX_HEIGHT)
			return NULL;
		if (n->tn_tree) {
			node = tmpfs_alloc(NODE_SIZE, TMPFS_MAY);
			if (!node)
				return NULL;
			node[0] = n->tn_tree;
			n->tn_tree = node;
		}
		n->tn_height++;
	}
	for (unsigned level = n->tn_height; level > 0; level--) {
		if (!*p) {
			if (!make)
				return NULL;
			*p = tmpfs_alloc(NODE_SIZE, TMPFS_MAY);
			if (!*p)
				return NULL;
		}
		p = &((void **)*p)[index >> (BITS * (level - 1)) & (FANOUT - 1)];
	}
	return p;
}

struct tmpfs_page *tmpfs_page_find(struct tmpfs_node *n, uint64_t index)
{
	void **p = slot(n, index, false);

	return p ? *p : NULL;
}

static struct tmpfs_page *page_new(void)
{
	struct tmpfs_page *tp;

	/* First taken, then looked at: two cannot have the last one. */
	if (__atomic_add_fetch(&tmpfs_used, 1, __ATOMIC_RELAXED) + (tmpfs_bytes >> PAGE_SHIFT) >
	    tmpfs_limit)
		goto full;
	tp = pool_zget(&page_pool);
	if (!tp)
		goto full;
	tp->tp_pa = page_zalloc(0);
	if (!tp->tp_pa) {
		pool_put(&page_pool, tp);
		goto full;
	}
	tp->tp_refs = 1;
	return tp;
full:
	__atomic_sub_fetch(&tmpfs_used, 1, __ATOMIC_RELAXED);
	return NULL;
}

void tmpfs_page_rele(void *arg)
{
	struct tmpfs_page *tp = arg;

	if (__atomic_sub_fetch(&tp->tp_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	page_free(tp->tp_pa, 0);
	pool_put(&page_pool, tp);
	__atomic_sub_fetch(&tmpfs_used, 1, __ATOMIC_RELAXED);
}

int tmpfs_page_make(struct tmpfs_node *n, uint64_t index, struct tmpfs_page **tpp)
{
	void **p = slot(n, index, true);
	struct tmpfs_page *tp;
	int error;

	if (!p)
		return ENOSPC;
	if (!*p) {
		tp = page_new();
		if (!tp)
			return ENOSPC;
		if ((int64_t)(index << PAGE_SHIFT) < n->tn_lowersize) {
			error = tmpfs_lower_page(n, index, page_va(tp->tp_pa));
			if (error) {
				tmpfs_page_rele(tp);
				return error;
			}
		}
		*p = tp;
		n->tn_npages++;
	}
	*tpp = *p;
	return 0;
}

/* The tree lets go of a page. */
static void page_out(struct tmpfs_node *n, struct tmpfs_page *tp)
{
	n->tn_npages--;
	if (tp->tp_maps > 0) {
		tp->tp_next = n->tn_orphans;
		n->tn_orphans = tp;
	} else {
		tmpfs_page_rele(tp);
	}
}

/*
 * Pages from..to-1 below *p, whose first is base: they go.  Nodes go when nothing is left in them.
 */
static void cut(
    struct tmpfs_node *n, void **p, unsigned level, uint64_t base, uint64_t from, uint64_t to)
{
	void **node = *p;
	uint64_t step;
	bool empty = true;

	if (!node)
		return;
	if (level == 0) {
		page_out(n, *p);
		*p = NULL;
		return;
	}
	step = 1ULL << (BITS * (level - 1));
	for (unsigned i = 0; i < FANOUT; i++) {
		if (base + (i + 1) * step > from && base + i * step < to)
			cut(n, &node[i], level - 1, base + i * step, from, to);
		empty = empty && !node[i];
	}
	if (empty) {
		tmpfs_free(node, NODE_SIZE);
		*p = NULL;
	}
}

void tmpfs_pages_cut(struct tmpfs_node *n, uint64_t from, uint64_t to)
{
	if (from >> (BITS * n->tn_height))
		return;
	cut(n, &n->tn_tree, n->tn_height, 0, from, to);
	if (!n->tn_tree)
		n->tn_height = 0;
}

void tmpfs_pages_free(struct tmpfs_node *n)
{
	struct tmpfs_page *tp;

	tmpfs_pages_cut(n, 0, UINT64_MAX);
	while ((tp = n->tn_orphans) != NULL) {
		n->tn_orphans = tp->tp_next;
		tmpfs_page_rele(tp);
	}
}

int tmpfs_getpage(struct vnode *vp, uint64_t off, bool write, uint64_t *pa)
{
	struct tmpfs_node *n = VTON(vp);
	struct tmpfs_page *tp;
	int error = EFBIG;

	mutex_enter(&n->tn_pages_lock);
	if (off < round_page(n->tn_size))
		error = tmpfs_page_make(n, off >> PAGE_SHIFT, &tp);
	if (!error) {
		__atomic_add_fetch(&tp->tp_refs, 1, __ATOMIC_RELAXED);
		tp->tp_maps++;
		*pa = tp->tp_pa;
	}
	mutex_exit(&n->tn_pages_lock);
	if (!error && write)
		tmpfs_changed(n);
	return error;
}

void tmpfs_putpage(struct vnode *vp, uint64_t off, uint64_t pa, bool dirty)
{
	struct tmpfs_node *n = VTON(vp);
	struct tmpfs_page *tp, **p = NULL;

	mutex_enter(&n->tn_pages_lock);
	tp = tmpfs_page_find(n, off >> PAGE_SHIFT);
	if (!tp || tp->tp_pa != pa) {
		for (p = &n->tn_orphans; *p && (*p)->tp_pa != pa; p = &(*p)->tp_next)
			;
		tp = *p;
	}
	KASSERT(tp && tp->tp_maps > 0);
	if (--tp->tp_maps == 0 && p) { /* the orphans' list lets go, too */
		*p = tp->tp_next;
		tmpfs_page_rele(tp);
	}
	tmpfs_page_rele(tp);
	mutex_exit(&n->tn_pages_lock);
}
