/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon: of the memory that the domain may have at the most (memory/static-max), what its
 * tools want it to do without for now (memory/target, KB both) is allocated, and given back to Xen.
 *
 * Blocks are as large as there are: what was never used is given back without being touched, which
 * would first make Xen find memory for it.  If not all can be done, the rest is tried again.
 *
 * Some stays free for the program: a share of what the domain has then.  Of what it may have at the
 * most, memory that is not there would count, and a domain made with much less than that
 * could not even give back what it does not have.
 */
#include <rumpuser.h>
#include <dev/xenstore.h>
#include <kern/callout.h>
#include <kern/component.h>
#include <kern/kmem.h>
#include <kern/ktime.h>
#include <kern/lwp.h>
#include <kern/systm.h>

#define ORDER_MAX   9 /* 2 MiB */
#define ORDER_MIN   3
#define TRY_AGAIN   (5 * NSEC_PER_SEC)
#define KEEP_MIN    128U /* pages; more if there are many */
#define KEEP_SHARE  16
#define MARGIN	    256 /* pages that neither kern nor the image has, at the most */
#define KB_PER_PAGE (PAGE_SIZE / 1024)

/* All is the lwp's of xenstore's watches, once that runs. */
struct block {
	uint64_t pa;
	unsigned order;
	struct block *next;
};
static struct block *blocks;	    /* that Xen has */
static uint64_t out;		    /* pages of them */
static uint64_t limit = UINT64_MAX; /* pages that there can be, if less than the tools say */

static void push(struct block *b)
{
	b->next = blocks;
	blocks = b;
}

static bool spare(unsigned order)
{
	struct kmem_stats ks;

	kmem_stats(&ks);
	return ks.ks_pages_free >=
	       (1U << order) + KMAX(KEEP_MIN, (ks.ks_pages_total - out) / KEEP_SHARE);
}

/* Give back a block of at most so many pages; false: there is none. */
static bool release(uint64_t most)
{
	struct block *b = kmem_alloc(sizeof(*b));
	unsigned order;

	if (b == NULL)
		return false;
	for (order = ORDER_MAX; order >= ORDER_MIN; order--) {
		if (1U << order > most || !spare(order))
			continue;
		*b = (struct block){.pa = page_alloc(order), .order = order};
		if (b->pa == 0)
			continue;
		if (rumpuser_memory_release(b->pa, 1U << order) == 0) {
			push(b);
			out += 1U << order;
			return true;
		}
		page_free(b->pa, order);
		break;
	}
	kmem_free(b, sizeof(*b));
	return false;
}

/* The half that b does not need becomes a block of its own. */
static bool split(struct block *b)
{
	struct block *half = kmem_alloc(sizeof(*half));

	if (half == NULL)
		return false;
	b->order--;
	*half = (struct block){.pa = b->pa + (PAGE_SIZE << b->order), .order = b->order};
	push(half);
	return true;
}

/* Take a block of at most so many pages again; false: that cannot be done. */
static bool reclaim(uint64_t most)
{
	struct block *b = blocks;

	if (b == NULL)
		return false;
	blocks = b->next;
	while (1U << b->order > most && b->order > ORDER_MIN && split(b))
		continue;
	if (1U << b->order > most || rumpuser_memory_reclaim(b->pa, 1U << b->order) != 0) {
		push(b);
		return false;
	}
	page_free(b->pa, b->order);
	out -= 1U << b->order;
	kmem_free(b, sizeof(*b));
	return true;
}

static void adjust(struct xenstore_watch *w);
static struct xenstore_watch target = {.xw_path = "memory", .xw_node = "target", .xw_func = adjust};
static callout_t again;

static void adjust(struct xenstore_watch *w)
{
	uint64_t want, most;

	if (xenstore_read_uint(XST_NIL, w->xw_path, w->xw_node, &want) != 0 ||
	    xenstore_read_uint(XST_NIL, w->xw_path, "static-max", &most) != 0)
		return;
	most = KMIN(most / KB_PER_PAGE, limit);
	want = want / KB_PER_PAGE < most ? most - want / KB_PER_PAGE : 0;
	while (out < want && release(want - out))
		continue;
	while (out > want && reclaim(out - want))
		continue;
	if ((out < want ? want - out : out - want) >= 1U << ORDER_MIN)
		callout_schedule(&again, TRY_AGAIN);
}

static void try_again(void *arg)
{
	xenstore_watch_run(arg);
}

static void begin(void)
{
	callout_init(&again, try_again, &target);
	(void)xenstore_watch(&target);
}

LINK_SET_ADD(xenstore_users, begin);

/* What is missing from the start cannot wait for the store: the program might use it. */
static int balloon_init(void)
{
	uint64_t have = rumpuser_memory_present(), told;

	told = (kern_bootinfo->image_end - kern_bootinfo->image_base) / PAGE_SIZE + MARGIN;
	for (unsigned i = 0; i < kern_bootinfo->nmem; i++)
		told += kern_bootinfo->mem[i].size / PAGE_SIZE;
	/* A PV guest made with less is told of that alone, and can have no more. */
	if (have != 0 && told <= have + 2 * MARGIN)
		limit = have;
	else if (have != 0)
		while (out < told - have && release(told - have - out))
			continue;
	return 0;
}

RUMP_COMPONENT(balloon, RUMP_PHASE_KERN, balloon_init);
