/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that the kernel hands over (FUTEX_LOCK_PI and friends, futex(2)).
 *
 * The word holds the owner's thread id, FUTEX_WAITERS if somebody waits, and
 * FUTEX_OWNER_DIED.  The kernel is entered only when it is contended; unlocking
 * names the longest waiter as the new owner, so that nobody can overtake.
 * Priorities are not inherited yet.
 */
#include "futex_impl.h"

static struct futex_waiter *first_pi_waiter(
    struct futex_bucket *b, const uint32_t *uaddr, const struct futex_waiter *after)
{
	struct futex_waiter *w = after ? TAILQ_NEXT(after, fw_entry) : TAILQ_FIRST(&b->fb_waiters);

	while (w && !(w->fw_pi && w->fw_addr == uaddr))
		w = TAILQ_NEXT(w, fw_entry);
	return w;
}

/* Take the lock, or mark it as waited for.  b locked.  EBUSY: marked. */
static int acquire_or_mark(struct futex_bucket *b, uint32_t *uaddr, bool try)
{
	uint32_t tid = curlwp->l_lid, old, new, actual;
	int error = ufetch_32(uaddr, &old);

	while (!error) {
		uint32_t owner = old & FUTEX_TID_MASK;
		if (owner == tid)
			return EDEADLK;
		if (owner == 0)
			new = tid | (old & FUTEX_OWNER_DIED) |
			      (first_pi_waiter(b, uaddr, NULL) ? FUTEX_WAITERS : 0);
		else if (try)
			return EAGAIN;
		else
			new = old | FUTEX_WAITERS;
		error = ucas_32(uaddr, old, new, &actual);
		if (!error && actual == old)
			return owner == 0 ? 0 : EBUSY;
		old = actual;
	}
	return error;
}

int futex_lock_pi(uint32_t *uaddr, bool try, uint64_t deadline)
{
	struct futex_bucket *b = futex_bucket(uaddr);
	struct futex_waiter w = {.fw_addr = uaddr, .fw_bitset = FUTEX_BITSET_ALL, .fw_pi = true};
	int error;

	mutex_enter(&b->fb_lock);
	error = acquire_or_mark(b, uaddr, try);
	if (error != EBUSY) {
		mutex_exit(&b->fb_lock);
		return error;
	}
	/* Woken means: unlock_pi has put our id into the word. */
	return futex_sleep(b, &w, deadline);
}

/* The word if w, the first that waits to own it (NULL: nobody), becomes the owner. */
static uint32_t handed_to(struct futex_bucket *b, const uint32_t *uaddr, struct futex_waiter *w)
{
	if (!w)
		return 0;
	return (uint32_t)w->fw_lwp->l_lid | (first_pi_waiter(b, uaddr, w) ? FUTEX_WAITERS : 0);
}

int futex_unlock_pi(uint32_t *uaddr)
{
	struct futex_bucket *b = futex_bucket(uaddr);
	struct futex_waiter *w;
	uint32_t old, new, actual;
	int error;

	mutex_enter(&b->fb_lock);
	error = ufetch_32(uaddr, &old);
	if (!error && (old & FUTEX_TID_MASK) != (uint32_t)curlwp->l_lid)
		error = EPERM;
	w = first_pi_waiter(b, uaddr, NULL);
	new = handed_to(b, uaddr, w);
	while (!error) {
		error = ucas_32(uaddr, old, new, &actual);
		if (error || actual == old)
			break;
		old = actual;
	}
	if (!error && w)
		futex_wake_waiter(w);
	mutex_exit(&b->fb_lock);
	return error;
}

bool futex_owner_died(uint32_t *uaddr, uint32_t tid)
{
	struct futex_bucket *b = futex_bucket(uaddr);
	struct futex_waiter *w;
	uint32_t old, new, actual;
	bool wake = false;
	int error;

	mutex_enter(&b->fb_lock);
	w = first_pi_waiter(b, uaddr, NULL);
	error = ufetch_32(uaddr, &old);
	while (!error && (old & FUTEX_TID_MASK) == tid) {
		new = FUTEX_OWNER_DIED | (w ? handed_to(b, uaddr, w) : old & FUTEX_WAITERS);
		error = ucas_32(uaddr, old, new, &actual);
		if (!error && actual == old) {
			if (w)
				futex_wake_waiter(w);
			else
				wake = old & FUTEX_WAITERS;
			break;
		}
		old = actual;
	}
	mutex_exit(&b->fb_lock);
	return wake;
}
