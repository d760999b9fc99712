/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futex(2): wait, wake, requeue, wake-op.
 *
 * The promise: a waiter that saw the expected value is on the queue before any
 * waker that changed it looks there.  Both read or change the word and use the queue
 * under the bucket's lock; the word is read there through ufetch, which may fault and
 * sleep, so that the lock is an adaptive one.
 *
 * A waiter belongs to fw_bucket, which a requeue changes: who wants to lock it looks
 * again after locking.
 */
#include <kern/component.h>
#include <kern/futexvar.h>
#include <kern/ktime.h>
#include <kern/sysproto.h>
#include "futex_impl.h"

struct futex_bucket futex_buckets[FUTEX_BUCKETS];

struct futex_bucket *futex_bucket(const uint32_t *uaddr)
{
	uint64_t h = ((uintptr_t)uaddr >> 2) * 0x9e3779b97f4a7c15ULL;
	return &futex_buckets[h >> 58];
}
_Static_assert(FUTEX_BUCKETS == 1 << (64 - 58), "the hash takes the top bits");

/* The bucket that w is on, locked; NULL if it has been woken. */
static struct futex_bucket *lock_bucket_of(struct futex_waiter *w)
{
	struct futex_bucket *b;

	while ((b = w->fw_bucket) != NULL) {
		mutex_enter(&b->fb_lock);
		if (w->fw_bucket == b)
			return b;
		mutex_exit(&b->fb_lock);
	}
	return NULL;
}

int futex_sleep(struct futex_bucket *b, struct futex_waiter *w, uint64_t deadline)
{
	struct futex_bucket *now;
	int error = 0;

	w->fw_bucket = w->fw_last = b;
	w->fw_lwp = curlwp;
	cv_init(&w->fw_cv, "futex");
	TAILQ_INSERT_TAIL(&b->fb_waiters, w, fw_entry);
	while (w->fw_bucket != NULL && error == 0)
		error = cv_timedwait_sig(&w->fw_cv, &b->fb_lock, deadline);
	mutex_exit(&b->fb_lock);
	now = lock_bucket_of(w);
	if (now) {
		TAILQ_REMOVE(&now->fb_waiters, w, fw_entry);
		w->fw_bucket = NULL;
		mutex_exit(&now->fb_lock);
	} else {
		/*
		 * The waker holds its queue's lock as long as it touches w.  Who was woken in b has
		 * had that since, but not who was requeued, nor who had given up when the waker
		 * came.
		 */
		if (w->fw_last != b || error != 0) {
			mutex_enter(&w->fw_last->fb_lock);
			mutex_exit(&w->fw_last->fb_lock);
		}
		error = 0; /* a wake-up wins over a timeout or signal that came with it */
	}
	cv_destroy(&w->fw_cv);
	return error == EWOULDBLOCK ? ETIMEDOUT : error;
}

void futex_wake_waiter(struct futex_waiter *w)
{
	TAILQ_REMOVE(&w->fw_bucket->fb_waiters, w, fw_entry);
	w->fw_bucket = NULL;
	cv_signal(&w->fw_cv); /* w stays until we drop the bucket's lock */
}

/* Wake at most n waiters on uaddr that share a bit with bitset; b is locked. */
static int wake_locked(struct futex_bucket *b, uint32_t *uaddr, int n, uint32_t bitset)
{
	struct futex_waiter *w, *next;
	int woken = 0;

	for (w = TAILQ_FIRST(&b->fb_waiters); w && woken < n; w = next) {
		next = TAILQ_NEXT(w, fw_entry);
		if (w->fw_addr != uaddr || !(w->fw_bitset & bitset) || w->fw_pi)
			continue;
		futex_wake_waiter(w);
		woken++;
	}
	return woken;
}

static int futex_wake(uint32_t *uaddr, int n, uint32_t bitset)
{
	struct futex_bucket *b = futex_bucket(uaddr);
	int woken;

	mutex_enter(&b->fb_lock);
	woken = wake_locked(b, uaddr, n, bitset);
	mutex_exit(&b->fb_lock);
	return woken;
}

int futex_wake_addr(int *uaddr, int n)
{
	return futex_wake((uint32_t *)uaddr, n, FUTEX_BITSET_ALL);
}

static int futex_wait(uint32_t *uaddr, uint32_t expected, uint32_t bitset, uint64_t deadline)
{
	struct futex_bucket *b = futex_bucket(uaddr);
	struct futex_waiter w = {.fw_addr = uaddr, .fw_bitset = bitset};
	uint32_t value;
	int error;

	mutex_enter(&b->fb_lock);
	error = ufetch_32(uaddr, &value);
	if (!error && value != expected)
		error = EAGAIN;
	if (error) {
		mutex_exit(&b->fb_lock);
		return error;
	}
	return futex_sleep(b, &w, deadline);
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	mutex_enter(a < b ? &a->fb_lock : &b->fb_lock);
	if (a != b)
		mutex_enter(a < b ? &b->fb_lock : &a->fb_lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	mutex_exit(&a->fb_lock);
	if (a != b)
		mutex_exit(&b->fb_lock);
}

/* Wake nwake waiters on from, move nmove others to `to`.  expected NULL: whatever the word says. */
static int futex_requeue(
    uint32_t *from, uint32_t *to, int nwake, int nmove, const uint32_t *expected, int *count)
{
	struct futex_bucket *a = futex_bucket(from), *b = futex_bucket(to);
	struct futex_waiter *w, *next;
	uint32_t value;
	int error = 0, moved = 0;

	if (nwake < 0 || nmove < 0)
		return EINVAL;
	lock_two(a, b);
	if (expected)
		error = ufetch_32(from, &value);
	if (!error && expected && value != *expected)
		error = EAGAIN;
	if (!error) {
		*count = wake_locked(a, from, nwake, FUTEX_BITSET_ALL);
		for (w = TAILQ_FIRST(&a->fb_waiters); w && moved < nmove && from != to; w = next) {
			next = TAILQ_NEXT(w, fw_entry);
			if (w->fw_addr != from || w->fw_pi)
				continue;
			TAILQ_REMOVE(&a->fb_waiters, w, fw_entry);
			TAILQ_INSERT_TAIL(&b->fb_waiters, w, fw_entry);
			w->fw_addr = to;
			w->fw_bucket = w->fw_last = b;
			moved++;
		}
		*count += expected ? moved : 0;
	}
	unlock_two(a, b);
	return error;
}

/* The arithmetic of FUTEX_WAKE_OP (futex(2)). */
static int wake_op_value(uint32_t op, uint32_t old, uint32_t *new)
{
	int32_t arg = (int32_t)(op << 8) >> 20;

	if ((op >> 28) & FUTEX_OP_OPARG_SHIFT)
		arg = (int32_t)(1U << (arg & 31));
	switch (op >> 28 & 7) {
	case FUTEX_OP_SET:
		*new = arg;
		return 0;
	case FUTEX_OP_ADD:
		*new = old + arg;
		return 0;
	case FUTEX_OP_OR:
		*new = old | arg;
		return 0;
	case FUTEX_OP_ANDN:
		*new = old & ~arg;
		return 0;
	case FUTEX_OP_XOR:
		*new = old ^ arg;
		return 0;
	}
	return ENOSYS;
}

static bool wake_op_compare(uint32_t op, uint32_t old)
{
	int32_t arg = (int32_t)(op << 20) >> 20, value = (int32_t)old;

	switch (op >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return value == arg;
	case FUTEX_OP_CMP_NE:
		return value != arg;
	case FUTEX_OP_CMP_LT:
		return value < arg;
	case FUTEX_OP_CMP_LE:
		return value <= arg;
	case FUTEX_OP_CMP_GT:
		return value > arg;
	default:
		return value >= arg;
	}
}

static int futex_wake_op(
    uint32_t *uaddr, uint32_t *uaddr2, int nwake, int nwake2, uint32_t op, int *count)
{
	struct futex_bucket *a = futex_bucket(uaddr), *b = futex_bucket(uaddr2);
	uint32_t old, new, actual;
	int error;

	if ((op >> 24 & 15) > FUTEX_OP_CMP_GE)
		return ENOSYS;
	lock_two(a, b);
	error = ufetch_32(uaddr2, &old);
	while (!error) {
		error = wake_op_value(op, old, &new);
		if (!error)
			error = ucas_32(uaddr2, old, new, &actual);
		if (error || actual == old)
			break;
		old = actual;
	}
	if (!error) {
		*count = wake_locked(a, uaddr, nwake, FUTEX_BITSET_ALL);
		if (wake_op_compare(op, old))
			*count += wake_locked(b, uaddr2, nwake2, FUTEX_BITSET_ALL);
	}
	unlock_two(a, b);
	return error;
}

int futex_deadline(const struct timespec *uts, bool absolute, bool realtime, uint64_t *deadline)
{
	struct timespec ts;
	uint64_t now, wall;
	int error;

	*deadline = UINT64_MAX;
	if (!uts)
		return 0;
	error = copyin(uts, &ts, sizeof(ts));
	if (!error)
		error = timespec_to_ns(&ts, deadline);
	if (error)
		return error;
	now = nanouptime();
	if (!absolute) {
		*deadline = *deadline > UINT64_MAX - now ? UINT64_MAX : *deadline + now;
	} else if (realtime) {
		wall = nanotime();
		*deadline = *deadline > wall ? now + (*deadline - wall) : now;
	}
	return 0;
}

static int futex_dispatch(uint32_t *uaddr, int op, uint32_t val, const struct timespec *timeout,
    uint32_t *uaddr2, uint32_t val3, int *count)
{
	int cmd = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), error;
	bool realtime = op & FUTEX_CLOCK_REALTIME;
	/* The argument in timeout's place is a number for these (futex(2)). */
	int val2 = (int)(uintptr_t)timeout;
	uint64_t deadline;

	if (((uintptr_t)uaddr & 3) ||
	    ((uintptr_t)uaddr2 & 3 && cmd >= FUTEX_REQUEUE && cmd <= FUTEX_WAKE_OP))
		return EINVAL;
	if (realtime && cmd != FUTEX_WAIT && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_LOCK_PI2)
		return ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		if (cmd == FUTEX_WAIT)
			val3 = FUTEX_BITSET_ALL;
		if (val3 == 0)
			return EINVAL;
		error = futex_deadline(timeout, cmd == FUTEX_WAIT_BITSET, realtime, &deadline);
		if (!error)
			error = futex_wait(uaddr, val, val3, deadline);
		/* A relative wait cannot be run again: it would start its time anew. */
		return error == ERESTART && timeout && cmd == FUTEX_WAIT ? EINTR : error;
	case FUTEX_WAKE:
		*count = futex_wake(uaddr, (int)val, FUTEX_BITSET_ALL);
		return 0;
	case FUTEX_WAKE_BITSET:
		if (val3 == 0)
			return EINVAL;
		*count = futex_wake(uaddr, (int)val, val3);
		return 0;
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, uaddr2, (int)val, val2, NULL, count);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, uaddr2, (int)val, val2, &val3, count);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, (int)val, val2, val3, count);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		error = futex_deadline(timeout, true, cmd == FUTEX_LOCK_PI || realtime, &deadline);
		return error ? error : futex_lock_pi(uaddr, false, deadline);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, true, 0);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr);
	}
	return ENOSYS;
}

long do_sys_futex(uint32_t *uaddr, int op, uint32_t val, const struct timespec *timeout,
    uint32_t *uaddr2, uint32_t val3)
{
	int count = 0;
	int error = futex_dispatch(uaddr, op, val, timeout, uaddr2, val3, &count);

	return sysret(error, count);
}

static int futex_init(void)
{
	for (unsigned i = 0; i < FUTEX_BUCKETS; i++) {
		mutex_init(&futex_buckets[i].fb_lock, MUTEX_DEFAULT);
		LOCKDEBUG_MUTEX_NESTS(&futex_buckets[i].fb_lock, LOCK_BY_ADDRESS);
		TAILQ_INIT(&futex_buckets[i].fb_waiters);
	}
	return 0;
}
RUMP_COMPONENT(futex, RUMP_PHASE_KERN, futex_init);
