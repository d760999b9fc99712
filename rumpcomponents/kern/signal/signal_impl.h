/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern/signal's own.
 *
 * One spin lock, sig_lock, guards everything: actions, pending sets, masks.  A mask is
 * written by its own lwp only.  LOCK ORDER: sig_lock, then sleep queues.
 *
 * INVARIANT: an lwp that could deliver a pending signal has LW_PENDSIG set in l_userret.
 * The bit may also be set for nothing; who looks finds nothing and clears it.
 */
#ifndef SIGNAL_IMPL_H
#define SIGNAL_IMPL_H

#include <rumpuser.h> /* before <kern/cpu.h>, which defines curlwp */
#include <signal.h>
#include <sys/queue.h>
#include <kern/cpu.h>
#include <kern/lwp.h>
#include <kern/mutex.h>
#include <kern/proc.h>
#include <kern/signalvar.h>
#include <kern/systm.h>

#define SIG_NUM		64
#define SIG_RTMIN	32 /* the kernel's; libc keeps the first few for itself */
#define SIG_BIT(signo)	(UINT64_C(1) << ((signo)-1))
#define SIG_UNBLOCKABLE (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
/* What is ignored by default; there is nobody who could continue a stopped program. */
#define SIG_DEFAULT_IGNORED                                                                        \
	(SIG_BIT(SIGCHLD) | SIG_BIT(SIGCONT) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH) |               \
	    SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))

/* As libc passes it. */
struct k_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};
_Static_assert(sizeof(struct k_sigaction) == 32, "libc's layout");

struct sigpend {
	uint64_t sp_set;
	STAILQ_HEAD(, ksiginfo)
	sp_queue; /* in order of arrival; may lack an entry for a standard signal */
};

/* What a process has; guarded by sig_lock. */
struct sigproc {
	struct proc *sp_proc;
	LIST_HEAD(, sigctx) sp_contexts; /* of its lwps */
	struct sigpend sp_pend;		 /* sent to the process */
	struct k_sigaction sp_actions[SIG_NUM];
};

/* Fields: (s) sig_lock, (l) the lwp itself only, (c) constant. */
struct sigctx {
	struct sigproc *sc_proc;    /* (c) */
	LIST_ENTRY(sigctx) sc_list; /* (s) */
	struct lwp *sc_lwp;
	uint64_t sc_mask;	/* (s) blocked; read by its lwp without the lock */
	uint64_t sc_wait;	/* (s) signals it sleeps for although they are blocked */
	struct sigpend sc_pend; /* (s) sent to this lwp */
	uint64_t sc_oldmask;	/* (l) comes back when the call ends, if sc_restore */
	bool sc_restore;	/* (l) */
	bool sc_cancel;		/* (l) the next sleep fails with EINTR */
	bool sc_cancelled;	/* (l) it did */
	stack_t sc_altstack;	/* (l) */
};

extern kmutex_t sig_lock;
/* Set while a signalfd is open: tells pollers that something has become pending. */
extern void (*volatile sig_notify)(void);

static inline bool sig_valid(int signo)
{
	return signo > 0 && signo <= SIG_NUM;
}

/* Is it of no effect if delivered now?  sig_lock held. */
bool sig_ignored(const struct sigproc *sp, int signo);
/*
 * Queue info->si_signo for the process.  EAGAIN: a signal that queues (`queue`) finds no room.
 */
int sig_queue(struct sigproc *sp, const siginfo_t *info, bool queue);
/* Queue for its thread lid.  ESRCH. */
int sig_queue_lid(struct sigproc *sp, int lid, const siginfo_t *info, bool queue);
/*
 * Take one of `set` that is pending for sc: private ones first, faults first, low numbers first.
 * act (may be NULL) is its action at this moment, after which SA_RESETHAND has effect. 0: none.
 */
int sig_take(struct sigctx *sc, uint64_t set, siginfo_t *info, struct k_sigaction *act);
uint64_t sig_pendingset(struct sigctx *sc);
/* Change the calling lwp's mask; what becomes deliverable is noticed. */
void sig_setmask(uint64_t mask);
/* The calling lwp takes these, blocked or not, until it says otherwise. */
void sig_setwait(uint64_t set);
/* Forget all instances pending in a process.  sig_lock held; the result, if any, is to be called
 * without, with NULL. */
ksi_gone_t *sig_flush(struct sigproc *sp, uint64_t set);
/* Fill in an info of a signal from the program itself. */
void sig_makeinfo(siginfo_t *info, int signo, int code);
/* Sleep until one of set is taken into info, or deadline: EAGAIN, EINTR, ERESTART. */
int sig_wait(uint64_t set, siginfo_t *info, uint64_t deadline, int *signo);
int sig_getset(const uint64_t *uset, size_t size, uint64_t *set);

#endif
