/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern/signal's own.
 *
 * One spin lock, sig_lock, guards all masks, pending sets, queues and actions: it
 * is held for a few instructions.  LOCK ORDER: proc_lock, then sig_lock.
 */
#ifndef SIGNAL_IMPL_H
#define SIGNAL_IMPL_H

#include <rumpuser.h> /* before <kern/cpu.h>, which defines curlwp */
#include <signal.h>
#include <sys/queue.h>
#include <kern/cpu.h>
#include <kern/lwp.h>
#include <kern/signalvar.h>
#include <kern/systm.h>

#define NSIGNALS 64
#define SIGBIT(signo) (1ULL << ((signo)-1))
#define SIG_CANNOT_BLOCK (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
#define SIG_RT_FIRST 32

/* The kernel's struct sigaction, as libc passes it. */
struct k_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

struct sig_queued {
	TAILQ_ENTRY(sig_queued) sq_entry;
	siginfo_t sq_info;
};
TAILQ_HEAD(sig_queue, sig_queued);

/* What waits: a bit per signal, and for those that carry something their information. */
struct sig_pending {
	uint64_t sp_set;
	struct sig_queue sp_queue;
};

struct sigctx {
	struct sig_pending sc_pending;
	uint64_t sc_mask;
	uint64_t sc_oldmask;	/* comes back after the call, if sc_suspended */
	bool sc_suspended;
	bool sc_cancel;		/* libc wants the next sleep to fail */
	uint64_t sc_waiting;	/* sigtimedwait's set */
	kcondvar_t sc_cv;	/* sigtimedwait */
	stack_t sc_stack;	/* sigaltstack */
};

extern kmutex_t sig_lock;
extern struct sig_pending sig_proc_pending;
extern struct k_sigaction sig_actions[NSIGNALS];

/* All below: sig_lock held. */
bool sig_is_ignored(int signo);
/* Take the most urgent signal of `set` that is pending for l or the process; 0 if none. */
int sig_take(struct lwp *l, uint64_t set, siginfo_t *info);
/* Forget signo wherever it is pending (it is ignored now). */
void sig_flush(struct sig_pending *sp, uint64_t set);
/* Does l have anything to look at on its way out? */
static inline uint64_t sig_deliverable(const struct sigctx *sc)
{
	return (sc->sc_pending.sp_set | sig_proc_pending.sp_set) & ~sc->sc_mask;
}
/* Change the mask of the current lwp and note what became deliverable. */
void sig_set_mask(struct sigctx *sc, uint64_t mask);

/*
 * Make tf enter the handler of act, with a frame on the program's stack that sigreturn
 * undoes; oldmask comes back then.  May sleep.  EFAULT: no room for the frame.
 */
int sig_push_frame(struct rumpuser_trapframe *tf, const struct k_sigaction *act, const siginfo_t *info,
    uint64_t oldmask);

#endif
