/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs: who is running here, and holding off interrupts.  ilevel counts the
 * reasons why neither an interrupt handler nor a preemption may run on this
 * CPU (rumpuser.h explains it); it nests and belongs to the CPU.
 */
#ifndef KERN_CPU_H
#define KERN_CPU_H

#include <stdint.h>

struct lwp;
struct cpu_info;

#ifdef KILN_NATIVE
/* Native tests: one thread of the host is one lwp; see tests/unit/support. */
extern __thread struct lwp *native_curlwp;
extern __thread unsigned native_cpu; /* 0, unless a test says otherwise */
#define curlwp native_curlwp
static inline void cpu_hold(void)
{
}
static inline void cpu_release(void)
{
}
static inline unsigned cpu_index(void)
{
	return native_cpu;
}
#else
/* The running lwp.  One load; valid wherever this lwp runs. */
static inline __attribute__((always_inline)) struct lwp *cpu_curlwp(void)
{
	struct lwp *l;
	__asm__("movq %%gs:8, %0" : "=r"(l));
	return l;
}
#define curlwp cpu_curlwp()

/* Hold off interrupts and preemption on this CPU.  Nests; never sleep inside. */
static inline __attribute__((always_inline)) void cpu_hold(void)
{
	__asm__ volatile("incl %%gs:40" ::: "memory", "cc");
}

/* Deliver what was held off: called with ilevel 1, leaves it 0. */
void cpu_release_pending(void);

/* Undo one cpu_hold(); the last one delivers what arrived meanwhile. */
static inline __attribute__((always_inline)) void cpu_release(void)
{
	uint8_t last;
	uint64_t pending;
	__asm__ volatile("decl %%gs:40\n\tsetz %0" : "=q"(last)::"memory", "cc");
	if (last) {
		__asm__ volatile("movq %%gs:32, %0" : "=r"(pending)::"memory");
		if (__builtin_expect(pending != 0, 0))
			cpu_release_pending();
	}
}

/* Number of this CPU; stable only inside cpu_hold(). */
static inline unsigned cpu_index(void)
{
	unsigned n;
	__asm__ volatile("movl %%gs:44, %0" : "=r"(n));
	return n;
}
#endif

/* CPUs that run lwps.  Constant once they have been started, before RUMP_PHASE_KERN. */
extern unsigned cpu_count;

#endif
