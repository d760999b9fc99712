/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: a run queue per CPU, strict priorities, time slices among
 * equals, idle CPUs steal.
 *
 * An lwp is at any time one of: running, on exactly one run queue (LSRUN: that of
 * l_cpu), on a sleep queue, on its way between them (LSIDL), or a zombie.  Whoever takes
 * it off a sleep queue is the one who must enqueue it.
 *
 * l_cpu is written before the lock of the queue that it names is taken, and the lock's
 * locked instruction comes before l_newpriority is read; lwp_set_priority() writes the one and then
 * reads the other.  So either it finds the lwp where it is being queued, or the new priority is
 * what it is queued by.  Whether it is on a certain queue or CPU, l_queued and ci_onproc say to
 * who holds that one's lock; l_stat may be another CPU's doing.
 *
 * l_oncpu says that its registers are still being saved on l_cpu: a woken
 * lwp with it set goes to that CPU's queue and nobody steals it from there, so
 * that it cannot run in two places.  sched_switched(), on the next lwp's stack, clears it.
 *
 * Waking another CPU costs far more than waiting for this one, if this one is about to be
 * free: mostly who wakes another goes to sleep itself.  So a woken lwp stays here, unless
 * others wait already, and only if it still waits after KICK_NS an idle CPU is woken to
 * steal it.  Where all CPUs are busy this brings together who wake each other.
 *
 * Tickless: the timer is set for a slice only while an equal waits.  A deadline
 * that has become pointless is not taken back; the interrupt finds nothing to do.
 */
#include "base_impl.h"

static volatile uint64_t idle_cpus; /* CPUs that wait in rumpuser_cpu_idle(), or are about to */

static unsigned level_of(int priority)
{
	if (priority <= PRI_USER)
		return RQ_USER;
	if (priority < PRI_KTHREAD)
		return RQ_RT;
	return priority < PRI_SOFTINT ? RQ_KTHREAD : RQ_SOFTINT;
}

static uint64_t bit_of(const struct cpu_info *ci)
{
	return 1ULL << ci->ci_cpu.index;
}

void sched_init(struct cpu_info *ci)
{
	for (unsigned i = 0; i < RQ_NLEVELS; i++)
		TAILQ_INIT(&ci->ci_runq[i]);
	ci->ci_slice_end = ci->ci_kick_at = UINT64_MAX;
	ci->ci_curpri = PRI_IDLE;
}

/* => ci_lock held, l_cpu is ci.  Behind its equals, or before them. */
static void runq_insert(struct cpu_info *ci, struct lwp *l, bool tail)
{
	struct lwp *o;
	unsigned level;

	l->l_priority = __atomic_load_n(&l->l_newpriority, __ATOMIC_RELAXED);
	level = level_of(l->l_priority);
	l->l_stat = LSRUN;
	l->l_queued = ci;
	ci->ci_runbits |= 1U << level;
	ci->ci_nrun++;
	if (tail) {
		TAILQ_FOREACH_REVERSE(o, &ci->ci_runq[level], runq, l_runq)
		{
			if (o->l_priority >= l->l_priority) {
				TAILQ_INSERT_AFTER(&ci->ci_runq[level], o, l, l_runq);
				return;
			}
		}
		TAILQ_INSERT_HEAD(&ci->ci_runq[level], l, l_runq);
	} else {
		TAILQ_FOREACH (o, &ci->ci_runq[level], l_runq) {
			if (o->l_priority <= l->l_priority) {
				TAILQ_INSERT_BEFORE(o, l, l_runq);
				return;
			}
		}
		TAILQ_INSERT_TAIL(&ci->ci_runq[level], l, l_runq);
	}
}

static void runq_remove(struct cpu_info *ci, struct lwp *l)
{
	unsigned level = level_of(l->l_priority);

	TAILQ_REMOVE(&ci->ci_runq[level], l, l_runq);
	l->l_queued = NULL;
	if (TAILQ_EMPTY(&ci->ci_runq[level]))
		ci->ci_runbits &= ~(1U << level);
	ci->ci_nrun--;
}

static struct lwp *runq_first(struct cpu_info *ci)
{
	if (ci->ci_runbits == 0)
		return NULL;
	return TAILQ_FIRST(&ci->ci_runq[31 - __builtin_clz(ci->ci_runbits)]);
}

/* Does an lwp of priority pri have to share the CPU with one that waits? => ci_lock held. */
static bool slice_needed(struct cpu_info *ci, const struct lwp *l)
{
	struct lwp *o = runq_first(ci);

	return o != NULL && o->l_priority == l->l_priority &&
	       (l->l_priority <= PRI_USER || l->l_rtslice);
}

/*
 * Run what is first on this CPU's queue.
 * => ci_lock held, ilevel 1.  <= ci_lock released, ilevel 1, maybe another CPU.
 */
static void dispatch(struct cpu_info *ci)
{
	struct lwp *l = curlwp, *next = runq_first(ci), *prev;
	uint64_t now, slice;

	if (ci->ci_cpu.ipending & 1)
		__atomic_fetch_and(&ci->ci_cpu.ipending, ~1ULL, __ATOMIC_ACQ_REL);
	ci->ci_tail = false;
	if (next != NULL)
		runq_remove(ci, next);
	else
		next = ci->ci_idle;
	next->l_stat = LSONPROC;
	ci->ci_onproc = next;
	ci->ci_curpri = next->l_priority;
	if (__builtin_expect(!(next->l_affinity & bit_of(ci)), 0) && !next->l_bound)
		cpu_need_resched(ci); /* sched_yield_cpu() sends it on */
	now = rumpuser_clock_monotonic();
	slice = ci->ci_slice_end = slice_needed(ci, next) ? now + SLICE_NS : UINT64_MAX;
	if (ci->ci_nrun == 0)
		ci->ci_kick_at = UINT64_MAX;
	if (next == l) {
		spin_exit(&ci->ci_lock);
		if (slice != UINT64_MAX)
			cpu_timer_at(ci, slice);
		return;
	}
	KASSERT(cpu_ilevel() == 1 && next->l_oncpu == 0);
	l->l_cputime += now - l->l_onproc_since;
	next->l_onproc_since = now;
	next->l_cpu = ci;
	next->l_oncpu = 1;
	spin_exit(&ci->ci_lock);

	if (slice != UINT64_MAX)
		cpu_timer_at(ci, slice);
	if (l->l_fpulive)
		cpu_fpu_save(l);
	rumpuser_set_curlwp(&ci->ci_cpu, next);
	ci->ci_cpu.kstack_base = next->l_kstack_base;
	ci->ci_cpu.kstack_top = next->l_kstack_top;
	if (!next->l_kernel && ci->ci_tls != next->l_tls) {
		ci->ci_tls = next->l_tls;
		rumpuser_tls_set(next->l_tls);
	}
	prev = cpu_switchto(l, next);
	sched_switched(prev);
	if (l->l_fpulive)
		cpu_fpu_restore(l);
}

void sched_switched(struct lwp *prev)
{
	bool migrating = prev->l_migrating, zombie = prev->l_stat == LSZOMB;

	/* Once l_oncpu is clear another CPU may run prev. */
	prev->l_migrating = false;
	__atomic_store_n(&prev->l_oncpu, 0, __ATOMIC_RELEASE);
	if (__builtin_expect(migrating, 0))
		sched_enqueue(prev);
	if (__builtin_expect(zombie, 0)) {
		struct cpu_info *ci = curcpu();
		prev->l_sleepnext = ci->ci_zombies;
		ci->ci_zombies = prev;
		softint_schedule_bit(SOFTINT_REAP);
	}
}

/* ------------------------------------------------------------- which CPU */

/* => held. */
static struct cpu_info *choose_cpu(struct lwp *l)
{
	struct cpu_info *ci = l->l_cpu, *self;
	uint64_t idle;

	if (cpu_count == 1 || l->l_bound || __atomic_load_n(&l->l_oncpu, __ATOMIC_ACQUIRE))
		return ci;
	self = curcpu();
	idle = __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) & l->l_affinity;
	if (!(l->l_affinity & bit_of(ci)) || !ci->ci_online) {
		if (idle == 0 && (l->l_affinity & bit_of(self)))
			return self;
		for (unsigned i = 0; idle == 0 && i < cpu_count; i++)
			if ((l->l_affinity & 1ULL << i) && cpu_infos[i]->ci_online)
				return cpu_infos[i];
		return idle ? cpu_infos[__builtin_ctzll(idle)] : self;
	}
	if (self->ci_nrun == 0 && (l->l_affinity & bit_of(self)) &&
	    level_of(l->l_newpriority) == RQ_USER)
		return self;
	return idle == 0 || idle & bit_of(ci) ? ci : cpu_infos[__builtin_ctzll(idle)];
}

/* => held, this CPU's. */
static void kick_later(struct cpu_info *ci)
{
	if (ci->ci_kick_at == UINT64_MAX && curlwp != ci->ci_idle &&
	    __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) != 0) {
		ci->ci_kick_at = rumpuser_clock_monotonic() + KICK_NS;
		cpu_timer_at(ci, ci->ci_kick_at);
	}
}

void sched_enqueue(struct lwp *l)
{
	struct cpu_info *ci = choose_cpu(l);
	bool resched, slice;

	__atomic_store_n(&l->l_cpu, ci, __ATOMIC_RELAXED);
	spin_enter(&ci->ci_lock);
	runq_insert(ci, l, true);
	resched = l->l_priority > ci->ci_curpri;
	slice = l->l_priority == ci->ci_curpri && ci->ci_slice_end == UINT64_MAX;
	if (slice && ci == curcpu()) {
		ci->ci_slice_end = rumpuser_clock_monotonic() + SLICE_NS;
		slice = false;
		cpu_timer_at(ci, ci->ci_slice_end);
	}
	spin_exit(&ci->ci_lock);
	if (resched || slice)
		cpu_need_resched(ci);
	if (cpu_count > 1 && !l->l_bound && ci == curcpu())
		kick_later(ci);
}

/* Take a runnable lwp from another CPU to this one.  => held. */
static bool steal(struct cpu_info *self)
{
	struct cpu_info *ci;
	struct lwp *l = NULL;

	for (unsigned i = 1; i < cpu_count && l == NULL; i++) {
		ci = cpu_infos[(self->ci_cpu.index + i) % cpu_count];
		if (ci == NULL || ci->ci_nrun == 0)
			continue;
		spin_enter(&ci->ci_lock);
		for (int level = RQ_KTHREAD; level >= RQ_USER && l == NULL; level--) {
			TAILQ_FOREACH (l, &ci->ci_runq[level], l_runq)
				if (!l->l_bound && (l->l_affinity & bit_of(self)) &&
				    __atomic_load_n(&l->l_oncpu, __ATOMIC_ACQUIRE) == 0)
					break;
		}
		if (l != NULL) {
			runq_remove(ci, l);
			l->l_stat = LSIDL;
		}
		spin_exit(&ci->ci_lock);
	}
	if (l == NULL)
		return false;
	__atomic_store_n(&l->l_cpu, self, __ATOMIC_RELAXED);
	spin_enter(&self->ci_lock);
	runq_insert(self, l, false);
	spin_exit(&self->ci_lock);
	return true;
}

/* -------------------------------------------------- what the kernel calls */

void sched_block(void)
{
	struct cpu_info *ci = curcpu();

	lockdebug_switch();
	spin_enter(&ci->ci_lock);
	dispatch(ci);
}

void sched_yield_cpu(bool tail)
{
	struct cpu_info *ci = curcpu();
	struct lwp *l = curlwp;

	if (!(l->l_affinity & bit_of(ci)) && !l->l_bound) {
		l->l_stat = LSIDL;
		l->l_migrating = true;
		sched_block();
		return;
	}
	lockdebug_switch();
	spin_enter(&ci->ci_lock);
	runq_insert(ci, l, tail);
	dispatch(ci);
}

void sched_preempt(void)
{
	sched_yield_cpu(curcpu()->ci_tail);
}

void lwp_yield(void)
{
	cpu_hold();
	sched_yield_cpu(true);
	cpu_release();
}

uint64_t sched_tick(struct cpu_info *ci, uint64_t now)
{
	uint64_t idle;

	if (ci->ci_slice_end <= now) {
		ci->ci_slice_end = UINT64_MAX;
		ci->ci_tail = true;
		cpu_need_resched(ci);
		ci->ci_kick_at = now; /* an idle CPU may have missed that there is work here */
	}
	if (ci->ci_kick_at <= now) {
		ci->ci_kick_at = UINT64_MAX;
		idle = __atomic_load_n(&idle_cpus, __ATOMIC_RELAXED);
		if (idle != 0 && ci->ci_nrun != 0)
			cpu_need_resched(cpu_infos[__builtin_ctzll(idle)]);
	}
	return KMIN(ci->ci_slice_end, ci->ci_kick_at);
}

void sched_idle_loop(void)
{
	struct cpu_info *ci = curcpu();

	for (;;) {
		cpu_hold();
		if (ci->ci_runbits != 0 || (cpu_count > 1 && steal(ci))) {
			sched_block();
			cpu_release();
			continue;
		}
		if (ci->ci_cpu.ipending & 1)
			__atomic_fetch_and(&ci->ci_cpu.ipending, ~1ULL, __ATOMIC_ACQ_REL);
		if (cpu_count > 1)
			__atomic_fetch_or(&idle_cpus, bit_of(ci), __ATOMIC_SEQ_CST);
		/* Bit 0 was cleared before this look: what is queued after it sets it again. */
		if (__atomic_load_n(&ci->ci_runbits, __ATOMIC_SEQ_CST) == 0) {
			cpu_release();
			rumpuser_cpu_idle(&ci->ci_cpu);
		} else {
			cpu_release();
		}
		if (cpu_count > 1)
			__atomic_fetch_and(&idle_cpus, ~bit_of(ci), __ATOMIC_SEQ_CST);
	}
}

/* Lock the CPU that l is on, is queued on or was on. => held. */
static struct cpu_info *lock_cpu_of(struct lwp *l)
{
	struct cpu_info *ci;

	for (;;) {
		ci = __atomic_load_n(&l->l_cpu, __ATOMIC_RELAXED);
		spin_enter(&ci->ci_lock);
		if (__atomic_load_n(&l->l_cpu, __ATOMIC_RELAXED) == ci)
			return ci;
		spin_exit(&ci->ci_lock);
	}
}

void lwp_set_priority(struct lwp *l, int priority)
{
	struct cpu_info *ci;
	bool resched = true;

	cpu_hold();
	__atomic_store_n(&l->l_newpriority, priority, __ATOMIC_SEQ_CST);
	ci = lock_cpu_of(l);
	if (l->l_queued == ci) {
		runq_remove(ci, l);
		runq_insert(ci, l, true);
	} else if (ci->ci_onproc == l) {
		l->l_priority = ci->ci_curpri = l->l_newpriority;
	} else {
		resched = false;
	}
	spin_exit(&ci->ci_lock);
	if (resched)
		cpu_need_resched(ci);
	cpu_release();
}

int lwp_set_affinity(struct lwp *l, uint64_t cpus)
{
	uint64_t online = 0;
	struct cpu_info *ci;

	for (unsigned i = 0; i < cpu_count; i++)
		if (cpu_infos[i]->ci_online)
			online |= 1ULL << i;
	cpus &= online;
	if (cpus == 0)
		return EINVAL;
	cpu_hold();
	__atomic_store_n(&l->l_affinity, cpus, __ATOMIC_SEQ_CST);
	/* One that waits is sent on by dispatch(), if nobody steals it before. */
	ci = lock_cpu_of(l);
	if (ci->ci_onproc == l && !(l->l_affinity & bit_of(ci)))
		cpu_need_resched(ci);
	spin_exit(&ci->ci_lock);
	cpu_release();
	return 0;
}

uint64_t lwp_cputime(struct lwp *l)
{
	struct cpu_info *ci;
	uint64_t t;

	cpu_hold();
	ci = lock_cpu_of(l);
	t = l->l_cputime;
	if (ci->ci_onproc == l)
		t += rumpuser_clock_monotonic() - l->l_onproc_since;
	spin_exit(&ci->ci_lock);
	cpu_release();
	return t;
}
