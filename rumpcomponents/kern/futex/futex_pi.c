/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks that the kernel hands over (FUTEX_LOCK_PI and friends, futex(2)).
 *
 * The word holds the owner's thread id, FUTEX_WAITERS if somebody waits, and
 * FUTEX_OWNER_DIED.  The kernel is entered only when it is contended; unlocking
 * names the longest waiter as the new owner, so that nobody can overtake.
 * Priorities are not inherited yet.
 *
 * Who ends is marked l_futexdead and then hands on what others wait for.  Who is going to
 * wait counts itself in nlocking first, and then looks for the mark: one sees the other.
 */
#include "futex_impl.h"

static volatile uint32_t nlocking; /* (a) */

static struct futex_waiter *first_pi_waiter(
    struct futex_bucket *b, const uint32_t *uaddr, const struct futex_waiter *after)
{
	struct futex_waiter *w = after ? TAILQ_NEXT(after, fw_entry) : TAILQ_FIRST(&b->fb_waiters);

	while (w && !(w->fw_pi && w->fw_addr == uaddr))
		w = TAILQ_NEXT(w, fw_entry);
	return w;
}

/* Is there a thread tid that will unlock what it owns, or hand it on? */
static bool is_alive(uint32_t tid)
{
	struct lwp *l;
	bool alive;

	mutex_enter(&proc_lock);
	l = lwp_find((int)tid);
	alive = l && !l->l_futexdead;
	mutex_exit(&proc_lock);
	return alive;
}

/* Take the lock, or mark it as waited for.  b locked.  EBUSY: marked.  ESRCH: its owner is
 * dead. */
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
		else if (!is_alive(owner)) {
			/* Unless it unlocked before it died. */
			error = ufetch_32(uaddr, &actual);
			if (!error && actual == old)
				return ESRCH;
			old = actual;
			continue;
		} else if (try)
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

	__atomic_add_fetch(&nlocking, 1, __ATOMIC_SEQ_CST);
	mutex_enter(&b->fb_lock);
	error = acquire_or_mark(b, uaddr, try);
	if (error == EBUSY) /* Woken means: somebody has put our id into the word. */
		error = futex_sleep(b, &w, deadline);
	else
		mutex_exit(&b->fb_lock);
	__atomic_sub_fetch(&nlocking, 1, __ATOMIC_SEQ_CST);
	return error;
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

/*
 * The owner tid of the word has ended: hand it to a waiter or else mark it.  b locked.  ESRCH: it
 * is not the owner.  *waiters: some wait in other ways.
 */
static int owner_died(struct futex_bucket *b, uint32_t *uaddr, uint32_t tid, bool *waiters)
{
	struct futex_waiter *w = first_pi_waiter(b, uaddr, NULL);
	uint32_t old, new, actual;
	int error = ufetch_32(uaddr, &old);

	while (!error) {
		if ((old & FUTEX_TID_MASK) != tid)
			return ESRCH;
		new = FUTEX_OWNER_DIED | (w ? handed_to(b, uaddr, w) : old & FUTEX_WAITERS);
		error = ucas_32(uaddr, old, new, &actual);
		if (!error && actual == old) {
			if (w)
				futex_wake_waiter(w);
			*waiters = !w && old & FUTEX_WAITERS;
			break;
		}
		old = actual;
	}
	return error;
}

bool futex_owner_died(uint32_t *uaddr, uint32_t tid)
{
	struct futex_bucket *b = futex_bucket(uaddr);
	bool waiters = false;

	mutex_enter(&b->fb_lock);
	(void)owner_died(b, uaddr, tid, &waiters);
	mutex_exit(&b->fb_lock);
	return waiters;
}

static void hand_on(struct futex_bucket *b, uint32_t tid)
{
	struct futex_waiter *w, *next;
	bool waiters;

	mutex_enter(&b->fb_lock);
	for (w = TAILQ_FIRST(&b->fb_waiters); w; w = next) {
		/* Handing on takes w alone off the queue, or one before it that had failed. */
		next = TAILQ_NEXT(w, fw_entry);
		if (w->fw_pi)
			(void)owner_died(b, w->fw_addr, tid, &waiters);
	}
	mutex_exit(&b->fb_lock);
}

void futex_exit_pi(struct lwp *l)
{
	mutex_enter(&proc_lock);
	l->l_futexdead = true;
	mutex_exit(&proc_lock);
	if (__atomic_load_n(&nlocking, __ATOMIC_SEQ_CST) == 0)
		return;
	for (unsigned i = 0; i < FUTEX_BUCKETS; i++)
		hand_on(&futex_buckets[i], (uint32_t)l->l_lid);
}
