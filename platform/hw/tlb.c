/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb.c - TLB shootdown, and the spin lock that goes along with it.
 *
 * One request at a time: its owner holds shoot.lock, sets a bit in
 * shoot.waiting for each CPU that must flush, interrupts those, and waits for
 * the bits to be cleared.  Who spins with interrupts off serves requests
 * meanwhile (hw_tlb_poll), so that two can never wait for each other.
 *
 * A CPU that idles is not interrupted: it is marked HW_IDLE_FLUSH and flushes
 * as the first thing in the interrupt that wakes it.  A halted CPU uses no
 * translations.
 *
 * LOCK ORDER: shoot.lock is innermost.
 */
#include "machine.h"

#define FLUSH_ALL 32 /* pages from which on all is flushed */

static struct {
	struct hw_lock lock;
	volatile uint32_t waiting;
	uintptr_t va;
	size_t npages;
} shoot;

volatile uint32_t hw_online = 1;

void hw_tlb_flush_local(uintptr_t va, size_t npages)
{
	if (npages > FLUSH_ALL) {
		hw_write_cr3(hw_read_cr3());
		return;
	}
	for (; npages > 0; npages--, va += RUMPUSER_PAGE_SIZE)
		hw_invlpg(va);
}

void hw_tlb_poll(void)
{
	uint32_t bit = 1U << hw_self()->index;

	if (!(__atomic_load_n(&shoot.waiting, __ATOMIC_ACQUIRE) & bit))
		return;
	hw_tlb_flush_local(shoot.va, shoot.npages);
	__atomic_fetch_and(&shoot.waiting, ~bit, __ATOMIC_RELEASE);
}

uint64_t hw_lock(struct hw_lock *l)
{
	uint64_t flags = hw_irq_save();
	unsigned turns = 0;

	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE) != 0)
		while (l->held != 0) {
			hw_tlb_poll();
			hw_spin(&turns);
		}
	return flags;
}

void hw_unlock(struct hw_lock *l, uint64_t flags)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
	hw_irq_restore(flags);
}

/* Is hc asleep, and will flush before it does anything else? */
static bool flush_on_wakeup(struct hw_cpu *hc)
{
	uint32_t state = HW_IDLE;

	return __atomic_compare_exchange_n(
		   &hc->idle, &state, HW_IDLE_FLUSH, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
	       state == HW_IDLE_FLUSH;
}

static void flush_others(uint32_t others, uintptr_t va, size_t npages)
{
	uint32_t targets = 0, left;
	unsigned i, turns = 0;

	for (left = others; left != 0; left &= left - 1) {
		i = __builtin_ctz(left);
		if (!flush_on_wakeup(hw_cpus[i]))
			targets |= 1U << i;
	}
	if (targets == 0)
		return;
	shoot.va = va;
	shoot.npages = npages;
	__atomic_store_n(&shoot.waiting, targets, __ATOMIC_SEQ_CST);
	for (left = targets; left != 0; left &= left - 1)
		hw_machine_ipi(__builtin_ctz(left), HW_IRQ_TLB);
	while (__atomic_load_n(&shoot.waiting, __ATOMIC_ACQUIRE) != 0)
		hw_spin(&turns);
}

void hw_tlb_flush(uintptr_t va, size_t npages)
{
	uint32_t others;
	uint64_t flags;

	if ((hw_online & (hw_online - 1)) == 0) {
		hw_tlb_flush_local(va, npages);
		return;
	}
	/* The lock keeps us on this CPU, too. */
	flags = hw_lock(&shoot.lock);
	hw_tlb_flush_local(va, npages);
	others = hw_online & ~(1U << hw_self()->index);
	flush_others(others, va, npages);
	hw_unlock(&shoot.lock, flags);
}
