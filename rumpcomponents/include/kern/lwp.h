/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwps: threads of the program and of the kernel.
 *
 * Field legend: (s) the run-queue lock of l_cpu, (p) proc_lock, (l) only the lwp
 * itself, (c) constant after creation, (a) atomic.
 */
#ifndef KERN_LWP_H
#define KERN_LWP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <kern/callout.h>
#include <kern/mutex.h>

struct cpu_info;
struct proc;
struct rumpuser_trapframe;
struct sigctx;

enum lwp_state { LSIDL, LSRUN, LSONPROC, LSSLEEP, LSZOMB };

/* Bits of l_userret: why the system-call return path leaves its fast lane. */
#define LW_PENDSIG 0x01 /* a deliverable signal may be pending */
#define LW_EXIT	   0x04 /* the program is ending: this lwp must go */

struct lwp {
	volatile uint32_t l_userret; /* (a) LW_*; offset 0: read by the entry stubs */
	int l_lid;		     /* (c) thread id as the program sees it, 1.. */
	enum lwp_state l_stat;	     /* (s) */
	int l_priority;		     /* (s) higher runs first; PRI_*; follows l_newpriority */
	struct cpu_info *l_cpu;	     /* (a) where it runs or last ran, or is about to be queued */
	uint64_t l_affinity;	     /* (a) CPUs it may run on */
	uintptr_t l_rsp;	     /* (s) saved kernel stack pointer while not running */
	uintptr_t l_kstack_base, l_kstack_top; /* (c) */
	uintptr_t l_tls;		       /* (l) FS base */
	void *l_fpu;		 /* (c) save area of vector state, top of the kernel stack */
	TAILQ_ENTRY(lwp) l_runq; /* (s) */
	struct sleepq *l_sleepq; /* queue it sleeps on, NULL if none; kern/base */
	struct lwp *l_sleepnext, **l_sleepprevp;
	uint64_t l_wakeup; /* sleep deadline, UINT64_MAX if none */
	int l_sleeperror;  /* why the sleep ended */
	const char *l_wmesg;
	bool l_kernel;			    /* (c) a kernel lwp: no program state */
	bool l_sinterruptible;		    /* sleeping in a _sig wait */
	uint64_t l_cputime, l_onproc_since; /* (s) ns */
	int l_newpriority;		    /* (a) as last set */
	struct cpu_info *l_queued;	    /* whose run queue it is on; under that one's lock */
	char l_name[16];		    /* (l) PR_SET_NAME */
	int *l_clear_child_tid;		    /* (l) zeroed and futex-woken at exit */
	void *l_robust_list;		    /* (l) */
	struct sigctx *l_sigctx;    /* (c) kern/signal's; NULL if not linked or kernel lwp */
	TAILQ_ENTRY(lwp) l_list;    /* (p) all lwps */
	volatile uint32_t l_oncpu;  /* (a) its registers are on a CPU: nobody else may run it */
	bool l_fpulive;		    /* (l) the vector registers are the interrupted program's */
	bool l_bound;		    /* (c) stays on l_cpu */
	bool l_exiting;		    /* (p) its process does not count it (any more) */
	bool l_futexdead;	    /* (p) it ends, and its futexes have been handed on */
	volatile bool l_migrating;  /* (s) leaves its CPU to be queued elsewhere */
	bool l_rtslice;		    /* (s) SCHED_RR: shares its priority by time slices */
	uint8_t l_policy, l_rtprio; /* (p) SCHED_* and priority as the program set them */
	struct callout l_timeout;   /* ends a timed sleep */
	struct proc *l_proc;	    /* (c) whose it is; proc_first for kernel lwps */
#ifdef LOCKDEBUG
	struct lock_list l_held; /* (l) locks that may sleep */
#endif
};

_Static_assert(offsetof(struct lwp, l_userret) == 0, "entry stubs rely on it");

#define PRI_IDLE    0
#define PRI_USER    1 /* the program's threads, SCHED_OTHER */
#define PRI_USER_RT 2 /* ..65: SCHED_FIFO/RR of the program */
#define PRI_KTHREAD 66
#define PRI_SOFTINT 70

/*
 * Start a kernel lwp running func(arg).  It ends by returning.  cpu < 0: any
 * CPU.  ENOMEM, EAGAIN.  May sleep.
 */
int kthread_create(int priority, int cpu, void (*func)(void *), void *arg, const char *name);

/* A thread of p: starts in program mode at pc with stack pointer sp, rdi = arg, FS = tls. */
int lwp_create_user(
    struct proc *p, uintptr_t pc, uintptr_t sp, uintptr_t arg, uintptr_t tls, struct lwp **lp);
/* Make an lwp of lwp_create_user() run. */
void lwp_start(struct lwp *l);
/* The same, but it begins with func(arg) in the kernel. */
void lwp_start_kernel(struct lwp *l, void (*func)(void *), void *arg);
/* End the calling lwp; the last one of a process ends the process. */
void lwp_exit(void) __attribute__((noreturn));
/* The program ends: all lwps stop, component hooks run, power off. */
void proc_exit(int status) __attribute__((noreturn));
void proc_killed(int signo) __attribute__((noreturn));
/*
 * The power button, or the launcher's wish: SIGTERM to the program.  From an lwp or a soft
 * interrupt; returns unless that ends the program.
 */
void proc_power_button(void);
/* By thread id; NULL if none.  proc_lock held by the caller. */
struct lwp *lwp_find(int lid);
extern kmutex_t proc_lock; /* MUTEX_DEFAULT; the list of lwps */
TAILQ_HEAD(lwplist, lwp);
extern struct lwplist alllwp; /* (p) */

/* Break an interruptible sleep of l (signals).  Any context, no lock needed but l must stay alive.
 */
void lwp_interrupt(struct lwp *l);
/* Give up the CPU to others of the same or higher priority. */
void lwp_yield(void);
/* Absolute monotonic deadline.  EWOULDBLOCK at the deadline, EINTR/ERESTART on a signal. */
int lwp_sleep_until(uint64_t deadline, const char *wmesg);

/*
 * Hooks of components that may not be linked: test the address before calling.
 * sig_pending() is asked by interruptible sleeps: 0, EINTR or ERESTART.
 */
int sig_pending(struct lwp *l) __attribute__((weak));
/* A program thread is made (by curlwp; at boot by a kernel lwp) and freed.  0 or ENOMEM. */
int sig_lwp_create(struct lwp *l) __attribute__((weak));
void sig_lwp_destroy(struct lwp *l) __attribute__((weak));
/* kern/proc: a program lwp ends; runs on it, may sleep. */
void proc_lwp_exit(struct lwp *l) __attribute__((weak));

/* Run by proc_exit() before power off: LINK_SET_ADD(shutdown_hooks, function).  May sleep. */
typedef void shutdown_hook_t(void);

/* What the platform said at boot: image, root file system, memory. */
struct rumpuser_bootinfo;
extern const struct rumpuser_bootinfo *kern_bootinfo;

/* Change priority, or the CPUs it may run on (bits of cpu_index(); EINVAL if none exists). */
void lwp_set_priority(struct lwp *l, int priority);
int lwp_set_affinity(struct lwp *l, uint64_t cpus);
/* CPU time used so far, ns; of one lwp, and of this process's, also those that have ended (which
 * takes proc_lock). */
uint64_t lwp_cputime(struct lwp *l);
uint64_t proc_cputime(void);
/* Load FS, for the calling lwp. */
void lwp_set_tls(uintptr_t tls);

#endif
