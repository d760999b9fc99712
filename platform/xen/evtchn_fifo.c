/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_fifo.c - the FIFO ABI, which Xen has since 4.4: a word for each port, and for each CPU and
 * priority a queue that links those words, so that nothing is looked for and what came first is
 * served first.
 *
 * Xen appends to a queue.  We take from its head, which is ours to keep: a word that is taken holds
 * the next one's number, 0 for none, in which case the queue's next head is in the control block.
 */
#include "evtchn_impl.h"

#include <errno.h>

#define WORDS	(RUMPUSER_PAGE_SIZE / sizeof(event_word_t))
#define PENDING (1U << EVTCHN_FIFO_PENDING)
#define MASKED	(1U << EVTCHN_FIFO_MASKED)
#define LINKED	(1U << EVTCHN_FIFO_LINKED)

_Static_assert(WORDS >= EVTCHN_PORTS, "one page is enough");

static event_word_t words[WORDS] __attribute__((aligned(4096)));

/* None may lie in two pages. */
static struct queues {
	struct evtchn_fifo_control_block control;
} __attribute__((aligned(128))) queues[RUMPUSER_MAXCPUS];

static uint32_t heads[RUMPUSER_MAXCPUS][EVTCHN_FIFO_MAX_QUEUES]; /* 0: look in the control block */

static uint64_t address(const void *p)
{
	unsigned prot;
	uint64_t pa;

	return rumpuser_pmap_extract((uintptr_t)p, &pa, &prot) ? pa : 0;
}

int xen_evtchn_fifo_init(unsigned cpu)
{
	uint64_t pa = address(&queues[cpu]);
	struct evtchn_init_control control = {
	    .control_gfn = xen_frame(pa),
	    .offset = pa % RUMPUSER_PAGE_SIZE,
	    .vcpu = cpu,
	};
	struct evtchn_expand_array array = {xen_frame(address(words))};
	unsigned i;

	if (cpu == 0) { /* of an earlier domain */
		__builtin_memset(queues, 0, sizeof(queues));
		__builtin_memset(heads, 0, sizeof(heads));
	}
	if (xen_evtchn_op(EVTCHNOP_init_control, &control) != 0)
		return ENOTSUP;
	if (cpu != 0)
		return 0;
	for (i = 0; i < WORDS; i++)
		words[i] = MASKED;
	return xen_evtchn_op(EVTCHNOP_expand_array, &array);
}

static void mask(unsigned port)
{
	__atomic_fetch_or(&words[port], MASKED, __ATOMIC_SEQ_CST);
}

/* The first of a queue that has one. */
static bool take(unsigned cpu, unsigned queue, uint32_t *ready, struct rumpuser_trapframe *tf)
{
	uint32_t *head = &heads[cpu][queue], port = *head, word;
	struct evtchn_channel ch;

	if (port == 0)
		port = __atomic_load_n(&queues[cpu].control.head[queue], __ATOMIC_ACQUIRE);
	port %= WORDS;
	word = __atomic_load_n(&words[port], __ATOMIC_ACQUIRE);
	while (!__atomic_compare_exchange_n(&words[port], &word,
	    word & ~(LINKED | EVTCHN_FIFO_LINK_MASK), true, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
		;
	*head = word & EVTCHN_FIFO_LINK_MASK;
	if (*head == 0)
		*ready &= ~(1U << queue);
	if (!(word & PENDING) || (word & MASKED) || port >= EVTCHN_PORTS)
		return false;
	/* Once: the channel may be closed, or bound to another CPU, meanwhile. */
	ch = xen_evtchn_channel(port);
	if (ch.irq == 0 || ch.cpu != cpu)
		return false;
	/* Before the handler looks: what comes from now on comes again. */
	__atomic_fetch_and(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
	return hw_irq_deliver(ch.irq, tf);
}

static bool upcall(struct vcpu_info *vi, unsigned cpu, struct rumpuser_trapframe *tf)
{
	uint32_t *more = &queues[cpu].control.ready;
	uint32_t ready = __atomic_exchange_n(more, 0, __ATOMIC_SEQ_CST);
	bool preempt = false;

	while (ready != 0) {
		preempt |= take(cpu, __builtin_ctz(ready), &ready, tf);
		ready |= __atomic_exchange_n(more, 0, __ATOMIC_SEQ_CST);
	}
	return preempt;
}

const struct evtchn_abi xen_evtchn_fifo = {upcall, mask};
