/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: pending sets, their queues, and which lwp is to be woken.
 *
 * A standard signal is pending once, a real-time signal as often as it was sent.  The
 * bit in sp_set is what counts; the queue holds what came with it, as far as there was memory.
 * Timers bring their entries along (ksi_gone set), the others are from a pool, of which
 * QUEUE_MAX may be queued.
 */
#include <kern/kmem.h>
#include "signal_impl.h"

#define QUEUE_MAX 1024

kmutex_t sig_lock = {.mtx_type = MUTEX_SPIN};
void (*volatile sig_notify)(void);

static struct sigproc sigproc0;
static unsigned nqueued; /* (s) */
static POOL_DEFINE(sigq_pool, sizeof(struct ksiginfo), "sigq");
static POOL_DEFINE(sigctx_pool, sizeof(struct sigctx), "sigctx");

#define FAULTS                                                                                     \
	(SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) |                 \
	    SIG_BIT(SIGFPE) | SIG_BIT(SIGSYS))

bool sig_ignored(const struct sigproc *sp, int signo)
{
	void (*handler)(int) = sp->sp_actions[signo - 1].handler;

	return handler == SIG_IGN || (handler == SIG_DFL && SIG_DEFAULT_IGNORED & SIG_BIT(signo));
}

void sig_makeinfo(siginfo_t *info, int signo, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
	info->si_pid = curproc->p_pid;
}

/* ---- pending sets.  => sig_lock held */

static void pend_init(struct sigpend *p)
{
	p->sp_set = 0;
	STAILQ_INIT(&p->sp_queue);
}

/* q is on no queue any more.  What is to be called, if anything. */
static ksi_gone_t *release(struct ksiginfo *q)
{
	if (q->ksi_gone) {
		q->ksi_queued = false;
		return q->ksi_gone;
	}
	nqueued--;
	pool_put(&sigq_pool, q);
	return NULL;
}

static ksi_gone_t *pend_take(struct sigpend *p, int signo, siginfo_t *info)
{
	struct ksiginfo *q, *found = NULL;
	bool more = false;

	STAILQ_FOREACH (q, &p->sp_queue, ksi_entry) {
		if (q->ksi_info.si_signo != signo)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		p->sp_set &= ~SIG_BIT(signo);
	if (!found) {
		sig_makeinfo(info, signo, SI_USER);
		return NULL;
	}
	*info = found->ksi_info;
	STAILQ_REMOVE(&p->sp_queue, found, ksiginfo, ksi_entry);
	return release(found);
}

static ksi_gone_t *pend_flush(struct sigpend *p, uint64_t set)
{
	ksi_gone_t *gone = NULL, *g;
	struct ksiginfo *q, *next;

	p->sp_set &= ~set;
	for (q = STAILQ_FIRST(&p->sp_queue); q; q = next) {
		next = STAILQ_NEXT(q, ksi_entry);
		if (!(set & SIG_BIT(q->ksi_info.si_signo)))
			continue;
		STAILQ_REMOVE(&p->sp_queue, q, ksiginfo, ksi_entry);
		g = release(q);
		gone = g ? g : gone;
	}
	return gone;
}

ksi_gone_t *sig_flush(struct sigproc *sp, uint64_t set)
{
	ksi_gone_t *gone = pend_flush(&sp->sp_pend, set), *g;
	struct sigctx *sc;

	LIST_FOREACH (sc, &sp->sp_contexts, sc_list) {
		g = pend_flush(&sc->sc_pend, set);
		gone = g ? g : gone;
	}
	return gone;
}

uint64_t sig_pendingset(struct sigctx *sc)
{
	return sc->sc_pend.sp_set | sc->sc_proc->sp_pend.sp_set;
}

/* ---- whom to tell */

static void notice(struct sigctx *sc)
{
	__atomic_fetch_or(&sc->sc_lwp->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
	lwp_interrupt(sc->sc_lwp);
}

/* Would it take one of set? */
static bool accepts(const struct sigctx *sc, uint64_t set)
{
	return (~sc->sc_mask | sc->sc_wait) & set && !(sc->sc_lwp->l_userret & LW_EXIT);
}

/* One thread leaves its process's pending signals of set to the others: tell who takes any. */
static void offer(const struct sigctx *from, uint64_t set)
{
	struct sigproc *sp = from->sc_proc;
	struct sigctx *sc;

	set &= sp->sp_pend.sp_set;
	if (!set)
		return;
	LIST_FOREACH (sc, &sp->sp_contexts, sc_list)
		if (sc != from && accepts(sc, set))
			notice(sc);
}

/* The first thread if it accepts the signal, else the caller, else any. */
static struct sigctx *choose(struct sigproc *sp, int signo)
{
	struct sigctx *sc, *best = NULL;

	LIST_FOREACH (sc, &sp->sp_contexts, sc_list) {
		if (!accepts(sc, SIG_BIT(signo)))
			continue;
		if (sc->sc_lwp->l_lid == sp->sp_proc->p_pid)
			return sc;
		if (!best || sc->sc_lwp == curlwp)
			best = sc;
	}
	return best;
}

/* Is it of no consequence?  Where it is blocked, the action may still change before it is seen. */
static bool dropped(const struct sigproc *sp, const struct sigctx *to, int signo)
{
	const struct sigctx *sc;

	if (!sig_ignored(sp, signo))
		return false;
	if (to)
		return !((to->sc_mask | to->sc_wait) & SIG_BIT(signo));
	LIST_FOREACH (sc, &sp->sp_contexts, sc_list)
		if ((sc->sc_mask | sc->sc_wait) & SIG_BIT(signo))
			return false;
	return true;
}

/* Make signo, which is queued as far as it can be, pending. */
static void post(struct sigproc *sp, struct sigctx *to, int signo)
{
	struct sigctx *sc = to ? to : choose(sp, signo);
	struct sigpend *p = to ? &to->sc_pend : &sp->sp_pend;

	p->sp_set |= SIG_BIT(signo);
	if (sc && accepts(sc, SIG_BIT(signo)))
		notice(sc);
}

static int queue_locked(
    struct sigproc *sp, struct sigctx *to, const siginfo_t *info, struct ksiginfo **qp, bool queue)
{
	struct sigpend *p = to ? &to->sc_pend : &sp->sp_pend;
	int signo = info->si_signo;

	if (dropped(sp, to, signo) || (signo < SIG_RTMIN && p->sp_set & SIG_BIT(signo)))
		return 0;
	if (*qp && nqueued < QUEUE_MAX) {
		(*qp)->ksi_info = *info;
		(*qp)->ksi_gone = NULL;
		STAILQ_INSERT_TAIL(&p->sp_queue, *qp, ksi_entry);
		*qp = NULL;
		nqueued++;
	} else if (signo >= SIG_RTMIN && queue) {
		return EAGAIN;
	}
	post(sp, to, signo);
	return 0;
}

static struct sigctx *context_of(const struct sigproc *sp, int lid)
{
	struct sigctx *sc;

	LIST_FOREACH (sc, &sp->sp_contexts, sc_list)
		if (sc->sc_lwp->l_lid == lid)
			break;
	return sc;
}

/* For lwp `to`, or thread lid, or with neither the process. */
static int queue_to(
    struct sigproc *sp, struct sigctx *to, int lid, const siginfo_t *info, bool queue)
{
	struct ksiginfo *q = info->si_signo ? pool_get(&sigq_pool) : NULL;
	void (*tell)(void);
	int error = 0;

	mutex_enter(&sig_lock);
	if (lid) {
		to = context_of(sp, lid);
		error = to ? 0 : ESRCH;
	}
	if (!error && info->si_signo)
		error = queue_locked(sp, to, info, &q, queue);
	tell = sig_notify;
	mutex_exit(&sig_lock);
	if (q)
		pool_put(&sigq_pool, q);
	if (tell)
		tell();
	return error;
}

int sig_queue(struct sigproc *sp, const siginfo_t *info, bool queue)
{
	return queue_to(sp, NULL, 0, info, queue);
}

int sig_queue_lid(struct sigproc *sp, int lid, const siginfo_t *info, bool queue)
{
	return lid > 0 ? queue_to(sp, NULL, lid, info, queue) : ESRCH;
}

int sig_send_timer(struct ksiginfo *ksi, int lid)
{
	struct sigproc *sp = ksi->ksi_proc;
	struct sigctx *to = NULL;
	void (*tell)(void);
	struct sigpend *p;
	int error = 0;

	mutex_enter(&sig_lock);
	if (lid)
		to = context_of(sp, lid);
	p = to ? &to->sc_pend : &sp->sp_pend;
	if (lid && !to) {
		error = ESRCH;
	} else if (ksi->ksi_queued) {
		error = EBUSY;
	} else if (dropped(sp, to, ksi->ksi_info.si_signo)) {
		error = ECANCELED;
	} else {
		ksi->ksi_queued = true;
		STAILQ_INSERT_TAIL(&p->sp_queue, ksi, ksi_entry);
		post(sp, to, ksi->ksi_info.si_signo);
	}
	tell = sig_notify;
	mutex_exit(&sig_lock);
	if (tell && !error)
		tell();
	return error;
}

/* Is ksi on the queue of p?  Then no more. */
static bool unqueue(struct sigpend *p, struct ksiginfo *ksi)
{
	struct ksiginfo *q;
	bool found = false, others = false;

	STAILQ_FOREACH (q, &p->sp_queue, ksi_entry) {
		found = found || q == ksi;
		others = others || (q != ksi && q->ksi_info.si_signo == ksi->ksi_info.si_signo);
	}
	if (!found)
		return false;
	STAILQ_REMOVE(&p->sp_queue, ksi, ksiginfo, ksi_entry);
	if (!others)
		p->sp_set &= ~SIG_BIT(ksi->ksi_info.si_signo);
	return true;
}

void sig_unsend_timer(struct ksiginfo *ksi)
{
	struct sigproc *sp = ksi->ksi_proc;
	struct sigctx *sc;

	mutex_enter(&sig_lock);
	if (ksi->ksi_queued && !unqueue(&sp->sp_pend, ksi)) {
		LIST_FOREACH (sc, &sp->sp_contexts, sc_list)
			if (unqueue(&sc->sc_pend, ksi))
				break;
	}
	ksi->ksi_queued = false;
	mutex_exit(&sig_lock);
}

/* What a sender in the kernel has to say, if anything. */
static void sender_info(siginfo_t *si, int signo, const siginfo_t *info)
{
	KASSERT(sig_valid(signo));
	if (info)
		*si = *info;
	else
		sig_makeinfo(si, signo, SI_KERNEL);
	si->si_signo = signo;
}

void sig_send_proc(int signo, const siginfo_t *info)
{
	siginfo_t si;

	sender_info(&si, signo, info);
	(void)sig_queue(curproc->p_sig, &si, false);
}

void sig_send_to(struct sigproc *sp, int signo, const siginfo_t *info)
{
	siginfo_t si;

	sender_info(&si, signo, info);
	(void)sig_queue(sp, &si, false);
}

void sig_send_lwp(struct lwp *l, int signo, const siginfo_t *info)
{
	siginfo_t si;

	sender_info(&si, signo, info);
	if (l->l_sigctx)
		(void)queue_to(l->l_proc->p_sig, l->l_sigctx, 0, &si, false);
}

/* ---- taking */

static int first_of(uint64_t set)
{
	if (set & FAULTS)
		set &= FAULTS;
	return set ? __builtin_ctzll(set) + 1 : 0;
}

int sig_take(struct sigctx *sc, uint64_t set, siginfo_t *info, struct k_sigaction *act)
{
	struct sigproc *sp = sc->sc_proc;
	struct sigpend *p = &sc->sc_pend;
	ksi_gone_t *gone = NULL;
	int signo;

	mutex_enter(&sig_lock);
	signo = first_of(p->sp_set & set);
	if (!signo) {
		p = &sp->sp_pend;
		signo = first_of(p->sp_set & set);
	}
	if (signo) {
		gone = pend_take(p, signo, info);
		if (act) {
			*act = sp->sp_actions[signo - 1];
			if (act->flags & SA_RESETHAND)
				sp->sp_actions[signo - 1].handler = SIG_DFL;
		}
	}
	mutex_exit(&sig_lock);
	if (gone)
		gone(info);
	return signo;
}

/* Asked by a sleep that may be interrupted.  Whether a call is restarted is seen at delivery. */
int sig_pending(struct lwp *l)
{
	struct sigctx *sc = l->l_sigctx;
	uint64_t set;

	if (!sc || !(l->l_userret & LW_PENDSIG))
		return 0;
	if (sc->sc_cancel) {
		sc->sc_cancelled = true;
		return EINTR;
	}
	mutex_enter(&sig_lock);
	set = sig_pendingset(sc) & (~sc->sc_mask | sc->sc_wait);
	while (set && sig_ignored(sc->sc_proc, first_of(set)) &&
	       !(sc->sc_wait & SIG_BIT(first_of(set))))
		set &= ~SIG_BIT(first_of(set));
	mutex_exit(&sig_lock);
	return set ? ERESTART : 0;
}

void sig_setmask(uint64_t mask)
{
	struct sigctx *sc = curlwp->l_sigctx;
	uint64_t newly;

	mutex_enter(&sig_lock);
	newly = ~sc->sc_mask & mask;
	sc->sc_mask = mask & ~SIG_UNBLOCKABLE;
	if (sig_pendingset(sc) & ~sc->sc_mask)
		__atomic_fetch_or(&sc->sc_lwp->l_userret, LW_PENDSIG, __ATOMIC_SEQ_CST);
	/* What was meant for us and is now blocked here, another may take. */
	offer(sc, newly);
	mutex_exit(&sig_lock);
}

void sig_setwait(uint64_t set)
{
	struct sigctx *sc = curlwp->l_sigctx;
	uint64_t given_up;

	mutex_enter(&sig_lock);
	given_up = sc->sc_wait & ~set & sc->sc_mask;
	sc->sc_wait = set;
	/* Of several we were told of we have taken one. */
	offer(sc, given_up);
	mutex_exit(&sig_lock);
}

/* ---- lwps come and go */

static void init_first(void)
{
	sigproc0.sp_proc = &proc_first;
	pend_init(&sigproc0.sp_pend);
	proc_first.p_sig = &sigproc0;
}

int sig_lwp_create(struct lwp *l)
{
	struct sigctx *sc = pool_zget(&sigctx_pool);
	struct sigproc *sp;

	if (!sc)
		return ENOMEM;
	if (!proc_first.p_sig)
		init_first();
	sp = sc->sc_proc = l->l_proc->p_sig;
	sc->sc_lwp = l;
	sc->sc_altstack.ss_flags = SS_DISABLE;
	pend_init(&sc->sc_pend);
	if (curlwp != l && curlwp->l_sigctx)
		sc->sc_mask = curlwp->l_sigctx->sc_mask;
	l->l_sigctx = sc;
	mutex_enter(&sig_lock);
	LIST_INSERT_HEAD(&sp->sp_contexts, sc, sc_list);
	mutex_exit(&sig_lock);
	return 0;
}

void sig_lwp_destroy(struct lwp *l)
{
	struct sigctx *sc = l->l_sigctx;
	ksi_gone_t *gone;

	mutex_enter(&sig_lock);
	LIST_REMOVE(sc, sc_list);
	gone = pend_flush(&sc->sc_pend, ~UINT64_C(0));
	/* It may have been told of a signal that it did not live to take. */
	offer(sc, ~UINT64_C(0));
	mutex_exit(&sig_lock);
	if (gone)
		gone(NULL);
	l->l_sigctx = NULL;
	pool_put(&sigctx_pool, sc);
}
