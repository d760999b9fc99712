/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_2l.c - the 2-level ABI: a bit for each port in the shared page, a bit for each word of
 * those in the CPU's struct vcpu_info.  The words are all CPUs' together, so each takes from them
 * only what is its own.
 */
#include "evtchn_impl.h"

#define WORD_BITS 64

void xen_evtchn_2l_init(void)
{
	__builtin_memset(xen_shared_info->evtchn_mask, 0xff, sizeof(xen_shared_info->evtchn_mask));
}

static void mask(unsigned port)
{
	__atomic_fetch_or(&xen_shared_info->evtchn_mask[port / WORD_BITS], 1ULL << port % WORD_BITS,
	    __ATOMIC_SEQ_CST);
}

/* Of one word's channels, those that are bound to this CPU. */
static bool take(unsigned word, unsigned cpu, struct rumpuser_trapframe *tf)
{
	xen_ulong_t *pending = &xen_shared_info->evtchn_pending[word], bits;
	bool preempt = false;
	struct evtchn_channel ch;
	unsigned bit;

	bits = __atomic_load_n(pending, __ATOMIC_ACQUIRE) &
	       ~__atomic_load_n(&xen_shared_info->evtchn_mask[word], __ATOMIC_RELAXED);
	for (; bits != 0; bits &= bits - 1) {
		bit = __builtin_ctzll(bits);
		ch = xen_evtchn_channel(word * WORD_BITS + bit);
		if (ch.irq == 0 || ch.cpu != cpu)
			continue;
		/* Before the handler looks: what comes from now on comes again. */
		__atomic_fetch_and(pending, ~(1ULL << bit), __ATOMIC_SEQ_CST);
		preempt |= hw_irq_deliver(ch.irq, tf);
	}
	return preempt;
}

static bool upcall(struct vcpu_info *vi, unsigned cpu, struct rumpuser_trapframe *tf)
{
	bool preempt = false;
	xen_ulong_t words = __atomic_exchange_n(&vi->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

	for (words &= (1ULL << EVTCHN_PORTS / WORD_BITS) - 1; words != 0; words &= words - 1)
		preempt |= take(__builtin_ctzll(words), cpu, tf);
	return preempt;
}

const struct evtchn_abi xen_evtchn_2l = {upcall, mask};
