/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Soft interrupts: a bit each in a word per CPU, worked off by that CPU's
 * soft-interrupt lwp.  Scheduling one is setting a bit and, if that lwp waits,
 * queueing it; all on one CPU with it held, so without locks.
 */
#include "base_impl.h"
#include <kern/signalvar.h>

extern __typeof(sig_send_proc) sig_send_proc __attribute__((weak));

struct softint {
	void (*func)(void *);
	void *arg;
};

#define NSOFTINTS 64

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

void softint_disestablish(struct softint *si)
{
	si->func = NULL;
	__atomic_fetch_and(&used, ~(1ULL << (si - table)), __ATOMIC_RELEASE);
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

/* The power button or the launcher's wish. */
static void power(void)
{
	if (sig_send_proc != NULL)
		sig_send_proc(SIGTERM, NULL);
	else
		proc_killed(SIGTERM);
}

static void run(struct cpu_info *ci, unsigned bit)
{
	switch (bit) {
	case SOFTINT_CALLOUT:
		callout_softint(ci);
		break;
	case SOFTINT_REAP:
		lwp_reap(ci);
		break;
	case SOFTINT_POWER:
		power();
		break;
	default:
		if (table[bit].func != NULL)
			table[bit].func(table[bit].arg);
	}
}

void softint_thread(void *arg)
{
	struct cpu_info *ci = arg;
	uint64_t pend;

	for (;;) {
		cpu_hold();
		pend = ci->ci_softpend;
		ci->ci_softpend = 0;
		if (pend == 0) {
			curlwp->l_stat = LSSLEEP;
			ci->ci_softidle = true;
			sched_block();
		}
		cpu_release();
		for (; pend != 0; pend &= pend - 1)
			run(ci, (unsigned)__builtin_ctzll(pend));
	}
}
