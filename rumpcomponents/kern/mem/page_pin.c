/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pinned pages: memory of the program's that a device reaches past us.
 *
 * The program may unmap such memory at any time.  Its pages must not be given to anybody else
 * before the device is done, so a pinned page that is freed is only marked, and freed with the
 * last pin.  The count is part of the page's state byte, which nobody else changes while
 * the page is in use; page.c asks page_gone only when it isn't zero.
 *
 * Memory that isn't page.c's (the image) never goes away and is not counted.
 */
#include "mem_impl.h"

static volatile uint32_t pin_lock; /* the pin counts */

/* pa is freed.  True: not before its last pin is gone, which frees it. */
static bool pinned_gone(uint64_t pa)
{
	uint8_t *state = page_stateof(pa);
	bool pinned;

	spin_lock(&pin_lock);
	pinned = *state & PAGE_PINS;
	if (pinned)
		*state = (*state & PAGE_PINS) | PAGE_GONE;
	spin_unlock(&pin_lock);
	return pinned;
}

/* => pa is mapped and cannot be unmapped now.  false: so many pins already, or it is not in use. */
bool page_pin(uint64_t pa)
{
	uint8_t *state = page_stateof(pa);
	bool ok;

	if (!state)
		return true;
	page_gone = pinned_gone;
	spin_lock(&pin_lock);
	ok = !(*state & PAGE_UNUSED) && (*state & PAGE_PINS) != PAGE_PINS;
	if (ok)
		++*state;
	spin_unlock(&pin_lock);
	return ok;
}

void vm_unpin(const uint64_t *pa, size_t npages)
{
	for (size_t i = 0; i < npages; i++) {
		uint8_t *state = page_stateof(pa[i]);
		bool last = false;

		if (!state)
			continue;
		spin_lock(&pin_lock);
		if (!(*state & PAGE_UNUSED) && *state & PAGE_PINS) {
			--*state;
			last = *state == PAGE_GONE;
			if (last)
				*state = 0;
		}
		spin_unlock(&pin_lock);
		if (last)
			page_free(pa[i] & ~PAGE_MASK, 0);
	}
}
