/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivering signals: on the way back to the program, from a system call, a trap or a
 * preemption, the frame that would be resumed is changed to enter a handler.
 */
#include <kern/syscallframe.h>
#include "signal_impl.h"

/* Take the next signal that l has to act on, its action and what its handler returns to. */
static int next_signal(struct lwp *l, siginfo_t *info, struct k_sigaction *act, uint64_t *oldmask)
{
	struct sigctx *sc = l->l_sigctx;
	int signo;

	mutex_enter(&sig_lock);
	do
		signo = sig_take(l, ~sc->sc_mask, info);
	while (signo && sig_is_ignored(signo));
	if (signo) {
		*act = sig_actions[signo - 1];
		*oldmask = sc->sc_suspended ? sc->sc_oldmask : sc->sc_mask;
		sc->sc_suspended = false;
		if (act->handler != SIG_DFL) {
			if (act->flags & SA_RESETHAND)
				sig_actions[signo - 1].handler = SIG_DFL;
			sc->sc_mask |= act->mask | (act->flags & SA_NODEFER ? 0 : SIGBIT(signo));
			sc->sc_mask &= ~SIG_CANNOT_BLOCK;
		}
	} else {
		__atomic_fetch_and(&l->l_userret, ~LW_PENDSIG, __ATOMIC_SEQ_CST);
		if (sc->sc_suspended) {
			sc->sc_suspended = false;
			sig_set_mask(sc, sc->sc_oldmask);
		}
	}
	mutex_exit(&sig_lock);
	return signo;
}

void sig_userret_trap(struct rumpuser_trapframe *tf)
{
	struct lwp *l = curlwp;
	struct k_sigaction act;
	uint64_t oldmask;
	siginfo_t info;
	int signo;

	while (l->l_sigctx && (signo = next_signal(l, &info, &act, &oldmask)) != 0) {
		if (act.handler == SIG_DFL)
			proc_killed(signo);
		if (tf->err == ERESTART && tf->trapno == RUMPUSER_TRAPNO_INTR && !(act.flags & SA_RESTART))
			syscall_eintr(tf);
		if (sig_push_frame(tf, &act, &info, oldmask) != 0) {
			kprintf("kiln: no stack for the handler of signal %d\n", signo);
			proc_killed(SIGSEGV);
		}
	}
}

bool sig_trap(struct rumpuser_trapframe *tf, int signo, int code, uintptr_t addr)
{
	struct sigctx *sc = curlwp->l_sigctx;
	siginfo_t info = {.si_signo = signo, .si_code = code};
	struct k_sigaction act;
	uint64_t oldmask;
	bool handled;

	if (!sc)
		return false;
	info.si_addr = (void *)addr;
	mutex_enter(&sig_lock);
	act = sig_actions[signo - 1];
	oldmask = sc->sc_mask;
	handled = act.handler != SIG_DFL && act.handler != SIG_IGN && !(oldmask & SIGBIT(signo));
	if (handled) {
		if (act.flags & SA_RESETHAND)
			sig_actions[signo - 1].handler = SIG_DFL;
		sc->sc_mask |= act.mask | (act.flags & SA_NODEFER ? 0 : SIGBIT(signo));
		sc->sc_mask &= ~SIG_CANNOT_BLOCK;
	}
	mutex_exit(&sig_lock);
	return handled && sig_push_frame(tf, &act, &info, oldmask) == 0;
}
