/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant.c - the grant table (public/grant_table.h): which pages other domains may use.
 *
 * It is shared with Xen and grows by pages, each another frame of it; a frame, once there,
 * stays.  Entries not in use are a list through their `frame`, which means nothing to Xen as
 * long as their flags are 0.  The list's head has a count in its upper half that grows with
 * each change, so that an entry that was taken and has come back in between is not
 * mistaken for the same: no lock is needed but to grow.
 *
 * Version 1 of the table, since version 2 gives us nothing: it has wider frame numbers, for
 * machines of more than 16 TB, and grants of parts of pages, which drivers would have to
 * ask for; its status words are a second page to look at for each grant that ends.
 */
#include "xen_impl.h"

#include <errno.h>
#include <xen/grant_table.h>

#define PER_FRAME (RUMPUSER_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define MAXFRAMES 64 /* Xen's own default limit; 32,768 grants */
#define RESERVED  GNTTAB_NR_RESERVED_ENTRIES

static struct grant_entry_v1 *frames[MAXFRAMES];
static volatile unsigned nframes;
static volatile uint64_t head; /* count, number of the first free entry; 0: none */
static struct hw_lock grow_lock;
static struct grant_entry_v1 *kept[MAXFRAMES]; /* copies, while the domain is put away */
static unsigned nkept;

static struct grant_entry_v1 *entry(uint32_t ref)
{
	return &frames[ref / PER_FRAME][ref % PER_FRAME];
}

/* Put the list from first to last, linked already, before what there is. */
static void put(uint32_t first, uint32_t last)
{
	uint64_t old = head;

	do
		entry(last)->frame = old;
	while (!__atomic_compare_exchange_n(&head, &old, ((old >> 32) + 1) << 32 | first, true,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

/* 0 if there is none. */
static uint32_t get(void)
{
	uint64_t old = __atomic_load_n(&head, __ATOMIC_ACQUIRE);
	uint32_t ref, next;

	do {
		ref = old;
		if (ref == 0)
			return 0;
		/* Maybe it is somebody else's by now; then head has changed. */
		next = *(volatile uint32_t *)&entry(ref)->frame;
	} while (!__atomic_compare_exchange_n(
	    &head, &old, ((old >> 32) + 1) << 32 | next, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return ref;
}

static bool add_frame(uint64_t pa)
{
	uint32_t first = nframes * PER_FRAME, end = first + PER_FRAME, i;
	struct grant_entry_v1 *table;

	if (nframes == MAXFRAMES || (table = xen_grant_frame(nframes, pa)) == NULL)
		return false;
	frames[nframes] = table;
	if (first == 0)
		first = RESERVED;
	for (i = first; i < end - 1; i++)
		table[i % PER_FRAME].frame = i + 1;
	__atomic_store_n(&nframes, nframes + 1, __ATOMIC_RELEASE);
	put(first, end - 1);
	return true;
}

/* The page comes from kern before the lock is taken: kern has locks of its own. */
static bool grow(void)
{
	uint64_t pa = rumpkern_page_alloc(), flags;
	bool others, done;

	if (pa == 0)
		return false;
	flags = hw_lock(&grow_lock);
	others = (uint32_t)head != 0; /* have grown it meanwhile */
	done = !others && add_frame(pa);
	hw_unlock(&grow_lock, flags);
	if (!done)
		rumpkern_page_free(pa);
	return others || done;
}

int rumpuser_grant(unsigned domid, uint64_t pa, bool readonly, uint32_t *ref)
{
	struct grant_entry_v1 *e;
	uint64_t frame, flags;
	uint32_t r;

	while ((r = get()) == 0)
		if (!grow())
			return ENOSPC;
	e = entry(r);
	/* Until it counts, xen_grants_keep() takes its frame for a number in the list. */
	flags = hw_irq_save();
	frame = xen_frame(pa);
	if (frame <= UINT32_MAX) {
		e->domid = domid;
		e->frame = frame;
		__atomic_store_n(
		    &e->flags, GTF_permit_access | (readonly ? GTF_readonly : 0), __ATOMIC_RELEASE);
	}
	hw_irq_restore(flags);
	if (frame > UINT32_MAX) {
		put(r, r);
		return ENOSPC;
	}
	*ref = r;
	return 0;
}

int rumpuser_grant_end(uint32_t ref)
{
	struct grant_entry_v1 *e;
	uint16_t flags;

	if (ref < RESERVED || ref / PER_FRAME >= nframes)
		return EINVAL;
	e = entry(ref);
	flags = __atomic_load_n(&e->flags, __ATOMIC_RELAXED);
	do {
		if ((flags & GTF_type_mask) != GTF_permit_access)
			return EINVAL;
		if (flags & (GTF_reading | GTF_writing))
			return EBUSY;
	} while (!__atomic_compare_exchange_n(
	    &e->flags, &flags, 0, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	put(ref, ref);
	return 0;
}

/* ---------------------------------------------------------- another domain */

int xen_grants_room(void)
{
	for (; nkept < nframes; nkept++) {
		uint64_t pa = rumpkern_page_alloc();

		if (pa == 0)
			return ENOMEM;
		kept[nkept] = hw_phys(pa);
	}
	return 0;
}

void xen_grants_forget(void)
{
	while (nkept > 0)
		rumpkern_page_free((uintptr_t)kept[--nkept] - hw_physmap);
}

bool xen_grants_keep(void)
{
	for (unsigned n = 0; n < nframes && n < nkept; n++)
		for (unsigned i = 0; i < PER_FRAME; i++) {
			kept[n][i] = frames[n][i];
			if (kept[n][i].flags != 0)
				kept[n][i].frame = xen_frame_page(kept[n][i].frame);
		}
	return nframes <= nkept;
}

/* Nobody uses any of them; the first few are the tools'. */
void xen_grants_again(void)
{
	for (unsigned n = 0, i = RESERVED; n < nframes; n++, i = 0) {
		xen_grant_frame_again(n, frames[n]);
		for (; i < PER_FRAME; i++) {
			struct grant_entry_v1 e = kept[n][i];

			if (e.flags != 0)
				e.frame = xen_frame((uint64_t)e.frame << RUMPUSER_PAGE_SHIFT);
			e.flags &= ~(GTF_reading | GTF_writing);
			frames[n][i] = e;
		}
	}
}
