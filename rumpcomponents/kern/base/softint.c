/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Soft interrupts: a bit each in a word per CPU, worked off by that CPU's
 * soft-interrupt lwp.  Scheduling one is setting a bit and, if that lwp waits,
 * queueing it; all on one CPU with it held, so without locks.
 *
 * Who disestablishes one takes the function away and then looks whether a CPU is about to run it;
 * the soft-interrupt lwp says what it is about to run and then looks for the function.
 */
#include "base_impl.h"
#include <kern/signalvar.h>

extern __typeof(sig_send_proc) sig_send_proc __attribute__((weak));

struct softint {
	void (*volatile func)(void *);
	void *arg;
};

#define NSOFTINTS  64
#define LOOK_AGAIN 100000 /* ns */

static struct softint table[NSOFTINTS];
static volatile uint64_t used = (1ULL << SOFTINT_FIRST) - 1;

struct softint *softint_establish(void (*func)(void *), void *arg)
{
	uint64_t old = __atomic_load_n(&used, __ATOMIC_RELAXED);
	unsigned n;

	do {
		if (~old == 0)
			return NULL;
		n = (unsigned)__builtin_ctzll(~old);
	} while (!__atomic_compare_exchange_n(
	    &used, &old, old | 1ULL << n, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	table[n].arg = arg;
	table[n].func = func;
	return &table[n];
}

static bool busy(uint64_t bit)
{
	uint64_t bits = 0;

	/* Pending before running: between these two it is both. */
	for (unsigned i = 0; i < cpu_count; i++) {
		bits |= __atomic_load_n(&cpu_infos[i]->ci_softpend, __ATOMIC_ACQUIRE);
		bits |= __atomic_load_n(&cpu_infos[i]->ci_softrun, __ATOMIC_ACQUIRE);
	}
	return bits & bit;
}

void softint_disestablish(struct softint *si)
{
	uint64_t bit = 1ULL << (si - table);

	LOCKDEBUG_CALL_WAIT(si->func);
	__atomic_store_n(&si->func, NULL, __ATOMIC_SEQ_CST);
	while (busy(bit))
		(void)lwp_sleep_until(rumpuser_clock_monotonic() + LOOK_AGAIN, "softint");
	__atomic_fetch_and(&used, ~bit, __ATOMIC_RELEASE);
}

/* => held. */
void softint_schedule_bit(unsigned bit)
{
	struct cpu_info *ci = curcpu();

	ci->ci_softpend |= 1ULL << bit;
	if (ci->ci_softidle) {
		ci->ci_softidle = false;
		sched_enqueue(ci->ci_softlwp);
	}
}

void softint_schedule(struct softint *si)
{
	cpu_hold();
	softint_schedule_bit((unsigned)(si - table));
	cpu_release();
}

void proc_power_button(void)
{
	if (sig_send_proc != NULL)
		sig_send_proc(SIGTERM, NULL);
	else
		proc_killed(SIGTERM);
}

static void run(struct cpu_info *ci, unsigned bit)
{
	void (*func)(void *);

	switch (bit) {
	case SOFTINT_CALLOUT:
		callout_softint(ci);
		break;
	case SOFTINT_REAP:
		lwp_reap(ci);
		break;
	case SOFTINT_POWER:
		proc_power_button();
		break;
	default:
		func = __atomic_load_n(&table[bit].func, __ATOMIC_ACQUIRE);
		if (func == NULL)
			break;
		lockdebug_call_enter(func);
		func(table[bit].arg);
		lockdebug_call_exit(func);
	}
}

void softint_thread(void *arg)
{
	struct cpu_info *ci = arg;
	uint64_t pend;

	for (;;) {
		cpu_hold();
		pend = ci->ci_softpend;
		if (pend != 0) {
			ci->ci_softrun = pend;
			__atomic_exchange_n(&ci->ci_softpend, 0, __ATOMIC_SEQ_CST);
		} else {
			curlwp->l_stat = LSSLEEP;
			ci->ci_softidle = true;
			sched_block();
		}
		cpu_release();
		for (; pend != 0; pend &= pend - 1) {
			run(ci, (unsigned)__builtin_ctzll(pend));
			__atomic_store_n(&ci->ci_softrun, pend & (pend - 1), __ATOMIC_RELEASE);
		}
	}
}
