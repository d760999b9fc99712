/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending signals: pending sets, queues, and whom to wake. */
#include <kern/component.h>
#include <kern/kmem.h>
#include "signal_impl.h"

#define DEFAULT_IGNORED                                                                            \
	(SIGBIT(SIGCHLD) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH) | SIGBIT(SIGCONT) | SIGBIT(SIGSTOP) | \
	    SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))

kmutex_t sig_lock;
struct sig_pending sig_proc_pending = {.sp_queue = TAILQ_HEAD_INITIALIZER(sig_proc_pending.sp_queue)};
struct k_sigaction sig_actions[NSIGNALS];
void (*sig_arrived)(int signo); /* kern/signalfd's, if linked */

static POOL_DEFINE(queued_pool, sizeof(struct sig_queued), "siginfo");
static POOL_DEFINE(sigctx_pool, sizeof(struct sigctx), "sigctx");

bool sig_is_ignored(int signo)
{
	void (*handler)(int) = sig_actions[signo - 1].handler;

	return handler == SIG_IGN || (handler == SIG_DFL && SIGBIT(signo) & DEFAULT_IGNORED);
}

/* Add a signal to a pending set; false if it is there already. */
static bool add_pending(struct sig_pending *sp, int signo, const siginfo_t *info)
{
	struct sig_queued *q;

	if (signo < SIG_RT_FIRST && sp->sp_set & SIGBIT(signo))
		return false;
	sp->sp_set |= SIGBIT(signo);
	/* Without memory the signal arrives with nothing to tell, as POSIX allows. */
	q = info ? pool_get(&queued_pool) : NULL;
	if (q) {
		q->sq_info = *info;
		q->sq_info.si_signo = signo;
		TAILQ_INSERT_TAIL(&sp->sp_queue, q, sq_entry);
	}
	return true;
}

static void take_info(struct sig_pending *sp, int signo, siginfo_t *info)
{
	struct sig_queued *q, *found = NULL;
	bool more = false;

	TAILQ_FOREACH(q, &sp->sp_queue, sq_entry)
	{
		if (q->sq_info.si_signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = SI_USER;
	if (found) {
		*info = found->sq_info;
		TAILQ_REMOVE(&sp->sp_queue, found, sq_entry);
		pool_put(&queued_pool, found);
	}
	if (!more)
		sp->sp_set &= ~SIGBIT(signo);
}

int sig_take(struct lwp *l, uint64_t set, siginfo_t *info)
{
	static const uint64_t faults =
	    SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) | SIGBIT(SIGSYS);
	struct sig_pending *sp = &l->l_sigctx->sc_pending;
	uint64_t ready = sp->sp_set & set;
	int signo;

	if (!ready) {
		sp = &sig_proc_pending;
		ready = sp->sp_set & set;
	}
	if (!ready)
		return 0;
	if (ready & faults)
		ready &= faults;
	signo = __builtin_ctzll(ready) + 1;
	take_info(sp, signo, info);
	return signo;
}

void sig_flush(struct sig_pending *sp, uint64_t set)
{
	struct sig_queued *q, *next;

	sp->sp_set &= ~set;
	for (q = TAILQ_FIRST(&sp->sp_queue); q; q = next) {
		next = TAILQ_NEXT(q, sq_entry);
		if (!(SIGBIT(q->sq_info.si_signo) & set))
			continue;
		TAILQ_REMOVE(&sp->sp_queue, q, sq_entry);
		pool_put(&queued_pool, q);
	}
}

static bool accepts(const struct lwp *l, int signo)
{
	return !l->l_kernel && l->l_sigctx && !(l->l_sigctx->sc_mask & SIGBIT(signo));
}

/* Have l look at its signals.  sig_lock held. */
static void alert(struct lwp *l, int signo)
{
	struct sigctx *sc = l->l_sigctx;

	if (sc->sc_waiting & SIGBIT(signo))
		cv_broadcast(&sc->sc_cv);
	if (sc->sc_mask & SIGBIT(signo))
		return;
	__atomic_fetch_or(&l->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
	lwp_interrupt(l);
}

void sig_send_lwp(struct lwp *l, int signo, const siginfo_t *info)
{
	struct sigctx *sc = l->l_sigctx;

	if (signo < 1 || signo > NSIGNALS || !sc)
		return;
	mutex_enter(&sig_lock);
	if (!(sig_is_ignored(signo) && accepts(l, signo)) && add_pending(&sc->sc_pending, signo, info))
		alert(l, signo);
	mutex_exit(&sig_lock);
	if (sig_arrived)
		sig_arrived(signo);
}

/* The lwp that shall take a signal for the process: this one, else the first that does not block it. */
static struct lwp *choose(int signo)
{
	struct lwp *l, *waiter = NULL;

	if (accepts(curlwp, signo))
		return curlwp;
	TAILQ_FOREACH(l, &alllwp, l_list)
	{
		if (accepts(l, signo))
			return l;
		if (!l->l_kernel && l->l_sigctx && l->l_sigctx->sc_waiting & SIGBIT(signo))
			waiter = l;
	}
	return waiter;
}

void sig_send_proc(int signo, const siginfo_t *info)
{
	struct lwp *l;

	if (signo < 1 || signo > NSIGNALS)
		return;
	mutex_enter(&proc_lock);
	mutex_enter(&sig_lock);
	l = choose(signo);
	if (!(sig_is_ignored(signo) && l && accepts(l, signo)) && add_pending(&sig_proc_pending, signo, info) && l)
		alert(l, signo);
	mutex_exit(&sig_lock);
	mutex_exit(&proc_lock);
	if (sig_arrived)
		sig_arrived(signo);
}

void sig_set_mask(struct sigctx *sc, uint64_t mask)
{
	sc->sc_mask = mask & ~SIG_CANNOT_BLOCK;
	if (sig_deliverable(sc))
		__atomic_fetch_or(&curlwp->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
}

void sig_suspend_mask(uint64_t mask)
{
	struct sigctx *sc = curlwp->l_sigctx;

	if (!sc)
		return;
	mutex_enter(&sig_lock);
	if (!sc->sc_suspended) {
		sc->sc_oldmask = sc->sc_mask;
		sc->sc_suspended = true;
	}
	sig_set_mask(sc, mask);
	mutex_exit(&sig_lock);
	/* Look on the way out in any case: the old mask must come back. */
	__atomic_fetch_or(&curlwp->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
}

int sig_pending(struct lwp *l)
{
	struct sigctx *sc = l->l_sigctx;
	uint64_t set;

	if (!sc)
		return 0;
	if (sc->sc_cancel)
		return EINTR;
	/* Without the lock: who adds a signal interrupts us afterwards. */
	set = sig_deliverable(sc);
	for (; set; set &= set - 1)
		if (!sig_is_ignored(__builtin_ctzll(set) + 1))
			return ERESTART; /* whether it is run again is decided at delivery */
	return 0;
}

int sig_lwp_create(struct lwp *l)
{
	struct sigctx *sc = pool_zget(&sigctx_pool), *parent = curlwp->l_sigctx;

	if (!sc)
		return ENOMEM;
	TAILQ_INIT(&sc->sc_pending.sp_queue);
	cv_init(&sc->sc_cv, "sigwait");
	sc->sc_stack.ss_flags = SS_DISABLE;
	if (parent)
		sc->sc_mask = parent->sc_mask;
	l->l_sigctx = sc;
	return 0;
}

void sig_lwp_destroy(struct lwp *l)
{
	struct sigctx *sc = l->l_sigctx;

	if (!sc)
		return;
	mutex_enter(&sig_lock);
	sig_flush(&sc->sc_pending, ~0ULL);
	l->l_sigctx = NULL;
	mutex_exit(&sig_lock);
	cv_destroy(&sc->sc_cv);
	pool_put(&sigctx_pool, sc);
}

static int sig_init(void)
{
	mutex_init(&sig_lock, MUTEX_SPIN);
	return 0;
}
RUMP_COMPONENT(signal, RUMP_PHASE_KERN, sig_init);
