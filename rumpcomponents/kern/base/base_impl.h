/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern/base's own: the per-CPU block and the scheduler's inner interface.
 *
 * LOCK ORDER: callout heap lock, then a sleep queue's lock, then a run queue's
 * lock.  All are spin locks, taken with cpu_hold() in force, never two of a kind.
 *
 * ilevel belongs to the CPU, so an lwp enters the scheduler with ilevel exactly
 * 1 and finds it 1 when it runs again, perhaps on another CPU.
 */
#ifndef BASE_IMPL_H
#define BASE_IMPL_H

#include <rumpuser.h>
static inline void rumpuser_set_curlwp(
    struct rumpuser_cpu *cpu, void *l) /* before the macro is defined */
{
	cpu->curlwp = l;
}
#include <sys/queue.h>
#include <kern/callout.h>
#include <kern/cpu.h>
#include <kern/cpu_fpu.h>
#include <kern/lockdebug.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/proc.h>
#include <kern/softint.h>
#include <kern/spin.h>
#include <kern/systm.h>

/* Size of a kernel stack without the vector save area; tests paint it to see what is used. */
#ifdef LOCKDEBUG
#define KSTACK_SIZE 16384
#else
#define KSTACK_SIZE 8192
#endif
#define SLICE_NS 10000000ULL
#define KICK_NS	 500000ULL

/* Run-queue levels; within one, lwps are sorted by priority. */
enum { RQ_USER, RQ_RT, RQ_KTHREAD, RQ_SOFTINT, RQ_NLEVELS };

struct cpu_info {
	struct rumpuser_cpu ci_cpu; /* what GS points at */
	volatile uint32_t ci_lock;  /* run queue */
	uint32_t ci_runbits;	    /* levels that are not empty */
	TAILQ_HEAD(runq, lwp) ci_runq[RQ_NLEVELS];
	volatile uint32_t ci_nrun; /* lwps queued */
	struct lwp *ci_onproc;	   /* what runs; under ci_lock */
	volatile int ci_curpri;	   /* priority of what runs */
	struct lwp *ci_idle;
	uintptr_t ci_tls; /* what FS holds */

	struct lwp *ci_softlwp;
	volatile uint64_t ci_softpend; /* this CPU only, held */
	volatile uint64_t ci_softrun;  /* taken over from ci_softpend, not yet done */
	bool ci_softidle;	       /* the soft-interrupt lwp waits for work */

	uint64_t ci_timer;     /* deadline that the timer is set to */
	uint64_t ci_slice_end; /* UINT64_MAX: nobody waits for a turn */
	uint64_t ci_kick_at;   /* when to wake an idle CPU for what waits here; UINT64_MAX: never */
	volatile uint32_t ci_callout_lock;
	struct callout *ci_callouts; /* heap */
	struct callout *ci_due;	     /* come due, for the soft interrupt */
	struct callout *volatile ci_callout_running;
	struct lwp *ci_zombies; /* to be freed by the soft interrupt */
	bool ci_tail;		/* the running lwp has used up its slice */
	volatile bool ci_online;
};

extern struct cpu_info *cpu_infos[RUMPUSER_MAXCPUS];

#ifdef KILN_NATIVE
struct cpu_info *curcpu(void); /* the test's */
#else
static inline __attribute__((always_inline)) struct cpu_info *curcpu(void)
{
	struct cpu_info *ci;
	__asm__ volatile("movq %%gs:0, %0" : "=r"(ci));
	return ci;
}
#endif

static inline uint32_t cpu_ilevel(void)
{
	uint32_t n;
	__asm__ volatile("movl %%gs:40, %0" : "=r"(n));
	return n;
}

/* cpu.c */
void cpu_init(struct cpu_info *ci, unsigned index);
/* Have ci reschedule soon.  Any CPU; this one is held. */
void cpu_need_resched(struct cpu_info *ci);
/* Deliver what was held off, and let others run.  => ilevel 1.  <= ilevel 1, maybe another CPU. */
void cpu_deliver(void);
/* Have the running lwp looked at again within a millisecond: see rumpkern_preempt().  Any context.
 */
void cpu_look_again(void);
/* Make the timer come at deadline at the latest.  This CPU, held. */
void cpu_timer_at(struct cpu_info *ci, uint64_t deadline);
/* For the last report: this CPU does nothing any more; the others are to do the same. */
void cpu_stop(void) __attribute__((noreturn));
void cpu_stop_others(void);

/* sched.c */
void sched_init(struct cpu_info *ci);
/* Make l, which is on no queue, runnable.  Held. */
void sched_enqueue(struct lwp *l);
/* The current lwp sleeps or ends: run another.  ilevel 1 before and after. */
void sched_block(void);
/* The current lwp goes to the head (preempted) or tail of its queue.  ilevel 1. */
void sched_yield_cpu(bool tail);
/* A preemption is due (bit 0 of ipending).  ilevel 1. */
void sched_preempt(void);
/* From this CPU's timer interrupt: is a slice over?  Returns when to look again. */
uint64_t sched_tick(struct cpu_info *ci, uint64_t now);
/* First thing on a new lwp's stack: finish the switch from prev. */
void sched_switched(struct lwp *prev);
void sched_idle_loop(void) __attribute__((noreturn));

/*
 * Does a lock's owner (with or without flags) run on another CPU?  lwps come from a pool and stay
 * readable, so a stale one does no harm.
 */
static inline bool mutex_owner_runs(uintptr_t owner)
{
	const struct lwp *l = (const struct lwp *)(owner & ~3UL);

	return cpu_count > 1 && l != NULL &&
	       *(const volatile enum lwp_state *)&l->l_stat == LSONPROC;
}

/* switch.S */
struct lwp *cpu_switchto(struct lwp *old, struct lwp *new);
/* Start of every lwp, laid out by cpu_lwp_frame(). */
void cpu_lwp_trampoline(void);
void cpu_lwp_frame(struct lwp *l, void (*func)(void *), void *arg);
/* Leave the kernel stack for good, go on in the program. */
void cpu_enter_program(uintptr_t pc, uintptr_t sp, uintptr_t arg) __attribute__((noreturn));

/* fpu.c */
void cpu_fpu_init(void);

/* sleepq.c */
static inline void sleepq_init(struct sleepq *sq)
{
	sq->sq_first = NULL;
	sq->sq_lastp = &sq->sq_first;
}
void sleepq_lock(const struct sleepq *sq); /* holds the CPU */
void sleepq_unlock(const struct sleepq *sq);
/* Queue the current lwp.  sq locked; then unlock it but keep the CPU held, and sleepq_block(). */
void sleepq_enter(struct sleepq *sq, const char *wmesg, bool interruptible);
/* Same lock dropped, CPU still held. */
void sleepq_unlock_held(const struct sleepq *sq);
/* Sleep if nobody has woken us yet.  ilevel 1 before, 0 after.  0, EWOULDBLOCK, EINTR, ERESTART. */
int sleepq_block(uint64_t deadline);
/* Wake the first; false if none.  sq locked. */
bool sleepq_wake_one(struct sleepq *sq);
void sleepq_wake_all(struct sleepq *sq);
static inline bool sleepq_empty(const struct sleepq *sq)
{
	return __atomic_load_n(&sq->sq_first, __ATOMIC_RELAXED) == NULL;
}

/* callout.c */
#define CALLOUT_INTR 1 /* runs in the timer interrupt, under the heap's lock */
void callout_intr(struct cpu_info *ci, uint64_t now);
void callout_softint(struct cpu_info *ci);

/* lwp.c */
struct lwp *lwp_alloc(int priority, const char *name);
void lwp_free(struct lwp *l);
void lwp_reap(struct cpu_info *ci);

/* softint.c */
#define SOFTINT_CALLOUT 0 /* kern/base's own */
#define SOFTINT_REAP	1
#define SOFTINT_POWER	2
#define SOFTINT_FIRST	3
void softint_schedule_bit(unsigned bit);
void softint_thread(void *arg);

/* trap.c */
bool cpu_frame_in_program(const struct rumpuser_trapframe *tf);

/* crash.c */
struct rumpuser_trapframe;
void base_crash_program(const struct rumpuser_trapframe *tf, int signo, int code, uintptr_t addr)
    __attribute__((noreturn));
void base_crash_kernel(const struct rumpuser_trapframe *tf, const char *why)
    __attribute__((noreturn));
bool base_panicking(void);
extern int base_panic_cpu; /* -1, or the CPU that gives the last report */
extern const struct rumpuser_trapframe *base_crash_frame;

/* program.c: make the program's first stack and enter it. */
void base_start_program(void) __attribute__((noreturn));

#endif
