/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2): who is woken, when, and what the word says afterwards. */
#include <limits.h>
#include <linux/futex.h>
#include <string.h>

#include <kern/futexvar.h>
#include <kern/sysproto.h>

#include "check_main.h"
#include "fdworld.h"
#include "futex_impl.h"

#define MSEC 1000000U

kmutex_t proc_lock;
static struct lwp *known, living;
static bool all_live;
static int dead;

struct lwp *lwp_find(int lid)
{
	if (known && known->l_lid == lid)
		return known;
	return all_live && lid != dead ? &living : NULL;
}

static uint32_t word, other, words[200];

static void setup(void)
{
	ck_assert_int_eq(native_components(), 0);
	mutex_init(&proc_lock, MUTEX_DEFAULT);
}

static long futex(uint32_t *addr, int op, uint32_t val)
{
	return do_sys_futex(addr, op, val, NULL, NULL, 0);
}

static long wake(uint32_t *addr, uint32_t n)
{
	return futex(addr, FUTEX_WAKE_PRIVATE, n);
}

/* Somebody who waits; what the call gave and in which order it came back. */
static struct sleeper {
	uint32_t *addr;
	int op;
	uint32_t val, bits;
	const struct timespec *timeout;
	int signal;
	long result;
	unsigned order; /* 0: still there */
	uint32_t tid, seen;
} sleepers[8];
static unsigned nback;

static void sleeper_main(void *arg)
{
	struct sleeper *s = arg;

	s->tid = (uint32_t)curlwp->l_lid;
	native_signal(s->signal);
	s->result = do_sys_futex(s->addr, s->op, s->val, s->timeout, NULL, s->bits);
	s->seen = *s->addr;
	s->order = __atomic_add_fetch(&nback, 1, __ATOMIC_SEQ_CST);
}

static void start(unsigned i, struct sleeper s)
{
	sleepers[i] = s;
	spawn(sleeper_main, &sleepers[i]);
	settle();
}

static void wait_on(unsigned i, uint32_t *addr)
{
	start(i, (struct sleeper){.addr = addr, .op = FUTEX_WAIT_PRIVATE, .val = *addr});
}

static unsigned back(void)
{
	settle();
	return nback;
}

START_TEST(futex_arguments_are_checked)
{
	struct timespec bad = {0, 1000000000}, negative = {-1, 0};
	uint32_t *odd = (uint32_t *)((char *)words + 2);

	ck_assert_int_eq(futex(&word, FUTEX_WAIT, 1), -EAGAIN);
	ck_assert_int_eq(futex(odd, FUTEX_WAIT, 0), -EINVAL);
	ck_assert_int_eq(futex(odd, FUTEX_WAKE, 0), -EINVAL);
	ck_assert_int_eq(futex((uint32_t *)8, FUTEX_WAIT, 0), -EFAULT);
	ck_assert_int_eq(futex(&word, FUTEX_WAIT_BITSET, 0), -EINVAL);
	ck_assert_int_eq(futex(&word, FUTEX_WAKE_BITSET, 0), -EINVAL);
	ck_assert_int_eq(futex(&word, 77, 0), -ENOSYS);
	ck_assert_int_eq(futex(&word, FUTEX_FD, 0), -ENOSYS);
	ck_assert_int_eq(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1), -ENOSYS);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0), -EINVAL);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT, 0, &negative, NULL, 0), -EINVAL);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT, 0, (void *)8, NULL, 0), -EFAULT);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_REQUEUE, 1, (void *)1, odd, 0), -EINVAL);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_REQUEUE, -1U, (void *)1, &other, 0), -EINVAL);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_REQUEUE, 1, (void *)-1L, &other, 0), -EINVAL);
	ck_assert_uint_eq(native_locks_held(), 0);
}
END_TEST

START_TEST(futex_timeouts_are_exact)
{
	uint64_t t0 = nanouptime();
	struct timespec ts = {0, 250 * MSEC};

	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), -ETIMEDOUT);
	ck_assert_uint_eq(nanouptime(), t0 + 250 * MSEC);
	ns_to_timespec(t0 + 300 * MSEC, &ts);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT_BITSET, 0, &ts, NULL, 1), -ETIMEDOUT);
	ck_assert_uint_eq(nanouptime(), t0 + 300 * MSEC);
	ns_to_timespec(nanotime() + 50 * MSEC, &ts);
	ck_assert_int_eq(
	    do_sys_futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, 1),
	    -ETIMEDOUT);
	ck_assert_uint_eq(nanouptime(), t0 + 350 * MSEC);
	ts = (struct timespec){0, 0}; /* long past */
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT_BITSET, 0, &ts, NULL, 1), -ETIMEDOUT);
	ck_assert_int_eq(
	    do_sys_futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &ts, NULL, 1),
	    -ETIMEDOUT);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), -ETIMEDOUT);
	ck_assert_uint_eq(nanouptime(), t0 + 350 * MSEC);
	ck_assert_int_eq(wake(&word, 9), 0); /* nobody was left behind */
}
END_TEST

START_TEST(futex_wakes_in_order_as_many_as_asked)
{
	for (unsigned i = 0; i < 4; i++)
		wait_on(i, &word);
	ck_assert_int_eq(wake(&other, INT_MAX), 0);
	ck_assert_int_eq(wake(&word, 2), 2);
	ck_assert_uint_eq(back(), 2);
	ck_assert(sleepers[0].order && sleepers[1].order);
	ck_assert_int_eq(wake(&word, INT_MAX), 2);
	native_join();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(sleepers[i].result, 0);
	ck_assert_int_eq(wake(&word, INT_MAX), 0);
}
END_TEST

START_TEST(futex_bits_select_whom_to_wake)
{
	for (unsigned i = 0; i < 3; i++)
		start(i, (struct sleeper){.addr = &word, .op = FUTEX_WAIT_BITSET, .bits = 1U << i});
	wait_on(3, &word); /* matches any */
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 8), 1);
	ck_assert_uint_eq(back(), 1);
	ck_assert_uint_eq(sleepers[3].order, 1);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 6), 2);
	ck_assert_uint_eq(back(), 3);
	ck_assert_uint_eq(sleepers[0].order, 0);
	ck_assert_int_eq(wake(&word, 1), 1);
	native_join();
}
END_TEST

/* There are fewer buckets than words: neighbours in one are told apart. */
START_TEST(futex_words_do_not_mix)
{
	wait_on(0, &words[100]);
	for (unsigned i = 0; i < NELEM(words); i++)
		ck_assert_int_eq(i == 100 ? 0 : wake(&words[i], INT_MAX), 0);
	ck_assert_uint_eq(back(), 0);
	ck_assert_int_eq(wake(&words[100], 1), 1);
	native_join();
}
END_TEST

START_TEST(futex_requeue_moves_waiters)
{
	struct timespec soon = {0, 100 * MSEC};

	for (unsigned i = 0; i < 3; i++)
		wait_on(i, &word);
	start(3, (struct sleeper){.addr = &word, .op = FUTEX_WAIT, .timeout = &soon});
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)9, &other, 7), -EAGAIN);
	ck_assert_uint_eq(back(), 0);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)2, &other, 0), 3);
	ck_assert_uint_eq(back(), 1);
	ck_assert_uint_eq(sleepers[0].order, 1);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_REQUEUE, 0, (void *)9, &words[7], 0), 0);
	ck_assert_int_eq(wake(&word, 9), 0); /* the last has gone to words[7], with its time */
	ck_assert_int_eq(wake(&other, 1), 1);
	ck_assert_uint_eq(back(), 2);
	ck_assert_int_eq(wake(&other, 9), 1);
	native_join();
	ck_assert_int_eq(sleepers[3].result, -ETIMEDOUT);
	ck_assert_int_eq(wake(&words[7], 9), 0);
	/* The queues are whole: whoever comes next is found. */
	wait_on(4, &word);
	wait_on(5, &other);
	wait_on(6, &words[7]);
	ck_assert_int_eq(wake(&word, 9) + wake(&other, 9) + wake(&words[7], 9), 3);
	native_join();
}
END_TEST

START_TEST(futex_wake_op_changes_and_compares)
{
	/* op, its argument, comparison, its argument; word before and after; are those of it woken?
	 */
	static const struct {
		uint32_t op, arg, cmp, cmparg, before, after;
		bool woken;
	} cases[] = {
	    {FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 1, 1, 5, true},
	    {FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 6, 1, 6, false},	     /* it is the old that counts */
	    {FUTEX_OP_ADD, 0xfff, FUTEX_OP_CMP_NE, 1, 0, -1U, true}, /* twelve bits with a sign */
	    {FUTEX_OP_OR, 6, FUTEX_OP_CMP_LT, 0, -5U, -5U | 6, true},
	    {FUTEX_OP_ANDN, 3, FUTEX_OP_CMP_LE, 0xfff, 7, 4, false},
	    {FUTEX_OP_XOR, 3, FUTEX_OP_CMP_GT, 0xfff, 6, 5, true},
	    {FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 31, FUTEX_OP_CMP_GE, 1, 1, 0x80000001, true},
	    {FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_GE, 2, 1, 16, false},
	};

	for (unsigned i = 0; i < NELEM(cases); i++) {
		uint32_t op =
		    cases[i].op << 28 | cases[i].cmp << 24 | cases[i].arg << 12 | cases[i].cmparg;
		word = 0;
		other = cases[i].before;
		nback = 0;
		wait_on(0, &word);
		wait_on(1, &other);
		ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other, op),
		    1 + cases[i].woken);
		ck_assert_uint_eq(other, cases[i].after);
		ck_assert_uint_eq(back(), 1 + cases[i].woken);
		(void)wake(&other, 1);
		native_join();
	}
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAKE_OP, 1, NULL, &other, 7U << 28), -ENOSYS);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAKE_OP, 1, NULL, &other, 7U << 24), -ENOSYS);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAKE_OP, 1, NULL, (void *)8, 0), -EFAULT);
}
END_TEST

START_TEST(futex_signals_break_the_wait)
{
	struct timespec ts = {1, 0};

	native_signal(EINTR);
	ck_assert_int_eq(futex(&word, FUTEX_WAIT, 0), -EINTR);
	native_signal(ERESTART);
	ck_assert_int_eq(futex(&word, FUTEX_WAIT, 0), -ERESTART);
	/* One with a relative time would begin it anew. */
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT, 0, &ts, NULL, 0), -EINTR);
	ns_to_timespec(nanouptime() + MSEC, &ts);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_WAIT_BITSET, 0, &ts, NULL, 1), -ERESTART);
	native_signal(0);
	ck_assert_int_eq(wake(&word, 9), 0);
}
END_TEST

/* ---------------------------------------------------- locks handed over */

static void lock_pi(unsigned i, const struct timespec *timeout)
{
	start(i, (struct sleeper){.addr = &word, .op = FUTEX_LOCK_PI, .timeout = timeout});
}

START_TEST(futex_pi_lock_goes_to_who_waits_longest)
{
	uint32_t self = (uint32_t)curlwp->l_lid;

	all_live = true;
	ck_assert_int_eq(futex(&word, FUTEX_LOCK_PI, 0), 0);
	ck_assert_uint_eq(word, self);
	ck_assert_int_eq(futex(&word, FUTEX_LOCK_PI, 0), -EDEADLK);
	ck_assert_int_eq(futex(&word, FUTEX_TRYLOCK_PI, 0), -EDEADLK);
	lock_pi(0, NULL);
	lock_pi(1, NULL);
	ck_assert_uint_eq(word, self | FUTEX_WAITERS);
	ck_assert_int_eq(wake(&word, 9), 0); /* no business of FUTEX_WAKE */
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_REQUEUE, 9, (void *)9, &other, 0), 0);
	ck_assert_int_eq(futex(&word, FUTEX_UNLOCK_PI, 0), 0);
	ck_assert_uint_eq(back(), 1);
	ck_assert_uint_eq(sleepers[0].seen, sleepers[0].tid | FUTEX_WAITERS);
	ck_assert_int_eq(futex(&word, FUTEX_UNLOCK_PI, 0), -EPERM);
	ck_assert_int_eq(futex(&word, FUTEX_TRYLOCK_PI, 0), -EAGAIN);
	word = self | FUTEX_WAITERS; /* as if the first had been us */
	ck_assert_int_eq(futex(&word, FUTEX_UNLOCK_PI, 0), 0);
	native_join();
	ck_assert_uint_eq(word, sleepers[1].tid);
	word = self;
	ck_assert_int_eq(futex(&word, FUTEX_UNLOCK_PI, 0), 0);
	ck_assert_uint_eq(word, 0);
	ck_assert_int_eq(futex((uint32_t *)8, FUTEX_LOCK_PI, 0), -EFAULT);
	ck_assert_int_eq(futex((uint32_t *)8, FUTEX_UNLOCK_PI, 0), -EFAULT);
}
END_TEST

START_TEST(futex_pi_time_is_absolute)
{
	uint64_t t0 = nanouptime();
	struct timespec ts;

	all_live = true;
	word = 12345;
	ns_to_timespec(nanotime() + 70 * MSEC, &ts);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_LOCK_PI, 0, &ts, NULL, 0), -ETIMEDOUT);
	ck_assert_uint_eq(nanouptime(), t0 + 70 * MSEC);
	ns_to_timespec(t0 + 90 * MSEC, &ts);
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_LOCK_PI2, 0, &ts, NULL, 0), -ETIMEDOUT);
	ck_assert_uint_eq(nanouptime(), t0 + 90 * MSEC);
	ck_assert_uint_eq(word & FUTEX_TID_MASK, 12345);
	word = (uint32_t)curlwp->l_lid | FUTEX_WAITERS; /* of waiters there are none left */
	ck_assert_int_eq(futex(&word, FUTEX_UNLOCK_PI, 0), 0);
	ck_assert_uint_eq(word, 0);
}
END_TEST

START_TEST(futex_pi_owner_that_is_dead)
{
	struct timespec ts;

	all_live = true;
	dead = 12345;
	ns_to_timespec(nanotime() + MSEC, &ts);
	word = 12345;
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_LOCK_PI, 0, &ts, NULL, 0), -ESRCH);
	ck_assert_int_eq(futex(&word, FUTEX_TRYLOCK_PI, 0), -ESRCH);
	ck_assert_uint_eq(word, 12345);
	word |= FUTEX_WAITERS;
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_LOCK_PI, 0, &ts, NULL, 0), -ESRCH);
	/* Found, but it has let go of everything. */
	dead = 0;
	living.l_futexdead = true;
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_LOCK_PI, 0, &ts, NULL, 0), -ESRCH);
	word = FUTEX_OWNER_DIED; /* but of this there is no owner */
	ck_assert_int_eq(do_sys_futex(&word, FUTEX_LOCK_PI, 0, &ts, NULL, 0), 0);
	ck_assert_uint_eq(word, (uint32_t)curlwp->l_lid | FUTEX_OWNER_DIED);
}
END_TEST

/* It ends, with no robust list, while others wait. */
START_TEST(futex_pi_owner_dies)
{
	uint32_t self = (uint32_t)curlwp->l_lid;

	all_live = true;
	word = words[7] = self;
	lock_pi(0, NULL);
	lock_pi(1, NULL);
	start(2, (struct sleeper){.addr = &words[7], .op = FUTEX_LOCK_PI});
	other = 4711; /* owned by a third, who lives */
	start(3, (struct sleeper){.addr = &other, .op = FUTEX_LOCK_PI});
	futex_exit_robust(curlwp);
	ck_assert_uint_eq(back(), 2);
	ck_assert_int_eq(sleepers[0].result, 0);
	ck_assert_uint_eq(word, sleepers[0].tid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
	ck_assert_uint_eq(words[7], sleepers[2].tid | FUTEX_OWNER_DIED);
	ck_assert_uint_eq(other, 4711 | FUTEX_WAITERS);
	ck_assert(curlwp->l_futexdead);
	word = other = self;
	ck_assert_int_eq(futex(&word, FUTEX_UNLOCK_PI, 0), 0);
	ck_assert_int_eq(futex(&other, FUTEX_UNLOCK_PI, 0), 0);
	native_join();
}
END_TEST

/* ------------------------------------------------------------ robust lists */

static struct {
	struct robust_list list;
	uint32_t word;
} locks[4];
static struct robust_list_head head;

static void make_list(unsigned n)
{
	head.futex_offset = (char *)&locks[0].word - (char *)&locks[0].list;
	head.list.next = &locks[0].list;
	for (unsigned i = 0; i < n; i++)
		locks[i].list.next = i + 1 < n ? &locks[i + 1].list : &head.list;
	ck_assert_int_eq(do_sys_set_robust_list(&head, sizeof(head)), 0);
}

START_TEST(futex_robust_locks_are_marked)
{
	uint32_t self = (uint32_t)curlwp->l_lid;

	make_list(3);
	locks[0].word = self | FUTEX_WAITERS;
	locks[1].word = self + 1; /* somebody else's */
	locks[2].word = self;
	locks[3].word = self;
	head.list_op_pending = &locks[3].list;
	for (unsigned i = 0; i < 2; i++)
		wait_on(i, &locks[0].word);
	futex_exit_robust(curlwp);
	ck_assert_uint_eq(locks[0].word, FUTEX_WAITERS | FUTEX_OWNER_DIED);
	ck_assert_uint_eq(locks[1].word, self + 1);
	ck_assert_uint_eq(locks[2].word, FUTEX_OWNER_DIED);
	ck_assert_uint_eq(locks[3].word, FUTEX_OWNER_DIED);
	ck_assert_uint_eq(back(), 1); /* one of the two */
	ck_assert_int_eq(wake(&locks[0].word, 9), 1);
	native_join();
}
END_TEST

/* Unlocked, but it did not come to wake anybody. */
START_TEST(futex_robust_unlock_is_finished)
{
	make_list(0);
	head.list.next = &head.list;
	head.list_op_pending = &locks[0].list;
	locks[0].word = 0;
	for (unsigned i = 0; i < 2; i++)
		wait_on(i, &locks[0].word);
	futex_exit_robust(curlwp);
	ck_assert_uint_eq(back(), 1);
	ck_assert_uint_eq(locks[0].word, 0);
	ck_assert_int_eq(wake(&locks[0].word, 9), 1);
	native_join();
}
END_TEST

START_TEST(futex_robust_pi_lock_goes_on)
{
	uint32_t self = (uint32_t)curlwp->l_lid;

	all_live = true;
	make_list(1);
	head.list.next = (struct robust_list *)((uintptr_t)&locks[0].list | 1);
	locks[0].word = self;
	for (unsigned i = 0; i < 2; i++)
		start(i, (struct sleeper){.addr = &locks[0].word, .op = FUTEX_LOCK_PI});
	futex_exit_robust(curlwp);
	ck_assert_uint_eq(back(), 1);
	ck_assert_int_eq(sleepers[0].result, 0);
	ck_assert_uint_eq(locks[0].word, sleepers[0].tid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
	locks[0].word = self;
	ck_assert_int_eq(futex(&locks[0].word, FUTEX_UNLOCK_PI, 0), 0);
	native_join();
}
END_TEST

START_TEST(futex_robust_damaged_lists_are_given_up)
{
	uint32_t self = (uint32_t)curlwp->l_lid;
	void *list;
	size_t size;

	make_list(3);
	locks[2].list.next = &locks[0].list; /* a ring without its head */
	locks[1].word = self;
	futex_exit_robust(curlwp);
	ck_assert_uint_eq(locks[1].word, FUTEX_OWNER_DIED);
	locks[0].list.next = (void *)8;
	locks[0].word = self;
	futex_exit_robust(curlwp);
	head.list.next = (void *)8;
	futex_exit_robust(curlwp);
	make_list(2);
	head.futex_offset += 1;
	futex_exit_robust(curlwp);
	ck_assert_int_eq(do_sys_set_robust_list(&head, 23), -EINVAL);
	ck_assert_int_eq(do_sys_get_robust_list(0, &list, &size), 0);
	ck_assert_ptr_eq(list, &head);
	ck_assert_uint_eq(size, sizeof(head));
	ck_assert_int_eq(do_sys_get_robust_list(4711, &list, &size), -ESRCH);
	ck_assert_int_eq(do_sys_get_robust_list(0, (void *)8, &size), -EFAULT);
	ck_assert_int_eq(do_sys_set_robust_list((void *)8, sizeof(head)), 0);
	futex_exit_robust(curlwp);
	ck_assert_uint_eq(native_locks_held(), 0);
}
END_TEST

/* ------------------------------------------------------------------- races */

#define TURNS 3000
static uint32_t mutex; /* 0 free, 1 held, 2 held and waited for */
static volatile unsigned inside, collisions, turns;

static void lock(void)
{
	uint32_t free = 0;

	if (__atomic_compare_exchange_n(
		&mutex, &free, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;
	while (__atomic_exchange_n(&mutex, 2, __ATOMIC_SEQ_CST) != 0)
		(void)futex(&mutex, FUTEX_WAIT_PRIVATE, 2);
}

static void unlock(void)
{
	if (__atomic_exchange_n(&mutex, 0, __ATOMIC_SEQ_CST) == 2)
		(void)wake(&mutex, 1);
}

static void worker(void *arg)
{
	for (unsigned i = 0; i < TURNS; i++) {
		lock();
		collisions += inside++ != 0;
		if (i % 3 == 0) /* also by way of another word, as condition variables do */
			(void)do_sys_futex(&mutex, FUTEX_REQUEUE, 0, (void *)1, &other, 0);
		turns++;
		inside--;
		unlock();
		if (i % 3 == 0)
			(void)wake(&other, INT_MAX);
	}
}

/* A wake-up that is lost leaves all waiting, which the support library calls a deadlock. */
START_TEST(futex_no_wakeup_is_lost)
{
	for (unsigned i = 0; i < 3; i++)
		spawn(worker, NULL);
	native_join();
	ck_assert_uint_eq(turns, 3 * TURNS);
	ck_assert_uint_eq(collisions, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("futex");
	TCase *tc = tcase_create("futex");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, futex_arguments_are_checked);
	tcase_add_test(tc, futex_timeouts_are_exact);
	tcase_add_test(tc, futex_wakes_in_order_as_many_as_asked);
	tcase_add_test(tc, futex_bits_select_whom_to_wake);
	tcase_add_test(tc, futex_words_do_not_mix);
	tcase_add_test(tc, futex_requeue_moves_waiters);
	tcase_add_test(tc, futex_wake_op_changes_and_compares);
	tcase_add_test(tc, futex_signals_break_the_wait);
	tcase_add_test(tc, futex_pi_lock_goes_to_who_waits_longest);
	tcase_add_test(tc, futex_pi_time_is_absolute);
	tcase_add_test(tc, futex_pi_owner_that_is_dead);
	tcase_add_test(tc, futex_pi_owner_dies);
	tcase_add_test(tc, futex_robust_locks_are_marked);
	tcase_add_test(tc, futex_robust_unlock_is_finished);
	tcase_add_test(tc, futex_robust_pi_lock_goes_on);
	tcase_add_test(tc, futex_robust_damaged_lists_are_given_up);
	tcase_add_test(tc, futex_no_wakeup_is_lost);
	suite_add_tcase(s, tc);
	return s;
}

CHECK_MAIN(make_suite)
