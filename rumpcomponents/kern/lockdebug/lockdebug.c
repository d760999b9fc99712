/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is held, by whom, and what may be done then.
 *
 * Sleeping locks are held by an lwp and listed there; spin locks are held by a CPU, since
 * their holder keeps it, and listed here by CPU.  Each list is touched by its owner alone.
 * An interrupt handler adds to the list of its CPU, which is empty when it begins.
 *
 * Every lock that is waited for is entered into the graph behind all that are held; one that is
 * only tried for cannot make anybody wait and is merely held from then on.
 */
#include "lockdebug_impl.h"

static struct lock_list spins[RUMPUSER_MAXCPUS];
static struct lock_site program_memory = {"page fault", "program memory", 0, NULL};

static uint32_t ilevel(void)
{
	uint32_t n;
	__asm__ volatile("movl %%gs:%c1, %0" : "=r"(n) : "i"(RUMPUSER_CPU_ILEVEL));
	return n;
}

static struct lock_list *mine(bool spin)
{
	return spin ? &spins[cpu_index()] : &curlwp->l_held;
}

static void push(
    bool spin, const volatile void *lock, struct lock_class *c, const struct lock_site *site)
{
	struct lock_list *ll = mine(spin);

	if (ll->ll_n == LOCKDEBUG_MAXHELD)
		panic("lockdebug: too many locks held at %s:%d", site->ls_file, site->ls_line);
	ll->ll_held[ll->ll_n++] = (struct lock_held){lock, c, site};
}

static struct lock_held *find(struct lock_list *ll, const volatile void *lock)
{
	for (unsigned i = ll->ll_n; i-- > 0;)
		if (ll->ll_held[i].lh_lock == lock)
			return &ll->ll_held[i];
	return NULL;
}

static void pop(bool spin, const volatile void *lock, const struct lock_site *site)
{
	struct lock_list *ll = mine(spin);
	struct lock_held *h = find(ll, lock);

	if (h == NULL) {
		lockdebug_complain("%s is released at %s:%d by who does not hold it", site->ls_what,
		    site->ls_file, site->ls_line);
		return;
	}
	ll->ll_n--;
	memmove(h, h + 1, (size_t)((char *)&ll->ll_held[ll->ll_n] - (char *)h));
}

/* Before lock is waited for.  spin: the CPU is held. */
static void check(
    bool spin, const volatile void *lock, struct lock_class *c, const struct lock_site *site)
{
	struct lock_list *ll = &curlwp->l_held;
	const struct lock_held *h, now = {lock, c, site};

	if (lockdebug_silent)
		return;
	if ((h = find(mine(spin), lock)) != NULL)
		lockdebug_complain("%s is taken at %s:%d by who holds it since %s:%d", c->lc_name,
		    site->ls_file, site->ls_line, h->lh_site->ls_file, h->lh_site->ls_line);
	for (unsigned i = 0; i < ll->ll_n; i++)
		if (ll->ll_held[i].lh_lock != lock)
			lockdebug_order(&ll->ll_held[i], &now);
	if (!spin)
		return;
	ll = &spins[cpu_index()];
	for (unsigned i = 0; i < ll->ll_n; i++)
		if (ll->ll_held[i].lh_lock != lock)
			lockdebug_order(&ll->ll_held[i], &now);
}

void lockdebug_sleepable(struct lock_site *site)
{
	const struct lock_list *ll;

	if (ilevel() == 0 || lockdebug_silent)
		return;
	ll = &spins[cpu_index()];
	if (ll->ll_n > 0)
		lockdebug_complain("%s:%d may sleep (%s) with spin lock %s held since %s:%d",
		    site->ls_file, site->ls_line, site->ls_what,
		    ll->ll_held[ll->ll_n - 1].lh_class->lc_name,
		    ll->ll_held[ll->ll_n - 1].lh_site->ls_file,
		    ll->ll_held[ll->ll_n - 1].lh_site->ls_line);
	else
		lockdebug_complain("%s:%d may sleep (%s) with the CPU held", site->ls_file,
		    site->ls_line, site->ls_what);
}

static void held_at_end(const struct lock_list *ll, const char *when)
{
	for (unsigned i = 0; i < ll->ll_n; i++)
		lockdebug_complain("%s is held %s, since %s:%d", ll->ll_held[i].lh_class->lc_name,
		    when, ll->ll_held[i].lh_site->ls_file, ll->ll_held[i].lh_site->ls_line);
}

/* --------------------------------------------------------------- mutexes */

static struct lock_class *mutex_class(kmutex_t *mtx, struct lock_site *site)
{
	if (mtx->mtx_class == NULL)
		mtx->mtx_class = lockdebug_class(site);
	return mtx->mtx_class;
}

void lockdebug_mutex_init(kmutex_t *mtx, kmutex_type_t type, struct lock_site *site)
{
	mutex_init(mtx, type);
	mtx->mtx_class = lockdebug_class(site);
}

/* It may be in the list of another lwp: the owner word says so. */
void lockdebug_mutex_destroy(kmutex_t *mtx, struct lock_site *site)
{
	if (mtx->mtx_owner != 0)
		lockdebug_complain("%s is destroyed at %s:%d while it is held", site->ls_what,
		    site->ls_file, site->ls_line);
	mutex_destroy(mtx);
}

void lockdebug_mutex_enter(kmutex_t *mtx, struct lock_site *site)
{
	struct lock_class *c = mutex_class(mtx, site);

	if (mtx->mtx_type == MUTEX_SPIN) {
		cpu_hold();
		check(true, mtx, c, site);
		mutex_enter(mtx);
		push(true, mtx, c, site);
		cpu_release();
		return;
	}
	lockdebug_sleepable(site);
	check(false, mtx, c, site);
	mutex_enter(mtx);
	push(false, mtx, c, site);
}

bool lockdebug_mutex_tryenter(kmutex_t *mtx, struct lock_site *site)
{
	if (!mutex_tryenter(mtx))
		return false;
	push(mtx->mtx_type == MUTEX_SPIN, mtx, mutex_class(mtx, site), site);
	return true;
}

void lockdebug_mutex_exit(kmutex_t *mtx, struct lock_site *site)
{
	pop(mtx->mtx_type == MUTEX_SPIN, mtx, site);
	mutex_exit(mtx);
}

void lockdebug_mutex_nests(kmutex_t *mtx, enum lock_nesting how)
{
	mtx->mtx_class->lc_nests = how;
}

void lockdebug_mutex_class(kmutex_t *mtx, struct lock_site *site)
{
	mtx->mtx_class = lockdebug_class(site);
}

/* ------------------------------------------------- readers/writer locks */

static struct lock_class *rw_class(krwlock_t *rw, struct lock_site *site)
{
	if (rw->rw_class == NULL)
		rw->rw_class = lockdebug_class(site);
	return rw->rw_class;
}

void lockdebug_rw_init(krwlock_t *rw, struct lock_site *site)
{
	rw_init(rw);
	rw->rw_class = lockdebug_class(site);
}

void lockdebug_rw_destroy(krwlock_t *rw, struct lock_site *site)
{
	if (rw->rw_owner != 0)
		lockdebug_complain("%s is destroyed at %s:%d while it is held", site->ls_what,
		    site->ls_file, site->ls_line);
	rw_destroy(rw);
}

/* A reader's order is as good as a writer's: a writer may wait between two readers. */
void lockdebug_rw_enter(krwlock_t *rw, krw_t op, struct lock_site *site)
{
	struct lock_class *c = rw_class(rw, site);

	lockdebug_sleepable(site);
	check(false, rw, c, site);
	rw_enter(rw, op);
	push(false, rw, c, site);
}

bool lockdebug_rw_tryenter(krwlock_t *rw, krw_t op, struct lock_site *site)
{
	if (!rw_tryenter(rw, op))
		return false;
	push(false, rw, rw_class(rw, site), site);
	return true;
}

void lockdebug_rw_exit(krwlock_t *rw, struct lock_site *site)
{
	pop(false, rw, site);
	rw_exit(rw);
}

void lockdebug_rw_nests(krwlock_t *rw, enum lock_nesting how)
{
	rw->rw_class->lc_nests = how;
}

void lockdebug_rw_class(krwlock_t *rw, struct lock_site *site)
{
	rw->rw_class = lockdebug_class(site);
}

/* ------------------------------------------------------- bare spin locks */

void lockdebug_spin_enter(volatile uint32_t *lock, struct lock_site *site)
{
	struct lock_class *c = lockdebug_class(site);

	if (ilevel() == 0)
		lockdebug_complain("%s is taken at %s:%d without holding the CPU", c->lc_name,
		    site->ls_file, site->ls_line);
	check(true, lock, c, site);
	spin_enter(lock);
	push(true, lock, c, site);
}

void lockdebug_spin_exit(volatile uint32_t *lock, struct lock_site *site)
{
	pop(true, lock, site);
	spin_exit(lock);
}

void lockdebug_spin_lock(volatile uint32_t *lock, struct lock_site *site)
{
	cpu_hold();
	lockdebug_spin_enter(lock, site);
}

void lockdebug_spin_unlock(volatile uint32_t *lock, struct lock_site *site)
{
	lockdebug_spin_exit(lock, site);
	cpu_release();
}

/* ------------------------------------------------------ other occasions */

void lockdebug_might_fault(struct lock_site *site)
{
	lockdebug_sleepable(site);
	check(false, &program_memory, lockdebug_class(&program_memory), site);
}

/* Locks of faults come after this, so after all that anybody holds when he may fault. */
void lockdebug_fault_enter(void)
{
	struct lock_class *c = lockdebug_class(&program_memory);

	check(false, &program_memory, c, &program_memory);
	push(false, &program_memory, c, &program_memory);
}

void lockdebug_fault_exit(void)
{
	pop(false, &program_memory, &program_memory);
}

void lockdebug_call_enter(void (*func)(void *))
{
	static const struct lock_site site = {"callout or softint", "a function", 0, NULL};

	push(false, (void *)func, lockdebug_class_of_function((uintptr_t)func), &site);
}

void lockdebug_call_exit(void (*func)(void *))
{
	static const struct lock_site site = {"callout or softint", "a function", 0, NULL};

	pop(false, (void *)func, &site);
}

void lockdebug_call_wait(void (*func)(void *), struct lock_site *site)
{
	lockdebug_sleepable(site);
	if (func == NULL)
		return;
	check(false, (void *)func, lockdebug_class_of_function((uintptr_t)func), site);
}

bool lockdebug_in_fault(void)
{
	return find(&curlwp->l_held, &program_memory) != NULL;
}

void lockdebug_switch(void)
{
	if (!lockdebug_silent)
		held_at_end(&spins[cpu_index()], "at a switch to another lwp");
}

static void check_none(const char *when)
{
	struct lock_list *ll = &curlwp->l_held;

	if (lockdebug_silent)
		return;
	if (ll->ll_n > 0)
		held_at_end(ll, when);
	ll->ll_n = 0;
	if (ilevel() != 0)
		lockdebug_complain("the CPU is held %s", when);
}

void lockdebug_userret(void)
{
	check_none("on return to the program");
}

void lockdebug_lwp_exit(void)
{
	check_none("by an lwp that ends");
}

static void check_range(const struct lock_list *ll, uintptr_t p, size_t size)
{
	for (unsigned i = 0; i < ll->ll_n; i++)
		if ((uintptr_t)ll->ll_held[i].lh_lock - p < size)
			lockdebug_complain("memory is freed with %s in it, held since %s:%d",
			    ll->ll_held[i].lh_class->lc_name, ll->ll_held[i].lh_site->ls_file,
			    ll->ll_held[i].lh_site->ls_line);
}

void lockdebug_mem_free(const void *p, size_t size)
{
	if (lockdebug_silent)
		return;
	check_range(&curlwp->l_held, (uintptr_t)p, size);
	cpu_hold();
	check_range(&spins[cpu_index()], (uintptr_t)p, size);
	cpu_release();
}

void lockdebug_off(void)
{
	lockdebug_silent = true;
}
