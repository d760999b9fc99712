/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of signals when processes come and go; kern/exec calls this. */
#include <kern/kmem.h>
#include "signal_impl.h"

int sig_proc_fork(struct proc *new)
{
	struct sigproc *sp = kmem_zalloc(sizeof(*sp));

	if (!sp)
		return ENOMEM;
	sp->sp_proc = new;
	LIST_INIT(&sp->sp_contexts);
	STAILQ_INIT(&sp->sp_pend.sp_queue);
	mutex_enter(&sig_lock);
	memcpy(sp->sp_actions, curproc->p_sig->sp_actions, sizeof(sp->sp_actions));
	mutex_exit(&sig_lock);
	new->p_sig = sp;
	return 0;
}

void sig_proc_exit(struct proc *p)
{
	ksi_gone_t *gone;

	if (curproc == p && curlwp->l_sigctx)
		sig_lwp_destroy(curlwp);
	mutex_enter(&sig_lock);
	gone = sig_flush(p->p_sig, ~UINT64_C(0));
	mutex_exit(&sig_lock);
	if (gone)
		gone(NULL);
	kmem_free(p->p_sig, sizeof(*p->p_sig));
	p->p_sig = NULL;
}

/* What is ignored stays ignored; there are no handlers any more. */
void sig_proc_exec(void)
{
	struct sigproc *sp = curproc->p_sig;
	struct sigctx *sc = curlwp->l_sigctx;

	mutex_enter(&sig_lock);
	for (int i = 0; i < SIG_NUM; i++) {
		if (sp->sp_actions[i].handler != SIG_IGN)
			sp->sp_actions[i].handler = SIG_DFL;
		sp->sp_actions[i].flags = 0;
		sp->sp_actions[i].mask = 0;
	}
	mutex_exit(&sig_lock);
	sc->sc_altstack = (stack_t){.ss_flags = SS_DISABLE};
	sc->sc_restore = sc->sc_cancel = sc->sc_cancelled = false;
}

bool sig_proc_child(struct proc *parent, const struct proc *child)
{
	int signo = child->p_wait & 0x7f;
	const struct k_sigaction *act = &parent->p_sig->sp_actions[SIGCHLD - 1];
	siginfo_t info = {.si_signo = SIGCHLD,
	    .si_code = signo == 0	      ? CLD_EXITED
		       : child->p_wait & 0x80 ? CLD_DUMPED
					      : CLD_KILLED};
	bool unwanted;

	info.si_pid = child->p_pid;
	info.si_status = signo ? signo : child->p_wait >> 8;
	mutex_enter(&sig_lock);
	unwanted = act->handler == SIG_IGN || act->flags & SA_NOCLDWAIT;
	mutex_exit(&sig_lock);
	(void)sig_queue(parent->p_sig, &info, false);
	return unwanted;
}

int sig_next(void)
{
	struct sigctx *sc = curlwp->l_sigctx;
	siginfo_t info;

	__atomic_fetch_and(&curlwp->l_userret, ~(uint32_t)LW_PENDSIG, __ATOMIC_SEQ_CST);
	return sc ? sig_take(sc, ~UINT64_C(0), &info, NULL) : 0;
}
