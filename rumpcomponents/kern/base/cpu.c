/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU: interrupts as they arrive, and those that were held off.
 *
 * Interrupt handlers run with ilevel 1, on the platform's interrupt stack or, when
 * replayed by cpu_release_pending(), on the stack of who raised ilevel.  Bit 0 of ipending is
 * ours: it asks for a look at the run queue, and is left set while the idle
 * lwp runs, who looks anyway.
 */
#include "base_impl.h"
#include <kern/hook.h>

#define LOOK_AGAIN    1000000	 /* ns */
#define STOP_PATIENCE 1000000000 /* ns that a last report waits for other CPUs */

struct cpu_info *cpu_infos[RUMPUSER_MAXCPUS];
unsigned cpu_count = 1;

static struct {
	void (*handler)(void *);
	void *arg;
} handlers[RUMPUSER_IRQ_MAX];

void cpu_init(struct cpu_info *ci, unsigned index)
{
	ci->ci_cpu.self = &ci->ci_cpu;
	ci->ci_cpu.index = index;
	ci->ci_cpu.ilevel = 1;
	ci->ci_timer = UINT64_MAX;
	sched_init(ci);
}

void cpu_need_resched(struct cpu_info *ci)
{
	if (ci == curcpu()) {
		if (!(ci->ci_cpu.ipending & 1))
			__atomic_fetch_or(&ci->ci_cpu.ipending, 1, __ATOMIC_ACQ_REL);
		return;
	}
	/*
	 * A locked instruction even if the bit seems to be set: it may just be on its way out, in
	 * an idle CPU that has not seen what we put into its queue, which may still be in our store
	 * buffer.
	 */
	if (!(__atomic_fetch_or(&ci->ci_cpu.ipending, 1, __ATOMIC_SEQ_CST) & 1))
		rumpuser_cpu_ipi(ci->ci_cpu.index);
}

void cpu_look_again(void)
{
	struct cpu_info *ci;
	uint64_t at = rumpuser_clock_monotonic() + LOOK_AGAIN;

	cpu_hold();
	ci = curcpu();
	ci->ci_slice_end = KMIN(ci->ci_slice_end, at);
	cpu_timer_at(ci, ci->ci_slice_end);
	cpu_release();
}

void cpu_timer_at(struct cpu_info *ci, uint64_t deadline)
{
	if (deadline < ci->ci_timer) {
		ci->ci_timer = deadline;
		rumpuser_timer_set(deadline);
	}
}

static void timer_intr(struct cpu_info *ci)
{
	uint64_t now = rumpuser_clock_monotonic();

	ci->ci_timer = UINT64_MAX;
	cpu_timer_at(ci, sched_tick(ci, now));
	callout_intr(ci, now);
}

/* => ilevel 1. */
HOOK_POINT(cpu_intr);
void cpu_intr(struct cpu_info *ci, unsigned irq)
{
	switch (irq) {
	case RUMPUSER_IRQ_TIMER:
		timer_intr(ci);
		break;
	case RUMPUSER_IRQ_IPI:
		if (base_panicking())
			cpu_stop();
		break;
	case RUMPUSER_IRQ_POWER:
		softint_schedule_bit(SOFTINT_POWER);
		break;
	default:
		if (handlers[irq].handler != NULL)
			handlers[irq].handler(handlers[irq].arg);
		break;
	}
}

bool rumpkern_intr(unsigned irq, struct rumpuser_trapframe *tf)
{
	struct cpu_info *ci = curcpu();

	ci->ci_cpu.ilevel = 1;
	cpu_intr(ci, irq);
	ci->ci_cpu.ilevel = 0;
	return (ci->ci_cpu.ipending & 1) && curlwp != ci->ci_idle;
}

void cpu_deliver(void)
{
	struct cpu_info *ci = curcpu();
	uint64_t pending;

	pending = __atomic_fetch_and(&ci->ci_cpu.ipending, 1, __ATOMIC_ACQ_REL) & ~1ULL;
	while (pending != 0) {
		unsigned irq = (unsigned)__builtin_ctzll(pending);
		pending &= pending - 1;
		cpu_intr(ci, irq);
		rumpuser_intr_replayed(irq);
	}
	if ((ci->ci_cpu.ipending & 1) && curlwp != ci->ci_idle)
		sched_preempt(); /* clears the bit */
}

void cpu_release_pending(void)
{
	struct cpu_info *ci;

	do {
		cpu_hold();
		ci = curcpu();
		if (cpu_ilevel() != 1) /* an interrupt came in between and has done it */
			panic("interrupt level");
		if (curlwp == ci->ci_idle && ci->ci_cpu.ipending == 1) {
			__asm__ volatile("decl %%gs:40" ::: "memory", "cc");
			break;
		}
		cpu_deliver();
		__asm__ volatile("decl %%gs:40" ::: "memory", "cc");
	} while (curcpu()->ci_cpu.ipending != 0);
}

int intr_establish(unsigned irq, void (*handler)(void *), void *arg)
{
	int error = 0;

	if (irq <= RUMPUSER_IRQ_IPI || irq >= RUMPUSER_IRQ_MAX)
		return EINVAL;
	cpu_hold();
	if (handlers[irq].handler != NULL) {
		error = EBUSY;
	} else {
		handlers[irq].arg = arg;
		__atomic_store_n(&handlers[irq].handler, handler, __ATOMIC_RELEASE);
	}
	cpu_release();
	return error;
}

static unsigned stopped; /* CPUs that have come to cpu_stop() */

void cpu_stop(void)
{
	cpu_hold();
	__atomic_fetch_or(&stopped, 1U << cpu_index(), __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("pause");
}

void cpu_stop_others(void)
{
	uint64_t end = rumpuser_clock_monotonic() + STOP_PATIENCE;
	unsigned others = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		if (i != cpu_index() && cpu_infos[i] != NULL && cpu_infos[i]->ci_online) {
			others |= 1U << i;
			rumpuser_cpu_ipi(i);
		}
	while ((others & ~__atomic_load_n(&stopped, __ATOMIC_ACQUIRE)) &&
	       rumpuser_clock_monotonic() < end)
		__asm__ volatile("pause");
	for (others &= ~stopped; others != 0; others &= others - 1)
		kprintf("kiln: CPU %d does not stop\n", __builtin_ctz(others));
}
